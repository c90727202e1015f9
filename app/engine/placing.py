"""Where a model goes on this machine: the memory plan made for its file and the devices that ggml sees now."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from app.core.errors import ModelError
from app.core.protocol import Offer
from app.core.settings import LoadOptions
from app.engine.projectors import Projector
from app.gguf.header import Header
from app.models.choice import best, in_a_sentence, load_options, smaller
from app.models.encoder import encoder_of
from app.models.memory import BATCH, Machine, Plan, Verdict, encoder_card, in_gib
from app.models.shape import Shape, shape_of


@dataclass(frozen=True, slots=True)
class Placement:
    """What a model is loaded with: options that name everything, the cards by ggml's names, and layers for each.

    `encoder` names the card of the image encoder, "" the processor; None leaves it to llama.cpp.

    `plan` is None for a model whose header does not tell its shape; llama.cpp then places its layers.
    """

    options: LoadOptions
    devices: tuple[str, ...] | None = None
    split: tuple[int, ...] = ()
    encoder: str | None = None
    plan: Plan | None = None


class Placer:
    """The plans of one model file on one machine."""

    def __init__(self, header: Header, name: str, projector: Projector | None, machine: Machine) -> None:
        """`machine` as it is without the model."""
        self._machine = machine
        self._encoder = encoder_of(projector.part if projector is not None else None)
        self._shape: Shape | None = None
        try:
            self._shape = shape_of(header, name)
        except ModelError:  # its kind tells its sizes in another way
            return

    def placement(self, options: LoadOptions) -> Placement:
        """The best plan that keeps to what `options` name."""
        if self._shape is None:
            kept = msgspec.structs.replace(options, kv_type=options.kv_type or "f16", batch=options.batch or BATCH)
            return Placement(kept)
        made = best(self._shape, options, self._machine, self._encoder)
        names = tuple(card.name for card in self._machine.cards)
        used = [(name, count) for name, count in zip(names, made.split, strict=False) if count]
        return Placement(
            load_options(options, made),
            tuple(name for name, _ in used),
            tuple(count for _, count in used),
            names[encoder_card(self._machine) or 0] if made.encoder_on_card else "",
            made,
        )

    def why_not(self, asked: LoadOptions, placed: Placement) -> tuple[str, Offer | None] | None:
        """Why a model is not loaded in this way, and a smaller one; None where it may be tried.

        Memory that is not there is taken from other programs, or the system ends one of them. What a person named in
        all its parts, or accepted, is tried all the same.
        """
        made, decided = placed.plan, asked.context and asked.kv_type and asked.gpu_layers >= 0
        if made is None or made.verdict is not Verdict.NO or decided:
            return None
        pairs = zip(made.on_cards, self._machine.cards, strict=False)  # a plan without cards has none
        shared = sum(size for size, card in pairs if card.shared)
        needed = made.ram + shared - made.margin
        if needed <= self._machine.ram:
            return None
        return f"It needs {_told(needed)} of memory, {_told(self._machine.ram)} are free.", self._fitting(placed)

    def _fitting(self, failed: Placement) -> Offer | None:
        """The largest smaller plan that fits, else the smallest of all."""
        offer, placed = None, failed
        while (found := self.offer(placed)) is not None:
            offer, placed = found, self.placement(found.options)
            if placed.plan is not None and placed.plan.verdict is not Verdict.NO:
                break
        return offer

    def offer(self, failed: Placement) -> Offer | None:
        """The next smaller plan, in words, after this one ran out of memory."""
        if self._shape is None or failed.plan is None:
            return None
        made = smaller(self._shape, failed.plan, self._machine, self._encoder)
        return Offer(load_options(failed.options, made), in_a_sentence(made)) if made is not None else None


def _told(size: int) -> str:
    """So that little memory is told exactly enough to see that it does not do."""
    return in_gib(size) if size >= 1 << 30 else f"{size >> 20} MiB"
