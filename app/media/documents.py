"""A foreign document as plain text, page by page. Runs in the media process only: these bytes may be hostile."""

from __future__ import annotations

import hashlib
import io
import re
from pathlib import Path, PurePath
from typing import Any

import msgspec

from app.core.errors import AttachmentError
from app.core.message import PAGE_BREAK
from app.media.decode import Decoded, keep_picture, write_whole

MOST_PAGES = 3000
MOST_CHARACTERS = 8_000_000  # of text: some two million tokens
MOST_SCANS = 40  # pages that are made pictures of at once
SCAN_SIDE = 2048  # pixels of a page's longer side as a picture
Pages = tuple[int, int]  # the first and the last, from 1
_LEAST_WORDS = 12  # characters a page; with fewer a PDF is taken for scans
_PICTURES = frozenset(
    ["png", "jpg", "jpeg", "webp", "gif", "bmp", "tif", "tiff", "avif", "heic", "heif", "ico", "ppm", "pgm", "pbm"]
)
_KINDS = {
    "markdown": frozenset(["md", "markdown", "rst"]),
    "csv": frozenset(["csv", "tsv"]),
    "text": frozenset(("txt", "text", "log", "")),
}
_OFFICE = frozenset(
    ["doc", "docx", "xls", "xlsx", "ppt", "pptx", "odt", "ods", "odp", "epub", "pages", "numbers", "rtf"]
)


class ReadDocument(msgspec.Struct, frozen=True):
    """A document in the attachment folder: `<sha256>.txt`, UTF-8 with a form feed between pages.

    `kind` is pdf, html, markdown, csv, code or text. `is_scanned` tells that a PDF has pages and no words.
    """

    sha256: str
    kind: str
    pages: int
    is_scanned: bool = False


def is_picture(data: bytes, name: str) -> bool:
    """Whether a file that may be either is to be taken for a picture."""
    if has_picture_name(name):
        return True
    return not data.startswith(b"%PDF") and b"\0" in data[:4096] and _bom(data) is None


def has_picture_name(name: str) -> bool:
    """Whether a file is called what pictures are called."""
    return _suffix(name) in _PICTURES


def read_document(data: bytes, name: str, folder: Path) -> ReadDocument:
    """Keeps the text of a document. Raises AttachmentError with words for a person."""
    suffix = _suffix(name)
    if not data:
        raise AttachmentError(f"“{name}” is empty.", "empty")
    if data[:1024].lstrip().startswith(b"%PDF"):
        kind, pages = "pdf", _pdf_pages(data, name)
        if not any(pages) or sum(map(len, pages)) < _LEAST_WORDS * len(pages):
            return ReadDocument("", kind, len(pages), is_scanned=True)
    elif suffix in _OFFICE:
        raise AttachmentError(f"“{name}” is an office document. Save it as PDF or text first.", "office")
    else:
        text = _decoded(data, name)
        if suffix in ("html", "htm", "xhtml") or re.match(r"\s*(<!doctype html|<html)", text[:1000], re.IGNORECASE):
            kind, text = "html", _html_text(text)
        else:
            kind = next((kind for kind, suffixes in _KINDS.items() if suffix in suffixes), "code")
        pages = [text]
    pages = [_tidy(page) for page in pages]
    if not any(pages):
        raise AttachmentError(f"“{name}” has no words in it.", "no_words")
    if sum(map(len, pages)) > MOST_CHARACTERS:
        raise AttachmentError(f"“{name}” is too long: {sum(map(len, pages)):,} characters.", "too_large")
    content = PAGE_BREAK.join(pages).encode("utf-8", "replace")
    sha256 = hashlib.sha256(content).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / f"{sha256}.txt", content)
    return ReadDocument(sha256, kind, len(pages))


def draw_pages(data: bytes, name: str, folder: Path, pages: Pages | None = None) -> tuple[Decoded, ...]:
    """These pages of a PDF as pictures, or all of them. Raises AttachmentError."""
    with _opened(data, name) as document:
        first, last = chosen_pages(name, len(document), pages)
        if last - first >= MOST_SCANS:
            raise AttachmentError(
                f"“{name}”: pages {first} to {last} are {last - first + 1}; "
                f"at most {MOST_SCANS} can be made pictures of at once.",
                "too_large",
            )
        found = []
        for number in range(first, last + 1):
            page = document[number - 1]
            scale = SCAN_SIDE / max(page.get_width(), page.get_height(), 1)
            drawn = page.render(scale=min(scale, 8)).to_pil().convert("RGB")
            found.append(keep_picture(drawn, drawn.size, "PDF", folder))
        return tuple(found)


def chosen_pages(name: str, count: int, pages: Pages | None) -> Pages:
    """Those of `pages` that a document of so many has; None are all. Raises AttachmentError where it has none."""
    first, last = pages or (1, count)
    if first > count:
        raise AttachmentError(f"“{name}” has no page {first}: it ends with page {count}.", "no_pages")
    return first, min(last, count)


def _pdf_pages(data: bytes, name: str) -> list[str]:
    with _opened(data, name) as document:
        if len(document) > MOST_PAGES:
            raise AttachmentError(
                f"“{name}” has {len(document):,} pages; at most {MOST_PAGES:,} are read.", "too_large"
            )
        try:
            return [document[number].get_textpage().get_text_bounded() for number in range(len(document))]
        except Exception as error:
            raise AttachmentError(f"“{name}” is damaged: it cannot be read to its end.", "damaged") from error


def _opened(data: bytes, name: str) -> Any:
    import pypdfium2  # type: ignore[import-untyped]

    try:
        return pypdfium2.PdfDocument(io.BytesIO(data))
    except pypdfium2.PdfiumError as error:
        if "password" in str(error).lower():
            raise AttachmentError(f"“{name}” is protected by a password.", "password") from error
        raise AttachmentError(f"“{name}” is damaged: it is no PDF that can be read.", "damaged") from error


def _decoded(data: bytes, name: str) -> str:
    encoding = _bom(data)
    if encoding is None and b"\0" in data:
        raise AttachmentError(f"“{name}” is no text.", "no_text")
    try:
        return data.decode(encoding or "utf-8")
    except UnicodeDecodeError:
        pass
    from charset_normalizer import from_bytes

    best = from_bytes(data[: 1 << 16]).best()
    if best is None:
        raise AttachmentError(f"“{name}” is no text.", "no_text")
    return data.decode(best.encoding, "replace")


def _bom(data: bytes) -> str | None:
    marks = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
    return next((encoding for mark, encoding in marks.items() if data.startswith(mark)), None)


def _html_text(text: str) -> str:
    """The words of a page as Markdown, without scripts, pictures and addresses."""
    from bs4 import BeautifulSoup
    from markdownify import MarkdownConverter

    soup = BeautifulSoup(text, "html.parser")
    for part in soup(["script", "style", "noscript", "template", "head"]):
        part.decompose()
    return str(MarkdownConverter(strip=["a", "img"]).convert_soup(soup))


def _tidy(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").replace(PAGE_BREAK, "\n")
    return re.sub(r"\n[ \t]*\n(?:[ \t]*\n)+", "\n\n", text).strip()


def _suffix(name: str) -> str:
    return PurePath(name).suffix.lower().removeprefix(".")
