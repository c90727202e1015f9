"""A model's chat template, rendered so that nothing a person wrote becomes a control token.

The real content is rendered, but inside every control-token literal that it contains stands a character that nothing
else uses (the guard), so the literals that are found afterwards are the template's own. The guards are taken out again.
Answers stand between two more such characters: where the template left one as it was, its sampled ids take its place.
So do those of calls of tools, where the template writes them (`tool_tokens.py`): a call of these characters stands for
all that was sampled, and the definitions and results around it are guarded like everything else.
"""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from app.core.errors import EngineError
from app.core.message import Message, Picture, Role
from app.core.protocol import Prompt
from app.core.tools import ToolDefinition, ToolResult, WrittenCall
from app.prompt.literals import Literals
from app.prompt.sandbox import Template, refused
from app.prompt.segments import Control, Plain, Sampled, Seen, Segment
from app.prompt.tool_tokens import TokenFormat
from app.prompt.turns import Turn, declared, guarded_turn, mapped, said

_PRIVATE = (range(0xE000, 0xF900), range(0xF0000, 0xFFFFE), range(0x100000, 0x10FFFE))
PICTURE_FRAME = ("<start_of_image>", "<end_of_image>")  # the control tokens around a picture's cells
_SYSTEM_PROBE = "Answer in one word."
_TOOL_PROBE = ToolDefinition("look_up", "Looks a word up.", {"type": "object", "properties": {"q": {"type": "string"}}})
_CALL_PROBE = (
    Message(Role.USER, "x"),
    Message(Role.ASSISTANT, "", calls=(WrittenCall("look_up", {"q": "a word"}),)),
    Message(Role.USER, "", results=(ToolResult("look_up", "what it means"),)),
)
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
    words: str


@dataclass(frozen=True, slots=True)
class _Answer:
    """A sampled answer: how it looks in the rendered text, its ids, and what they were sampled after."""

    found: str
    ids: bytes
    opening: str


class ChatTemplate:
    """Worker's main thread. `control_tokens` are the literals of the vocabulary's control tokens."""

    def __init__(
        self,
        source: str,
        control_tokens: Collection[str],
        bos_text: str,
        eos_text: str,
        tools: TokenFormat | None = None,
        *,
        framed: bool = True,
    ) -> None:
        """Pictures stand between Gemma 3's own control tokens where they are `framed`; else others bring what it takes.

        Raises EngineError for a template that cannot be read, or that fails on the plainest conversation.
        """
        self._source = source
        self._template = Template(source)
        self._literals = Literals(control_tokens)
        self._specials = {"bos_token": bos_text, "eos_token": eos_text}
        self._framed = framed
        self._can_frame = set(PICTURE_FRAME) <= set(control_tokens)
        self._takes_system = True
        self.tools = tools  # None where the template does not show what it is given of tools, or not in these tokens
        for probe in _PROBES:
            if not self.render(Prompt("", probe), open_answer=True, fingerprint=""):
                raise refused("it writes nothing")
        self._takes_system = self._shows_system()
        if tools is not None and not (set(tools.marks) <= set(control_tokens) and self._shows_tools(tools)):
            self.tools = None
        self._openings = {after: self._opening(after) for after in (False, True)}

    def _shows_system(self) -> bool:
        """Whether a system message is read at all: some templates refuse or forget it."""
        try:
            return _SYSTEM_PROBE in self._plain(Prompt("", (Message(Role.USER, "x"),), _SYSTEM_PROBE), open_answer=True)
        except EngineError:
            return False

    def _shows_tools(self, tools: TokenFormat) -> bool:
        """Whether definitions, calls and results are read, and calls in the tokens that are looked for."""
        try:
            text = self._plain(Prompt("", _CALL_PROBE, "", (_TOOL_PROBE,)), open_answer=True)
        except EngineError:
            return False
        (call,), (result,) = _CALL_PROBE[1].calls, _CALL_PROBE[2].results
        values = tools.dialect.written(call.arguments)[1:-1]
        before, written, after = text.partition(tools.written(call.name, values))
        return _TOOL_PROBE.description in before and bool(written) and result.text in after

    def _opening(self, after_results: bool) -> str:
        """What an answer is written after that is gone once it is said: Gemma 4 is given an empty thought.

        It stays before sampled ids: they were sampled after it, and without it the context would not be found again.
        """
        if after_results and self.tools is None:
            return ""
        before = _CALL_PROBE if after_results else _CALL_PROBE[:1]
        mark = self._marks(Prompt("", before)).begin
        try:
            asked = self._plain(Prompt("", before), open_answer=True)
            told = self._plain(Prompt("", (*before, Message(Role.ASSISTANT, mark))), open_answer=False)
        except EngineError:
            return ""
        told, found, _ = told.partition(mark)
        return asked.removeprefix(told) if found and asked.startswith(told) else ""

    def shows_pictures(self) -> bool:
        """Whether a picture of a message has a place: some templates and vocabularies have none."""
        if self._framed and not self._can_frame:
            return False
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
                self._guarded(message, marks, words[place], by_ids=place in sampled, marked=place in sampled | last)
                for place, message in enumerate(messages)
            ]
            text = self._render(prompt, shown, marks, open_answer=not going_on and open_answer)
            found = _places(text, shown, sampled | last)
            if last - found.keys():
                raise refused("it does not let an answer go on")
            if found.keys() >= sampled:
                break
            sampled &= found.keys()  # the template changed the others, and does so rightly only without the marks
        if text.count(marks.picture) != sum(pictures.count(marks.picture) for pictures in words.values()):
            raise refused("it leaves pictures out")
        if going_on:
            text = text[: found[len(messages) - 1] + len(shown[-1].found)]
        answers = {
            found[place]: _Answer(
                shown[place].found, tokens.ids, self._openings[place > 0 and _ends_with_results(messages[place - 1])]
            )
            for place in sorted(sampled)
            if (tokens := messages[place].tokens)
        }
        return list(self._segments(text, answers, marks))

    def _plain(self, prompt: Prompt, *, open_answer: bool) -> str:
        """What the template makes of harmless text."""
        turns = [Turn(message.role, message.text, "", message.calls, message.results) for message in prompt.messages]
        return self._render(prompt, turns, self._marks(prompt), open_answer=open_answer)

    def _render(self, prompt: Prompt, turns: Sequence[Turn], marks: _Marks, *, open_answer: bool) -> str:
        made = said(turns, marks.words)
        messages, system = made.messages, self._literals.guarded(prompt.system, marks.guard)
        if system and self._takes_system:
            messages.insert(0, {"role": Role.SYSTEM.value, "content": system})
        elif system and messages:
            messages[0]["content"] = f"{system}\n\n{messages[0]['content']}"
        tools = mapped(declared(prompt.tools), lambda text: self._literals.guarded(text, marks.guard))
        given = {"tools": tools} if tools else {}
        text = self._template.render(messages=messages, add_generation_prompt=open_answer, **given, **self._specials)
        for words in made.words:
            assert self.tools is not None
            beginning = self.tools.beginning(marks.words)
            text = text.replace(beginning, words + beginning.removesuffix(marks.words), 1)
        return text

    def _marks(self, prompt: Prompt) -> _Marks:
        used = set(self._source)
        for text in _texts(prompt):
            used.update(text)
        free = (chr(code) for code in chain.from_iterable(_PRIVATE) if chr(code) not in used)
        found = list(islice(free, 5))
        if len(found) < 5:
            raise refused("this conversation uses every private character that there is")
        return _Marks(*found)

    def _guarded(self, message: Message, marks: _Marks, pictures: str, *, by_ids: bool, marked: bool) -> Turn:
        if by_ids and message.call_text and self.tools is not None:
            found = self.tools.written(marks.begin, marks.end)
            return Turn(message.role, "", found, frame=(marks.begin, marks.end))
        text = self._literals.guarded(message.text, marks.guard)
        if pictures:
            text = pictures + text.lstrip()
        text = f"{marks.begin}{text}{marks.end}" if marked else text
        turn = Turn(message.role, text, text, message.calls, message.results)
        return guarded_turn(turn, lambda text: self._literals.guarded(text, marks.guard))

    def _segments(self, text: str, answers: dict[int, _Answer], marks: _Marks) -> Iterator[Segment]:
        """`answers` are the sampled ones by their place in the rendered text."""
        place = 0
        for start, answer in answers.items():
            yield from self._written(text[place:start] + answer.opening, marks)
            yield Sampled(tuple(array("i", answer.ids)))
            place = start + len(answer.found)
        yield from self._written(text[place:], marks)

    def _written(self, text: str, marks: _Marks) -> Iterator[Segment]:
        """What stands between sampled answers: control tokens and plain text."""
        text = text.replace(marks.begin, "").replace(marks.end, "")
        if self._framed:
            text = text.replace(marks.picture, _framed(marks.picture))
        place = 0
        for start, end in self._literals.find(text):
            yield from _plain(text[place:start], marks)
            yield Control(text[start:end])
            place = end
        yield from _plain(text[place:], marks)


def _plain(text: str, marks: _Marks) -> Iterator[Segment]:
    """Text without control tokens, and pictures in it."""
    for place, words in enumerate(text.split(marks.picture)):
        if place:
            yield Seen()
        if words:
            yield Plain(words.replace(marks.guard, ""))


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


def _ends_with_results(message: Message) -> bool:
    return bool(message.results) and not message.text


def _texts(prompt: Prompt) -> Iterator[str]:
    """Every text that is rendered."""
    yield prompt.system
    for message in prompt.messages:
        yield message.text
        for call in message.calls:
            yield from (call.name, *_texts_in(call.arguments))
        for result in message.results:
            yield from (result.name, result.text)
    for tool in prompt.tools:
        yield from (tool.name, tool.description, *_texts_in(tool.parameters))


def _texts_in(value: object) -> list[str]:
    found: list[str] = []
    mapped(value, lambda text: found.append(text) or text)  # type: ignore[func-returns-value]
    return found


def _places(text: str, shown: Sequence[Turn], marked: Collection[int]) -> dict[int, int]:
    """Where the marked messages stand whole in the rendered text, by their place in the conversation."""
    found: dict[int, int] = {}
    end = 0
    for place in sorted(marked):
        start = text.find(shown[place].found, end)
        if start >= 0:
            found[place] = start
            end = start + len(shown[place].found)
    return found
