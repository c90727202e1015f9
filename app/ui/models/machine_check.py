"""The self-check, run in a process of its own as `cabochon doctor --check` does it."""

from __future__ import annotations

import msgspec
from PySide6.QtCore import QObject, QProcess, Signal, Slot

from app.core.child import entry_of
from app.core.paths import DataPaths
from app.core.settings import LoadOptions


class Answer(msgspec.Struct, frozen=True):
    """One question to one device. `apart` is how far from the processor an image part of full size sees, 1.0: all.

    One that is `too_slow` is right or not there, and the processor would have been quicker.
    """

    device: str
    question: str
    expected: str
    answer: str
    right: bool
    picture: bool
    seconds: float
    full_size: bool = False
    apart: float = 0.0
    too_slow: bool = False


class Device(msgspec.Struct, frozen=True):
    """A device as ggml lists it; memory in bytes."""

    name: str
    description: str
    kind: str
    memory_free: int
    memory_total: int


class SetAside(msgspec.Struct, frozen=True):
    """Cards that are not used: at all, or for pictures; and a sentence for each of them."""

    text: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()
    why: tuple[str, ...] = ()

    def applied(self, load: LoadOptions) -> LoadOptions:
        """The options with these cards set aside, and no others."""
        return msgspec.structs.replace(load, avoid=self.text, encoder_avoid=self.pictures)


class Report(msgspec.Struct, frozen=True):
    """What the check found."""

    devices: tuple[Device, ...] = ()
    check: tuple[Answer, ...] = ()
    set_aside: SetAside = SetAside()

    def of(self, device: str) -> tuple[Answer, ...]:
        """The answers of one device."""
        return tuple(answer for answer in self.check if answer.device == device)


class MachineCheck(QObject):
    """GUI thread. `changed` comes when it begins and when it ends."""

    changed = Signal()

    def __init__(self, paths: DataPaths, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._paths = paths
        self._process: QProcess | None = None
        self.report: Report | None = None
        self.text = ""  # of the report, for the clipboard

    @property
    def running(self) -> bool:
        """Whether it is under way."""
        return self._process is not None

    @Slot()
    def begin(self) -> None:
        """Check; nothing where a check is under way."""
        if self._process is not None:
            return
        process = self._process = QProcess(self)
        process.finished.connect(self._on_finished)
        program, *before = entry_of("app", "cabochon")
        process.start(program, [*before, "doctor", "--check", "--json", "--data-dir", str(self._paths.root)])
        self.changed.emit()

    def close(self) -> None:
        """The window closes."""
        if self._process is not None:
            self._process.finished.disconnect(self._on_finished)
            self._process.kill()
            self._process.waitForFinished(3000)
            self._process = None

    @Slot()
    def _on_finished(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            self.text = bytes(process.readAllStandardOutput().data()).decode("utf-8", "replace")
            process.deleteLater()
        try:
            self.report = msgspec.json.decode(self.text, type=Report)
        except msgspec.DecodeError:
            self.report = Report()
        self.changed.emit()
