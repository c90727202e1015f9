"""Work ahead: while a person still types, the pictures of the message are seen and what stands before its text is read.

It goes in steps (a view of a picture, a batch of tokens) and between two of them lets other work pass.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from time import perf_counter

import msgspec

from app.core.errors import AttachmentError
from app.core.protocol import Event, LookAhead, LookedAhead, Prompt
from app.engine.cells import view_of, whole_views
from app.engine.context import Stopped
from app.engine.eyes import Eyes
from app.engine.governor import BatchPace
from app.engine.model import Model
from app.engine.prompting import PromptReader

_TOLD_EVERY = 0.1  # seconds
_FIRST_BATCH = 128  # tokens; other work waits for a batch

Emit = Callable[[Event], None]
Pause = Callable[[], bool]


class _Paused(Exception):
    """Other work waits."""


def look_ahead(model: Model, request: LookAhead, emit: Emit, pause: Pause) -> bool:
    """Does what is not done yet of it; False where it was ended by `pause` or the stop flag. Raises EngineError."""
    eyes = model.eyes
    if not request.prompt.messages:
        return True
    try:
        seen = _see(eyes, request, emit, pause) if eyes is not None else ()
        with suppress(
            AttachmentError
        ):  # the file of an earlier picture is damaged: the prompt is another one from now on
            _read(model, request.prompt, pause)
    except (_Paused, Stopped):
        return False
    emit(LookedAhead(request.ahead, seen, eyes.view_seconds if eyes is not None else 0.0, done=True))
    return True


def _see(eyes: Eyes, request: LookAhead, emit: Emit, pause: Pause) -> tuple[float, ...]:
    pictures = request.prompt.messages[-1].pictures
    views = [eyes.runs(picture) for picture in pictures]
    missing = [[cells for cells in of_one if eyes.missing(cells)] for of_one in views]
    seen = [1 - len(to_do) / len(of_one) for of_one, to_do in zip(views, missing, strict=True)]
    emit(LookedAhead(request.ahead, tuple(seen), eyes.view_seconds))
    told = 0.0
    for place, to_do in enumerate(missing):
        count = len(views[place])
        for cells in to_do:
            if pause():
                raise _Paused
            before = seen[place]

            def progress(_done: int, _total: int, fraction: float) -> None:
                nonlocal told
                now = perf_counter()
                seen[place] = before + fraction / count  # noqa: B023 - called before the loop goes on
                if now - told >= _TOLD_EVERY:
                    told = now
                    emit(LookedAhead(request.ahead, tuple(seen), eyes.view_seconds))

            eyes.prepare(cells, progress)
            seen[place] = before + 1 / count
        seen[place] = 1.0
        emit(LookedAhead(request.ahead, tuple(seen), eyes.view_seconds))
    return tuple(seen)


def _read(model: Model, prompt: Prompt, pause: Pause) -> None:
    """The cells up to where the text will begin, if the prompt fits without leaving anything out."""
    context, llama = model.context, model.llama_context
    fit = model.prompts.fit(prompt, context.size, None)
    if fit.left_out or fit.total >= context.size:
        return
    cells = before_text(model.prompts, prompt)
    if not cells or list(context.cells[: len(cells)]) == cells:
        return

    llama.set_threads(model.governor.threads, model.governor.most)
    reused = context.reuse(cells)
    if model.eyes is not None:
        _see_before(model.eyes, cells[reused:], pause)
    pace = BatchPace(min(_FIRST_BATCH, llama.batch), llama.batch, on_card=model.info.gpu_layers > 0)

    def step(_cells: int) -> int:
        if pause():
            raise _Paused
        return pace.step()

    context.read(cells[reused:], pace.size, step)
    llama.synchronize()


def _see_before(eyes: Eyes, cells: Sequence[int], pause: Pause) -> None:
    """The pictures of earlier messages too: only another model may have seen them."""
    for one in {view_of(cell): cell for cell in cells if cell < 0}.values():
        if eyes.missing([one]):
            if pause():
                raise _Paused
            eyes.prepare([one], lambda _done, _total, _fraction: None)


def before_text(prompts: PromptReader, prompt: Prompt) -> list[int]:
    """The cells that stay the same whatever text follows what the last message has by now."""
    *before, last = prompt.messages
    found = []
    for more in ("a", "1"):
        longer = msgspec.structs.replace(last, text=last.text + more)
        found.append(prompts.tokens(msgspec.structs.replace(prompt, messages=(*before, longer))))
    place = next((place for place, (one, other) in enumerate(zip(*found, strict=False)) if one != other), 0)
    return found[0][: whole_views(found[0], place)]
