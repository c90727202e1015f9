"""Text that arrives bit by bit becomes blocks: finished ones are frozen, only the open one is parsed again. No Qt.

Which blocks come out depends on the text alone, never on the bits it came in. Work is done in small steps, so that a
megabyte never holds up the window: a block larger than LIMIT is cut at a line, a line larger than that is shown as it
was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Protocol

from app.ui.transcript.blocks import Block, Code, Span, Table, Words
from app.ui.transcript.markdown import MOST_BRACKETS, Parsed

LIMIT = 16_000
MOST_LINES = 250
MOST_CELLS = 800
PIECE = 2_000
FENCE = re.compile(r"( {0,3})(`{3,}(?=[^`\n]*\n)|~{3,})([^\n]*)\n")
DEFINITION = re.compile(r"^ {0,3}\[[^\]\n]+\]:", re.MULTILINE)
# what is not known yet: a rule, a heading's underline, a list, a table or a fence
UNDECIDED = re.compile(r"\s*(?:[-=*+_#>|:`~$\\\[\] ]+|\d{1,9}[.)]?)\s*|\s*(?:```|~~~)[^`\n]*")
DELIMITER = re.compile(r"\s*\|?[\s:|-]*-[\s:|-]*")


class Stream(Protocol):
    """A source of blocks. `blocks` are all there are now; those before `frozen` never change again."""

    @property
    def blocks(self) -> list[Block]: ...

    @property
    def frozen(self) -> int: ...

    @property
    def waiting(self) -> int:
        """Characters that are not in `blocks` yet."""
        ...

    def feed(self, text: str) -> None:
        """Take more text."""
        ...

    def finish(self) -> None:
        """Nothing comes any more."""
        ...

    def step(self) -> bool:
        """Work for some milliseconds; True when there is more to do."""
        ...


class LiteralStream:
    """What a person wrote: shown as it is, in pieces of some lines."""

    def __init__(self) -> None:
        self._blocks: list[Block] = []
        self._rest = ""
        self._finished = False

    @property
    def blocks(self) -> list[Block]:
        """The pieces so far."""
        return self._blocks

    @property
    def frozen(self) -> int:
        """All of them."""
        return len(self._blocks)

    @property
    def waiting(self) -> int:
        """Characters that are not in `blocks` yet."""
        return len(self._rest)

    def feed(self, text: str) -> None:
        """Take more text."""
        self._rest += text.replace("\r\n", "\n").replace("\r", "\n")

    def finish(self) -> None:
        """Nothing comes any more."""
        self._finished = True

    def step(self) -> bool:
        """Make some pieces; True when there is more to do."""
        if not self._finished or not self._rest:
            return False
        for _ in range(100):
            if not self._rest:
                break
            end = _piece_end(self._rest)
            self._blocks.append(_literal(self._rest[:end].removesuffix("\n")))
            self._rest = self._rest[end:]
        return bool(self._rest)


class MarkdownStream:
    """An answer in Markdown, while it is written or whole."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._references: dict[str, Any] = {}
        self._is_second_pass = False
        self._finished = False
        self._carriage = False
        self._begin()

    def _begin(self) -> None:
        self._frozen: list[Block] = []
        self._open: tuple[Block, ...] = ()
        self._tail = ""
        self._fence: re.Match[str] | None = None
        self._code: list[str] = []
        self._long_line = False
        self._table_head = ""
        self._parsed_lines = ""

    @property
    def blocks(self) -> list[Block]:
        """All blocks there are now."""
        return [*self._frozen, *self._open]

    @property
    def frozen(self) -> int:
        """How many of them are final."""
        return len(self._frozen)

    @property
    def waiting(self) -> int:
        """Characters that are not in `blocks` yet, when there is more to do than one step."""
        return len(self._tail) if _window_end(self._tail) < len(self._tail) else 0

    def feed(self, text: str) -> None:
        """Take more text."""
        if self._carriage:
            text = "\r" + text
        self._carriage = text.endswith("\r")
        if self._carriage:
            text = text[:-1]
        text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "\ufffd")
        self._parts.append(text)
        self._tail += text

    def finish(self) -> None:
        """Nothing comes any more: what was held back until it was known what it is is shown."""
        if self._carriage:
            self._carriage = False
            self.feed("\n")
        self._finished = True

    def step(self) -> bool:
        """Parse one piece; True when there is more to do."""
        if self._fence is not None:
            return self._step_fence(self._fence)
        if self._long_line:
            return self._step_long_line()
        opening = FENCE.match(self._tail)
        if opening is not None:
            self._fence = opening
            self._tail = self._tail[opening.end() :]
            self._code = []
            self._table_head = ""
            return True
        end = _window_end(self._tail)
        return self._step_tail() if end == len(self._tail) else self._step_window(end)

    # -- the end of the text, as long as it is short

    def _step_tail(self) -> bool:
        complete = self._tail if self._finished else self._tail[: self._tail.rfind("\n") + 1]
        if complete != self._parsed_lines:
            self._parsed_lines = complete
            parsed = self._parse(complete)
            if len(parsed.groups) > 1:
                self._freeze_before(complete, parsed)
                if FENCE.match(self._tail):
                    return True
        if not self._finished:
            self._open = self._parse(presentable(self._tail)).blocks if self._tail else ()
            return False
        if self._tail:
            self._freeze_all(len(self._tail))
        self._open = ()
        return self._again_with_references()

    def _again_with_references(self) -> bool:
        """A link may be used before it is defined: then everything is parsed once more, now that all are known."""
        if self._is_second_pass or not self._references:
            return False
        self._is_second_pass = True
        whole = "".join(self._parts)
        self._begin()
        self._tail = whole
        return True

    # -- more text than one step takes

    def _step_window(self, end: int) -> bool:
        if end == 0:
            self._table_head = ""
            self._long_line = True
            return True
        window = self._tail[:end]
        parsed = self._parse(window)
        if len(parsed.groups) > 1:
            self._freeze_before(window, parsed)
        else:
            end = _cut(window)
            head = self._next_table_head(window[:end], parsed)
            self._freeze_all(end)
            self._table_head = head
        return True

    def _step_long_line(self) -> bool:
        """Pieces of one endless line; the line's own end is not known while it is written."""
        end = self._tail.find("\n")
        line = self._tail if end < 0 else self._tail[:end]
        done = 0
        for _ in range(100):
            if len(line) - done <= PIECE:
                break
            size = _piece_end(line[done : done + PIECE + 1])
            self._frozen.append(_literal(line[done : done + size]))
            done += size
        rest = line[done:]
        if len(rest) > PIECE:
            self._tail = self._tail[done:]
            return True
        if end < 0 and not self._finished:
            self._tail = self._tail[done:]
            self._open = (_literal(rest),) if rest else ()
            return False
        if rest:
            self._frozen.append(_literal(rest))
        self._open = ()
        self._tail = self._tail[end + 1 :] if end >= 0 else ""
        self._long_line = False
        return bool(self._tail) or self._finished

    # -- a fence grows line by line

    def _step_fence(self, opening: re.Match[str]) -> bool:
        mark = opening[2]
        closing = re.compile(rf"^ {{0,3}}{re.escape(mark[0])}{{{len(mark)},}}[ \t]*$", re.MULTILINE)
        complete = len(self._tail) if self._finished else self._tail.rfind("\n") + 1
        found = closing.search(self._tail, 0, complete)
        end = found.start() if found else complete
        if end:
            lines = self._tail[:end].removesuffix("\n").split("\n")
            self._code.extend(_outdented(lines, len(opening[1])))
        if found is None and not self._finished:
            self._tail = self._tail[end:]
            partial = self._tail if self._tail.strip(" `~") else ""
            lines = [*self._code, *_outdented([partial], len(opening[1]))] if partial else self._code
            self._open = (_code(lines, opening, closed=False),)
            return False
        self._frozen.append(_code(self._code, opening, closed=True))
        self._open = ()
        self._fence = None
        self._tail = self._tail[found.end() + 1 :] if found else ""
        return bool(self._tail) or self._finished

    # -- freezing

    def _parse(self, source: str) -> Parsed:
        return Parsed(self._table_head + source, self._references, continued=self._table_head.count("\n"))

    def _freeze_before(self, source: str, parsed: Parsed) -> None:
        """Freeze what stands before the last group of `source`, which begins the tail and was parsed just now."""
        end = 0
        for _ in range(parsed.starts[-1]):
            end = source.index("\n", end) + 1
        if DEFINITION.search(source) or source.count("[") > MOST_BRACKETS:  # its end decides on links before it
            self._freeze_all(end)
        else:
            self._freeze([block for group in parsed.groups[:-1] for block in group], end, parsed)

    def _freeze_all(self, end: int) -> None:
        """Freeze what the tail has up to `end`."""
        parsed = self._parse(self._tail[:end])
        self._freeze(parsed.blocks, end, parsed)

    def _freeze(self, blocks: Iterable[Block], end: int, parsed: Parsed) -> None:
        """These blocks, which the tail has up to `end`, are final."""
        self._frozen.extend(blocks)
        if DEFINITION.search(self._tail, 0, end):
            self._references = parsed.references
        self._table_head = ""
        self._tail = self._tail[end:]
        self._parsed_lines = ""

    def _next_table_head(self, head: str, parsed: Parsed) -> str:
        """A table that was cut goes on with the same columns, as long as no empty line ends it."""
        if not parsed.groups or not isinstance(parsed.groups[0][-1], Table) or self._tail[len(head)] == "\n":
            return ""
        if self._table_head:
            return self._table_head
        first = parsed.starts[0]
        return "".join(f"{line}\n" for line in head.split("\n")[first : first + 2])


def presentable(tail: str) -> str:
    """The part of unfinished Markdown that can be shown: what may still become something else waits."""
    lines = tail.split("\n")
    if not lines[-1] or UNDECIDED.fullmatch(lines[-1]):
        lines.pop()
    if lines and lines[-1].lstrip().startswith("|") and (len(lines) < 2 or not lines[-2].lstrip().startswith("|")):
        lines.pop()
    return _mended("\n".join(lines))


MARKS = re.compile(r"(`+)|(\*\*|~~)")
HALF_MARK = re.compile(r"(?<![*~\\])[*~]$")
OPEN_LINK = re.compile(r"!?\[([^\[\]\n]*)\]\([^()\s]*$")


def _mended(text: str) -> str:
    """Closes what is bold, struck or code at the end, so that its marks never show."""
    text = HALF_MARK.sub("", text)
    start = text.rfind("\n\n") + 1
    opened: list[str] = []
    for match in MARKS.finditer(text, start):
        mark = match[0]
        if opened and opened[-1].startswith("`"):
            if mark == opened[-1]:
                opened.pop()
        elif mark in opened:
            del opened[opened.index(mark) :]
        else:
            opened.append(mark)
    if not opened:
        return OPEN_LINK.sub(r"\1", text)
    bare = text.rstrip("*`~")
    if len(text) - len(bare) >= len(opened[-1]):
        return bare  # the mark is the last thing that came
    return text.rstrip(" ") + "".join(reversed(opened))


def _window_end(tail: str) -> int:
    """Where the part of `tail` ends that is parsed at once: all of it, or whole lines up to a limit (0: not one)."""
    end = len(tail)
    if end > LIMIT:
        end = tail.rfind("\n", 0, LIMIT) + 1
    for letter, most in (("\n", MOST_LINES), ("|", MOST_CELLS)):
        if tail.count(letter, 0, end) > most:
            place = -1
            for _ in range(most):
                place = tail.index(letter, place + 1)
            end = tail.rfind("\n", 0, place + 1) + 1
    return end


def _cut(window: str) -> int:
    """Where to cut a block that fills the window: before a line that is not indented, if there is one."""
    half = len(window) // 2
    at = len(window) - 1
    while (at := window.rfind("\n", half, at)) > 0:
        if window[at + 1] not in " \t\n":
            return at + 1
    return len(window)


def _piece_end(text: str) -> int:
    """How much of `text` makes one piece: whole lines, else whole words."""
    if len(text) <= PIECE:
        return len(text)
    line = text.rfind("\n", 1, PIECE)
    if line > 0:
        return line + 1
    space = text.rfind(" ", PIECE // 2, PIECE)
    return space + 1 if space > 0 else PIECE


def _literal(text: str) -> Words:
    return Words((Span(text),) if text else (), literal=True)


def _outdented(lines: list[str], indent: int) -> list[str]:
    if not indent:
        return lines
    return [line[min(indent, len(line) - len(line.lstrip(" "))) :] for line in lines]


def _code(lines: list[str], opening: re.Match[str], *, closed: bool) -> Code:
    from markdown_it.common.utils import unescapeAll

    words = unescapeAll(opening[3].strip()).split(maxsplit=1)
    return Code("\n".join(lines), words[0] if words else "", closed)
