"""This machine as the *Models* page plans for it: its cards and memory without the model that is loaded, its speed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from app.chat.changes import ModelChanged, ModelState

if TYPE_CHECKING:
    from app.core.protocol import Described, Device
    from app.models.graphics import Advice
    from app.models.memory import Machine
    from app.models.speed import Speed
    from app.ui.actions import Actions
    from app.ui.screen import Screen


class ThisMachine(QObject):
    """GUI thread. `told` comes when there is something new; `outdated` when another model holds another part."""

    told = Signal()
    outdated = Signal()
    _measured = Signal(object)

    def __init__(self, screen: Screen, actions: Actions, parent: QObject) -> None:
        super().__init__(parent)
        self._screen = screen
        self._actions = actions
        self._held = 0  # bytes of the loaded model, as it told when it was asked last
        self._loaded = ""
        self._thread: threading.Thread | None = None
        self.devices: tuple[Device, ...] = ()
        self.speed: Speed | None = None
        self._measured.connect(self._on_measured)
        screen.described.connect(self._on_described)
        screen.model_shown.connect(self._on_model_shown)

    def ask(self) -> None:
        """The memory is known at once, the cards when the engine has told them, the speed after half a second."""
        self.told.emit()
        self._actions.describe()
        measures = self._thread is not None and self._thread.is_alive()
        if not measures and (self.speed is None or not self._screen.busy):
            self._thread = threading.Thread(target=self._measure, name="speed", daemon=True)
            self._thread.start()

    def now(self) -> Machine:
        """What the next model can have."""
        from app.models.machine import machine_of

        return machine_of(self.devices, self._screen.settings.load, self._held)

    def unused(self) -> Advice | None:
        """About a card that the engine does not use, once the engine has told what it uses."""
        from app.models import graphics

        used = any(device.kind in ("gpu", "igpu") for device in self.devices)
        if not self.devices or used or graphics.declined():
            return None
        return graphics.advice(graphics.backends_here(), graphics.source_tree())

    def offered(self) -> Advice | None:
        """The same, where the program has its set-up beside it."""
        from app.models.graphics import source_tree

        return self.unused() if source_tree() is not None else None

    def close(self) -> None:
        """Wait for what is being measured."""
        if self._thread is not None:
            self._thread.join()

    def _measure(self) -> None:
        """On a thread."""
        from app.models.speed import measure

        self._measured.emit(measure())

    @Slot(object)
    def _on_measured(self, speed: Speed) -> None:
        """What else went on may have slowed it: the best counts."""
        if self.speed is None or speed.bandwidth > self.speed.bandwidth:
            self.speed = speed
        self.told.emit()

    @Slot(object)
    def _on_described(self, described: Described) -> None:
        self.devices, self._held = described.devices, described.held
        self.told.emit()

    @Slot(object)
    def _on_model_shown(self, model: ModelChanged) -> None:
        loaded = model.model.path if model.model is not None and not model.resting else ""
        if model.state is not ModelState.LOADING and loaded != self._loaded:
            self._loaded, self._held = loaded, 0
            self.outdated.emit()
