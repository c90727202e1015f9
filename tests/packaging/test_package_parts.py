"""What makes the packages, in its pure parts: which files go in, what they need, what the desktop and Debian read."""

from __future__ import annotations

import configparser
import gzip
import importlib.metadata
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
from bootstrap_report import SetupError
from bootstrap_system import lacks
from package import begin_release, parse
from package_bundle import Bundle, add_engine, settle
from package_deb import control, debian_changelog
from package_desktop import draw, manual, metainfo, releases
from package_libraries import check_libraries, read_library
from package_licences import Part, compose, licence_name
from package_parts import IDENTIFIER, PROGRAMS, wanted
from package_run import first_names

from app.core.paths import APPLICATION_ID
from tests.conftest import ROOT

CHANGELOG = """\
# Changes

## 0.2.0, not released

- A *new* thing:
  it is `quick` & small.

## 0.1.0, 2026-10-01

- The first.
"""
BUNDLE = Bundle(Path("/nowhere"), ("libc6 (>= 2.35)", "libglib2.0-0 | libglib2.0-0t64"), ("libvulkan1",))


def test_the_same_name_everywhere() -> None:
    assert IDENTIFIER == APPLICATION_ID
    entries = {program.script for program in PROGRAMS}
    hosts = {f"app/{path.name}" for path in (ROOT / "app").glob("*.py") if path.stem not in ("__init__", "main")}
    assert entries == hosts


@pytest.mark.parametrize(
    ("target", "source", "goes_in"),
    [
        ("PySide6/Qt/lib/libQt6Core.so.6", "", True),
        ("PySide6/Qt/lib/libQt6Qml.so.6", "", False),
        ("PySide6/Qt/plugins/platforms/libqxcb.so", "", True),
        ("PySide6/Qt/plugins/platforms/libqvnc.so", "", False),
        ("PySide6/Qt/translations/qtbase_de.qm", "", False),
        ("libQt6Core.so.6", "PySide6/Qt/lib/libQt6Core.so.6", False),
        ("libstdc++.so.6", "/usr/lib/x86_64-linux-gnu/libstdc++.so.6", False),
        ("libgtk-3.so.0", "/lib/x86_64-linux-gnu/libgtk-3.so.0", False),
        ("libssl.so.3", "/lib/x86_64-linux-gnu/libssl.so.3", True),
        ("keyring-25.dist-info/entry_points.txt", "", True),
        ("cabochon-0.1.dist-info/direct_url.json", "", False),
        ("app/store/migrations/0001.sql", "", True),
    ],
)
def test_which_files_go_in(target: str, source: str, goes_in: bool) -> None:
    assert wanted(target, source) is goes_in


def test_what_a_library_asks_for_is_read_from_its_header() -> None:
    dump = (
        "  NEEDED               libm.so.6\n  SONAME               libx.so.1\n 0x1 0x00 02 GLIBC_2.4\n 0x1 GLIBC_2.34\n"
    )
    library = read_library(Path("/x/libx.so"), dump)
    assert (library.soname, library.needed, library.versions) == ("libx.so.1", ("libm.so.6",), {"GLIBC": (2, 34)})


def test_a_library_that_no_package_brings_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "empty.c"
    source.write_text("", encoding="utf-8")
    strange = tmp_path / "libstrange.so"
    bundled = tmp_path / "bundle"
    bundled.mkdir()
    subprocess.run(["cc", "-shared", "-Wl,-soname,libstrange.so", "-o", str(strange), str(source)], check=True)
    user = ["cc", "-shared", "-Wl,--no-as-needed", "-o", str(bundled / "libuser.so"), str(source), str(strange)]
    subprocess.run(user, check=True)
    with pytest.raises(SetupError, match=r"libuser\.so needs libstrange\.so, and no package is known for it"):
        check_libraries(bundled)
    shutil.copy(strange, bundled)
    assert check_libraries(bundled) == (("libc6 (>= 2.35)",), ())


def test_the_engine_is_taken_with_each_library_once(tmp_path: Path) -> None:
    engine = tmp_path / "llama_cpp"
    (engine / "lib").mkdir(parents=True)
    for module in ("__init__", "_ctypes_extensions", "_ggml", "llama_cpp", "mtmd_cpp", "llama"):
        (engine / f"{module}.py").write_text("value = 1\n", encoding="utf-8")
    for name in ("libllama.so", "libllama.so.0", "libllama.so.0.5.0", "readme.txt"):
        (engine / "lib" / name).write_bytes(b"the same")
    add_engine(engine, tmp_path / "made")
    assert sorted(path.name for path in (tmp_path / "made" / "lib").iterdir()) == ["libllama.so", "libllama.so.0"]
    assert (tmp_path / "made" / "lib" / "libllama.so.0").is_symlink()
    assert not (tmp_path / "made" / "llama.pyc").exists()
    assert str(tmp_path).encode() not in (tmp_path / "made" / "llama_cpp.pyc").read_bytes()
    with pytest.raises(SetupError, match="There is no engine in"):
        add_engine(tmp_path, tmp_path / "again")


def test_the_changelog_becomes_release_notes() -> None:
    newest, first = releases(CHANGELOG)
    assert (newest.version, newest.date, newest.notes) == ("0.2.0", "", ("A new thing: it is quick & small.",))
    assert (first.version, first.date) == ("0.1.0", "2026-10-01")
    found = ElementTree.fromstring(metainfo(CHANGELOG, "2026-11-29"))
    assert found.findtext("id") == APPLICATION_ID
    assert [each.get("date") for each in found.iter("release")] == ["2026-11-29", "2026-10-01"]
    said = debian_changelog(CHANGELOG, 0)
    assert said.startswith("cabochon (0.2.0) unstable; urgency=medium\n\n  * A new thing: it is quick & small.\n")
    assert "  Thu, 01 Oct 2026 00:00:00 +0000" in said


def test_a_release_writes_its_version_and_its_day(tmp_path: Path) -> None:
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG, encoding="utf-8")
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "0.1.0"\n\n[x]\nversion = "1"\n', encoding="utf-8")
    begin_release(tmp_path, "0.2.0", "2026-11-29")
    assert releases((tmp_path / "CHANGELOG.md").read_text(encoding="utf-8"))[0].date == "2026-11-29"
    assert 'version = "0.2.0"\n\n[x]\nversion = "1"' in (tmp_path / "pyproject.toml").read_text(encoding="utf-8")
    with pytest.raises(SetupError, match="nothing to release"):
        begin_release(tmp_path, "0.3.0", "2026-11-30")


@pytest.mark.parametrize("arguments", [["release"], ["release", "1"], ["package", "1.2.3"], ["other"]])
def test_a_wrong_command_line_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        parse(arguments)


def test_the_tools_that_make_packages_are_asked_for_where_they_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "bootstrap_system.shutil.which", lambda name: None if name == "makeself" else f"/usr/bin/{name}"
    )
    lacking = lacks(compiler=False, environment=False, qt=False, wayland=False, package=True)
    assert [lack.packages for lack in lacking] == [("makeself",)]


def test_the_control_file_has_what_dpkg_asks_for() -> None:
    fields = dict(line.split(": ", 1) for line in control("0.1.0", BUNDLE, 12).splitlines() if not line.startswith(" "))
    assert fields["Depends"] == "libc6 (>= 2.35), libglib2.0-0 | libglib2.0-0t64"
    assert fields["Recommends"] == "libvulkan1, xdg-utils"
    assert (fields["Package"], fields["Installed-Size"]) == ("cabochon", "12")
    assert first_names(BUNDLE.depends) == ["libc6", "libglib2.0-0"]


def test_the_menu_entry_opens_files_with_the_command() -> None:
    entry = configparser.ConfigParser(interpolation=None, strict=True)
    entry.optionxform = str  # type: ignore[assignment,method-assign]
    entry.read(ROOT / "packaging" / "linux" / "cabochon.desktop", encoding="utf-8")
    said = entry["Desktop Entry"]
    assert (said["Exec"], said["Icon"]) == ("cabochon %F", APPLICATION_ID)
    kinds = said["MimeType"].split(";")
    assert {"image/png", "image/heic", "application/pdf", "text/markdown", "application/x-gguf"} <= set(kinds)
    types = ElementTree.parse(ROOT / "packaging" / "linux" / "mime.xml").getroot()
    assert types[0].get("type") == "application/x-gguf"


def test_the_manual_is_read_by_man_without_a_warning() -> None:
    page = manual("0.1.0", "2026-11-29", {"": "usage: cabochon\n.hidden\n", "ask": "usage: 'ask' --model X\\Y"})
    assert ".SS cabochon ask" in page
    assert "\n\\&.hidden\n" in page


@pytest.mark.parametrize("size", [16, 512])
def test_icons_are_drawn_in_every_size(size: int) -> None:
    drawn = draw((ROOT / "resources" / "icons" / "cabochon.svg").read_bytes(), size)
    assert drawn[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(drawn[16:20], "big") == size


def test_the_same_licence_stands_once() -> None:
    text = compose(
        [Part("A", "1", "MIT", "free  as\nair"), Part("B", "2", "MIT", "free as air\n"), Part("C", "", "X", "c")]
    )
    assert text.count("free") == 1
    assert "The text is that of A." in text
    assert "  B 2: MIT" in text


def test_every_library_of_the_program_tells_its_licence() -> None:
    names = [licence_name(importlib.metadata.distribution(name)) for name in ("mcp", "pillow", "PySide6-Essentials")]
    assert names == ["MIT", "MIT-CMU", "LGPL-3.0-only OR GPL-2.0-only OR GPL-3.0-only"]


def test_times_and_modes_do_not_depend_on_who_builds(tmp_path: Path) -> None:
    for name, mode in (("program", 0o700), ("text", 0o600)):
        (tmp_path / name).write_bytes(gzip.compress(b"x"))
        (tmp_path / name).chmod(mode)
    settle(tmp_path, 1000)
    assert [oct((tmp_path / name).stat().st_mode)[-3:] for name in ("program", "text")] == ["755", "644"]
    assert {(tmp_path / name).stat().st_mtime for name in ("program", "text")} == {1000.0}
