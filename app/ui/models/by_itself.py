"""The self-check that runs by itself: once for every card with its driver, when nothing else is under way."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QObject, QTimer, Slot

from app.models.drivers import driver

if TYPE_CHECKING:
    from app.chat.changes import ModelChanged
    from app.core.protocol import Described
    from app.ui.actions import Actions
    from app.ui.models.machine_check import MachineCheck
    from app.ui.screen import Screen

IDLE_MS = 90_000
_KEPT = 20


class CheckByItself(QObject):
    """GUI thread. Waits until a model was ready for a while; a machine without a card is never checked by itself."""

    def __init__(
        self,
        screen: Screen,
        actions: Actions,
        check: Callable[[], MachineCheck],
        parent: QObject,
        idle_ms: int = IDLE_MS,
    ) -> None:
        """`check` answers with the window's own check."""
        super().__init__(parent)
        self._screen = screen
        self._actions = actions
        self._check = check
        self._cards: tuple[str, ...] = ()
        self._asked = False
        self._runs = False
        self._time = QTimer(self, singleShot=True, interval=idle_ms)
        self._time.timeout.connect(self._on_idle)
        screen.model_shown.connect(self._on_model_shown)
        screen.described.connect(self._on_described)

    @Slot(object)
    def _on_model_shown(self, change: ModelChanged) -> None:
        if change.model is not None and not self._asked:
            self._time.start()

    @Slot()
    def _on_idle(self) -> None:
        if self._screen.busy:
            self._time.start()
            return
        self._asked = True
        self._actions.describe()

    @Slot(object)
    def _on_described(self, described: Described) -> None:
        if not self._asked or self._runs:
            return
        cards = [device.description for device in described.devices if device.kind in ("gpu", "igpu")]
        keys = tuple(f"{card}, {driver(card)}" for card in cards)
        self._cards = tuple(key for key in keys if key not in self._screen.settings.checked)
        if self._cards:
            self._runs = True
            check = self._check()
            check.changed.connect(self._on_changed)
            check.begin()

    @Slot()
    def _on_changed(self) -> None:
        check = self._check()
        if check.running or not self._cards or check.report is None:
            return
        checked, self._cards = self._cards, ()
        settings = self._screen.settings
        kept = (*settings.checked, *checked)[-_KEPT:]
        aside = check.report.set_aside
        changed = msgspec.structs.replace(settings, checked=kept, load=aside.applied(settings.load))
        self._actions.change_settings(changed)
        for why in aside.why:
            self._screen.show_notice(why)
