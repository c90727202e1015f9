"""A sentence that begins in bold and wraps to its width."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QSize, Qt, Slot
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent, QTextCharFormat, QTextLayout, QTextOption
from PySide6.QtWidgets import QSizePolicy, QStyle, QWidget

from app.ui.look import Look
from app.ui.painting import reading_direction


class Sentence(QWidget):
    """The first words say what happened, in bold; the rest what is safe and what to do."""

    def __init__(
        self, look: Look, px: float = 13, line: float = 18, bold_token: str = "text", token: str = "text2"
    ) -> None:
        super().__init__()
        self._look = look
        self._px = px
        self._line = line
        self._tokens = (bold_token, token)
        self._bold = ""
        self._rest = ""
        self._laid_out: tuple[int, QTextLayout] | None = None
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        look.changed.connect(self._on_look_changed)

    @property
    def text(self) -> str:
        """All of it."""
        return f"{self._bold} {self._rest}".strip()

    def say(self, bold: str, rest: str = "") -> None:
        """Show these words."""
        self._bold = bold
        self._rest = rest
        self.setAccessibleName(self.text)
        self._on_look_changed()

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        return self._layout(width).lineCount() * self._look.px(self._line)

    def sizeHint(self) -> QSize:
        natural = self._layout(100_000)
        width = natural.lineAt(0).naturalTextWidth() if natural.lineCount() else 0
        return QSize(round(width) + 2, self._look.px(self._line))

    def minimumSizeHint(self) -> QSize:
        return QSize(120, self._look.px(self._line))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.updateGeometry()

    def paintEvent(self, event: QPaintEvent) -> None:
        laid_out = self._layout(self.width())
        used = laid_out.lineCount() * self._look.px(self._line)
        laid_out.draw(QPainter(self), QPointF(0, max(0, (self.height() - used) / 2)))

    def _layout(self, width: int) -> QTextLayout:
        if self._laid_out is None or self._laid_out[0] != width:
            self._laid_out = (width, self._made_layout(width))
        return self._laid_out[1]

    def _made_layout(self, width: int) -> QTextLayout:
        look = self._look
        laid_out = QTextLayout(self.text, look.font(self._px))
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)  # the paths of files can be one long word
        option.setTextDirection(reading_direction(self.text, self.layoutDirection()))
        option.setAlignment(
            Qt.AlignmentFlag.AlignAbsolute | QStyle.visualAlignment(self.layoutDirection(), Qt.AlignmentFlag.AlignLeft)
        )
        laid_out.setTextOption(option)
        laid_out.setFormats(
            [self._range(0, len(self._bold), True), self._range(len(self._bold), len(self.text), False)]
        )
        laid_out.beginLayout()
        height = look.px(self._line)
        place = 0
        while (line := laid_out.createLine()).isValid():
            line.setLineWidth(max(1, width))
            line.setPosition(QPointF(0, place + (height - line.height()) / 2))
            place += height
        laid_out.endLayout()
        return laid_out

    def _range(self, start: int, end: int, bold: bool) -> QTextLayout.FormatRange:
        piece = QTextLayout.FormatRange()
        piece.start = start
        piece.length = end - start
        style = QTextCharFormat()
        style.setFont(self._look.font(self._px, 600 if bold else 400))
        style.setForeground(self._look.colour(self._tokens[0 if bold else 1]))
        piece.format = style
        return piece

    @Slot()
    def _on_look_changed(self) -> None:
        self._laid_out = None
        self.updateGeometry()
        self.update()
