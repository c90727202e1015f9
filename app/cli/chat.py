"""`cabochon chat`: the chat in a terminal, or a prompt a line through a pipe."""

from __future__ import annotations

import re
import sys
from contextlib import suppress
from pathlib import Path

from app.cli.answers import answer_record, check_answer
from app.cli.attaching import Opening, seen_by
from app.cli.commands import AnswerOptions, Chat
from app.cli.link import Command, SessionLink
from app.cli.opening import Opened, open_for_turns
from app.cli.output import Output, one_line
from app.cli.turns import Turn
from app.core.errors import ExitCode, StorageError, UsageError, UserError
from app.core.message import Draft, Role
from app.core.paths import DataPaths

_COMMANDS = (
    "/image FILE and /file FILE attach to your next message, /regenerate answers again, "
    "/edit TEXT replaces your last message, /quit ends."
)
_LONE_COMMAND = re.compile(r"/[a-z]+\Z")


def run_chat(command: Chat, paths: DataPaths, output: Output, *, scripted: bool = False) -> ExitCode:
    """Chat until /quit or the end of the input. Raises UserError for what ends the chat."""
    with SessionLink(paths, scripted=scripted) as link:
        opened = open_for_turns(link, output, command.options)
        chat = _Chat(link, output, opened, paths, command.options)
        if sys.stdin.isatty() and output.is_terminal and not command.options.json:
            return _converse(chat, link, output, opened)
        return _read_lines(chat, link)


class _Chat:
    """One line of the person after the other."""

    def __init__(
        self, link: SessionLink, output: Output, opened: Opened, paths: DataPaths, options: AnswerOptions
    ) -> None:
        self._link = link
        self._output = output
        self._opened = opened
        self._opening = Opening(paths, output)
        self._json = options.json
        self._pan_and_scan, self._image_tokens = options.pan_and_scan, options.image_tokens
        self._pages = options.pages
        self._attached = Draft()
        self._load_ms = opened.model.load_ms

    def take(self, line: str) -> ExitCode | None:
        """Do what the line says; None when it is /quit. Raises UserError for a turn that failed."""
        word, _, rest = line.partition(" ")
        if word == "/quit" and not rest.strip():
            return None
        if word == "/regenerate" and not rest.strip():
            return self._turn(self._regenerate())
        if word == "/edit":
            return self._turn(self._edit(rest.strip()))
        if word in ("/image", "/file"):
            return self._attach(word, rest.strip())
        conversation, attached, self._attached = self._opened.branch.conversation, self._attached, Draft()
        draft = Draft(line, attached.pictures, attached.documents)
        return self._turn(lambda session: session.submit(conversation, draft))

    def _attach(self, word: str, name: str) -> ExitCode:
        if not name:
            raise UsageError(f"{word} needs the name of a file: {word} FILE.", code="empty_prompt")
        files, attached = (Path(name).expanduser().absolute(),), self._attached
        if word == "/file":
            added = self._opening.documents(files, self._pages, self._pan_and_scan)
        else:
            added = Draft(pictures=self._opening.pictures(files, self._pan_and_scan))
        pictures = seen_by(self._opened.model, added.pictures, self._image_tokens)
        self._attached = Draft("", attached.pictures + pictures, attached.documents + added.documents)
        return ExitCode.DONE

    def _turn(self, command: Command) -> ExitCode:
        turn = Turn(self._link, self._output, self._opened.branch)
        answer = turn.run(command, streamed=not self._json)
        if self._json:
            self._output.record(answer_record(answer, self._opened.model, self._load_ms, turn.calls))
            self._load_ms = 0.0
        else:
            self._output.end_line()
        return check_answer(answer, turn)

    def _regenerate(self) -> Command:
        answer = self._opened.branch.last(Role.ASSISTANT)
        if answer is None:
            raise UsageError("There is no answer yet to write again.", code="no_answer")
        return lambda session: session.regenerate(answer.id)

    def _edit(self, text: str) -> Command:
        message = self._opened.branch.last(Role.USER)
        if message is None:
            raise UsageError("There is no message yet to edit.", code="no_message")
        if not text:
            raise UsageError("/edit needs the new text: /edit TEXT.", code="empty_prompt")
        return lambda session: session.edit(message.id, text)


def _read_lines(chat: _Chat, link: SessionLink) -> ExitCode:
    """A prompt a line from a pipe. What goes wrong ends it, and so does Ctrl-C."""
    code: ExitCode | None = ExitCode.DONE
    while code is ExitCode.DONE:
        with link.direct():
            line = sys.stdin.readline()
        if not line:
            break
        if line.strip():
            code = chat.take(line.rstrip("\r\n"))
    return ExitCode.DONE if code is None else code


def _converse(chat: _Chat, link: SessionLink, output: Output, opened: Opened) -> ExitCode:
    """A person at a terminal. What goes wrong is said and the chat goes on; Ctrl-C stops an answer."""
    with suppress(ImportError):
        import readline  # noqa: F401 - importing it gives input() its line editing
    model = opened.model
    output.line(f"{one_line(model.name)}, context of {model.context} tokens. {_COMMANDS}")
    if opened.branch.messages:
        output.line(f"Going on with “{one_line(opened.branch.title)}”.")
    while True:
        try:
            with link.direct():
                line = input("> ").strip()
        except EOFError:
            output.line()
            return ExitCode.DONE
        except KeyboardInterrupt:
            output.line()
            output.line("/quit or Ctrl-D ends the chat.")
            continue
        if not line:
            continue
        if _LONE_COMMAND.match(line) and line not in ("/image", "/file", "/regenerate", "/edit", "/quit"):
            output.sentence(f"There is no {line} here. {_COMMANDS}")
            continue
        try:
            if chat.take(line) is None:
                return ExitCode.DONE
        except StorageError:
            raise
        except UserError as error:
            output.sentence(error.message)
