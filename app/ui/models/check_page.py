"""*Check this machine*: whether every device answers as it should, text and pictures, and what is done about it."""

from __future__ import annotations

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QGuiApplication, QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from app.ui.banners import Picture
from app.ui.card import Card
from app.ui.controls import Button, Words
from app.ui.look import Look
from app.ui.models.machine_check import Answer, Device, MachineCheck, Report
from app.ui.models.unused_card import UnusedCard
from app.ui.scrolling import fill
from app.ui.sentence import Sentence

COLUMN = 860


class CheckPage(QWidget):
    """Begins no check by itself."""

    def __init__(self, look: Look, check: MachineCheck) -> None:
        super().__init__()
        self._look = look
        self._check = check
        self.title = Sentence(look, 17, 24)
        self.said = Sentence(look)
        self.copy = Button(look, "Copy report", "quiet", icon="copy")
        self.again = Button(look, "Check now", "primary", icon="regenerate")
        self._rows = QVBoxLayout()
        self._rows.setContentsMargins(0, 0, 0, 0)
        self._rows.setSpacing(0)
        self._card = Card(look)
        self._card.setLayout(self._rows)
        self.unused_card = UnusedCard(look)
        foot = Sentence(look, 12, 16)
        foot.say(
            "",
            "The check uses a test model of 4 MB that comes with Cabochon, and for a card an image part of full size "
            "that is made up for it, each device in a process of its own: a driver that crashes takes nothing with it. "
            "The same in a terminal: cabochon doctor --check",
        )
        texts = QVBoxLayout()
        texts.setSpacing(2)
        texts.addWidget(self.title)
        texts.addWidget(self.said)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addLayout(texts, 1)
        head.addWidget(self.copy, 0, Qt.AlignmentFlag.AlignTop)
        head.addWidget(self.again, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout()
        column.setSpacing(20)
        column.addLayout(head)
        column.addWidget(self._card)
        column.addWidget(self.unused_card)
        column.addWidget(foot)
        column.addStretch(1)
        fill(self, column, COLUMN)
        self.again.clicked.connect(check.begin)
        self.copy.clicked.connect(self._on_copy_clicked)
        check.changed.connect(self._refresh)
        self._refresh()

    @Slot()
    def _refresh(self) -> None:
        check, report = self._check, self._check.report
        self.again.setEnabled(not check.running)
        self.again.setText("Checking…" if check.running else "Check again" if report else "Check now")
        self.again.updateGeometry()
        self.copy.setVisible(report is not None)
        title, said = _in_words(report, running=check.running)
        self.title.say(title)
        self.said.say("", said)
        while (item := self._rows.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        devices = sorted(report.devices if report else (), key=lambda device: device.kind != "cpu")
        for number, device in enumerate(devices):
            if answers := (report.of(device.name) if report else ()):
                self._rows.addWidget(_Row(self._look, device, answers, first=number == 0))
        self._card.setVisible(self._rows.count() > 0)

    @Slot()
    def _on_copy_clicked(self) -> None:
        QGuiApplication.clipboard().setText(self._check.text)


class _Row(QWidget):
    """A device: name, what it is, text, pictures, time; below it what went wrong."""

    def __init__(self, look: Look, device: Device, answers: tuple[Answer, ...], *, first: bool) -> None:
        super().__init__()
        self._look = look
        self._first = first
        self._indent = look.px(18) + 14  # below the name, beside the icon
        name = "CPU" if device.kind == "cpu" else device.description
        free = f", {device.memory_free / (1 << 30):.1f} of {device.memory_total / (1 << 30):.1f} GiB free"
        what = device.description if device.kind == "cpu" else device.name
        texts = QVBoxLayout()
        texts.setSpacing(0)
        texts.addWidget(Words(look, name, 13, 600))
        texts.addWidget(Words(look, f"{what}{free if device.memory_total else ''}", 12, token="text2"))
        row = QHBoxLayout()
        row.setSpacing(14)
        row.addWidget(Picture(look, "cpu", "text2", 18))
        row.addLayout(texts, 1)
        row.addWidget(_Outcome(look, "Text", [one for one in answers if not one.picture]))
        row.addWidget(_Outcome(look, "Images", [one for one in answers if one.picture]))
        column = QVBoxLayout(self)
        column.setContentsMargins(18, 12, 18, 12)
        column.setSpacing(10)
        column.addLayout(row)
        wrong = next((one for one in answers if not (one.right or one.too_slow)), None)
        if wrong is not None:
            column.addLayout(self._told(wrong))
        for one in answers:
            if one.full_size and one.right:
                column.addLayout(self._compared(one))
        self.setMinimumHeight(look.px(64))

    def _told(self, wrong: Answer) -> QGridLayout:
        look, grid = self._look, QGridLayout()
        grid.setContentsMargins(self._indent, 0, 0, 4)
        grid.setHorizontalSpacing(16)
        grid.setVerticalSpacing(4)
        grid.setColumnStretch(1, 1)
        lines = (
            ("It was asked", wrong.question, "text"),
            ("Right is", wrong.expected, "text"),
            ("It says", " ".join(wrong.answer.split()) or "nothing", "danger"),
        )
        for number, (label, said, token) in enumerate(lines):
            shown = Sentence(look, 12, 18, token=token)
            shown.say("", said[:200])
            grid.addWidget(Words(look, label, 12, token="text2"), number, 0, Qt.AlignmentFlag.AlignTop)
            grid.addWidget(shown, number, 1)
        return grid

    def _compared(self, seen: Answer) -> QHBoxLayout:
        row, sentence = QHBoxLayout(), Sentence(self._look, 12, 16)
        row.setContentsMargins(self._indent, 0, 0, 0)
        sentence.say("", f"An image part of full size sees what it sees on the processor ({seen.apart:.1%} apart).")
        row.addWidget(sentence)
        return row

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._first:
            QPainter(self).fillRect(1, 0, self.width() - 2, 1, self._look.colour("border"))


class _Outcome(QWidget):
    """A mark with the time, or what is wrong."""

    def __init__(self, look: Look, part: str, answers: list[Answer]) -> None:
        super().__init__()
        slow = any(one.too_slow for one in answers)
        right = bool(answers) and all(one.right for one in answers) and not slow
        seconds = sum(one.seconds for one in answers)
        said = f"{part} {seconds:.1f} s" if right else f"{part} {_fault(answers)}"
        self.setAccessibleName(said)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(Picture(look, "success" if right else "error", "ok" if right else "danger", 16))
        words = Words(look, said, 12, 400 if right else 500, "text2" if right else "danger", figures=True)
        words.setMinimumWidth(look.px(92))
        row.addWidget(words)


def _fault(answers: list[Answer]) -> str:
    wrong = [one for one in answers if not (one.right or one.too_slow)]
    if not wrong:
        return "too slow" if answers else "not asked"
    return "wrong" if any(one.answer for one in wrong) else "no answer"


def _in_words(report: Report | None, *, running: bool) -> tuple[str, str]:
    if running:
        return "Checking this machine…", "Every device is asked the same questions. It takes some seconds each."
    if report is None:
        return "Not checked yet", "A wrong driver is found in seconds, before a large model is loaded on it."
    processor = report.of("CPU")
    if not processor or not all(one.right for one in processor):
        return "Something is wrong with the engine itself", "Install Cabochon again; the report says what it answered."
    aside = report.set_aside
    cards = [device for device in report.devices if device.kind != "cpu" and report.of(device.name)]
    if aside.text or aside.pictures:
        return "Text and images work, with a card set aside", " ".join(aside.why)
    on = f" on {cards[0].description}" if cards else " on the processor"
    return f"Text and images work{on}", "Every device answered as it should."
