"""What a desktop reads: menu entry, metainfo with release notes, MIME type, icons and the page of the manual."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

from package_bundle import ROOT
from package_parts import IDENTIFIER

SIZES = (16, 24, 32, 48, 64, 128, 256, 512)
COMMANDS = ("ask", "chat", "conversations", "models", "doctor", "bench")


@dataclass(frozen=True, slots=True)
class Release:
    """One section of CHANGELOG.md. `date` is "" for what is not released."""

    version: str
    date: str
    notes: tuple[str, ...]


def releases(changelog: str) -> list[Release]:
    """The sections `## VERSION, DATE` with their points, newest first."""
    found = []
    for section in re.split(r"^## ", changelog, flags=re.MULTILINE)[1:]:
        heading, _, body = section.partition("\n")
        version, _, date = heading.partition(", ")
        points = re.split(r"^- ", body, flags=re.MULTILINE)[1:]
        notes = tuple(re.sub(r"[*`]", "", " ".join(point.split())) for point in points)
        found.append(Release(version.strip(), date if re.fullmatch(r"\d{4}-\d\d-\d\d", date) else "", notes))
    return found


def metainfo(changelog: str, built: str) -> str:
    """The AppStream file; a version that is not released yet has the day it was `built` (YYYY-MM-DD)."""
    lines = []
    for release in releases(changelog):
        lines.append(f'    <release version="{escape(release.version)}" date="{release.date or built}">')
        lines += ["      <description>", "        <ul>"]
        lines += [f"          <li>{escape(note)}</li>" for note in release.notes]
        lines += ["        </ul>", "      </description>", "    </release>"]
    template = (ROOT / "packaging" / "linux" / "metainfo.xml").read_text(encoding="utf-8")
    return template.replace("@RELEASES@", "\n".join(lines))


def manual(version: str, built: str, helps: Mapping[str, str]) -> str:
    """The page of the manual out of the program's own help texts; "" is the name of the program's."""
    usage = helps[""]
    lines = [
        f'.TH CABOCHON 1 "{built}" "cabochon {version}" "User Commands"',
        ".SH NAME",
        r"cabochon \- chat with a language model on your own computer",
        ".SH SYNOPSIS",
        r".B cabochon",
        r"[\fIOPTIONS\fR] [\fIFILE\fR...]",
        ".br",
        r".B cabochon",
        r"\fICOMMAND\fR [\fIARGUMENTS\fR]",
        ".SH DESCRIPTION",
        "Without a command the window opens, with the files attached to a new chat. A file that ends in .gguf is the",
        "model to chat with. What the commands take:",
        *_example(usage),
        ".SH COMMANDS",
    ]
    for name, text in helps.items():
        if name:
            lines += [f".SS cabochon {name}", *_example(text)]
    lines += [
        ".SH EXIT STATUS",
        "0 done; 1 a bug; 2 wrong arguments; 3 the model cannot be loaded; 4 a file cannot be used; 5 storage; 6 the",
        "model failed; 130 interrupted.",
        ".SH FILES",
        r"\fI~/.local/share/cabochon\fR: conversations, settings, pictures, log files and models that were fetched.",
    ]
    return "\n".join(lines) + "\n"


def _example(text: str) -> Iterator[str]:
    yield ".PP"
    yield ".nf"
    for line in text.rstrip().splitlines():
        escaped = line.replace("\\", r"\e").replace("-", r"\-").replace("’", "'")
        yield r"\&" + escaped if escaped.startswith((".", "'")) else escaped
    yield ".fi"


def help_texts(environment: Mapping[str, str]) -> dict[str, str]:
    """What the program and its commands say to --help."""
    found = {}
    for name in ("", *COMMANDS):
        command = [sys.executable, "-P", "-m", "app", *([name] if name else []), "--help"]
        columns = {**environment, "COLUMNS": "84"}
        asked = subprocess.run(command, cwd=ROOT, env=columns, capture_output=True, text=True, check=True)
        found[name] = asked.stdout
    return found


def write_share(share: Path, version: str, built: str, environment: Mapping[str, str]) -> None:
    """All of it below `share`, as it lies below /usr/share or ~/.local/share."""
    ours = ROOT / "packaging" / "linux"
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    _write(share / "applications" / f"{IDENTIFIER}.desktop", (ours / "cabochon.desktop").read_text(encoding="utf-8"))
    _write(share / "metainfo" / f"{IDENTIFIER}.metainfo.xml", metainfo(changelog, built))
    _write(share / "mime" / "packages" / f"{IDENTIFIER}.xml", (ours / "mime.xml").read_text(encoding="utf-8"))
    page = manual(version, built, help_texts(environment)).encode()
    _write(share / "man" / "man1" / "cabochon.1.gz", gzip.compress(page, mtime=0))
    svg = (ROOT / "resources" / "icons" / "cabochon.svg").read_bytes()
    _write(share / "icons" / "hicolor" / "scalable" / "apps" / f"{IDENTIFIER}.svg", svg)
    for size in SIZES:
        _write(share / "icons" / "hicolor" / f"{size}x{size}" / "apps" / f"{IDENTIFIER}.png", draw(svg, size))


def draw(svg: bytes, size: int) -> bytes:
    """The icon as PNG, `size` pixels wide."""
    from PySide6.QtCore import QBuffer, QByteArray, QIODevice, Qt
    from PySide6.QtGui import QImage, QImageWriter, QPainter
    from PySide6.QtSvg import QSvgRenderer

    image = QImage(size, size, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    painter = QPainter(image)
    QSvgRenderer(QByteArray(svg)).render(painter)
    painter.end()
    drawn = QBuffer()
    drawn.open(QIODevice.OpenModeFlag.WriteOnly)
    QImageWriter(drawn, QByteArray(b"png")).write(image)
    return bytes(drawn.data().data())


def _write(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
