"""Which model this machine runs well: from its memory and from how fast it is."""

from __future__ import annotations

from dataclasses import dataclass

from app.models.catalogue import CatalogueModel, catalogue, catalogue_shape
from app.models.downloads import wish
from app.models.encoder import NO_ENCODER
from app.models.memory import Machine, Plan, Verdict
from app.models.speed import SEEN, Speed
from app.models.table import Asked, planned

LEAST_SPEED, MOST_SECONDS = 8.0, 20.0  # tokens a second, seconds a picture
CONTEXT = 8192
_CARD_PICTURE = 1.0  # seconds
_CARD_BANDWIDTH = 250e9  # bytes a second that a card has at least; its own figure is not to be had without a load
_ADVISED = ("gemma-3-12b", "gemma-3-4b", "gemma-3-1b")


@dataclass(frozen=True, slots=True)
class Advice:
    """How a model would do here: tokens a second, and seconds for a picture (0.0: it sees none)."""

    model: CatalogueModel
    plan: Plan
    tokens: float
    picture: float

    @property
    def runs(self) -> bool:
        """Whether it fits at all."""
        return self.plan.verdict is not Verdict.NO

    @property
    def well(self) -> bool:
        """Whether it fits and is quick enough to be recommended."""
        return self.runs and self.tokens >= LEAST_SPEED and self.picture <= MOST_SECONDS


def advice(model: CatalogueModel, machine: Machine, speed: Speed) -> Advice:
    """How the recommended file of a model would do."""
    wanted = wish(model)
    shape = catalogue_shape(model, wanted.file.quantisation)
    encoder = model.encoder if wanted.projector is not None else NO_ENCODER
    made = planned(shape, CONTEXT, machine, Asked(), encoder)
    on_card = min(made.gpu, shape.weight_bytes) if made.gpu_layers else 0
    in_memory = shape.weight_bytes - on_card
    seconds = on_card / _CARD_BANDWIDTH + in_memory / speed.bandwidth
    picture = 0.0
    if encoder:
        picture = _CARD_PICTURE if made.encoder_on_card else speed.picture(made.picture_flop)
    return Advice(model, made, SEEN / seconds, picture)


def recommended(machine: Machine, speed: Speed) -> str:
    """The id of the larger of 12B and 4B that runs well here, else the 4B, the 1B, or "" where none of them fits."""
    found = {model.id: advice(model, machine, speed) for model in catalogue() if model.id in _ADVISED}
    well = [name for name in _ADVISED[:2] if found[name].well]
    runs = [name for name in _ADVISED[1:] if found[name].runs]
    return next(iter([*well, *runs]), "")
