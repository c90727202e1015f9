"""The form of an answer in JSON, and what an answer that went wrong means for the exit code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from app.chat.changes import MessageView
from app.cli.turns import Turn
from app.core.errors import AttachmentError, EngineError, ExitCode, StorageError
from app.core.message import FinishReason, Timings, Usage
from app.core.protocol import ModelInfo
from app.core.tools import Call, CallDecision, CallState


def answer_record(answer: MessageView, model: ModelInfo, load_ms: float, calls: Sequence[Call] = ()) -> dict[str, Any]:
    """One answer as `ask --json` prints it; `load_ms` is the load that this answer waited for, 0 for none.

    `calls` are those of all its parts.
    """
    timings = msgspec.structs.replace(answer.timings, load_ms=load_ms)
    return {
        "conversation": answer.conversation,
        "message": answer.id,
        "text": answer.text,
        "finish_reason": _reason(answer, calls),
        "usage": _counts(answer.usage),
        "timings": _rounded(timings),
        "tool_calls": [_call_record(call) for call in calls],
        "model": {
            "name": model.name,
            "architecture": model.architecture,
            "context": model.context,
            "gpu_layers": model.gpu_layers,
            "vision": model.vision,
        },
    }


def check_answer(answer: MessageView, turn: Turn) -> ExitCode:
    """What the command exits with after this answer. Raises the UserError of one that failed or was not saved."""
    if answer.finish_reason is FinishReason.ERROR:
        if turn.code == "too_long" and turn.had_attached:
            raise AttachmentError(answer.error, turn.code)
        raise EngineError(answer.error or "The model failed. What it wrote so far is kept.", code="engine")
    if not answer.saved:
        raise StorageError(turn.unsaved or "The answer was not saved.", code="unsaved")
    return ExitCode.INTERRUPTED if answer.finish_reason is FinishReason.CANCELLED else ExitCode.DONE


def _reason(answer: MessageView, calls: Sequence[Call]) -> FinishReason:
    if answer.finish_reason is FinishReason.STOP and any(call.state is CallState.DENIED for call in calls):
        return FinishReason.TOOL_DENIED
    return answer.finish_reason or FinishReason.ERROR


def _call_record(call: Call) -> dict[str, Any]:
    decision = CallDecision.DENIED if call.decision is CallDecision.NONE else call.decision
    return {"name": call.name, "arguments": call.given, "decision": decision, "result": call.result}


def _counts(usage: Usage) -> dict[str, Any]:
    """All but the memory, which is no part of what scripts are promised."""
    return {name: value for name, value in msgspec.structs.asdict(usage).items() if name != "memory_bytes"}


def _rounded(timings: Timings) -> dict[str, float]:
    return {name: round(value, 2) for name, value in msgspec.structs.asdict(timings).items()}
