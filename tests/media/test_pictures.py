"""Foreign pictures through the media process: upright, on white, in sRGB; hostile ones end in one sentence."""

from __future__ import annotations

import base64
import contextlib
import io
import signal
import struct
import subprocess
import sys
import threading
import time
import zlib
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image, ImageOps

from app.core.errors import AttachmentError
from app.core.message import PanAndScan
from app.media import decode as limits
from app.media.host import Decoding
from app.media.prepare import prepare
from app.media.tiles import views

# 64 x 32, red and blue halves, as a phone keeps pictures; no encoder is among what the program needs
HEIC = base64.b64decode(
    """
    AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAX1tZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAACJpbG9jAA
    AAAERAAAEAAQAAAAABoQABAAAAAAAAAHUAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRtAAAAAAABAAAA/WlwcnAA
    AADdaXBjbwAAAHZodmNDAQNwAAAAkAAAAAAAHvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAHroCQGEAAQAqQgEBA3AAAAMAkA
    AAAwAAAwAeoCCBBZbq5Ka5uAhoMCAAAAMDIAAAAwAhYgABAAZEAcFzwIkAAAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAAAAAAQAAAAEAA
    AAAoY2xhcAAAAEAAAAABAAAAIAAAAAEAAAAAAAAAAv///+AAAAACAAAAEHBpeGkAAAAAAwgICAAAABhpcG1hAAAAAAAAAAEAAQWBAgMFhAAAAH
    1tZGF0AAAAcSgBrwngOSMkv//6Mb//+EaeQ/a5hcF//g8Wff4V/n/+ze9RXZWFbILbD0Opm8R2/qm/EqRhs0lk1uPxAzLY2gjY37MO7eK5BhNX
    Y9wvM5r6IBgHij0hse84jiQ9+d7o0P4za2n34T+L/A4yy2T7lHcC
    """
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "attachments"


def _opened(path: Path, folder: Path) -> Image.Image:
    decoded = Decoding(path, folder).picture()
    with Image.open(folder / f"{decoded.sha256}.png") as picture:
        picture.load()
        assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", (decoded.width, decoded.height))
        return picture.copy()


def _pixels(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture, np.int16)


def _gradient(width: int = 60, height: int = 40) -> Image.Image:
    values = np.zeros((height, width, 3), np.uint8)
    values[..., 0] = np.linspace(0, 255, width)[None, :]
    values[..., 1] = np.linspace(0, 255, height)[:, None]
    values[: height // 3, : width // 3, 2] = 255
    return Image.fromarray(values)


def test_pictures_of_phones(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "IMG_0001.HEIC"
    path.write_bytes(HEIC)
    shown = _pixels(_opened(path, folder))
    assert shown.shape == (32, 64, 3)
    assert np.abs(shown[8:24, 4:28] - (200, 30, 30)).max() < 12
    assert np.abs(shown[8:24, 36:60] - (30, 30, 200)).max() < 12


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "webp", "gif", "ppm", "jpg", "avif", "ico"])
def test_formats(tmp_path: Path, folder: Path, suffix: str) -> None:
    path = tmp_path / f"picture.{suffix}"
    source = _gradient(48, 48)
    options = {"lossless": True} if suffix == "webp" else {"sizes": [(48, 48)]} if suffix == "ico" else {}
    source.save(path, **options)
    apart = np.abs(_pixels(_opened(path, folder)) - _pixels(source)).mean()
    assert apart < (0.01 if suffix in ("png", "bmp", "tiff", "webp", "ppm", "ico") else 12)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_stands_upright(tmp_path: Path, folder: Path, orientation: int) -> None:
    path = tmp_path / "photo.png"
    exif = Image.Exif()
    exif[0x0112] = orientation
    _gradient().save(path, exif=exif)
    with Image.open(path) as turned:
        expected = ImageOps.exif_transpose(turned)
    assert np.array_equal(_pixels(_opened(path, folder)), _pixels(expected.convert("RGB")))


def test_transparency_lies_on_white(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "glass.png"
    Image.new("RGBA", (8, 8), (200, 0, 0, 128)).save(path)
    red, green, blue = _opened(path, folder).getpixel((3, 3))  # type: ignore[misc]
    assert (red, green, blue) == (pytest.approx(227, abs=1), pytest.approx(127, abs=1), pytest.approx(127, abs=1))


def test_a_palette_with_transparency(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "flat.gif"
    picture = Image.new("P", (8, 8), 1)
    picture.putpalette([0, 0, 0, 10, 20, 200])
    picture.putpixel((0, 0), 0)
    picture.save(path, transparency=0)
    shown = _opened(path, folder)
    assert (shown.getpixel((0, 0)), shown.getpixel((4, 4))) == ((255, 255, 255), (10, 20, 200))


def test_sixteen_bits_of_grey_are_scaled(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "scan.png"
    values = np.array([[0, 0x4000, 0x8000, 0xFFFF]], np.uint16).repeat(4, axis=0)
    Image.fromarray(values).save(path)
    row = _pixels(_opened(path, folder))[0, :, 0].tolist()
    assert row == pytest.approx([0, 64, 128, 255], abs=1)


def test_print_colours(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "print.jpg"
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(path, quality=95)
    red, green, blue = _opened(path, folder).getpixel((8, 8))  # type: ignore[misc]
    assert red > 200
    assert max(green, blue) < 60


def test_of_an_animation_the_first_frame_stays(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "film.gif"
    Image.new("RGB", (8, 8), "red").save(path, save_all=True, append_images=[Image.new("RGB", (8, 8), "blue")])
    assert _opened(path, folder).getpixel((4, 4)) == (255, 0, 0)


def test_the_same_pixels_have_the_same_name(tmp_path: Path, folder: Path) -> None:
    source = _gradient()
    source.save(tmp_path / "a.png")
    source.save(tmp_path / "b.bmp")
    names = {Decoding(tmp_path / name, folder).picture().sha256 for name in ("a.png", "b.bmp")}
    assert len(names) == 1
    assert len(list(folder.iterdir())) == 2, "the picture and its thumbnail, nothing half written"


def test_a_huge_photo_is_kept_as_large_as_it_is_looked_at(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "photo.jpg"
    Image.new("RGB", (9000, 6000), "grey").save(path)
    decoded = Decoding(path, folder).picture()
    assert max(decoded.width, decoded.height) <= limits.LONGEST_SIDE
    assert decoded.given == (9000, 6000)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _bomb(side: int) -> bytes:
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = _chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + body + _chunk(b"IEND", b"")


def _png() -> bytes:
    data = io.BytesIO()
    _gradient().save(data, "PNG")
    return data.getvalue()


HOSTILE: dict[str, tuple[bytes, str | None]] = {
    "empty": (b"", "empty"),
    "text": (b"Dear Sir or Madam", "no picture"),
    "html": (b"<!DOCTYPE html><html></html>", "web page"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG"),
    "pdf": (b"%PDF-1.7\n", "PDF"),
    "bomb": (_bomb(50_000), "too large"),
    "head_only": (_png()[:33], "no picture"),
    "half": (_png()[: len(_png()) // 2], "damaged"),
    "zeros": (bytes(10_000), "no picture"),
    "gif": (b"GIF89a\xff\xff\xff\xff\x80\x00\x00" + bytes(30), ""),
    "tiff_loop": (
        b"II*\x00\x08\x00\x00\x00\x01\x00\x00\x01\x03\x00\x01\x00\x00\x00\x08\x00\x00\x00\x08\x00\x00\x00",
        "",
    ),
    "long_text": (_png()[:33] + _chunk(b"zTXt", b"a\x00\x00" + zlib.compress(bytes(200 << 20))) + _png()[33:], None),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_one_sentence(tmp_path: Path, folder: Path, name: str) -> None:
    data, said = HOSTILE[name]
    path = tmp_path / "bad.png"
    path.write_bytes(data)
    began = time.monotonic()
    if said is None:  # what is read or refused, but bounded
        with contextlib.suppress(AttachmentError):
            Decoding(path, folder).picture()
    else:
        with pytest.raises(AttachmentError) as refusal:
            Decoding(path, folder).picture()
        assert said in refusal.value.message
        assert "bad.png" in refusal.value.message
    assert time.monotonic() - began < 20
    assert list(tmp_path.glob("**/*.part")) == []


def test_every_cut_of_a_picture_ends_in_words_or_a_picture(tmp_path: Path, folder: Path) -> None:
    path, data = tmp_path / "cut.jpg", io.BytesIO()
    _gradient(200, 200).save(data, "JPEG")
    for share in (0.1, 0.4, 0.9):
        path.write_bytes(data.getvalue()[: int(len(data.getvalue()) * share)])
        with pytest.raises(AttachmentError):
            Decoding(path, folder).picture()


def test_what_is_not_there_and_what_is_a_folder(tmp_path: Path, folder: Path) -> None:
    for path, code in ((tmp_path / "gone.png", "missing"), (tmp_path, "folder")):
        with pytest.raises(AttachmentError) as refusal:
            Decoding(path, folder).picture()
        assert refusal.value.code == code


def test_a_film_is_refused_without_being_read(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "film.mp4"
    with path.open("wb") as file:
        file.truncate(5_000_000_000)
    with pytest.raises(AttachmentError, match=r"too large \(5,000 MB\)"):
        Decoding(path, folder, seconds=5.0).run()


def test_a_decoder_that_hangs_or_dies_is_one_sentence(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "slow.png"
    path.write_bytes(_png())
    done = threading.Event()

    def strike(number: signal.Signals) -> None:
        while not done.is_set():
            for child in psutil.Process().children():
                try:
                    if "app.media_host" in child.cmdline():
                        child.send_signal(number)
                except psutil.Error:
                    continue

    for number, code in ((signal.SIGSTOP, "too_long"), (signal.SIGKILL, "crashed")):
        done.clear()
        thread = threading.Thread(target=strike, args=(number,))
        thread.start()
        try:
            with pytest.raises(AttachmentError) as refusal:
                Decoding(path, folder, seconds=2.0).picture()
        finally:
            done.set()
            thread.join()
        assert refusal.value.code == code


def test_the_media_process_loads_nothing_else_of_ours(tmp_path: Path) -> None:
    watch = (
        "import sys; sys.argv = ['x', '0']\n"
        "import app.media_host, app.media.host\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules} & {'PySide6', 'apsw', 'llama_cpp', 'PIL'}))"
    )
    ended = subprocess.run([sys.executable, "-P", "-c", watch], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == []


def test_the_encoder_gets_a_straight_resize(tmp_path: Path) -> None:
    """An aspect ratio that is not kept, and an average over what is made smaller (Pillow's bilinear)."""
    path = tmp_path / "wide.png"
    values = np.zeros((2, 8, 3), np.uint8)
    values[:, 4:] = 200
    Image.fromarray(values).save(path)
    shown = np.frombuffer(prepare(path, None, 4), np.uint8).reshape(4, 4, 3)
    assert shown[0, 0].tolist() == [0, 0, 0]
    assert shown[3, 3].tolist() == [200, 200, 200]
    part = np.frombuffer(prepare(path, (4, 0, 8, 2), 4), np.uint8)
    assert set(part.tolist()) == {200}


def test_fine_print_reaches_the_encoder_in_the_grid_only(tmp_path: Path) -> None:
    """Lines of 2 pixels on a photo of 3,024 x 4,032: how much of their contrast is left at 896 pixels."""
    path = tmp_path / "receipt.png"
    values = np.full((4032, 3024), 255, np.uint8)
    values[:, np.arange(3024) % 4 < 2] = 0
    Image.fromarray(values).save(path)

    def contrast(box: tuple[int, int, int, int] | None) -> float:
        row = np.frombuffer(prepare(path, box, 896), np.uint8).reshape(896, 896, 3)[448, 100:-100, 0].astype(float)
        return float(row.std() / 127.5)

    whole = contrast(None)
    tiles = [contrast(box) for box in views(3024, 4032, PanAndScan.CLOSER).boxes]
    assert whole < 0.2
    assert min(tiles) > 2.5 * whole
