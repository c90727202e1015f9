"""Starts the window: Qt, the look, one instance for a data folder, the session once the window is on the screen."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtWidgets import QApplication

from app.core.paths import APPLICATION_ID, DataPaths
from app.ui import fonts, icons
from app.ui.bridge import SessionBridge
from app.ui.composer import Activity
from app.ui.instance_name import may_be_open
from app.ui.look import Look
from app.ui.main_window import MainWindow
from app.ui.options import MODEL_SUFFIX, WindowOptions
from app.ui.window_state import read_state, write_state

if TYPE_CHECKING:
    from app.chat.changes import Change
    from app.ui.end_signals import EndSignals
    from app.ui.garbage import Housekeeping
    from app.ui.instance import Handover, SingleInstance

CLOSE_SECONDS = 10.0


def run(options: WindowOptions) -> int:
    """Show the window until it is closed; returns the exit code. Blocks; the main thread becomes the GUI thread."""
    prepare_input_methods()
    with ExitStack() as stack:
        if options.sample:
            import tempfile

            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="cabochon-sample-"))
            options = replace(options, paths=DataPaths(Path(folder)))
        application = make_application()
        if may_be_open(options.paths.root) and _hand_over(options):
            return 0
        window = Window(options)
        code = application.exec()
        window.close()
        return code


def _hand_over(options: WindowOptions) -> bool:
    from app.ui.instance import SingleInstance, handover

    return SingleInstance(options.paths.root).hand_over(handover(options.model, options.files))


def prepare_input_methods() -> None:
    """Let fcitx compose: Qt brings no plugin of its own for it, but fcitx also speaks ibus's protocol."""
    if os.environ.get("QT_IM_MODULE") in ("fcitx", "fcitx5") and "QT_IM_MODULES" not in os.environ:
        os.environ["QT_IM_MODULES"] = "fcitx;ibus"


def make_application() -> QApplication:
    """Qt's application object with the program's names, icon, style and fonts."""
    QApplication.setAttribute(Qt.ApplicationAttribute.AA_DontUseNativeMenuBar)
    QApplication.setDesktopFileName(APPLICATION_ID)
    QApplication.setApplicationName("cabochon")
    QApplication.setApplicationDisplayName("Cabochon")
    application = QApplication(sys.argv[:1])
    application.setStyle("fusion")
    application.setWindowIcon(icons.application_icon())
    fonts.load()
    return application


class Window(QObject):
    """The parts of a running window and how they begin and end."""

    _crashed = Signal(str)

    def __init__(self, options: WindowOptions) -> None:
        super().__init__()
        self._options = options
        self._look = Look(self)
        self._bridge = SessionBridge(self)
        self._instance: SingleInstance | None = None
        self._signals: EndSignals | None = None
        self.main = MainWindow(self._look, options.paths, read_state(options.paths.root), self._bridge.post)
        self._waiting: list[Path] = []
        self._housekeeping: Housekeeping | None = None
        self._bridge.received.connect(self._take)
        self._crashed.connect(self.main.show_bug)
        sys.excepthook = self._on_exception
        # what the first picture does not need is loaded when it is on the screen
        self.main.panes.painted.connect(self._begin, Qt.ConnectionType.QueuedConnection)
        self.main.show()

    def close(self) -> None:
        """Keep the window's place, end the session."""
        if self._instance is not None:
            self._instance.close()
        write_state(self._options.paths.root, self.main.state)
        self._bridge.close(CLOSE_SECONDS)
        sys.excepthook = sys.__excepthook__
        if self._signals is not None:
            self._signals.close()
        self.main.deleteLater()

    @Slot(object)
    def on_asked_again(self, asked: Handover) -> None:
        """A second start handed over what it was asked."""
        if asked.activation:
            os.environ["XDG_ACTIVATION_TOKEN"] = asked.activation
        self.main.raise_now()
        chosen = asked.model_path or _first_model(asked.file_paths)
        if chosen is not None:
            self.main.actions_now.choose_model(chosen)
        self._attach(asked.file_paths)

    @Slot()
    def _begin(self) -> None:
        from app.ui.loading import MODULES, Loading

        loading = Loading(MODULES, self.main, self)
        loading.needed.connect(self.main.begin)
        loading.done.connect(self._on_loaded)
        self.main.chat.composer.edit.textChanged.connect(self.main.begin)  # however words come, they are taken

    @Slot()
    def _on_loaded(self) -> None:
        self.main.chat.composer.edit.textChanged.disconnect(self.main.begin)
        from app.ui.end_signals import EndSignals
        from app.ui.garbage import Housekeeping
        from app.ui.instance import SingleInstance

        self._signals = EndSignals(self)
        self._signals.came.connect(self.main.close)
        self._instance = SingleInstance(self._options.paths.root, self)
        self._instance.asked.connect(self.on_asked_again)
        if not self._instance.listen() and _hand_over(self._options):
            self.main.close()  # another start was quicker by a blink
            return
        self._housekeeping = Housekeeping(lambda: self.main.screen_now.activity is Activity.ANSWERING, self)
        self.main.begin()
        self._start_session()

    def _start_session(self) -> None:
        from app.chat.runner import SessionRunner

        options = self._options
        if options.sample:
            from app.chat.sample import fill

            fill(options.paths)
        runner = SessionRunner(options.paths, self._bridge.pass_on, scripted=options.sample)
        runner.start(options.model or _first_model(options.files))
        self._bridge.attach(runner)
        self._attach(options.files)

    def _attach(self, files: tuple[Path, ...]) -> None:
        """These files go into a new chat; a model among them has been chosen."""
        self._waiting += [path for path in files if path.suffix.lower() != MODEL_SUFFIX]
        if self._waiting:
            self.main.actions_now.new_chat()

    @Slot(object)
    def _take(self, change: Change) -> None:
        from app.chat.changes import ConversationOpened, TurnEnded

        self.main.apply(change)
        if self._housekeeping is not None and isinstance(change, ConversationOpened | TurnEnded):
            self._housekeeping.due()
        if self._waiting and isinstance(change, ConversationOpened) and not change.conversation:
            waiting, self._waiting = self._waiting, []
            self.main.attachments_now.attach(waiting)

    def _on_exception(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        import traceback

        report = "".join(traceback.format_exception(kind, error, trace))
        sys.stderr.write(report)
        self._crashed.emit(report)


def _first_model(files: tuple[Path, ...]) -> Path | None:
    return next((path for path in files if path.suffix.lower() == MODEL_SUFFIX), None)
