"""Markdown (CommonMark, tables, strikethrough) to the blocks of a message. HTML is text, nothing is fetched. No Qt.

What is nested or repeated beyond sense is shown as it was written: no words are lost and no parse takes long.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from app.ui.transcript.blocks import QUOTE, Block, Cell, Code, Place, Rule, Span, Table, Words
from app.ui.transcript.formulas import formulas
from app.ui.transcript.links import safe_target

DEEPEST = 40
MOST_BRACKETS = 400
MOST_COLUMNS = 60
BULLETS = ("•", "◦", "▪")


@cache
def _parser(with_links: bool) -> MarkdownIt:
    made = _AnyLink("commonmark", {"html": False, "maxNesting": DEEPEST + 2}).enable(["table", "strikethrough"])
    made.use(formulas)
    return made if with_links else made.disable(["link", "image"])


class _AnyLink(MarkdownIt):
    """Takes every target, so that an unsafe link ends as its words alone: `safe_target` says what can be opened."""

    def validateLink(self, url: str) -> bool:
        return True


class Parsed:
    """The outermost blocks of a piece of Markdown, each with the line it begins at."""

    def __init__(self, source: str, references: dict[str, Any] | None = None, *, continued: int = 0) -> None:
        """`continued` lines at the beginning are those of the table that goes on here: they are not shown again."""
        self._environment: dict[str, Any] = {"references": dict(references or {})}
        self.starts: list[int] = []
        self.groups: list[tuple[Block, ...]] = []
        tokens = None if _is_wild(source) else self._tokens(source)
        if tokens is None:
            self.starts.append(0)
            self.groups.append(literal(source))
        else:
            for start, group in _outermost(tokens):
                self.starts.append(start - continued)
                self.groups.append(tuple(_Builder(group).blocks))
            if continued and self.groups and isinstance(table := self.groups[0][0], Table):
                self.groups[0] = (replace(table, head=()),)
                self.starts[0] = 0

    @property
    def references(self) -> dict[str, Any]:
        """Link definitions (`[name]: target`) that are known after this piece."""
        known: dict[str, Any] = self._environment["references"]
        return known

    @property
    def blocks(self) -> tuple[Block, ...]:
        """All blocks, in order."""
        return tuple(block for group in self.groups for block in group)

    def _tokens(self, source: str) -> list[Token] | None:
        parser = _parser(source.count("[") <= MOST_BRACKETS)
        tokens = parser.parse(source, self._environment)
        return None if any(token.level >= DEEPEST for token in tokens) else tokens


def literal(source: str) -> tuple[Block, ...]:
    """The source as it was written."""
    text = source.strip("\n")
    return (Words((Span(text),), literal=True),) if text else ()


def _is_wild(source: str) -> bool:
    """Whether a line would make a table wider than anyone reads, slow to parse and to lay out."""
    return source.count("|") > MOST_COLUMNS and any(line.count("|") > MOST_COLUMNS + 1 for line in source.split("\n"))


def _outermost(tokens: Sequence[Token]) -> Iterator[tuple[int, Sequence[Token]]]:
    start = 0
    for place, token in enumerate(tokens):
        if token.level == 0 and token.nesting <= 0:
            group = tokens[start : place + 1]
            yield (group[0].map or [0])[0], group
            start = place + 1


class _Builder:
    """Flattens the tokens of one outermost block."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self.blocks: list[Block] = []
        self._path: list[int] = []
        self._lists: list[tuple[str, int]] = []  # bullet or "", next number
        self._marker = ""
        self._level = 0
        place = 0
        while place < len(tokens):
            token = tokens[place]
            if token.type == "table_open":
                end = next(at for at in range(place, len(tokens)) if tokens[at].type == "table_close")
                self.blocks.append(_table(tokens[place:end], self._place()))
                place = end
            else:
                self._take(token, tokens, place)
            place += 1

    def _take(self, token: Token, tokens: Sequence[Token], place: int) -> None:
        match token.type:
            case "inline":
                self._words(token)
            case "heading_open":
                self._level = int(token.tag[1])
            case "heading_close":
                self._level = 0
            case "blockquote_open":
                self._flush_marker()
                self._path.append(QUOTE)
            case "bullet_list_open" | "ordered_list_open":
                self._flush_marker()
                self._open_list(token, tokens[place:])
            case "list_item_open":
                self._open_item()
            case "list_item_close":
                self._flush_marker()
            case "blockquote_close":
                self._path.pop()
            case "bullet_list_close" | "ordered_list_close":
                self._path.pop()
                self._lists.pop()
            case "fence" | "code_block" | "formula_block":
                self.blocks.append(_code(token, self._place()))
            case "hr":
                self.blocks.append(Rule(self._place()))

    def _place(self) -> Place:
        marker, self._marker = self._marker, ""
        return Place(tuple(self._path), marker, bool(self.blocks))

    def _flush_marker(self) -> None:
        """An item that holds nothing before the next container still shows its marker."""
        if self._marker:
            self.blocks.append(Words((), self._place()))

    def _open_list(self, token: Token, rest: Sequence[Token]) -> None:
        if token.type == "bullet_list_open":
            depth = sum(1 for bullet, _ in self._lists if bullet)
            bullet = BULLETS[min(depth, len(BULLETS) - 1)]
            self._lists.append((bullet, 0))
            self._path.append(1)
            return
        first = int(token.attrGet("start") or (0 if token.attrs.get("start") == 0 else 1))
        items = 0
        for other in rest:
            if other.type == "list_item_open" and other.level == token.level + 1:
                items += 1
            elif other.type == "ordered_list_close" and other.level == token.level:
                break
        self._lists.append(("", first))
        self._path.append(len(str(first + max(0, items - 1))) + 1)

    def _open_item(self) -> None:
        bullet, number = self._lists[-1]
        self._marker = bullet or f"{number}."
        self._lists[-1] = (bullet, number + 1)

    def _words(self, token: Token) -> None:
        spans = tuple(_spans(token.children or []))
        if spans or self._marker:
            self.blocks.append(Words(spans, self._place(), self._level))


def _code(token: Token, place: Place) -> Code:
    if token.type == "formula_block":
        return Code(token.content, "LaTeX", True, place)
    language = token.info.split(maxsplit=1)[0] if token.info.strip() else ""
    return Code(token.content.removesuffix("\n"), language, True, place)


def _table(tokens: Sequence[Token], place: Place) -> Table:
    rows: list[list[Cell]] = []
    aligns: list[str] = []
    for token in tokens:
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "th_open":
            style = str(token.attrGet("style") or "")
            aligns.append(style.removeprefix("text-align:"))
        elif token.type == "inline":
            rows[-1].append(tuple(_spans(token.children or [])))
    return Table(tuple(rows[0]), tuple(tuple(row) for row in rows[1:]), tuple(aligns), place)


def _spans(tokens: Sequence[Token]) -> Iterator[Span]:
    """The words of an inline token, neighbours of one look joined."""
    look = {"bold": 0, "italic": 0, "strike": 0}
    links: list[str] = []
    gathered = ""
    shape = Span("")
    for token in tokens:
        kind, _, end = token.type.rpartition("_")
        if kind in LOOKS:
            look[LOOKS[kind]] += 1 if end == "open" else -1
            continue
        if kind == "link":
            if end == "open":
                links.append(safe_target(str(token.attrGet("href") or "")))
            else:
                links.pop()
            continue
        text, link = _shown(token, links[-1] if links else "")
        made = Span(
            "",
            bold=look["bold"] > 0,
            italic=look["italic"] > 0,
            strike=look["strike"] > 0,
            code=token.type == "code_inline",
            formula=token.type == "formula",
            link=link,
        )
        if made != shape and gathered:
            yield _with_text(shape, gathered)
            gathered = ""
        shape = made
        gathered += text
    if gathered:
        yield _with_text(shape, gathered)


LOOKS = {"strong": "bold", "em": "italic", "s": "strike"}


def _with_text(span: Span, text: str) -> Span:
    return Span(text, span.bold, span.italic, span.strike, span.code, span.formula, span.link)


def _shown(token: Token, link: str) -> tuple[str, str]:
    """What a token shows, and where it leads. An image is its description, else its target: nothing is loaded."""
    if token.type == "softbreak":
        return " ", link
    if token.type == "hardbreak":
        return "\n", link
    if token.type == "image":
        source = str(token.attrGet("src") or "")
        return token.content or source, link or safe_target(source)
    return token.content, link
