"""A model's chat template, rendered so that nothing a person wrote becomes a control token.

The real content is rendered, but inside every control-token literal that it contains stands a character that nothing
else uses (the guard), so the literals that are found afterwards are the template's own. The guards are taken out again.
Answers stand between two more such characters: where the template left one as it was, its sampled ids take its place.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from app.core.errors import EngineError
from app.core.message import Message, Picture, Role
from app.core.protocol import Prompt
from app.prompt.literals import Literals
from app.prompt.sandbox import Template, refused
from app.prompt.segments import Control, Plain, Sampled, Seen, Segment

_PRIVATE = (range(0xE000, 0xF900), range(0xF0000, 0xFFFFE), range(0x100000, 0x10FFFE))
PICTURE_FRAME = ("<start_of_image>", "<end_of_image>")  # the control tokens around a picture's cells
_SYSTEM_PROBE = "Answer in one word."
_PROBES = (
    (Message(Role.USER, "x"),),
    (Message(Role.USER, "x"), Message(Role.ASSISTANT, "y"), Message(Role.USER, "z")),
)


@dataclass(frozen=True, slots=True)
class _Marks:
    """Characters that neither the template nor any message uses."""

    guard: str
    begin: str
    end: str
    picture: str


class ChatTemplate:
    """Worker's main thread. `control_tokens` are the literals of the vocabulary's control tokens."""

    def __init__(self, source: str, control_tokens: Collection[str], bos_text: str, eos_text: str) -> None:
        """Raises EngineError for a template that cannot be read, or that fails on the plainest conversation."""
        self._source = source
        self._template = Template(source)
        self._literals = Literals(control_tokens)
        self._specials = {"bos_token": bos_text, "eos_token": eos_text}
        self._takes_system = True
        for probe in _PROBES:
            if not self.render(Prompt("", probe), open_answer=True, fingerprint=""):
                raise refused("it writes nothing")
        self._takes_system = self._shows_system()

    def _shows_system(self) -> bool:
        """Whether a system message is read at all: some templates refuse or forget it."""
        try:
            return _SYSTEM_PROBE in self._render((Message(Role.USER, "x"),), _SYSTEM_PROBE, open_answer=True)
        except EngineError:
            return False

    def shows_pictures(self) -> bool:
        """Whether a picture of a message has a place: some templates and vocabularies have none."""
        picture = Picture("", 1, 1, "")
        probe = Prompt("", (Message(Role.USER, "x", pictures=(picture,)),))
        try:
            found = self.render(probe, open_answer=True, fingerprint="", crops={picture: 0})
        except EngineError:
            return False
        return Seen() in found

    def render(
        self, prompt: Prompt, *, open_answer: bool, fingerprint: str, crops: Mapping[Picture, int] | None = None
    ) -> list[Segment]:
        """The prompt in pieces. `open_answer` goes on to where the model's next word belongs.

        `fingerprint` names the vocabulary that sampled ids must be of; `crops` the parts that each picture is looked
        at in beside the whole. Raises EngineError.
        """
        messages = prompt.messages
        marks = self._marks(prompt)
        words = {place: _picture_words(message, marks, crops or {}) for place, message in enumerate(messages)}
        going_on = open_answer and bool(messages) and messages[-1].role is Role.ASSISTANT
        sampled = {place for place, message in enumerate(messages) if _has_ids(message, fingerprint)}
        last = {len(messages) - 1} if going_on else set()
        while True:
            shown = [
                self._guarded(message, marks, words[place], place in sampled | last)
                for place, message in enumerate(messages)
            ]
            text = self._render(
                shown, self._literals.guarded(prompt.system, marks.guard), open_answer=not going_on and open_answer
            )
            found = _places(text, shown, sampled | last)
            if last - found.keys():
                raise refused("it does not let an answer go on")
            if found.keys() >= sampled:
                break
            sampled &= found.keys()  # the template changed the others, and does so rightly only without the marks
        if text.count(marks.picture) != sum(pictures.count(marks.picture) for pictures in words.values()):
            raise refused("it leaves pictures out")
        if going_on:
            text = text[: found[len(messages) - 1] + len(shown[-1].text)]
        ids = {place: tokens.ids for place in sorted(sampled) if (tokens := messages[place].tokens)}
        return list(self._segments(text, {found[place]: (shown[place].text, ids[place]) for place in ids}, marks))

    def _render(self, messages: Iterable[Message], system: str, *, open_answer: bool) -> str:
        said = [{"role": message.role.value, "content": message.text} for message in messages]
        if system and self._takes_system:
            said.insert(0, {"role": Role.SYSTEM.value, "content": system})
        elif system and said:
            said[0] = {**said[0], "content": f"{system}\n\n{said[0]['content']}"}
        return self._template.render(messages=said, add_generation_prompt=open_answer, **self._specials)

    def _marks(self, prompt: Prompt) -> _Marks:
        used = set(self._source).union(prompt.system, *(message.text for message in prompt.messages))
        free = (chr(code) for code in chain.from_iterable(_PRIVATE) if chr(code) not in used)
        found = list(islice(free, 4))
        if len(found) < 4:
            raise refused("this conversation uses every private character that there is")
        return _Marks(*found)

    def _guarded(self, message: Message, marks: _Marks, pictures: str, marked: bool) -> Message:
        text = self._literals.guarded(message.text, marks.guard)
        if pictures:
            text = pictures + text.lstrip()
        return Message(message.role, f"{marks.begin}{text}{marks.end}" if marked else text)

    def _segments(self, text: str, answers: dict[int, tuple[str, bytes]], marks: _Marks) -> Iterator[Segment]:
        """`answers` are the shown text and the ids of sampled answers by their place in the rendered text."""
        place = 0
        for start, (shown, ids) in answers.items():
            yield from self._written(text[place:start], marks)
            yield Sampled(tuple(array("i", ids)))
            place = start + len(shown)
        yield from self._written(text[place:], marks)

    def _written(self, text: str, marks: _Marks) -> Iterator[Segment]:
        """What stands between sampled answers: control tokens and plain text."""
        text = text.replace(marks.begin, "").replace(marks.end, "").replace(marks.picture, _framed(marks.picture))
        place = 0
        for start, end in self._literals.find(text):
            if text[place:start] == marks.picture:
                yield Seen()
            elif start > place:
                yield Plain(text[place:start].replace(marks.guard, ""))
            yield Control(text[start:end])
            place = end
        if place < len(text):
            yield Plain(text[place:].replace(marks.guard, ""))


def _framed(picture: str) -> str:
    """A picture's cells as Gemma was trained to find them (transformers, processing_gemma3.py)."""
    return f"\n\n{PICTURE_FRAME[0]}{picture}{PICTURE_FRAME[1]}\n\n"


def _picture_words(message: Message, marks: _Marks, crops: Mapping[Picture, int]) -> str:
    """The pictures of a message, and Google's words for one that is looked at in parts too (same source)."""
    found = []
    for picture in message.pictures:
        count, mark = crops.get(picture, 0), marks.picture
        several = f"Here is the original image {mark} and here are some crops to help you see better "
        found.append(several + " ".join([mark] * count) if count else mark)
    return "".join(found)


def _has_ids(message: Message, fingerprint: str) -> bool:
    return message.role is Role.ASSISTANT and message.tokens is not None and message.tokens.fingerprint == fingerprint


def _places(text: str, shown: Sequence[Message], marked: Collection[int]) -> dict[int, int]:
    """Where the marked messages stand whole in the rendered text, by their place in the conversation."""
    found: dict[int, int] = {}
    end = 0
    for place in sorted(marked):
        start = text.find(shown[place].text, end)
        if start >= 0:
            found[place] = start
            end = start + len(shown[place].text)
    return found
