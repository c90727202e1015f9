"""`cabochon ask`: one turn."""

from __future__ import annotations

import sys

from app.cli.answers import answer_record, check_answer
from app.cli.attaching import Opening, seen_by
from app.cli.commands import Ask
from app.cli.link import SessionLink
from app.cli.opening import Opened, open_for_turns
from app.cli.output import Output
from app.cli.turns import Turn
from app.core.errors import ExitCode, UsageError
from app.core.message import Draft
from app.core.paths import DataPaths


def run_ask(command: Ask, paths: DataPaths, output: Output, *, scripted: bool = False) -> ExitCode:
    """Ask, print the answer as it comes, and return the exit code. Raises UserError for what went wrong."""
    prompt = _read_prompt() if command.prompt == "-" else command.prompt
    if not prompt.strip():
        raise UsageError("The prompt is empty.", code="empty_prompt")
    opening = Opening(paths, output)
    pictures = opening.pictures(command.images, command.options.pan_and_scan)
    attached = opening.documents(command.files, command.options.pages, command.options.pan_and_scan)
    with SessionLink(paths, scripted=scripted) as link:
        opened = open_for_turns(link, output, command.options)
        pictures = seen_by(opened.model, pictures + attached.pictures, command.options.image_tokens)
        draft = Draft(prompt, pictures, attached.documents)
        return _one_turn(link, output, opened, draft, json=command.options.json)


def _one_turn(link: SessionLink, output: Output, opened: Opened, draft: Draft, *, json: bool) -> ExitCode:
    turn = Turn(link, output, opened.branch)
    conversation = opened.branch.conversation
    answer = turn.run(lambda session: session.submit(conversation, draft), streamed=not json)
    if json:
        output.record(answer_record(answer, opened.model, opened.model.load_ms, turn.calls))
    else:
        output.end_line()
    return check_answer(answer, turn)


def _read_prompt() -> str:
    """All of standard input as UTF-8, without the line end that a shell adds."""
    return sys.stdin.buffer.read().decode("utf-8", "replace").rstrip("\r\n")
