"""`cabochon conversations list|show`: what the sidebar and the transcript show, without a model."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from app.chat.changes import ConversationRow, MessageView
from app.cli.commands import ListConversations, ShowConversation
from app.cli.link import SessionLink
from app.cli.opening import find_conversation, list_conversations, read_conversation
from app.cli.output import Output, one_line
from app.cli.turns import Branch
from app.core.errors import ExitCode
from app.core.message import MessageState, Role
from app.core.paths import DataPaths

_SPEAKERS = {Role.USER: "You", Role.ASSISTANT: "Model", Role.SYSTEM: "System"}


def run_list(command: ListConversations, paths: DataPaths, output: Output) -> ExitCode:
    """Print the conversations, newest first."""
    with SessionLink(paths) as link:
        rows = list_conversations(link)
    if command.json:
        output.record({"conversations": [_row_record(row) for row in rows]})
        return ExitCode.DONE
    for row in rows:
        day = datetime.fromtimestamp(row.changed_at).strftime("%Y-%m-%d %H:%M")
        output.line(f"{row.id}  {day}  {one_line(row.title)}")
    return ExitCode.DONE


def run_show(command: ShowConversation, paths: DataPaths, output: Output) -> ExitCode:
    """Print the active branch of one conversation. Raises UsageError for one that does not exist."""
    with SessionLink(paths) as link:
        branch = read_conversation(link, find_conversation(link, command.conversation))
    if command.json:
        output.record(_branch_record(branch))
        return ExitCode.DONE
    output.line(one_line(branch.title))
    for message in branch.messages:
        mark = " (interrupted)" if _state(message) == MessageState.INTERRUPTED else ""
        output.line(f"\n{_SPEAKERS[message.role]}{mark}:\n{message.text}")
    return ExitCode.DONE


def _row_record(row: ConversationRow) -> dict[str, Any]:
    return {"conversation": row.id, "title": row.title, "changed_at": row.changed_at}


def _branch_record(branch: Branch) -> dict[str, Any]:
    return {
        "conversation": branch.conversation,
        "title": branch.title,
        "messages": [
            {"id": message.id, "role": message.role, "text": message.text, "state": _state(message)}
            for message in branch.messages
        ],
    }


def _state(message: MessageView) -> MessageState:
    """A message of the person is complete once it is saved; an answer still being written is not yet."""
    if message.role is Role.ASSISTANT and message.state is not MessageState.COMPLETE:
        return MessageState.INTERRUPTED
    return MessageState.COMPLETE
