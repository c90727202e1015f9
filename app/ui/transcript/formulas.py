r"""Formulas in Markdown: `$$…$$`, `\[…\]`, `\(…\)` and `$…$` keep their source, which is what is shown. No Qt."""

from __future__ import annotations

import re

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

ENDS = {"$$": "$$", "\\[": "\\]"}
PAIRS = {"\\(": "\\)", "\\[": "\\]", "$$": "$$"}
LONGEST = 4000
# `$5 and $10` are prices: a formula begins and ends without a space, and no digit follows it
DOLLARS = re.compile(r"\$(?=[^\s$])[^$\n]*?[^\s\\$]\$(?!\d)|\$[^\s$\\]\$(?!\d)")


def formulas(markdown: MarkdownIt) -> None:
    """Plugin for markdown-it: tokens `formula_block` and `formula` with the source as content."""
    markdown.block.ruler.before(
        "fence", "formula_block", _formula_block, {"alt": ["paragraph", "reference", "blockquote", "list"]}
    )
    markdown.inline.ruler.before("escape", "formula", _formula)


def _formula_block(state: StateBlock, start_line: int, end_line: int, silent: bool) -> bool:
    if state.is_code_block(start_line):
        return False
    first = _line(state, start_line)
    end = ENDS.get(first[:2])
    if end is None:
        return False
    body = first[2:].strip()
    if body.endswith(end) and len(body) >= 2:
        last = start_line
    elif end in body:
        return False
    else:
        # like a fence it is never taken back, but it ends with its paragraph
        last = start_line
        while last + 1 < end_line and not state.isEmpty(last + 1) and state.sCount[last + 1] >= state.blkIndent:
            last += 1
            if _line(state, last).endswith(end):
                break
    if silent:
        return True
    lines = [_line(state, line) for line in range(start_line, last + 1)]
    token = state.push("formula_block", "", 0)
    token.content = "\n".join(lines)
    token.map = [start_line, last + 1]
    state.line = last + 1
    return True


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]].strip()


def _formula(state: StateInline, silent: bool) -> bool:
    end = _end(state)
    if end < 0:
        return False
    if not silent:
        state.push("formula", "", 0).content = state.src[state.pos : end]
    state.pos = end
    return True


def _end(state: StateInline) -> int:
    """Where the formula that begins here ends; -1 if none begins."""
    source, start = state.src, state.pos
    closing = PAIRS.get(source[start : start + 2])
    if closing is not None:
        found = source.find(closing, start + 2, min(state.posMax, start + LONGEST))
        return found + 2 if found > start + 2 else -1
    if source[start] == "$":
        match = DOLLARS.match(source, start, min(state.posMax, start + LONGEST))
        return match.end() if match else -1
    return -1
