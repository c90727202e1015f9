"""A folder was dropped: may the tools of this chat read it? Nothing is read before the answer."""

from __future__ import annotations

import os
import threading
from collections import Counter
from pathlib import Path

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from app.core.visible import at_home, visible
from app.gguf.header import in_words
from app.ui.banners import Picture
from app.ui.controls import Button, ElidedWords, Line, Words
from app.ui.look import Look
from app.ui.painting import box
from app.ui.tips import tip

_MOST_FILES = 20_000
_KINDS = {
    "photo": {".jpg", ".jpeg", ".png", ".webp", ".heic", ".gif", ".tif", ".tiff", ".avif"},
    "table": {".csv", ".tsv", ".xlsx", ".ods"},
    "text": {".txt", ".md", ".rst", ".py", ".js", ".json", ".html", ".xml", ".yaml", ".yml", ".toml", ".log", ".tex"},
    "PDF": {".pdf"},
}


class FolderCard(QWidget):
    """Accessible as *Folder NAME*. `decided` carries the folder and whether it may be read; *Not now* is default."""

    decided = Signal(str, bool)
    listed = Signal(str)

    def __init__(self, look: Look, folder: Path) -> None:
        super().__init__()
        self._look = look
        self._folder = folder
        shown = visible(at_home(str(folder)))
        self.setAccessibleName(f"Folder {shown}")
        title = ElidedWords(look, 14, 600)
        title.set_text(f"Let the model read {shown} in this chat?")
        title.setToolTip(tip(shown))
        self._figures = Words(look, "Counting its files…", 12, token="text2", figures=True)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(title)
        words.addWidget(self._figures)
        words.addSpacing(6)
        for icon, said in (
            ("check", "List, read and search what is in it, subfolders too"),
            ("deny", "Never write, rename or delete; nothing outside the folder"),
            ("clock", "Ends with this chat, or when you take it back"),
        ):
            line = QHBoxLayout()
            line.setSpacing(10)
            line.addWidget(Picture(look, icon, "text2", 15))
            line.addWidget(Words(look, said, 13), 1)
            words.addLayout(line)
        body = QHBoxLayout()
        body.setContentsMargins(14, 12, 14, 10)
        body.setSpacing(12)
        icon_at = QVBoxLayout()
        icon_at.addWidget(Picture(look, "folder", "accent", 20))
        icon_at.addStretch(1)
        body.addLayout(icon_at)
        body.addLayout(words, 1)
        files = Button(look, "Show the files", "link", small=True, icon="folder")
        files.clicked.connect(self._on_files_asked)
        self.allow = Button(look, "Allow reading")
        self.allow.clicked.connect(self._on_allowed)
        self.not_now = Button(look, "Not now")
        self.not_now.clicked.connect(self._on_not_now)
        foot = QHBoxLayout()
        foot.setContentsMargins(10, 8, 14, 8)
        foot.setSpacing(10)
        foot.addWidget(files)
        foot.addStretch(1)
        foot.addWidget(self.allow)
        foot.addWidget(self.not_now)
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 1, 1, 1)
        column.setSpacing(0)
        column.addLayout(body)
        column.addWidget(Line(look))
        column.addLayout(foot)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._counting = _Counting(folder)
        self._counting.counted.connect(self._figures.setText)
        self._counting.start()
        look.changed.connect(self.update)

    def close_now(self) -> None:
        """Count no more."""
        self._counting.stop()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if event.key() == Qt.Key.Key_Escape or (enter and self.not_now.hasFocus()):
            self._on_not_now()
        elif enter and self.allow.hasFocus():
            self._on_allowed()
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        box(QPainter(self), self.rect(), 10, self._look.colour("raised"), self._look.colour("border_strong"))

    @Slot()
    def _on_allowed(self) -> None:
        self.decided.emit(str(self._folder), True)

    @Slot()
    def _on_not_now(self) -> None:
        self.decided.emit(str(self._folder), False)

    @Slot()
    def _on_files_asked(self) -> None:
        self.listed.emit(str(self._folder))


class _Counting(QObject):
    """Counts names and sizes on a thread; opens no file."""

    counted = Signal(str)

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._folder = folder
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._work, name="count-files", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join(1.0)

    def _work(self) -> None:
        text = figures_of(self._folder, self._stopped)
        if not self._stopped.is_set():
            self.counted.emit(text)


def figures_of(folder: Path, stopped: threading.Event) -> str:
    """`38 files, 4.2 MB: 24 text, 9 tables, 5 photos. The largest is 1.1 MB.`"""
    kinds: Counter[str] = Counter()
    files = total = largest = 0
    for where, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            if stopped.is_set():
                return ""
            try:
                size = os.lstat(os.path.join(where, name)).st_size
            except OSError:
                continue
            files, total, largest = files + 1, total + size, max(largest, size)
            ending = Path(name).suffix.lower()
            kinds[next((kind for kind, endings in _KINDS.items() if ending in endings), "other")] += 1
        if files > _MOST_FILES:
            return f"More than {_MOST_FILES:,} files."
    if not files:
        return "It has no files."
    told = [f"{number} {_plural(kind, number)}" for kind, number in kinds.most_common()]
    of = f": {', '.join(told)}" if len(told) > 1 or "other" not in kinds else ""
    return f"{files:,} file{'' if files == 1 else 's'}, {in_words(total)}{of}. The largest is {in_words(largest)}."


def _plural(kind: str, number: int) -> str:
    return f"{kind}s" if kind in ("photo", "table", "PDF") and number != 1 else kind
