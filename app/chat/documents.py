"""The text of documents, as the model reads it before the words of their message."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from app.core.message import PAGE_BREAK, Document, Message, Picture, Role
from app.core.paths import decode_path

_REMEMBERED = 16


def question(text: str, pictures: tuple[Picture, ...], documents: Sequence[Document]) -> Message:
    """A message of the person as the model reads it, sent or still being written: its documents, then its words."""
    return Message(Role.USER, "\n\n".join([*parts(documents), text]), pictures=pictures)


def parts(documents: Sequence[Document]) -> tuple[str, ...]:
    """What of a question is each of its documents."""
    return tuple(map(_quoted, documents))


def _quoted(document: Document) -> str:
    """A document between its name and its end."""
    pages = ""
    if document.pages > 1:
        one = document.first == document.last
        named = f"page {document.first}" if one else f"pages {document.first} to {document.last}"
        pages = f", {named} of {document.pages}"
    words = chosen(document)
    if words is None:
        return f"[Document: {document.name}{pages}. Its text is missing.]"
    return f"[Document: {document.name}{pages}]\n{words}\n[End of the document]"


def chosen(document: Document) -> str | None:
    """The words of the pages that are read; None where the file is gone."""
    pages = _pages(document.path)
    return None if pages is None else "\n\n".join(pages[document.first - 1 : document.last])


@lru_cache(_REMEMBERED)
def _read(path: str, _changed: int) -> tuple[str, ...]:
    return tuple(decode_path(path).read_text("utf-8", "replace").split(PAGE_BREAK))


def _pages(path: str) -> tuple[str, ...] | None:
    try:
        return _read(path, decode_path(path).stat().st_mtime_ns)
    except OSError:
        return None
