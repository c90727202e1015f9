"""Conversations with the engine of the worker, in this process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.core.message import Message, Role
from app.core.paths import encode_path
from app.core.protocol import Event, Finished, Generate, Load, Prompt
from app.core.settings import LoadOptions, Sampling
from app.engine.local import LocalEngine
from app.engine.model import Model

GREEDY = Sampling(temperature=0.0)
_OPTIONS = LoadOptions(context=4096)


@contextmanager
def loaded(path: Path, options: LoadOptions = _OPTIONS) -> Iterator[LocalEngine]:
    """An engine with this model; its memory is given back at the end."""
    engine = LocalEngine()
    engine.begin()
    engine.load(Load(1, encode_path(path), options), lambda _fraction: None)
    try:
        yield engine
    finally:
        engine.unload()


def model_of(engine: LocalEngine) -> Model:
    """What was loaded."""
    return engine._need_model()


class Chat:
    """One conversation as the session holds it: every answer keeps its ids."""

    def __init__(self, engine: LocalEngine, sampling: Sampling = GREEDY, system: str = "") -> None:
        self.engine = engine
        self.sampling = sampling
        self.system = system
        self.messages: list[Message] = []
        self.events: list[Event] = []
        self._turn = 0

    def say(self, text: str) -> Finished:
        """A message of the person, and its answer."""
        self.messages.append(Message(Role.USER, text))
        return self._keep(self.answer())

    def regenerate(self) -> Finished:
        """Another answer in the place of the last."""
        self.messages.pop()
        return self._keep(self.answer())

    def edit(self, text: str) -> Finished:
        """The last message in other words, and its answer."""
        del self.messages[-2:]
        return self.say(text)

    def answer(self) -> Finished:
        """What the model says to the messages as they are."""
        self._turn += 1
        self.engine.begin()
        self.events.clear()
        prompt = Prompt("c", tuple(self.messages), self.system)
        return self.engine.generate(Generate(self._turn, prompt, self.sampling), self.events.append)

    def _keep(self, finished: Finished) -> Finished:
        self.messages.append(Message(Role.ASSISTANT, finished.text, finished.tokens))
        return finished

    def message_cost(self, text: str) -> int:
        """Tokens of a person's message with its turn markers, and of the opening of the answer."""
        prompts = model_of(self.engine).prompts
        before = (Message(Role.USER, "x"), Message(Role.ASSISTANT, "y"))
        without = len(prompts.tokens(Prompt("", before), open_answer=False))
        return len(prompts.tokens(Prompt("", (*before, Message(Role.USER, text))))) - without
