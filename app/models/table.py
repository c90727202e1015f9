"""What fits: quantisation or cache by context, on a machine that is there or imagined, and on common cards. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from app.core.settings import DEFAULT_CONTEXT
from app.models import speed as pace
from app.models.catalogue import USUAL, Card, CatalogueModel, cards, catalogue_shape
from app.models.encoder import NO_ENCODER, ImageEncoder
from app.models.machine import on_card
from app.models.memory import KV_BYTES, Machine, Plan, Setup, Verdict, in_gib, place
from app.models.shape import Shape
from app.models.speed import Speed

CONTEXTS = tuple(1024 << power for power in range(8))  # 1K to 128K
SAID = {"all": "all on the card", "most": "most on the card", "memory": "mostly in memory", "no": "does not fit"}
CHIPS = {"all": "Fits your card", "most": "Fits in part", "memory": "Runs in memory", "no": "Too large"}
_CACHES = {"f16": "16-bit", "q8_0": "8-bit", "q4_0": "4-bit"}
_NOTES = {"F16": "full", "Q8_0": "near full"}
_MOST = 0.5  # of a model on the card


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a plan beside weights and context. `images` as in LoadOptions: "", memory or off."""

    kv_type: str = "f16"
    images: str = ""


@dataclass(frozen=True, slots=True)
class Weights:
    """One set of weights of a model: by its quantisation, with a note on it."""

    name: str
    note: str
    shape: Shape


@dataclass(frozen=True, slots=True)
class Subject:
    """What a table is about. Several sets of weights have a row each, a single one has a row for each cache type."""

    name: str
    weights: tuple[Weights, ...]
    encoder: ImageEncoder  # of its image part

    @property
    def contexts(self) -> tuple[int, ...]:
        """The columns: up to what it was trained on, and that itself."""
        trained = self.weights[0].shape.trained_context or DEFAULT_CONTEXT
        least = 2 * self.encoder.together  # what a picture takes at once
        return tuple(sorted({min(context, trained) for context in CONTEXTS if context >= least}))

    @property
    def usual_context(self) -> int:
        """The column of who chose none."""
        return self.contexts.index(min(DEFAULT_CONTEXT, self.contexts[-1]))

    @property
    def usual(self) -> int:
        """The weights of who named none: the recommended ones."""
        names = [each.name for each in self.weights if each.note == "recommended"] or [USUAL]
        return next((number for number, each in enumerate(self.weights) if each.name in names), 0)

    @property
    def caches(self) -> bool:
        """Whether a row is a cache type."""
        return len(self.weights) == 1

    def only(self, number: int) -> Subject:
        """With these weights alone."""
        return Subject(self.name, (self.weights[number],), self.encoder)

    def named(self, quantisation: str) -> int | None:
        """The weights of this name: `q4_k_m`, `Q4_0`, `Q4_0 QAT`."""
        wanted = quantisation.lower()
        found = [number for number, each in enumerate(self.weights) if wanted in _names(each)]
        return found[0] if found else None


@dataclass(frozen=True, slots=True)
class Row:
    """A quantisation, or a cache type of weights that are there."""

    name: str
    note: str
    weights: Weights
    cells: tuple[Plan, ...]


def of_model(model: CatalogueModel) -> Subject:
    """A model of the catalogue, the file that is recommended in the place of its quantisation."""
    first = next((file.quantisation for file in model.files if file.kind == "model"), "")
    found = []
    for name in model.quantisations:
        body, _, trained = first.partition("+")
        is_first = name == body
        shape = catalogue_shape(model, first if is_first else name)
        note = "recommended" if is_first else _NOTES.get(name, "")
        found.append(Weights(f"{name} QAT" if is_first and trained else name, note, shape))
    return Subject(model.name, tuple(found), model.encoder)


def of_shape(shape: Shape, encoder: ImageEncoder) -> Subject:
    """The weights of one file."""
    return Subject(shape.name, (Weights(shape.quantisation, "", shape),), encoder)


def table(subject: Subject, machine: Machine, asked: Asked) -> tuple[Row, ...]:
    """All rows; what is asked of the cache counts where the rows are no caches."""

    def cells(weights: Weights, wanted: Asked) -> tuple[Plan, ...]:
        return tuple(planned(weights.shape, at, machine, wanted, subject.encoder) for at in subject.contexts)

    if subject.caches:
        (weights,) = subject.weights
        return tuple(
            Row(f"{kv_type} cache", _CACHES[kv_type], weights, cells(weights, Asked(kv_type, asked.images)))
            for kv_type in KV_BYTES
        )
    return tuple(Row(weights.name, weights.note, weights, cells(weights, asked)) for weights in subject.weights)


def planned(
    shape: Shape, context: int, machine: Machine, asked: Asked, encoder: ImageEncoder, layers: int = -1
) -> Plan:
    """One cell; with `layers` 0 or more, so many are on the cards whether they fit or not; 0: nothing is."""
    if layers == 0:
        machine = replace(machine, cards=())
    setup = Setup(context, asked.kv_type, encoder_on_card=asked.images != "memory")
    return place(shape, setup, machine, NO_ENCODER if asked.images == "off" else encoder, layers)


def on_common_cards(
    shape: Shape, context: int, ram: int, asked: Asked, encoder: ImageEncoder
) -> tuple[tuple[Card, Plan], ...]:
    """The same plan on each common card, beside so much free memory."""
    return tuple((card, planned(shape, context, on_card(card.free, ram), asked, encoder)) for card in cards())


def holding(shape: Shape, context: int, ram: int, asked: Asked, encoder: ImageEncoder) -> list[str]:
    """The names of the common cards that hold all of it."""
    found = on_common_cards(shape, context, ram, asked, encoder)
    return [card.name for card, made in found if made.verdict is Verdict.FITS]


def kind(made: Plan) -> str:
    """all | most | memory | no: where the larger part of a model is."""
    if made.verdict is Verdict.NO:
        return "no"
    if made.verdict is Verdict.FITS:
        return "all"
    return "most" if made.gpu_layers and share(made) >= _MOST else "memory"


def share(made: Plan) -> float:
    """The part of the layers that is on the card."""
    return made.gpu_layers / made.layers


def overfull(made: Plan, machine: Machine) -> int:
    """Bytes by which the cards are too small for the layers that a person put there."""
    return sum(max(0, held - card.free) for held, card in zip(made.on_cards, machine.cards, strict=False))


def in_short(made: Plan) -> str:
    """For a line of a list."""
    if made.verdict is Verdict.NO:
        return "Does not fit"
    if made.verdict is Verdict.FITS:
        return "Fits"
    return f"{made.gpu_layers} of {made.layers} layers" if made.gpu_layers else "In memory"


def size_name(context: int) -> str:
    """Of a context, as its column is called: `8k`, `512`."""
    return f"{context / 1024:g}k" if context >= 1024 else str(context)


def in_words(row: str, made: Plan, machine: Machine, speed: Speed | None = None) -> tuple[str, str]:
    """A title and a sentence about one cell. `speed` is that of this machine, where it was measured."""
    where = f"{row} at {size_name(made.context)}"
    if over := overfull(made, machine):
        said = f"{made.gpu_layers} of {made.layers} layers need {in_gib(over)} more than is free on the card."
        return f"{where} is too much for your card", said
    title = {
        "all": f"{where} fits your card",
        "most": f"{where} fits your card in part",
        "memory": f"{where} runs {'mostly ' if made.gpu_layers else ''}in memory",
        "no": f"{where} does not fit",
    }[kind(made)]
    if kind(made) == "no":
        return title, f"It needs {in_gib(made.total)} in all. A smaller context, cache or quantisation needs less."
    said = _placed(made, machine)
    known = pace.in_a_sentence(made, speed)
    if made.vision and not made.encoder_on_card and pace.picture_seconds(made, speed) is None:
        known = f"{known} Images take longer without a card for them.".strip()
    return title, f"{said} {known}".strip()


def _placed(made: Plan, machine: Machine) -> str:
    if made.gpu_layers == made.layers:
        spare = sum(card.free for card in machine.cards) - made.gpu
        images = " and the image encoder" if made.encoder_on_card else ""
        return f"All {made.layers} layers{images} on the card, {in_gib(spare)} to spare."
    if made.gpu_layers:
        return f"{made.gpu_layers} of {made.layers} layers are on the card, the rest is in memory and slower."
    taken = f"It takes {in_gib(made.ram)} of the {in_gib(machine.ram)} that are free."
    return f"It is computed by the processor. {taken}"


def _names(weights: Weights) -> tuple[str, ...]:
    name = weights.name.lower()
    return (name, name.replace(" ", "-"), name.partition(" ")[0])
