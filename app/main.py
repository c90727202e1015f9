"""The composition root: arguments -> paths -> the window, or a command of the command line."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from app.cli.commands import TryWindow, Window
from app.cli.crash import report_bug
from app.cli.dispatch import run_command
from app.cli.output import Output, discard_output, prepare_streams
from app.cli.parser import parse
from app.cli.screen import has_screen
from app.core.errors import ExitCode, UsageError, UserError
from app.core.paths import DataPaths, data_paths


def run(arguments: Sequence[str], *, scripted: bool = False) -> int:
    """Do what the arguments ask for and return the exit code. Main thread; raises nothing for the world's faults.

    `scripted` puts scripted words in the model's place (tests). A bug ends in one sentence and an entry in the log.
    """
    prepare_streams()
    output = Output(sys.stdout, sys.stderr)
    paths: DataPaths | None = None
    try:
        invocation = parse(arguments)
        paths = data_paths(invocation.data_dir)
        if isinstance(invocation.command, Window):
            return _open_window(invocation.command, paths)
        if isinstance(invocation.command, TryWindow):
            return _try_window()
        return run_command(invocation.command, paths, output, scripted=scripted)
    except UserError as error:
        output.sentence(error.message)
        return error.exit_code
    except BrokenPipeError:
        discard_output(sys.stdout)
        return ExitCode.INTERRUPTED
    except KeyboardInterrupt:
        output.clear_status()
        return ExitCode.INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last edge: a bug becomes one sentence and an entry in the log
        report_bug(error, paths, output)
        return ExitCode.BUG


def _try_window() -> ExitCode:
    try:
        import PySide6.QtWidgets  # noqa: F401 - that it loads is all that is asked
    except ImportError as error:
        raise UsageError(f"The window cannot open: {error}.", "no_qt") from error
    return ExitCode.DONE


def _open_window(command: Window, paths: DataPaths) -> int:
    if not has_screen():
        raise UsageError("There is no screen to open a window on. “cabochon chat” chats in the terminal.", "no_screen")
    from app.ui.options import WindowOptions

    try:
        from app.ui.application import run as run_window
    except ImportError as error:
        if error.name and error.name.startswith("app"):
            raise
        sentence = f"The window cannot open: {error}. “cabochon doctor” tells more, “cabochon chat” works without it."
        raise UsageError(sentence, "no_qt") from error
    return run_window(WindowOptions(paths, command.model, command.sample, command.files))
