"""How much memory a model needs, part by part, and what of it graphics cards can take. Pure.

The sizes are those that llama.cpp makes for our engine, which asks for the logits of single tokens: the cache of the
sliding window is padded as its own is, and the working memory is that of one batch in its widest layer. Tests hold them
against its log, on the processor and on a card.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from app.models.encoder import NO_ENCODER, ImageEncoder
from app.models.shape import Shape

KV_BYTES = {"f16": (2, 1), "q8_0": (34, 32), "q4_0": (18, 32)}  # bytes of so many values
BATCH = 512  # n_ubatch
CHECKPOINTS = 2  # of the local layers: at the start and the end of the latest answer
_PAD = 256  # cells
_MARGIN, _MARGIN_PART = 256 << 20, 0.02


class Verdict(StrEnum):
    """How a model runs on a machine."""

    FITS = "fits"  # all of it on the card
    PARTIAL = "partial"  # some layers on the card
    RAM = "ram"  # in the computer's memory
    NO = "no"


@dataclass(frozen=True, slots=True)
class Gpu:
    """A device that can take layers, in the order in which ggml lists them. `free` in bytes.

    `shared` marks one that computes in the computer's own memory; one that does not see takes no image encoder.
    """

    name: str
    free: int
    shared: bool = False
    sees: bool = True


@dataclass(frozen=True, slots=True)
class Machine:
    """What is free: the cards, and the computer's memory in bytes."""

    cards: tuple[Gpu, ...]
    ram: int


@dataclass(frozen=True, slots=True)
class Setup:
    """How a model is to be run, all but its layers' places. `encoder_on_card` is about the image encoder."""

    context: int
    kv_type: str
    batch: int = BATCH
    encoder_on_card: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """Bytes of every part, and where they go. `total` is the sum of all parts.

    `split` says how many layers each card of the machine takes; `gpu` is what all of them hold, `on_cards` each;
    `card_kv` and `card_compute` are the cache and the working memory in it. `picture_flop` is what a picture costs.
    """

    context: int
    kv_type: str
    batch: int
    weights: int
    kv: int
    compute: int
    vision: int
    picture_flop: float
    checkpoints: int
    embedding_copy: int
    margin: int
    gpu_layers: int
    layers: int
    split: tuple[int, ...]
    encoder_on_card: bool
    on_cards: tuple[int, ...]
    gpu: int
    card_kv: int
    card_compute: int
    ram: int
    verdict: Verdict
    why: str

    @property
    def total(self) -> int:
        """Everything together."""
        parts = self.weights + self.kv + self.compute + self.vision
        return parts + self.checkpoints + self.embedding_copy + self.margin


def kv_bytes(shape: Shape, context: int, kv_type: str, batch: int = BATCH) -> tuple[int, ...]:
    """The cache of every layer."""
    size, values = KV_BYTES[kv_type]
    return tuple(count // values * size for count in _cached(shape, context, batch))


def _cached(shape: Shape, context: int, batch: int) -> tuple[int, ...]:
    """How many keys and values every layer keeps."""
    whole = _padded(context)
    window = min(whole, _padded(shape.window + batch))
    return tuple(
        (whole if everything or not shape.window else window) * count
        for everything, count in zip(shape.is_global, shape.kv_values, strict=True)
    )


def compute_bytes(shape: Shape, context: int, batch: int = BATCH) -> int:
    """The working memory of one batch on the processor: activations as 32-bit floats, and the masks."""
    activations = 3 * shape.feed_forward + 3 * shape.hidden + shape.queries
    return batch * 4 * activations + _masks(shape, context, batch)


def card_compute_bytes(shape: Shape, context: int, kv_type: str, batch: int = BATCH, *, whole: bool = True) -> int:
    """The working memory of one batch on a card: that of the feed-forward or of the attention, and the masks.

    The attention reads a quantised cache of one layer as f16. Where not the `whole` model is on the card, the cache of
    a layer that is not comes along too, because batches are computed on the card all the same.
    """
    feed, attention = 3 * shape.feed_forward + 3 * shape.hidden, 2 * shape.queries + 2 * shape.hidden
    widest = max(_cached(shape, context, batch), default=0)
    seen = 2 * widest if kv_type != "f16" else 0
    if not whole:
        size, values = KV_BYTES[kv_type]
        feed, attention = feed + 13 * shape.hidden // 8, attention + 2 * shape.hidden
        seen += widest // values * size
    return max(4 * batch * feed, 4 * batch * attention + seen) + _masks(shape, context, batch)


def host_compute_bytes(shape: Shape, context: int, batch: int = BATCH) -> int:
    """What a batch on a card takes of the computer's memory: what goes in, and the masks."""
    return 8 * batch * shape.hidden + _masks(shape, context, batch)


def checkpoint_bytes(shape: Shape, kv_type: str) -> int:
    """One checkpoint: the window of the local layers."""
    size, values = KV_BYTES[kv_type]
    local = sum(count for count, everything in zip(shape.kv_values, shape.is_global, strict=True) if not everything)
    return shape.window * local // values * size if shape.window else 0


def place(shape: Shape, setup: Setup, machine: Machine, encoder: ImageEncoder = NO_ENCODER, layers: int = -1) -> Plan:
    """The plan of this setup with the most layers on the cards: on one card if it takes them all, else in a row.

    The batch is as large as the image encoder needs it, and the context twice that.

    With `layers` 0 or more, so many are put there whether they fit or not.

    llama.cpp places layers from the last one backwards, the output first among them. The encoder goes to the first card
    that sees; where it finds no room there it is planned in the computer's memory, with `encoder_on_card` False.
    """
    batch, context = max(setup.batch, encoder.together), max(setup.context, 2 * encoder.together)
    setup = replace(setup, batch=batch, context=context)
    sizes = _Sizes(shape, setup, machine, encoder, layers)
    if setup.encoder_on_card and encoder and not sizes.encoder_fits():
        sizes = _Sizes(shape, replace(setup, encoder_on_card=False), machine, encoder, layers)
    everywhere = tuple(range(len(machine.cards)))
    rows = [*((number,) for number in everywhere), everywhere]
    found = [sizes.plan(sizes.filled(row)) for row in rows]
    if layers < 0 and all(made.verdict is Verdict.NO for made in found):  # what stays in memory twice may be too much
        found.append(sizes.plan((0,) * len(machine.cards)))
    return max(found, key=lambda made: _preferred(made, machine))


def _preferred(made: Plan, machine: Machine) -> tuple[int, ...]:
    """That it runs, that no card is overfull, layers, and few cards."""
    pairs = zip(made.on_cards, machine.cards, strict=True)
    overfull = sum(max(0, held + made.margin - card.free) for held, card in pairs if held)
    return (made.verdict is not Verdict.NO, -overfull, made.gpu_layers, -sum(1 for count in made.split if count))


def encoder_card(machine: Machine) -> int | None:
    """The place of the card that takes the image encoder; None where none sees."""
    return next((number for number, card in enumerate(machine.cards) if card.sees), None)


class _Sizes:
    """The parts of one setup, and what of them a number of layers takes."""

    def __init__(self, shape: Shape, setup: Setup, machine: Machine, encoder: ImageEncoder, layers: int) -> None:
        self._shape, self._setup, self._machine, self._asked = shape, setup, machine, layers
        self._cache = kv_bytes(shape, setup.context, setup.kv_type, setup.batch)
        self._vision = encoder.size
        self._picture_flop = encoder.flop
        self._checkpoints = CHECKPOINTS * checkpoint_bytes(shape, setup.kv_type)
        self._all = shape.layers + 1  # the output counts as one
        self._limit = self._all if layers < 0 else min(layers, self._all)
        parts = shape.weight_bytes + sum(self._cache) + self._compute(whole=True) + self._vision + self._checkpoints
        self._margin = round(max(_MARGIN, parts * _MARGIN_PART))

    def encoder_fits(self) -> bool:
        card = encoder_card(self._machine)
        return card is not None and self._vision + self._margin <= self._machine.cards[card].free

    def filled(self, numbers: tuple[int, ...]) -> tuple[int, ...]:
        """How many layers each card takes when only these are used, the last of them filled first."""
        for whole in (True, False):
            split = [0] * len(self._machine.cards)
            for number in reversed(numbers):
                split[number] = self._most(number, sum(split), whole=whole)
            if whole and sum(split) == self._all:
                break
        if self._asked > 0 and numbers:  # a person's own number counts, and what fits nowhere goes to the first
            split[numbers[0]] += self._limit - sum(split)
        return tuple(split)

    def plan(self, split: tuple[int, ...]) -> Plan:
        shape, setup, count = self._shape, self._setup, sum(split)
        whole = count == self._all
        copy = shape.embedding_bytes if count and not shape.output_bytes else 0  # words are looked up in memory
        on_cards = self._on_cards(split, whole=whole)
        with_encoder = setup.encoder_on_card and self._vision > 0
        host = host_compute_bytes(shape, setup.context, setup.batch) if count else 0
        card_compute = sum(1 for one in split if one) * self._compute(whole=whole)
        compute = card_compute + host if count else compute_bytes(shape, setup.context, setup.batch)
        parts = shape.weight_bytes + sum(self._cache) + compute + self._vision + self._checkpoints + copy
        left = parts - sum(on_cards)
        shared = sum(size for size, card in zip(on_cards, self._machine.cards, strict=True) if card.shared)
        fits = left + shared + self._margin <= self._machine.ram
        return Plan(
            context=setup.context,
            kv_type=setup.kv_type,
            batch=setup.batch,
            weights=shape.weight_bytes,
            kv=sum(self._cache),
            compute=compute,
            vision=self._vision,
            picture_flop=self._picture_flop,
            checkpoints=self._checkpoints,
            embedding_copy=copy,
            margin=self._margin,
            gpu_layers=count,
            layers=self._all,
            split=split,
            encoder_on_card=with_encoder,
            on_cards=on_cards,
            gpu=sum(on_cards),
            card_kv=sum(self._cache[self._blocks(0, count)]),
            card_compute=card_compute,
            ram=left + self._margin,
            verdict=_verdict(count, self._all, fits=fits),
            why=_why(count, self._all, left + shared + self._margin, self._machine.ram, fits=fits),
        )

    def _most(self, number: int, behind: int, *, whole: bool) -> int:
        """The layers that a card takes in front of those that are `behind` on later cards."""
        card, best = self._machine.cards[number], 0
        for count in range(1, self._limit - behind + 1):
            needed = self._weights(behind, count) + self._compute(whole=whole) + self._encoder_on(number)
            if needed + self._margin > card.free:
                break
            best = count
        return best

    def _on_cards(self, split: tuple[int, ...], *, whole: bool) -> tuple[int, ...]:
        found, behind = [0] * len(split), 0
        for number in reversed(range(len(split))):
            if split[number]:
                found[number] = self._weights(behind, split[number]) + self._compute(whole=whole)
                behind += split[number]
            found[number] += self._encoder_on(number)
        return tuple(found)

    def _weights(self, behind: int, count: int) -> int:
        """Weights and cache of `count` layers in front of the last `behind`; the output counts as the last layer."""
        shape, blocks = self._shape, self._blocks(behind, count)
        output = 0 if behind or not count else shape.output_bytes or shape.embedding_bytes
        return output + sum(shape.layer_bytes[blocks]) + sum(self._cache[blocks])

    def _blocks(self, behind: int, count: int) -> slice:
        """These layers without the output."""
        return slice(self._shape.layers - max(0, behind + count - 1), self._shape.layers - max(0, behind - 1))

    def _encoder_on(self, number: int) -> int:
        return self._vision if self._setup.encoder_on_card and number == encoder_card(self._machine) else 0

    def _compute(self, *, whole: bool) -> int:
        setup = self._setup
        return card_compute_bytes(self._shape, setup.context, setup.kv_type, setup.batch, whole=whole)


def _verdict(gpu_layers: int, layers: int, *, fits: bool) -> Verdict:
    if not fits:
        return Verdict.NO
    if gpu_layers == layers:
        return Verdict.FITS
    return Verdict.PARTIAL if gpu_layers else Verdict.RAM


def _why(gpu_layers: int, layers: int, needed: int, ram: int, *, fits: bool) -> str:
    if not fits:
        return f"It needs {in_gib(needed)} of the computer's memory, {in_gib(ram)} are there."
    if gpu_layers == layers:
        return "All layers fit on the graphics card."
    if gpu_layers:
        return f"{gpu_layers} of {layers} layers fit on the graphics card, the rest is in memory."
    return f"It runs in the computer's memory: {in_gib(needed)} of {in_gib(ram)}."


def in_gib(size: int) -> str:
    """Memory for a person: `6.6 GiB`."""
    return f"{size / (1 << 30):.1f} GiB"


def _masks(shape: Shape, context: int, batch: int) -> int:
    """Of 16 bits for each kind of layer."""
    whole = _padded(context)
    seen = whole + (min(whole, _padded(shape.window + batch)) if shape.window else 0)
    return 2 * batch * seen


def _padded(cells: int) -> int:
    return -(-cells // _PAD) * _PAD
