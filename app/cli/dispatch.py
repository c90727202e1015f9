"""From a command's values to the module that carries it out; only that one is imported."""

from __future__ import annotations

from app.cli.commands import (
    Ask,
    Bench,
    Chat,
    Command,
    Doctor,
    Library,
    ListConversations,
    ModelsFit,
    ModelsGet,
    ModelsList,
    ModelsRefresh,
    ModelsRemove,
    ModelsScan,
    ModelsShow,
    ModelsToken,
    ModelsVerify,
    ShowConversation,
    TryWindow,
    Window,
)
from app.cli.output import Output
from app.core.errors import ExitCode
from app.core.paths import DataPaths


def run_command(command: Command, paths: DataPaths, output: Output, *, scripted: bool = False) -> ExitCode:
    """Carry out any command but Window and TryWindow. Raises UserError; KeyboardInterrupt where the person ended it."""
    if isinstance(command, Ask):
        from app.cli.ask import run_ask

        return run_ask(command, paths, output, scripted=scripted)
    if isinstance(command, Chat):
        from app.cli.chat import run_chat

        return run_chat(command, paths, output, scripted=scripted)
    if isinstance(command, ListConversations):
        from app.cli.conversations import run_list

        return run_list(command, paths, output)
    if isinstance(command, ShowConversation):
        from app.cli.conversations import run_show

        return run_show(command, paths, output)
    if isinstance(command, Doctor):
        from app.cli.doctor import run_doctor

        return run_doctor(command, paths, output)
    if isinstance(command, Bench):
        from app.cli.bench import run_bench

        return run_bench(command, paths, output)
    if isinstance(command, ModelsFit):
        from app.cli.fit import run_fit

        return run_fit(command, paths, output)
    if isinstance(command, ModelsScan):
        from app.cli.scan import run_scan

        return run_scan(command, paths, output)
    if isinstance(command, Window | TryWindow):
        raise TypeError(command)
    return _run_library(command, paths, output)


def _run_library(command: Library, paths: DataPaths, output: Output) -> ExitCode:
    if isinstance(command, ModelsGet):
        from app.cli.get import run_get

        return run_get(command, paths, output)
    if isinstance(command, ModelsRefresh):
        from app.cli.get import run_refresh

        return run_refresh(command, paths, output)
    if isinstance(command, ModelsShow):
        from app.cli.show import run_show_model

        return run_show_model(command, paths, output)
    from app.cli import holdings

    if isinstance(command, ModelsList):
        return holdings.run_list(command, paths, output)
    if isinstance(command, ModelsVerify):
        return holdings.run_verify(command, paths, output)
    if isinstance(command, ModelsRemove):
        return holdings.run_remove(command, paths, output)
    if isinstance(command, ModelsToken):
        return holdings.run_token(command, output)
    raise TypeError(command)
