"""While an answer is written: where it begins to call a tool, and that what it writes from there on is a call.

The grammar looks at the token that was sampled and at nothing else (0.02 ms); only where it refuses that one, others
are looked at: the best 64, the best 4,096, all. Near the end of the room for an answer a call is closed as quickly as
the grammar allows.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from app.core.errors import EngineError
from app.core.tools import ToolDefinition
from app.engine.llama import LlamaContext
from app.engine.llama_sampling import LlamaGrammar, LlamaSampler
from app.engine.vocabulary import Vocabulary
from app.prompt.tool_tokens import CallFormat
from app.prompt.tools import Begins

_WIDENING = (64, 4096)
_FENCE = re.compile(r"^[ \t]*```", re.MULTILINE)
_LEAST_ROOM = 24  # tokens for closing a call, beside those of what its tool must be told


class CallHold:
    """One answer. Worker's main thread. `free` gives the grammar back."""

    def __init__(
        self,
        tools: Sequence[ToolDefinition],
        told: CallFormat,
        vocabulary: Vocabulary,
        llama: LlamaContext,
        chain: LlamaSampler,
    ) -> None:
        self._tools = tools
        self._format = told
        self._vocabulary = vocabulary
        self._marks = {vocabulary.control(mark): mark for mark in told.marks}
        # what must not stand in a call, and in a string of one; each as an array and as a set
        self._never = [vocabulary.no_words_but(marks) for marks in (told.marks, told.marks[2:])]
        self._llama = llama
        self._chain = chain
        self._grammar: LlamaGrammar | None = None
        self._said = ""  # what was let through
        self._held = ""  # what may be the beginning of a call
        self._tokens: list[tuple[int, int]] = []  # of what is held, each with where its text ends
        self._closing_room = -1
        self._call: list[str] = []
        self._in_string = self._escaped = False
        self._tail = ""  # of the call, where the end of a string may have begun
        self.closes = False  # whether the end of the room is so near that the call is closed
        self.rejected = 0  # tokens that another one was put in the place of

    @property
    def begun(self) -> bool:
        """Whether a call is being written."""
        return self._grammar is not None

    @property
    def holds(self) -> bool:
        """Whether words wait here, so that the tokens so far are of more text than was told."""
        return self.begun or bool(self._held)

    @property
    def call_text(self) -> str:
        """What was written of calls so far."""
        return "".join(self._call)

    @property
    def name(self) -> str:
        """The tool that is called last, "" as long as it is not known."""
        return self._format.name(self.call_text)

    def piece(self, token: int) -> bytes:
        """The bytes that a token adds to the answer: those of a call's control tokens are for `passed` to see."""
        mark = self._marks.get(token)
        if mark is None or not (self.begun or mark == self._format.opening):
            return self._vocabulary.piece(token)
        return mark.encode()

    def checked(self, token: int, room: int) -> int:
        """The token, or another one where a call is being written and this one is none of it.

        `room` is how many tokens the answer may still have.
        """
        grammar = self._grammar
        if grammar is None:
            return token
        if self._closing_room < 0:
            self._closing_room = min(_LEAST_ROOM + self._longest_definition(), room // 2)
        self.closes = room <= self._closing_room
        if self.closes:
            token = self._closing_token(grammar)
        elif not self._may_follow(grammar, token):
            self.rejected += 1
            token = self._other(grammar)
        if token not in self._vocabulary.stops:
            grammar.accept(token)
        return token

    def passed(self, token: int, text: str) -> str:
        """What of the answer is words: the text of this token, with what was held before, or nothing of it."""
        if self._grammar is not None:
            self._note(text)
            return ""
        if self._marks.get(token) == self._format.opening:
            return self._passed_opening(token, text)
        self._held += text
        self._tokens.append((token, len(self._said) + len(self._held)))
        out = ""
        while self._held:
            begins = self._begins()
            if begins is Begins.YES and self._begin_call():
                break
            if begins is Begins.PERHAPS:
                break
            line = self._held.find("\n") + 1 or len(self._held)
            words, self._held = self._held[:line], self._held[line:]
            self._said += words
            out += words
        self._tokens = [(one, end) for one, end in self._tokens if end > len(self._said)]
        return out

    def rest(self) -> str:
        """The answer has ended: what was held and is no call."""
        if self._grammar is not None:
            return ""
        rest, self._held = self._held, ""
        return rest

    def free(self) -> None:
        """Gives the memory of the grammar back."""
        if self._grammar is not None:
            self._grammar.free()

    def _passed_opening(self, token: int, text: str) -> str:
        """The token that calls begin with: what came before it is words, and it is never one itself."""
        mark = self._marks[token]
        self._held, self._tokens = mark, [(token, len(self._said) + len(mark))]
        if not self._begin_call():
            self._held, self._tokens = "", []
        return text.removesuffix(mark)

    def _begins(self) -> Begins:
        at_line = not self._said or self._said.endswith("\n")
        if not at_line or len(_FENCE.findall(self._said)) % 2:
            return Begins.NO
        return self._format.begins(self._held)

    def _begin_call(self) -> bool:
        """From here on the grammar holds; False where what is written so far is none of its calls."""
        grammar = self._made_grammar()
        if grammar is None:
            return False
        for token, _ in (each for each in self._tokens if each[1] > len(self._said)):
            if not grammar.allows(token):
                grammar.free()
                return False
            grammar.accept(token)
        self._grammar = grammar
        self._note(self._held)
        self._held = ""
        return True

    def _made_grammar(self) -> LlamaGrammar | None:
        """Where llama.cpp does not understand the schemas, names and JSON are held, and the values looked at later."""
        for limits in (True, False):
            try:
                return self._llama.model.create_grammar(self._format.grammar(self._tools, limits))
            except ValueError:
                continue
        return None

    def _note(self, text: str) -> None:
        self._call.append(text)
        if quote := self._format.dialect.quote:
            seen = self._tail + text
            self._in_string ^= bool(seen.count(quote) % 2)
            self._tail = seen[1 - len(quote) :]
            return
        for letter in text:
            if self._escaped:
                self._escaped = False
            elif letter == "\\":
                self._escaped = self._in_string
            elif letter == '"':
                self._in_string = not self._in_string

    def _may_follow(self, grammar: LlamaGrammar, token: int) -> bool:
        return token not in self._never[self._in_string][1] and grammar.allows(token)

    def _other(self, grammar: LlamaGrammar) -> int:
        every = self._llama.model.n_vocab
        for most in (*_WIDENING, every):
            if most <= every:
                found = self._llama.sample_within(self._chain, grammar, most, self._never[self._in_string][0])
                if found is not None:
                    return found
        raise EngineError("The model could not write the call of a tool to its end.", "call")

    def _closing_token(self, grammar: LlamaGrammar) -> int:
        """What ends the call soonest: the end itself, a closing quote or bracket, else what the model likes best."""
        closers = self._format.closers[-1:] if self._in_string else self._format.closers
        ids = {mark: token for token, mark in self._marks.items()}
        marks = [token for mark in closers for token in ([ids[mark]] if mark in ids else self._tokenized(mark))]
        for token in (*self._vocabulary.stops, *marks):
            if grammar.allows(token):
                return token
        return self._other(grammar)

    def _longest_definition(self) -> int:
        return max(len(self._vocabulary.tokenize(self._format.definition(tool))) for tool in self._tools)

    def _tokenized(self, mark: str) -> tuple[int, ...]:
        return self._vocabulary.tokenize(mark)[-1:]
