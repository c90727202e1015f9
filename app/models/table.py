"""What fits: quantisation by context for a model of the catalogue, on a machine that is there or imagined. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from app.models.catalogue import CatalogueModel, catalogue_shape
from app.models.encoder import NO_ENCODER, ImageEncoder
from app.models.memory import Machine, Plan, Setup, Verdict, in_gib, place
from app.models.shape import Shape

CONTEXTS = tuple(4096 << power for power in range(6))  # 4K to 128K
_MOST = 0.5  # of a model on the card


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a plan beside quantisation and context. `sees` plans the image part where there is one."""

    kv_type: str = "f16"
    sees: bool = True


@dataclass(frozen=True, slots=True)
class Row:
    """One quantisation. `recommended` files were trained for it."""

    name: str
    note: str
    shape: Shape
    cells: tuple[Plan, ...]


def contexts(model: CatalogueModel) -> tuple[int, ...]:
    """The columns."""
    return tuple(context for context in CONTEXTS if context <= model.context)


def table(model: CatalogueModel, machine: Machine, wish: Asked) -> tuple[Row, ...]:
    """A row for every quantisation, the trained one of the catalogue's first file in its place."""
    first = next((file.quantisation for file in model.files if file.kind == "model"), "")
    rows = []
    for name in model.quantisations:
        trained = first.partition("+")[0] == name and "+" in first
        shape = catalogue_shape(model, first if trained else name)
        cells = tuple(planned(shape, context, machine, wish, model.encoder) for context in contexts(model))
        note = "recommended" if trained else {"F16": "full", "Q8_0": "near full"}.get(name, "")
        rows.append(Row(f"{name} QAT" if trained else name, note, shape, cells))
    return tuple(rows)


def planned(shape: Shape, context: int, machine: Machine, wish: Asked, encoder: ImageEncoder) -> Plan:
    """One cell."""
    setup = Setup(context, wish.kv_type)
    return place(shape, setup, machine, encoder if wish.sees else NO_ENCODER)


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


def in_words(row: str, made: Plan, machine: Machine) -> tuple[str, str]:
    """A title and a sentence about one cell."""
    size = f"{made.context // 1024}k"
    title = {
        "all": f"{row} at {size} fits your card",
        "most": f"{row} at {size} fits your card in part",
        "memory": f"{row} at {size} runs {'mostly ' if made.gpu_layers else ''}in memory",
        "no": f"{row} at {size} does not fit",
    }[kind(made)]
    if kind(made) == "no":
        return title, f"It needs {in_gib(made.total)} in all. A smaller context, cache or quantisation needs less."
    said = []
    if made.gpu_layers == made.layers:
        spare = sum(card.free for card in machine.cards) - made.gpu
        images = " and the image encoder" if made.encoder_on_card else ""
        said.append(f"All {made.layers} layers{images} on the card, {in_gib(spare)} to spare.")
    elif made.gpu_layers:
        said.append(f"{made.gpu_layers} of {made.layers} layers are on the card, the rest is in memory and slower.")
    else:
        said.append("It is computed by the processor.")
        said.append(f"It takes {in_gib(made.ram)} of the {in_gib(machine.ram)} that are free.")
    if made.vision and not made.encoder_on_card:
        said.append("A picture takes a minute or more without a card for it.")
    return title, " ".join(said)
