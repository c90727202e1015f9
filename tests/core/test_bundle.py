"""The environment of what the packaged program starts: the person's own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.core.bundle import clean, leave_bundle

BUNDLE = Path("/usr/lib/cabochon")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"LD_LIBRARY_PATH": "/usr/lib/cabochon/_internal"}, {}),
        (
            {"LD_LIBRARY_PATH": "/usr/lib/cabochon/_internal:/opt/mine", "LD_LIBRARY_PATH_ORIG": "/opt/mine"},
            {"LD_LIBRARY_PATH": "/opt/mine"},
        ),
        ({"LD_LIBRARY_PATH": "/opt/mine:/home/ä b"}, {"LD_LIBRARY_PATH": "/opt/mine:/home/ä b"}),
        ({"LD_LIBRARY_PATH": "/usr/lib/cabochon/_internal", "LD_LIBRARY_PATH_ORIG": ""}, {}),
        ({"QT_PLUGIN_PATH": "/usr/lib/cabochon/_internal/PySide6/Qt/plugins:/opt/qt"}, {"QT_PLUGIN_PATH": "/opt/qt"}),
        ({"_PYI_APPLICATION_HOME_DIR": "/x", "_PYI_PARENT_PROCESS_LEVEL": "1", "_MEIPASS2": "/x"}, {}),
        ({"PATH": "/usr/bin", "HOME": "/home/a", "QT_QPA_PLATFORM": "wayland"}, None),
    ],
)
def test_what_the_bundle_added_is_gone_and_the_rest_stays(before: dict[str, str], after: dict[str, str] | None) -> None:
    environment = dict(before)
    clean(environment, BUNDLE)
    assert environment == (before if after is None else after)


def test_from_source_nothing_is_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/mine")
    monkeypatch.setenv("_PYI_ARCHIVE_FILE", "somebody else's")
    leave_bundle()
    assert (os.environ["LD_LIBRARY_PATH"], os.environ["_PYI_ARCHIVE_FILE"]) == ("/opt/mine", "somebody else's")
