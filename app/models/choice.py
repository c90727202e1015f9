"""The plan that is chosen for a machine, its named alternatives, and the next smaller one when memory runs out. Pure.

What is given up first when a model does not fit: room of the context beyond the usual, then exactness of the cache,
then size of the batch; then, where that puts all layers on the card, the usual context; at last layers leave the card.
The image encoder has the card before any layer: a picture there takes a second, on a processor minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import msgspec

from app.core.settings import DEFAULT_CONTEXT, LoadOptions
from app.models.encoder import NO_ENCODER, ImageEncoder
from app.models.memory import BATCH, KV_BYTES, Machine, Plan, Setup, Verdict, place
from app.models.shape import Shape

CONTEXTS = (32768, 16384, DEFAULT_CONTEXT, 4096)  # that are chosen by themselves; quality falls beyond
BATCHES = (BATCH, 256)  # a picture's 256 cells go in one batch
_EXACT = ("f16", "q8_0")
_LEAST_CONTEXT = 2048
_ARTICLES = {"f16": "an", "q8_0": "a", "q4_0": "a"}
_SMALLER = 0.9  # of what a card held when its memory ran out


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another plan with its name: *Faster* or *Better*."""

    name: str
    plan: Plan


def best(shape: Shape, options: LoadOptions, machine: Machine, encoder: ImageEncoder = NO_ENCODER) -> Plan:
    """The plan for this machine; what `options` name is kept. Memory in bytes that is free."""
    found = max(plans(shape, options, machine, encoder), key=lambda made: worth(shape, made))
    if found.verdict is not Verdict.NO:
        return found
    coarse = msgspec.structs.replace(options, kv_type=options.kv_type or "q4_0")  # better than none
    other = max(plans(shape, coarse, machine, encoder), key=lambda made: worth(shape, made))
    if other.verdict is not Verdict.NO:
        return other
    return min(plans(shape, coarse, machine, encoder), key=lambda made: made.total)


def plans(shape: Shape, options: LoadOptions, machine: Machine, encoder: ImageEncoder = NO_ENCODER) -> Iterator[Plan]:
    """Every plan that may be chosen by itself."""
    if options.gpu_layers == 0:
        machine = replace(machine, cards=())
    encoder, on_card = _seen_with(options, encoder), options.images != "memory"
    for context in _contexts(shape, options):
        for kv_type in _kv_types(options):
            for batch in [options.batch] if options.batch else BATCHES:
                made = place(shape, Setup(context, kv_type, batch, on_card), machine, encoder, options.gpu_layers)
                if options.context or context <= usual_context(shape) or made.verdict is Verdict.FITS:
                    yield made


def worth(shape: Shape, made: Plan) -> tuple[int, ...]:
    """What plans are compared by, the weightiest first."""
    usual = min(made.context, usual_context(shape))
    exactness = -list(KV_BYTES).index(made.kv_type)
    runs, all_on_cards = made.verdict is not Verdict.NO, made.gpu_layers == made.layers
    return (runs, made.encoder_on_card, all_on_cards, usual, made.batch, made.gpu_layers, exactness, made.context)


def usual_context(shape: Shape) -> int:
    """Tokens that are read where nobody asked for more or less."""
    return min(DEFAULT_CONTEXT, shape.trained_context or DEFAULT_CONTEXT)


def alternatives(
    shape: Shape, options: LoadOptions, machine: Machine, encoder: ImageEncoder = NO_ENCODER
) -> tuple[Alternative, ...]:
    """What else a person might want: *Faster* with more layers on the cards, *Better* with a finer or longer memory."""
    encoder = _seen_with(options, encoder)
    chosen = best(shape, options, machine, encoder)
    found = []
    if machine.cards and chosen.gpu_layers < chosen.layers:
        running = _all(shape, machine, encoder)
        faster = max(running, key=lambda made: (made.gpu_layers, *worth(shape, made)), default=None)
        if faster is not None and faster.gpu_layers > chosen.gpu_layers:
            found.append(Alternative("Faster", faster))
    finer = [
        made
        for made in _all(shape, machine, encoder)
        if made.kv_type == "f16" and made.context >= chosen.context and made.encoder_on_card == chosen.encoder_on_card
        and (made.context > chosen.context or chosen.kv_type != "f16")
    ]  # fmt: skip
    if finer:
        found.append(Alternative("Better", min(finer, key=lambda made: (made.context, -made.batch, -made.gpu_layers))))
    return tuple(found)


def smaller(shape: Shape, failed: Plan, machine: Machine, encoder: ImageEncoder = NO_ENCODER) -> Plan | None:
    """The next smaller plan after this one ran out of memory: less on the cards, then none, then less to remember.

    None where nothing smaller is left.
    """
    setup = Setup(failed.context, failed.kv_type, failed.batch, failed.encoder_on_card)
    if failed.gpu_layers or failed.encoder_on_card:
        pairs = zip(machine.cards, failed.on_cards, strict=True)
        held = tuple(replace(card, free=min(card.free, round(size * _SMALLER))) for card, size in pairs)
        made = place(shape, setup, replace(machine, cards=held), encoder)
        if made.gpu_layers >= failed.gpu_layers:
            made = place(shape, setup, replace(machine, cards=()), encoder)
        return made
    without = replace(machine, cards=())
    if failed.kv_type == "f16":
        return place(shape, replace(setup, kv_type="q8_0"), without, encoder)
    if failed.context > _LEAST_CONTEXT:
        return place(shape, replace(setup, context=max(_LEAST_CONTEXT, failed.context // 2)), without, encoder)
    return None


def load_options(options: LoadOptions, made: Plan) -> LoadOptions:
    """`options` with this plan named in all of its parts."""
    return msgspec.structs.replace(
        options, context=made.context, kv_type=made.kv_type, batch=made.batch, gpu_layers=made.gpu_layers
    )


def in_a_sentence(made: Plan, before: str = "f16") -> str:
    """How a model would run, for the button that offers it. `before` is the cache that it has without it."""
    where = "in the computer's memory"
    if made.gpu_layers:
        where = f"with {made.gpu_layers} of {made.layers} layers on the graphics card"
    cache = "" if made.kv_type == before == "f16" else f" and {_ARTICLES[made.kv_type]} {made.kv_type} cache"
    seen = (
        ", pictures looked at by the processor" if made.gpu_layers and made.vision and not made.encoder_on_card else ""
    )
    return f"{where}, a context of {made.context:,} tokens{cache}{seen}"


def _seen_with(options: LoadOptions, encoder: ImageEncoder) -> ImageEncoder:
    """What is loaded to see with."""
    return NO_ENCODER if options.images == "off" else encoder


def _contexts(shape: Shape, options: LoadOptions) -> list[int]:
    trained = shape.trained_context or DEFAULT_CONTEXT
    if options.context:
        return [min(options.context, trained)]
    return sorted({min(one, trained) for one in CONTEXTS}, reverse=True)


def _kv_types(options: LoadOptions) -> tuple[str, ...]:
    if options.kv_type:
        return (options.kv_type,)
    return _EXACT[:1] if options.flash_attention == "off" else _EXACT


def _all(shape: Shape, machine: Machine, encoder: ImageEncoder) -> Iterator[Plan]:
    """Plans that a person may choose where they run: all caches, and the encoder at either place."""
    for context in _contexts(shape, LoadOptions()):
        for kv_type in KV_BYTES:
            for on_card in (True, False) if encoder else (True,):
                made = place(shape, Setup(context, kv_type, BATCH, on_card), machine, encoder)
                if made.verdict is not Verdict.NO:
                    yield made
