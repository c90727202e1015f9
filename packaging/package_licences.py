"""The licences of all that the bundle is made of, in one text: it is shown in About and lies in the package."""

from __future__ import annotations

import importlib.metadata
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bootstrap_environment import ENGINE, normalised, read_pins
from bootstrap_report import SetupError

COMMON = Path("/usr/share/common-licenses")  # of every Debian system
TEXT = re.compile(r"(^|/)(licen[cs]es?|copying|notice|ofl)[^/]*$|/licenses/", re.IGNORECASE)
LINE = "=" * 100
OURS = ("cabochon", ENGINE)  # collected by name below
# What the licence of Qt's libraries needs to be said beside its text.
QT_NOTE = (
    "Qt and PySide6 are used under the GNU Lesser General Public License, version 3. Their libraries lie in the\n"
    "folder PySide6 of the program and can be replaced by others with the same interface. Their source is at\n"
    "https://download.qt.io, the licences of what Qt contains at https://doc.qt.io/qt-6/licenses-used-in-qt.html.\n"
)


@dataclass(frozen=True, slots=True)
class Part:
    """Something that the bundle holds, its licence in a word and in full."""

    name: str
    version: str
    licence: str
    text: str

    @property
    def line(self) -> str:
        """What it is, in one line."""
        return f"{f'{self.name} {self.version}'.strip()}: {self.licence}"


def compose(parts: list[Part]) -> str:
    """One text: a list of the parts, then each licence in full, the same text once."""
    lines = ["Cabochon is made of these parts. The licences follow in full.", ""]
    lines += [f"  {part.line}" for part in parts]
    first: dict[str, str] = {}
    for part in parts:
        words = " ".join(part.text.split())
        same = first.setdefault(words, part.name)
        text = part.text.strip("\n") if same == part.name else f"The text is that of {same}."
        lines += ["", LINE, part.line, LINE, "", text]
    return "\n".join(lines) + "\n"


def collect(internal: Path, numpy: Path, root: Path) -> str:
    """The text for the bundle whose libraries lie in `internal`; NumPy is that of the folder `numpy`.

    Raises SetupError where a licence is missing.
    """
    pins = read_pins((root / "packaging" / "constraints.txt").read_text(encoding="utf-8"))
    apache = (root / "LICENSE").read_text(encoding="utf-8")
    native = (root / "packaging" / "licences" / "llama.cpp.txt").read_text(encoding="utf-8")
    parts = [
        Part("Cabochon", str(_project_version(root)), "Apache-2.0", apache),
        Part("llama.cpp and ggml", "", "MIT", native),
        Part("llama-cpp-python", pins[ENGINE], "MIT", native.replace("The ggml authors", "Andrei Betlem")),
        Part("SmolLM2-135M-Instruct, the demo model", "", "Apache-2.0", apache),
        _python(),
    ]
    parts += sorted(_distributions(internal, [str(numpy), *sys.path]), key=lambda part: part.name.lower())
    parts += _system_libraries(internal)
    return compose(parts)


def _project_version(root: Path) -> str:
    found = re.search(r'^version = "(.+)"$', (root / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    return found[1]


def _python() -> Part:
    places = [
        Path(sysconfig.get_path("stdlib")) / "LICENSE.txt",
        Path(f"/usr/share/doc/python{sysconfig.get_python_version()}/copyright"),
    ]
    for place in places:
        if place.is_file():
            return Part("Python", sysconfig.get_python_version(), "PSF-2.0", place.read_text(encoding="utf-8"))
    raise SetupError(f"Python's licence is not in {places[0]}, so it cannot be packaged.")


def _distributions(internal: Path, places: list[str]) -> Iterator[Part]:
    """The Python distributions that have a file in the bundle, and PyInstaller, whose start is in the executables."""
    there = {path.name for path in internal.iterdir()}
    seen: set[str] = set()
    for distribution in importlib.metadata.distributions(path=places):
        name = distribution.metadata["Name"]
        if normalised(name) in (*OURS, *seen):
            continue
        seen.add(normalised(name))
        modules = {file.parts[0] for file in distribution.files or () if file.parts[0] not in ("..", "__pycache__")}
        modules = {module.removesuffix(".py") for module in modules if ".dist-info" not in module}
        if normalised(name) == "pyinstaller" or any(each in there or f"{each}.pyc" in there for each in modules):
            yield Part(name, distribution.version, licence_name(distribution), _text_of(distribution))


def licence_name(distribution: importlib.metadata.Distribution) -> str:
    """The licence in a word or two, from the metadata."""
    metadata = distribution.metadata
    said = next((metadata[field] for field in ("License-Expression", "License") if field in metadata), "")
    classified = [each.rpartition(" :: ")[2] for each in metadata.get_all("Classifier") or () if "License ::" in each]
    return said if said and len(said) < 200 and "\n" not in said else ", ".join(classified) or "see below"


def _text_of(distribution: importlib.metadata.Distribution) -> str:
    name = distribution.metadata["Name"]
    if normalised(name) in ("pyside6-essentials", "shiboken6"):
        texts = [(COMMON / licence).read_text(encoding="utf-8") for licence in ("LGPL-3", "GPL-3")]
        return "\n\n".join([QT_NOTE, *texts])
    files = [file for file in distribution.files or () if ".dist-info" in str(file) and TEXT.search(str(file))]
    texts = [Path(str(file.locate())).read_text(encoding="utf-8", errors="replace") for file in files]
    if normalised(name) == "pi-heif":  # what is inside it is under the LGPL
        texts.append((COMMON / "LGPL-3").read_text(encoding="utf-8"))
    if not texts:
        raise SetupError(f"{name} comes without the text of its licence.")
    return "\n\n".join(text.strip("\n") for text in texts)


def _system_libraries(internal: Path) -> Iterator[Part]:
    """The build machine's own libraries that came along, by Debian's packages."""
    owners: dict[str, str] = {}
    for library in sorted(internal.glob("lib*.so*")):
        if library.is_symlink() or library.name.startswith("libpython"):
            continue
        asked = subprocess.run(["dpkg", "-S", f"*/{library.name}"], capture_output=True, text=True, check=False)
        owner = asked.stdout.partition(":")[0]
        told = Path(f"/usr/share/doc/{owner}/copyright")
        if not owner or not told.is_file():
            raise SetupError(f"Nothing tells the licence of {library.name}.")
        owners[owner] = told.read_text(encoding="utf-8")
    for owner, text in owners.items():
        yield Part(owner, "", "see below", text)
