"""Where a model goes: which of ggml's devices count, and what the engine is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core.protocol import Device
from app.core.settings import LoadOptions
from app.engine.model import check_files
from app.engine.placing import Placer
from app.engine.projectors import find_projector
from app.gguf.header import read_header
from app.models.machine import machine_of
from app.models.memory import Gpu, Machine

GIB = 1 << 30
DEVICES = (
    Device("CUDA0", "Large", "gpu", 20 * GIB, 24 * GIB),
    Device("CUDA1", "Small", "gpu", 3 * GIB, 4 * GIB),
    Device("Vulkan0", "In the processor", "igpu", 8 * GIB, 16 * GIB),
    Device("CPU", "A processor", "cpu", 16 * GIB, 32 * GIB),
)


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (LoadOptions(), ["CUDA0", "CUDA1"]),
        (LoadOptions(avoid=("Large",)), ["CUDA1"]),
        (LoadOptions(avoid=("Large", "Small")), []),
        (LoadOptions(device="CUDA1"), ["CUDA1"]),
        (LoadOptions(device="CUDA1", avoid=("Small",)), ["CUDA1"]),  # it is asked for: to be checked again
        (LoadOptions(device="Vulkan0"), []),
    ],
)
def test_the_cards_that_count(options: LoadOptions, names: list[str]) -> None:
    assert [card.name for card in machine_of(DEVICES, options).cards] == names


def test_a_card_in_the_processor_counts_where_there_is_no_other() -> None:
    (card,) = machine_of(DEVICES[2:], LoadOptions()).cards
    assert (card.name, card.shared) == ("Vulkan0", True)


def test_a_device_of_metal_shares_the_memory() -> None:
    (card,) = machine_of((Device("MTL0", "Apple M4", "gpu", 8 * GIB, 16 * GIB),), LoadOptions()).cards
    assert card.shared


def test_a_card_that_sees_wrongly_takes_layers_only() -> None:
    cards = machine_of(DEVICES, LoadOptions(encoder_avoid=("Large",))).cards
    assert [card.sees for card in cards] == [False, True]


def test_the_engine_is_told_names_layers_and_the_encoders_place(micro_model: Path) -> None:
    header = read_header(micro_model)
    projector = find_projector(micro_model, header, None)
    machine = Machine((Gpu("CUDA0", 8 * GIB), Gpu("CUDA1", 8 * GIB)), 8 * GIB)
    made = Placer(header, "micro", projector, machine).placement(LoadOptions(threads=3))
    assert (made.devices, made.split, made.encoder) == (("CUDA0",), (8,), "CUDA0")
    assert made.options == LoadOptions(8192, 512, 3, 8, "f16")
    unseeing = Machine((Gpu("CUDA0", 8 * GIB, sees=False), Gpu("CUDA1", 8 * GIB)), 8 * GIB)
    assert Placer(header, "micro", projector, unseeing).placement(LoadOptions()).encoder == "CUDA1"
    alone = Machine((Gpu("CUDA0", 8 * GIB, sees=False),), 8 * GIB)
    assert Placer(header, "micro", projector, alone).placement(LoadOptions()).encoder == ""
    none = Placer(header, "micro", projector, Machine((), 8 * GIB)).placement(LoadOptions())
    assert (none.devices, none.split, none.encoder, none.options.gpu_layers) == ((), (), "", 0)


def test_no_layer_on_a_card_is_a_plan_without_cards(micro_model: Path) -> None:
    machine = Machine((Gpu("Vulkan0", 8 * GIB, True),), 1 << 20)
    placer = Placer(read_header(micro_model), "micro", None, machine)
    options = LoadOptions(gpu_layers=0)
    why, _ = placer.why_not(options, placer.placement(options)) or ("", None)
    assert why.startswith("It needs ")


def test_what_ran_out_of_memory_is_offered_smaller(micro_model: Path) -> None:
    header = read_header(micro_model)
    placer = Placer(header, "micro", None, Machine((Gpu("CUDA0", 8 * GIB),), 8 * GIB))
    offer = placer.offer(placer.placement(LoadOptions()))
    assert offer is not None
    assert offer.options.gpu_layers < 8
    assert offer.words.startswith(("with ", "in the computer's memory"))


def test_a_person_says_where_images_are_looked_at(micro_model: Path) -> None:
    header = read_header(micro_model)
    projector = find_projector(micro_model, header, None)
    machine = Machine((Gpu("CUDA0", 8 * GIB),), 8 * GIB)
    made = Placer(header, "micro", projector, machine).placement(LoadOptions(images="memory"))
    assert (made.encoder, made.options.images) == ("", "memory")
    assert made.plan is not None
    assert made.plan.gpu_layers == made.plan.layers
    assert check_files(micro_model, LoadOptions(), None, None).projector is not None
    assert check_files(micro_model, LoadOptions(images="off"), None, None).projector is None
