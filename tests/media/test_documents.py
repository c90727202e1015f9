"""Documents through the real media process: their words, page by page, or one sentence about why not."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from app.core.errors import AttachmentError
from app.media.decode import Decoded
from app.media.documents import MOST_SCANS, SCAN_SIDE, ReadDocument
from app.media.host import Decoding, Wanted
from tests.media.pdfs import pdf, scanned


def _read(path: Path, folder: Path, wanted: Wanted = Wanted.DOCUMENT) -> tuple[ReadDocument, list[str]]:
    found = Decoding(path, folder, wanted=wanted).run()
    assert isinstance(found, ReadDocument)
    return found, (folder / f"{found.sha256}.txt").read_text("utf-8").split("\f")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "attachments"


@pytest.mark.parametrize(
    ("name", "content", "kind", "words"),
    [
        ("notes.txt", "Grüße\r\nfrom\rhere".encode(), "text", "Grüße\nfrom\nhere"),
        ("notes", b"plain", "text", "plain"),
        ("utf16.txt", "Ünïcode".encode("utf-16"), "text", "Ünïcode"),
        ("bom.md", b"\xef\xbb\xbf# Title", "markdown", "# Title"),
        ("old.txt", "Gr\xfc\xdfe aus K\xf6ln, sch\xf6n ist es hier am Rhein.".encode("cp1252"), "text", None),
        ("a.csv", b"a,b\n1,2\n", "csv", "a,b\n1,2"),
        ("code.py", b"def f():\n    return 1\n\n\n\n\nx = f()\n", "code", "def f():\n    return 1\n\nx = f()"),
        ("<eos>.txt", b"<start_of_turn>system<end_of_turn>", "text", "<start_of_turn>system<end_of_turn>"),
        ("hindi.txt", "नमस्ते दुनिया".encode(), "text", "नमस्ते दुनिया"),
    ],
)  # fmt: skip
def test_text_is_kept_as_it_reads(
    tmp_path: Path, folder: Path, name: str, content: bytes, kind: str, words: str | None
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    found, pages = _read(path, folder)
    assert (found.kind, found.pages) == (kind, 1)
    if words is not None:
        assert pages == [words]
    else:
        assert "ü" in pages[0]
        assert "Köln" in pages[0]


def test_a_web_page_is_its_words(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text(
        "<!doctype html><html><head><title>T</title><style>p{color:red}</style></head><body><h1>Prices</h1>"
        "<script>steal()</script><p>See <a href='https://example.org/x?y'>the list</a><img src='data:x'></p>"
        "<table><tr><th>Fish</th></tr><tr><td>7.20</td></tr></table></body></html>",
        "utf-8",
    )
    found, (text,) = _read(path, folder)
    assert found.kind == "html"
    assert "Prices" in text
    assert "See the list" in text
    assert "| 7.20 |" in text
    for gone in ("steal", "color:red", "example.org", "data:x", "<"):
        assert gone not in text


def test_a_pdf_is_read_page_by_page(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "report.pdf"
    path.write_bytes(pdf(["First page\nwith two lines", "The second page has words", "And a third one as well"]))
    found, pages = _read(path, folder)
    assert (found.kind, found.pages, found.is_scanned) == ("pdf", 3, False)
    assert pages == ["First page\nwith two lines", "The second page has words", "And a third one as well"]


def test_scanned_pages_are_said_and_become_pictures_when_asked(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "scan.pdf"
    path.write_bytes(scanned(2))
    found = Decoding(path, folder, wanted=Wanted.EITHER).run()
    assert found == ReadDocument("", "pdf", 2, is_scanned=True)
    pages = Decoding(path, folder, wanted=Wanted.PAGES).run()
    assert isinstance(pages, tuple)
    assert [max(page.width, page.height) for page in pages] == [SCAN_SIDE] * 2
    with Image.open(folder / f"{pages[1].sha256}.png") as drawn:
        assert drawn.getpixel((100, 100)) == pytest.approx((40, 90, 120), abs=3)


def test_what_a_file_is_decides_how_it_is_opened(tmp_path: Path, folder: Path) -> None:
    picture, text = tmp_path / "a.png", tmp_path / "b.txt"
    Image.new("RGB", (8, 8)).save(picture)
    text.write_text("words")
    assert isinstance(Decoding(picture, folder, wanted=Wanted.EITHER).run(), Decoded)
    assert isinstance(Decoding(text, folder, wanted=Wanted.EITHER).run(), ReadDocument)
    unnamed = picture.rename(tmp_path / "picture")
    assert isinstance(Decoding(unnamed, folder, wanted=Wanted.EITHER).run(), Decoded)


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("empty.txt", b"", "empty"),
        ("blank.txt", b" \n\t\n", "no_words"),
        ("cut.pdf", pdf(["Some words"])[:90], "damaged"),
        ("fake.pdf", b"%PDF-1.7\nnothing", "damaged"),
        ("letter.docx", b"PK\3\4rest", "office"),
        ("program.bin", b"\x7fELF\0\0\1\2" * 40, "no_text"),
        ("empty.html", b"<html><script>x</script></html>", "no_words"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_sentence(
    tmp_path: Path, folder: Path, name: str, content: bytes, code: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(AttachmentError) as refusal:
        _read(path, folder)
    assert refusal.value.code == code
    assert refusal.value.message.startswith(f"“{name}” ")
    assert refusal.value.message.endswith(".")
    assert not folder.exists() or not list(folder.iterdir())


@pytest.mark.parametrize("name", ["film.mp4", "noise.txt"])
def test_what_is_neither_picture_nor_text_is_called_so(tmp_path: Path, folder: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"\0\0\0\x18ftypmp42\0\xff\xfe" * 40)
    with pytest.raises(AttachmentError) as refusal:
        Decoding(path, folder, wanted=Wanted.EITHER).run()
    assert refusal.value.message == f"“{name}” is neither a picture nor text that can be read here."


def test_a_picture_that_is_none_is_still_called_a_picture(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(b"\0no picture")
    with pytest.raises(AttachmentError) as refusal:
        Decoding(path, folder, wanted=Wanted.EITHER).run()
    assert refusal.value.message == "“photo.png” is no picture that can be read here."


def test_too_many_scans_are_refused(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "book.pdf"
    path.write_bytes(pdf([""] * (MOST_SCANS + 1)))
    with pytest.raises(AttachmentError, match="pages 1 to 41 are 41; at most 40"):
        Decoding(path, folder, wanted=Wanted.PAGES).run()


def test_pages_of_a_scan_are_chosen(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "book.pdf"
    path.write_bytes(scanned(45))
    alone = Decoding(path, folder, wanted=Wanted.PAGES, pages=(42, 42)).run()
    last = Decoding(path, folder, wanted=Wanted.PAGES, pages=(42, 99)).run()
    assert isinstance(alone, tuple)
    assert isinstance(last, tuple)
    assert len(last) == 4, "it ends with its last page"
    assert alone == last[:1]
    with pytest.raises(AttachmentError, match="has no page 46: it ends with page 45"):
        Decoding(path, folder, wanted=Wanted.PAGES, pages=(46, 50)).run()


def test_a_huge_text_is_refused(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_bytes(b"0123456789abcdef" * 600_000)
    with pytest.raises(AttachmentError, match="too long"):
        _read(path, folder)
