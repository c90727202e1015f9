"""What the loaded model can see. No Qt, and nothing that the first picture of the window would wait for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.core.protocol import ModelInfo


@dataclass(frozen=True, slots=True)
class Sight:
    """What the loaded model sees: each view `side` pixels wide and high, `tokens` long, in some `seconds` (0: unknown).

    `sees` is None while there is no model yet; `blind` says why it does not. Without a `side` each picture is seen in a
    size of its own, and `choices` are the most tokens that may be chosen for it.
    """

    sees: bool | None = None
    model: str = ""
    side: int = 0
    tokens: int = 0
    seconds: float = 0.0
    blind: str = ""
    choices: tuple[int, ...] = ()

    @property
    def tile_seconds(self) -> float:
        """What a tile of a picture takes; 0 where that is unknown, or there are none."""
        return self.seconds if self.sees and self.side else 0.0


def sight_of(model: ModelInfo | None) -> Sight:
    """That of this model."""
    if model is None:
        return Sight()
    return Sight(
        model.vision,
        model.name,
        model.image_side,
        model.image_tokens,
        model.view_seconds,
        model.blind,
        model.image_choices,
    )
