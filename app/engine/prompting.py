"""From a prompt's messages to token ids: what each message takes, what fits, and what is left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from app.core.errors import EngineError
from app.core.message import Message, Role
from app.core.protocol import Prompt, PromptPart, Sighting
from app.core.tools import ToolDefinition, WrittenCall
from app.engine.eyes import Eyes
from app.engine.vocabulary import Vocabulary
from app.prompt.budget import left_out
from app.prompt.segments import Control, Plain, Sampled, Segment
from app.prompt.template import ChatTemplate
from app.prompt.tool_tokens import CallFormat, TokenFormat
from app.prompt.tools import TAGGED_JSON, ToolFormat

DEFAULT_RESERVE = 1024  # tokens kept for an answer without a limit, in a context large enough
_REMEMBERED_MESSAGES = 16384
_REMEMBERED_TEXTS = 256
_Views = tuple[tuple[int, ...], ...]  # the cells of a picture, view by view
LOST_PICTURE = "[A picture that is no longer here]"
_PROBE = (Message(Role.USER, "x"), Message(Role.ASSISTANT, "y"))


@dataclass(frozen=True, slots=True)
class Fit:
    """What a prompt takes, in tokens, and how many of its oldest messages do not fit.

    `fixed` is what every turn takes: system text, beginning and opening of the answer.
    """

    fixed: int
    per_message: tuple[int, ...]
    context: int
    reserve: int
    left_out: int

    @property
    def total(self) -> int:
        """The whole prompt, with nothing left out."""
        return self.fixed + sum(self.per_message)


class PromptReader:
    """Renders prompts of one model. Worker's main thread. Raises EngineError where the template refuses."""

    def __init__(
        self,
        template: ChatTemplate,
        vocabulary: Vocabulary,
        eyes: Eyes | None = None,
        tools: CallFormat = TAGGED_JSON,
    ) -> None:
        self._template = template
        self._vocabulary = vocabulary
        self._eyes = eyes
        self._tools = tools
        self._cost = lru_cache(_REMEMBERED_MESSAGES)(self._measure_message)
        self._definition_cost = lru_cache(_REMEMBERED_TEXTS)(self._measure_definition)
        self.count = lru_cache(_REMEMBERED_TEXTS)(lambda text: len(vocabulary.tokenize(text)))

    def tokens(self, prompt: Prompt, *, open_answer: bool = True) -> list[int]:
        """The ids of a prompt, BOS exactly once where the model wants one."""
        segments, cells = self._segments(prompt, open_answer=open_answer)
        views = iter([view for each in cells for view in each])
        ids = list(self._ids(segments, views))
        if next(views, None) is not None:  # never to be sent on without a picture that the person sees in the chat
            raise EngineError("The model's chat template has no place for pictures.", "template")
        opening = list(self._vocabulary.opening)
        while opening and ids[:1] == opening:
            del ids[0]
        return opening + ids

    def parts(self, prompt: Prompt) -> Iterator[PromptPart]:
        """The prompt as it is read, to look at."""
        segments, cells = self._segments(prompt, open_answer=True)
        views = iter([view for each in cells for view in each])
        for segment in segments:
            if isinstance(segment, Control):
                yield PromptPart("control", segment.text, 1)
            elif isinstance(segment, Plain):
                yield PromptPart("text", segment.text, self.count(segment.text))
            elif isinstance(segment, Sampled):
                yield PromptPart("answer", self._vocabulary.spelled(segment.ids), len(segment.ids))
            else:
                yield PromptPart("picture", "", len(next(views)))

    def sightings(self, prompt: Prompt) -> tuple[Sighting, ...]:
        """How each picture of a prompt is seen, where they differ in that. Raises EngineError."""
        eyes = self._eyes
        if eyes is None or eyes.projector.is_ours:
            return ()
        pictures = dict.fromkeys(picture for message in prompt.messages for picture in message.pictures)
        return tuple(eyes.sighting(picture) for picture in pictures if not eyes.is_lost(picture))

    def lost(self, prompt: Prompt) -> tuple[str, ...]:
        """The hashes of the pictures that cannot be seen any more: a note stands for each. Raises EngineError."""
        pictures = dict.fromkeys(picture for message in prompt.messages for picture in message.pictures)
        return tuple(picture.sha256 for picture in pictures if self._eyes is not None and self._eyes.is_lost(picture))

    def _segments(
        self, prompt: Prompt, *, open_answer: bool
    ) -> tuple[list[Segment], list[tuple[tuple[int, ...], ...]]]:
        """The prompt in pieces, and the cells of its pictures, view by view."""
        prompt = self._told(self._visible(prompt))
        pictures = [picture for message in prompt.messages for picture in message.pictures]
        cells = {picture: self._eyes.cells(picture) for picture in pictures} if self._eyes else {}
        segments = self._template.render(
            prompt,
            open_answer=open_answer,
            fingerprint=self._vocabulary.fingerprint,
            crops={picture: len(views) - 1 for picture, views in cells.items()},
        )
        return segments, [tuple(cells[picture]) for picture in pictures if picture in cells]

    def _told(self, prompt: Prompt) -> Prompt:
        """The prompt in the family's words: tools as part of the system text, their results as the user's words.

        Where the template writes them it stays as it is.
        """
        tools = self._tools
        if isinstance(tools, TokenFormat):
            return prompt
        messages = tuple(_in_words(message, tools) for message in prompt.messages)
        system = "\n\n".join(part for part in (prompt.system, tools.preamble(prompt.tools)) if part)
        return Prompt(prompt.conversation, messages, system)

    def check_seen(self, prompt: Prompt) -> None:
        """A question about a picture needs a model that sees. Raises EngineError."""
        asked = next((message for message in reversed(prompt.messages) if message.role is Role.USER), None)
        if self._eyes is None and asked is not None and asked.pictures:
            raise EngineError("This model cannot see pictures. Choose one with its image part (mmproj).", "no_vision")

    def _visible(self, prompt: Prompt) -> Prompt:
        """The prompt as this model can read it: where it cannot see pictures, it is told where they were."""
        return msgspec.structs.replace(prompt, messages=tuple(map(self._readable, prompt.messages)))

    def _readable(self, message: Message) -> Message:
        if not message.pictures:
            return message
        eyes = self._eyes
        if eyes is None:
            return msgspec.structs.replace(message, text=f"[picture]\n{message.text}", pictures=())
        seen = tuple(picture for picture in message.pictures if not eyes.is_lost(picture))
        notes = f"{LOST_PICTURE}\n" * (len(message.pictures) - len(seen))
        return msgspec.structs.replace(message, text=notes + message.text, pictures=seen)

    def _ids(self, segments: Iterable[Segment], views: Iterator[tuple[int, ...]]) -> Iterable[int]:
        for segment in segments:
            if isinstance(segment, Control):
                yield self._vocabulary.control(segment.text)
            elif isinstance(segment, Plain):
                yield from self._vocabulary.tokenize(segment.text)
            elif isinstance(segment, Sampled):
                yield from segment.ids
            else:
                yield from next(views)

    def fit(self, prompt: Prompt, context: int, max_tokens: int | None) -> Fit:
        """Measures every message by itself, so that a long history costs what is new in it. Raises EngineError."""
        per_message = tuple(self._cost(message) for message in self._visible(prompt).messages)
        first = len(self._probe(prompt.system, prompt.tools)) - self._cost(_PROBE[0])
        reserve = min(DEFAULT_RESERVE, context // 4) if max_tokens is None else min(max_tokens, context // 2)
        return Fit(first, per_message, context, reserve, left_out(per_message, first, context, reserve))

    def _measure_message(self, message: Message) -> int:
        """Tokens of one message with its turn markers: what a conversation grows by when it is added."""
        user = _PROBE[0]
        if message.role is Role.ASSISTANT:
            return self._length(user, message) - self._length(user)
        calls = tuple(WrittenCall(result.name, {}) for result in message.results)
        before = (_PROBE[0], msgspec.structs.replace(_PROBE[1], calls=calls))
        return self._length(*before, message) - self._length(*before)

    def _length(self, *messages: Message) -> int:
        return len(self.tokens(Prompt("", messages), open_answer=False))

    def _probe(self, system: str, tools: tuple[ToolDefinition, ...]) -> list[int]:
        return self.tokens(Prompt("", _PROBE[:1], system, tools))

    def definition_tokens(self, tool: ToolDefinition) -> int:
        """What a tool's definition takes, beside another one."""
        if isinstance(self._tools, TokenFormat):
            return self._definition_cost(msgspec.json.encode(tool))
        return self.count(self._tools.definition(tool))

    def _measure_definition(self, written: bytes) -> int:
        tool = msgspec.json.decode(written, type=ToolDefinition)
        return len(self._probe("", (tool, tool))) - len(self._probe("", (tool,)))

    def fitted(self, prompt: Prompt, context: int, max_tokens: int | None) -> tuple[list[int], int]:
        """The ids of what fits of a prompt, and how many of its oldest messages were left out. Raises EngineError."""
        self.check_seen(prompt)
        fit = self.fit(prompt, context, max_tokens)
        left = fit.left_out
        while True:
            ids = self.tokens(msgspec.structs.replace(prompt, messages=prompt.messages[left:]))
            if len(ids) < context:
                return ids, left
            rest = fit.per_message[left:]
            more = left_out(rest, len(ids) - sum(rest), context, fit.reserve)
            if more == 0:
                raise EngineError(too_long(len(ids), context), "too_long")
            left += more


def _in_words(message: Message, tools: ToolFormat) -> Message:
    """A message with what it calls, or what tools answered, as text."""
    if not (message.results or message.calls or message.call_text):
        return message
    text = "\n\n".join(part for part in (tools.results(message.results), message.text) if part)
    return msgspec.structs.replace(message, text=text + message.call_text, results=(), call_text="", calls=())


def too_long(tokens: int, context: int) -> str:
    """One sentence for a prompt whose last message does not fit by itself."""
    return (
        f"This message is longer than the model can read at once: {tokens:,} tokens, and {context:,} fit. "
        "Shorten it, or choose a larger context in the settings."
    )
