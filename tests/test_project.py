"""What holds for the project as a whole: sizes, layers that need more than a contract, pages that tell the truth."""

from __future__ import annotations

import ast
import importlib.metadata
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from PySide6.QtCore import QObject, QPoint, Signal
from PySide6.QtGui import QColor, QTextDocument
from PySide6.QtWidgets import QApplication, QWidget

from tests.conftest import ROOT

FILE_LINES, FUNCTION_LINES, CLASS_LINES = 500, 60, 400
SOURCES = sorted(path for folder in ("app", "tests", "packaging") for path in (ROOT / folder).rglob("*.py"))
HEX_COLOUR = re.compile(r"#(?:[0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})\b")


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imported(path: Path) -> Iterator[str]:
    """The top-level names that a file imports, wherever in it."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def oversized(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    if text.count("\n") > FILE_LINES:
        yield f"{name(path)} has {text.count(chr(10))} lines, not {FILE_LINES}"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            limit = CLASS_LINES if isinstance(node, ast.ClassDef) else FUNCTION_LINES
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > limit:
                yield f"{name(path)}:{node.lineno} {node.name} has {lines} lines, not {limit}"


def test_sizes_stay_small() -> None:
    assert [found for path in SOURCES for found in oversized(path)] == []


def test_the_size_check_finds_what_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    source = tmp_path / "large.py"
    source.write_text("class Large:\n    def long(self):\n" + "        pass\n" * 500, encoding="utf-8")
    assert [found.split(" ", 1)[1] for found in oversized(source)] == [
        "has 502 lines, not 500",
        "Large has 502 lines, not 400",
        "long has 501 lines, not 60",
    ]


def test_the_core_stands_on_next_to_nothing() -> None:
    allowed = {*sys.stdlib_module_names, "msgspec", "platformdirs", "app"}
    found = {(name(path), module) for path in (ROOT / "app" / "core").glob("*.py") for module in imported(path)}
    assert {each for each in found if each[1] not in allowed} == set()


# Beside the contracts of import-linter, which know only what is imported already.
PLACES = {
    "PySide6": ("app/ui/", "app/main.py"),
    "shiboken6": ("app/ui/",),
    "apsw": ("app/store/",),
    "sqlite3": ("app/store/",),
    "llama_cpp": ("app/engine/llama",),
}


def test_libraries_with_one_place_stay_there() -> None:
    found = {(name(path), module) for path in (ROOT / "app").rglob("*.py") for module in imported(path)}
    assert {each for each in found if not each[0].startswith(PLACES.get(each[1], ""))} == set()


def test_bootstrap_needs_the_standard_library_alone() -> None:
    files = sorted((ROOT / "packaging").glob("bootstrap*.py"))
    own = {path.stem for path in files}
    found = {module for path in files for module in imported(path)}
    assert found - own - set(sys.stdlib_module_names) == {"app"}
    assert set(imported(ROOT / "app" / "models" / "graphics.py")) - set(sys.stdlib_module_names) == set()
    assert not (ROOT / "packaging" / "__init__.py").exists(), "it would shadow the library of that name"


def colours(path: Path) -> Iterator[str]:
    """Colours that a file writes down instead of asking the theme."""
    for node in ast.walk(tree_of(path)):
        written = ""
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and HEX_COLOUR.search(node.value):
            written = node.value[:40]
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value).endswith("GlobalColor"):
            written = node.attr if node.attr != "transparent" else ""
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in ("QColor", "QColor.fromRgb", "qRgb"):
            literal = any(isinstance(argument, ast.Constant) for argument in node.args[:3])
            written = ast.unparse(node) if literal else ""
        if written:
            yield f"{name(path)}:{getattr(node, 'lineno', 0)} {written}"


def test_colours_are_the_themes_alone() -> None:
    files = set((ROOT / "app").rglob("*.py")) - {ROOT / "app" / "ui" / "theme.py"}
    assert [found for path in sorted(files) for found in colours(path)] == []


def test_the_colour_check_finds_what_is_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    source = tmp_path / "widget.py"
    source.write_text(
        "a = 'color: #ff8800'\nb = QColor(1, 2, 3)\nc = Qt.GlobalColor.red\n"
        "d = Qt.GlobalColor.transparent\ne = QColor(theme.accent)\nf = '#12'\n",
        encoding="utf-8",
    )
    assert sorted(colours(source)) == ["widget.py:1 color: #ff8800", "widget.py:2 QColor(1, 2, 3)", "widget.py:3 red"]


def test_the_architecture_page_names_what_exists() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:app|packaging|resources|tests|\.ci)/[^`\s]*)`", page))
    assert len(named) > 20
    assert {path for path in named if not (ROOT / path).exists()} == set()
    assert page.count("\n") <= 100, "it is one page"


def test_every_package_stands_in_the_architecture_page() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    packages = [path.parent for path in (ROOT / "app").glob("*/__init__.py")]
    assert [name(package) for package in packages if f"`{name(package)}/" not in page] == []


def requirements() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *project["optional-dependencies"]["test"]]
    found = [Requirement(line) for line in lines]
    return [requirement for requirement in found if requirement.marker is None or requirement.marker.evaluate()]


def constraints() -> dict[str, str]:
    lines = (ROOT / "packaging" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if not line.startswith("#")]
    return {canonicalize_name(package): version for package, version in pairs}


def test_the_tested_versions_are_those_the_project_asks_for() -> None:
    pinned = constraints()
    for requirement in requirements():
        assert pinned[canonicalize_name(requirement.name)] in requirement.specifier


def test_what_is_tested_here_are_the_tested_versions() -> None:
    pinned = constraints()
    here = {each.name: importlib.metadata.version(each.name) for each in requirements()}
    assert here == {package: pinned[canonicalize_name(package)] for package in here}


class _Spoken(QObject):
    said = Signal(object)


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None is immortal from Python 3.12 on")
def test_qt_calls_leave_the_references_to_none_alone(qapp: QApplication) -> None:
    """PySide6 6.12 takes one away with each of many calls; after some 5,000 the program aborts (none_dealloc)."""
    widget, document, spoken = QWidget(), QTextDocument(), _Spoken()
    heard: list[object] = []
    spoken.said.connect(heard.append)
    before = sys.getrefcount(None)
    for number in range(100):
        widget.setWindowTitle(str(number))
        widget.setParent(None)
        widget.move(QPoint(number, number))
        widget.setToolTip("")
        widget.parentWidget()
        widget.update()
        document.setPlainText("words")
        document.setDefaultStyleSheet("")
        spoken.said.emit("word")
        spoken.setObjectName("spoken")
        QColor("black").isValid()
        qapp.processEvents()
    assert abs(sys.getrefcount(None) - before) < 100
    assert len(heard) == 100
    widget.deleteLater()
