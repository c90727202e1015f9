"""The theme and text size in force: every widget asks here for colours, fonts and sizes, and hears when they change."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QColor, QFont, QGuiApplication, QIcon, QPalette, QPixmap
from PySide6.QtWidgets import QApplication, QStyle

from app.ui import fonts, icons
from app.ui.stylesheet import style_sheet
from app.ui.theme import Theme, theme_for

SCALES = (0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0)


class Look(QObject):
    """One per application, on the GUI thread. `changed` comes after the palette and the style sheet are in place."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._choice = "system"
        self._scale = 1.0
        self._theme = self._wanted()
        hints = QGuiApplication.styleHints()
        hints.colorSchemeChanged.connect(self._on_system_changed)
        if hasattr(hints, "accessibility"):  # Qt 6.10 and newer tell the wish for contrast
            hints.accessibility().contrastPreferenceChanged.connect(self._on_system_changed)
        self._dress()

    @property
    def theme(self) -> Theme:
        """The colours in force."""
        return self._theme

    @property
    def scale(self) -> float:
        """The text size, 1.0 for 100%."""
        return self._scale

    def choose(self, choice: str, scale: float) -> None:
        """Take the theme (`system | light | dark | contrast`) and text size of the settings."""
        self._choice = choice
        scale = min(max(scale, SCALES[0]), SCALES[-1])
        theme = self._wanted()
        if theme is self._theme and scale == self._scale:
            return
        self._theme = theme
        self._scale = scale
        self._dress()
        self.changed.emit()

    def colour(self, token: str) -> QColor:
        """The colour that the theme has under this name."""
        return QColor(getattr(self._theme, token))

    def font(self, px: float, weight: int = 400) -> QFont:
        """The window's font at the text size in force."""
        return fonts.ui(px, weight, self._scale)

    def figures(self, px: float, weight: int = 400) -> QFont:
        """The window's font with figures of one width."""
        return fonts.figures(px, weight, self._scale)

    def mono(self, px: float) -> QFont:
        """The font of code at the text size in force."""
        return fonts.mono(px, self._scale)

    def px(self, value: float) -> int:
        """A height or width that grows with the text."""
        return round(value * self._scale)

    def motion(self, milliseconds: int) -> int:
        """How long a movement takes: no time at all where the system asks for none."""
        return milliseconds if QApplication.style().styleHint(QStyle.StyleHint.SH_Widget_Animate) else 0

    def icon(self, name: str, token: str = "text2", size: int = 16) -> QIcon:
        """An icon in a colour of the theme."""
        return icons.icon(name, getattr(self._theme, token), self.px(size))

    def pixmap(self, name: str, token: str, size: int, ratio: float) -> QPixmap:
        """An icon's picture in a colour of the theme, `size` logical pixels at 100%."""
        return icons.pixmap(name, getattr(self._theme, token), self.px(size), ratio)

    def _wanted(self) -> Theme:
        hints = QGuiApplication.styleHints()
        contrast = False
        if hasattr(hints, "accessibility"):
            contrast = hints.accessibility().contrastPreference() == Qt.ContrastPreference.HighContrast
        return theme_for(self._choice, system_dark=hints.colorScheme() == Qt.ColorScheme.Dark, system_contrast=contrast)

    def _dress(self) -> None:
        QApplication.setFont(self.font(13))
        QApplication.setPalette(palette(self._theme))
        application = QApplication.instance()
        if isinstance(application, QApplication):
            application.setStyleSheet(style_sheet(self._theme, self._scale))

    @Slot()
    def _on_system_changed(self) -> None:
        self.choose(self._choice, self._scale)


def palette(theme: Theme) -> QPalette:
    """The theme as Qt's palette, for what Qt draws by itself."""
    made = QPalette()
    role = QPalette.ColorRole
    for where, token in {
        role.Window: theme.window,
        role.WindowText: theme.text,
        role.Base: theme.raised,
        role.AlternateBase: theme.sunken,
        role.Text: theme.text,
        role.PlaceholderText: theme.text3,
        role.Button: theme.raised,
        role.ButtonText: theme.text,
        role.BrightText: theme.danger,
        role.ToolTipBase: theme.raised,
        role.ToolTipText: theme.text,
        role.Highlight: theme.accent,
        role.HighlightedText: theme.on_accent,
        role.Accent: theme.accent,
        role.Link: theme.accent,
        role.LinkVisited: theme.accent,
        role.Light: theme.raised,
        role.Midlight: theme.hover,
        role.Mid: theme.border_strong,
        role.Dark: theme.control,
        role.Shadow: theme.border_strong,
    }.items():
        made.setColor(where, QColor(token))
    for where in (role.WindowText, role.Text, role.ButtonText):
        made.setColor(QPalette.ColorGroup.Disabled, where, QColor(theme.text3))
    return made
