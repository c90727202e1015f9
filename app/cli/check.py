"""The self-check: questions whose answers are known, put to the microscopic model that ships with the program.

It runs the whole way (session, worker, engine, store) on the CPU, in a temporary folder.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from app.cli.commands import AnswerOptions, ModelChoice
from app.cli.link import SessionLink
from app.cli.opening import load_model, start_conversation
from app.cli.output import Output
from app.cli.turns import Branch, Turn
from app.core.message import Draft
from app.core.paths import DataPaths, resources
from app.core.settings import Sampling

_GREEDY = Sampling(temperature=0.0, max_tokens=64)


@dataclass(frozen=True, slots=True)
class Question:
    """A prompt and the answer that a right engine gives to it."""

    prompt: str
    expected: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What came out. `load_ms` belongs to the model, not to the question."""

    question: Question
    answer: str

    @property
    def right(self) -> bool:
        """Whether the answer is the known one."""
        return self.answer == self.question.expected


# Each chat stands for one thing that can break: recall over turns, the system text, a typed control token, counting.
CHATS: tuple[tuple[str, tuple[Question, ...]], ...] = (
    (
        "",
        (
            Question("My name is Robin.", "Nice to meet you, Robin."),
            Question("What is my name?", "Your name is Robin."),
        ),
    ),
    ("", (Question("What is my name?", "I do not know your name."),)),
    ("Your name is Ada.", (Question("Who are you?", "I am Ada, a tiny test model."),)),
    ("", (Question("Count from 1 to 5.", "1, 2, 3, 4, 5."),)),
)


def self_check_model() -> Path:
    """The model file that ships for this."""
    return resources() / "self-check" / "micro-gemma3.gguf"


def run_self_check(output: Output) -> list[Checked]:
    """Ask everything; one entry for each question. Raises UserError when an answer does not come at all."""
    found: list[Checked] = []
    with tempfile.TemporaryDirectory(prefix="cabochon-check-") as folder, SessionLink(DataPaths(Path(folder))) as link:
        output.status("Loading the self-check model…")
        load_model(link, output, ModelChoice(path=self_check_model(), gpu_layers=0), _GREEDY)
        for system, questions in CHATS:
            branch = start_conversation(link, AnswerOptions(system=system))
            for question in questions:
                output.status(f"Asking: {question.prompt}")
                found.append(Checked(question, _ask(link, output, branch, question.prompt)))
    output.clear_status()
    return found


def _ask(link: SessionLink, output: Output, branch: Branch, prompt: str) -> str:
    conversation = branch.conversation
    turn = Turn(link, output, branch)
    return turn.run(lambda session: session.submit(conversation, Draft(prompt)), streamed=False).text
