"""The middle of the window: top bar, banners, transcript or welcome, what stands above the composer, composer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, Signal, Slot
from PySide6.QtGui import QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from app.ui.composer import Composer
from app.ui.look import Look
from app.ui.top_bar import TopBar

if TYPE_CHECKING:
    from app.ui.banners import Banner, Bar, NoticeCard, UndoBar
    from app.ui.context_bar import ContextBar
    from app.ui.first_run import FirstRunPage
    from app.ui.transcript.view import TranscriptView
    from app.ui.welcome import EmptyChat

COLUMN = 704
MARGIN = 32
NARROW_MARGIN = 16
ABOVE_COMPOSER = ("refused", "notice", "blind", "context", "unsaved")


def _tab_after(before: QWidget, part: QWidget) -> None:
    """The keyboard comes to this part's controls after that widget."""
    _chain(before, [one for one in part.findChildren(QWidget) if one.focusPolicy() & Qt.FocusPolicy.TabFocus])


def _chain(before: QWidget, controls: Sequence[QWidget]) -> None:
    for control in controls:
        QWidget.setTabOrder(before, control)
        before = control


Part = TypeVar("Part", bound=QWidget)


class ChatPane(QWidget):
    """Owns the widgets and their places; what they say is the screen's, what they ask for the main window's.

    Only what every start shows is made at once; pages, banners and bars are made when they have something to say.
    """

    model_file_asked = Signal()
    model_chosen = Signal(object)
    models_asked = Signal()
    offer_accepted = Signal()
    larger_context_asked = Signal(int)
    demo_notice_closed = Signal()
    demo_begun = Signal()
    what_happened_asked = Signal()
    save_retried = Signal()
    undo_asked = Signal(object)
    beginning_chosen = Signal(str)

    def __init__(self, look: Look) -> None:
        super().__init__()
        self._look = look
        self._narrow = False
        self.top = TopBar(look)
        self.composer = Composer(look)
        self._offered = False
        self._again: Path | None = None
        self._lay_out()
        look.changed.connect(self._on_look_changed)
        self._on_look_changed()

    @cached_property
    def transcript(self) -> TranscriptView:
        """The conversation."""
        from app.ui.transcript.view import TranscriptView

        view = TranscriptView(self._look.theme)
        view.set_text_scale(self._look.scale)
        self._pages.addWidget(view)
        return view

    @cached_property
    def demo(self) -> Banner:
        """Says that this is the demo model."""
        from app.ui.banners import Banner

        banner = Banner(self._look, "info", "Get Gemma 3…", primary=True)
        banner.sentence.say("", "This is a tiny demo model: quick, not clever, and it cannot see images.")
        banner.acted.connect(self.models_asked)
        banner.closed.connect(self.demo_notice_closed)
        return self._below_top_bar(banner)

    @cached_property
    def stopped(self) -> Banner:
        """Says that the model stopped working."""
        from app.ui.banners import Banner

        banner = Banner(self._look, "regenerate", "What happened", tone="warn")
        banner.acted.connect(self.what_happened_asked)
        banner.closed.connect(banner.hide)
        return self._below_top_bar(banner)

    @cached_property
    def refused(self) -> NoticeCard:
        """Says which model was not loaded, and why."""
        from app.ui.banners import NoticeCard

        card = NoticeCard(self._look)
        card.acted.connect(self._on_refused_acted)
        card.dismissed.connect(card.hide)
        return self._above_composer("refused", card)

    @cached_property
    def notice(self) -> Bar:
        """Says why something was not done."""
        from app.ui.banners import Bar

        bar = Bar(self._look, "warning", "warn")
        bar.add_button("Dismiss", bar.hide)
        return self._above_composer("notice", bar)

    @cached_property
    def blind(self) -> Bar:
        """Says that the model cannot see the pictures."""
        from app.ui.banners import Bar

        bar = Bar(self._look, "eye-off", "warn")
        bar.add_button("Choose a model file…", self.model_file_asked.emit)
        return self._above_composer("blind", bar)

    @cached_property
    def context(self) -> ContextBar:
        """Says before sending what does not fit."""
        from app.ui.context_bar import ContextBar

        bar = ContextBar(self._look)
        bar.left_out.connect(self.composer.send_now)
        bar.larger_asked.connect(self.larger_context_asked)
        return self._above_composer("context", bar)

    @cached_property
    def unsaved(self) -> Bar:
        """Says that something on screen is not on disk."""
        from app.ui.banners import Bar

        bar = Bar(self._look, "disk", "danger")
        bar.add_button("Retry", self.save_retried.emit)
        return self._above_composer("unsaved", bar)

    @cached_property
    def undo(self) -> UndoBar:
        """Offers back what was deleted."""
        from app.ui.banners import UndoBar

        bar = UndoBar(self._look, self)
        bar.undone.connect(self.undo_asked)
        self._pages.installEventFilter(self)
        return bar

    @cached_property
    def empty(self) -> EmptyChat:
        """The page of a new chat."""
        from app.ui.welcome import EmptyChat

        page = EmptyChat(self._look)
        page.started.connect(self.beginning_chosen)
        self._pages.addWidget(page)
        _tab_after(self.transcript, page)
        return page

    @cached_property
    def first(self) -> FirstRunPage:
        """The page that is shown while no model was chosen, or there is none."""
        from app.ui.first_run import FirstRunPage

        page = FirstRunPage(self._look)
        page.begun.connect(self.demo_begun)
        page.arranged.connect(self._on_first_arranged)
        page.file_asked.connect(self.model_file_asked)
        page.model_chosen.connect(self.model_chosen)
        self._pages.addWidget(page)
        _tab_after(self.transcript, page)
        return page

    def silence(self, name: str) -> None:
        """Hide the banner or bar of this name, if it was ever made."""
        if name in self.__dict__:
            self.__dict__[name].hide()

    def shows(self, name: str) -> bool:
        """Whether the banner or bar of this name is on the screen."""
        return name in self.__dict__ and not self.__dict__[name].isHidden()

    def show_page(self, page: QWidget) -> None:
        """Show the transcript, the empty chat or the first page."""
        if self._pages.currentWidget() is not page:
            self._pages.setCurrentWidget(page)

    @property
    def page(self) -> QWidget | None:
        """The page that is shown."""
        return self._pages.currentWidget()

    def set_narrow(self, narrow: bool) -> None:
        """Take the form for windows narrower than 720."""
        self._narrow = narrow
        self.top.set_compact(narrow)
        self.composer.set_narrow(narrow)
        self._fit_column()

    def offer_undo(self, said: str, token: object) -> None:
        """Say what was deleted, and offer it back."""
        self._fit_undo()
        self.undo.offer(said, token, self._undo_place())

    def paintEvent(self, event: QPaintEvent) -> None:
        QPainter(self).fillRect(self.rect(), self._look.colour("window"))

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fit_column()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The undo bar stays above what comes and goes below the page."""
        if event.type() == QEvent.Type.Resize and self.shows("undo"):
            self._fit_undo()
            self.undo.move_to(self._undo_place())
        return False

    def _lay_out(self) -> None:
        self._pages = QStackedWidget()
        self._pages.setMinimumHeight(self._look.px(64))
        self._banners = QVBoxLayout()
        self._banners.setSpacing(0)
        self._foot = QVBoxLayout()
        self._foot.setSpacing(8)
        self._foot.addWidget(self.composer)
        self.composer.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.top)
        column.addLayout(self._banners)
        column.addWidget(self._pages, 1)
        column.addLayout(self._foot)

    def _below_top_bar(self, banner: Banner) -> Banner:
        self._banners.addWidget(banner)
        _tab_after(self.top.more, banner)
        return banner

    def _above_composer(self, name: str, part: Part) -> Part:
        """Put a part above the composer, in the order that they have there."""
        part.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        made = [other for other in ABOVE_COMPOSER if other in self.__dict__ or other == name]
        self._foot.insertWidget(made.index(name), part)
        _tab_after(self.transcript, part)
        return part

    def _fit_column(self) -> None:
        margin = NARROW_MARGIN if self._narrow else max(MARGIN, (self.width() - COLUMN) // 2)
        self._foot.setContentsMargins(margin, 8, margin, 14)

    def _fit_undo(self) -> None:
        self.undo.resize(max(200, self.composer.width()), self._look.px(38))

    def _undo_place(self) -> QPoint:
        return QPoint(self.composer.x(), self._pages.geometry().bottom() + 1 - self.undo.height())

    def tell_refused(self, title: str, reason: str, *, offered: bool, again: Path | None = None) -> None:
        """Say that a model was not loaded; the button takes a smaller way `offered`, or loads a file `again`."""
        self._offered, self._again = offered, again
        button = "Load it so" if offered else "Try again" if again is not None else "Choose another file"
        self.refused.tell(title, reason, button)
        self.refused.show()

    @Slot()
    def _on_first_arranged(self) -> None:
        _chain(self.transcript, self.first.controls())

    @Slot()
    def _on_refused_acted(self) -> None:
        if self._again is not None:
            self.model_chosen.emit(self._again)
        else:
            (self.offer_accepted if self._offered else self.model_file_asked).emit()

    @Slot()
    def _on_look_changed(self) -> None:
        if "transcript" in self.__dict__:
            self.transcript.set_theme(self._look.theme)
            self.transcript.set_text_scale(self._look.scale)
        self.update()
