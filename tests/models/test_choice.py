"""The plan that is chosen: never too large, and the best of all there are, on machines of any size."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.settings import LoadOptions
from app.models.catalogue import catalogue_shape, known_model
from app.models.choice import BATCHES, alternatives, best, in_a_sentence, load_options, smaller, usual_context, worth
from app.models.encoder import NO_ENCODER, ImageEncoder
from app.models.memory import Gpu, Machine, Plan, Setup, Verdict, place
from app.models.shape import Shape

GIB = 1 << 30
ENCODER = ImageEncoder(854_175_168)
MACHINES = st.builds(
    Machine,
    st.lists(
        st.builds(
            Gpu,
            st.sampled_from(["CUDA0", "CUDA1"]),
            st.integers(0, 24 * 1024).map(lambda mib: mib << 20),
            st.booleans(),
        ),
        max_size=2,
    ).map(tuple),
    st.integers(0, 64 * 1024).map(lambda mib: mib << 20),
)


def _shape(name: str, quantisation: str = "Q4_0") -> Shape:
    found = known_model(name)
    assert found is not None
    return catalogue_shape(found[0], quantisation)


SHAPES = {name: _shape(f"gemma-3-{name}") for name in ("12b", "4b", "270m", "27b")}


def _every_plan(shape: Shape, machine: Machine, encoder: ImageEncoder) -> list[Plan]:
    """All contexts, caches, batches, places of the encoder and numbers of layers, one after the other."""
    found = []
    for context in (4096, 8192, 16384, 32768):
        for kv_type in ("f16", "q8_0"):
            for batch in BATCHES:
                for on_card in (True, False):
                    setup = Setup(context, kv_type, batch, on_card)
                    fullest = place(shape, setup, machine, encoder)
                    for layers in {fullest.gpu_layers, max(0, fullest.gpu_layers - 1), fullest.gpu_layers // 2}:
                        found.append(place(shape, setup, machine, encoder, layers))
    return found


def _fits(made: Plan, machine: Machine) -> bool:
    for held, card in zip(made.on_cards, machine.cards, strict=True):
        if held and held + made.margin > card.free:
            return False
    shared = sum(held for held, card in zip(made.on_cards, machine.cards, strict=True) if card.shared)
    return made.ram + shared <= machine.ram


@settings(max_examples=120, deadline=None)
@given(MACHINES, st.sampled_from(sorted(SHAPES)), st.sampled_from([NO_ENCODER, ENCODER]))
def test_the_chosen_plan_fits_and_none_is_better(machine: Machine, name: str, encoder: ImageEncoder) -> None:
    shape = SHAPES[name]
    made = best(shape, LoadOptions(), machine, encoder)
    fitting = [
        other
        for other in _every_plan(shape, machine, encoder)
        if _fits(other, machine) and (other.context <= usual_context(shape) or other.verdict is Verdict.FITS)
    ]
    if made.verdict is Verdict.NO:
        assert not fitting
        return
    assert _fits(made, machine)
    assert made.total == made.gpu + made.ram
    if made.kv_type != "q4_0":  # the coarse cache is for machines where nothing else runs
        assert worth(shape, made) >= max(worth(shape, other) for other in fitting)
    else:
        assert not fitting


@settings(max_examples=60, deadline=None)
@given(MACHINES, st.sampled_from(sorted(SHAPES)))
def test_what_a_person_names_is_kept(machine: Machine, name: str) -> None:
    options = LoadOptions(context=5000, kv_type="q8_0", batch=300, gpu_layers=7)
    made = best(SHAPES[name], options, machine, ENCODER)
    assert (made.context, made.kv_type, made.batch) == (5000, "q8_0", 300)
    assert made.gpu_layers == (min(7, made.layers) if machine.cards else 0)
    assert best(SHAPES[name], LoadOptions(gpu_layers=0), machine, ENCODER).gpu == 0


@settings(max_examples=60, deadline=None)
@given(MACHINES, st.sampled_from(sorted(SHAPES)))
def test_images_are_where_a_person_wants_them(machine: Machine, name: str) -> None:
    off, memory = (best(SHAPES[name], LoadOptions(images=where), machine, ENCODER) for where in ("off", "memory"))
    assert off == best(SHAPES[name], LoadOptions(), machine, NO_ENCODER)
    assert memory.vision > 0
    assert not memory.encoder_on_card
    after = smaller(SHAPES[name], memory, machine, ENCODER)
    assert after is None or not after.encoder_on_card
    for other in alternatives(SHAPES[name], LoadOptions(images="off"), machine, ENCODER):
        assert other.plan.vision == 0


@settings(max_examples=60, deadline=None)
@given(MACHINES, st.sampled_from(sorted(SHAPES)), st.sampled_from([NO_ENCODER, ENCODER]))
def test_smaller_plans_end_on_the_processor(machine: Machine, name: str, encoder: ImageEncoder) -> None:
    shape = SHAPES[name]
    made: Plan | None = best(shape, LoadOptions(), machine, encoder)
    seen = []
    while made is not None:
        seen.append(made)
        made = smaller(shape, made, machine, encoder)
        assert len(seen) < 60
    for before, after in pairwise(seen):
        assert (after.gpu, after.kv, after.context) < (before.gpu, before.kv, before.context) or after.gpu < before.gpu
    assert seen[-1].gpu == 0
    assert (seen[-1].kv_type == "f16") is False


def test_a_card_of_eight_holds_part_of_12b_and_a_card_of_twelve_all() -> None:
    shape = SHAPES["12b"]
    eight = best(shape, LoadOptions(), Machine((Gpu("g", int(7.4 * GIB)),), 16 * GIB), ENCODER)
    assert (eight.verdict, eight.encoder_on_card, eight.context) == (Verdict.PARTIAL, True, 8192)
    assert 30 < eight.gpu_layers < 49
    twelve = best(shape, LoadOptions(), Machine((Gpu("g", int(11.4 * GIB)),), 16 * GIB), ENCODER)
    assert (twelve.verdict, twelve.kv_type, twelve.context) == (Verdict.FITS, "f16", 32768)
    ten = best(shape, LoadOptions(), Machine((Gpu("g", int(9.0 * GIB)),), 16 * GIB), ENCODER)
    assert (ten.verdict, ten.gpu_layers, ten.context) == (Verdict.FITS, 49, 8192)


def test_two_cards_take_what_one_cannot() -> None:
    shape = SHAPES["12b"]
    two = Machine((Gpu("a", 6 * GIB), Gpu("b", 6 * GIB)), 16 * GIB)
    made = best(shape, LoadOptions(), two, ENCODER)
    assert made.verdict is Verdict.FITS
    assert sum(made.split) == 49
    assert all(made.split)
    one = best(shape, LoadOptions(), Machine((Gpu("a", 4 * GIB), Gpu("b", 24 * GIB)), 16 * GIB), ENCODER)
    assert one.split == (0, 49)
    assert one.on_cards[0] > ENCODER.weights  # the encoder alone


def test_alternatives_are_faster_or_better() -> None:
    shape, machine = SHAPES["12b"], Machine((Gpu("g", int(7.4 * GIB)),), 32 * GIB)
    chosen = best(shape, LoadOptions(), machine, ENCODER)
    found = {one.name: one.plan for one in alternatives(shape, LoadOptions(), machine, ENCODER)}
    assert found["Faster"].gpu_layers > chosen.gpu_layers
    assert (found["Better"].context, found["Better"].kv_type) > (chosen.context, "") or chosen.kv_type != "f16"
    assert "Faster" not in {
        one.name for one in alternatives(shape, LoadOptions(), Machine((), 32 * GIB), ENCODER)
    }  # fmt: skip


def test_a_plan_as_options_and_in_words() -> None:
    shape = SHAPES["12b"]
    made = best(shape, LoadOptions(threads=3), Machine((Gpu("g", int(7.4 * GIB)),), 16 * GIB), ENCODER)
    options = load_options(LoadOptions(threads=3), made)
    assert options == LoadOptions(8192, made.batch, 3, made.gpu_layers, made.kv_type)
    assert best(shape, options, Machine((Gpu("g", int(7.4 * GIB)),), 16 * GIB), ENCODER) == made
    assert in_a_sentence(made).startswith(
        f"with {made.gpu_layers} of 49 layers on the graphics card, a context of 8,192"
    )
    assert in_a_sentence(best(shape, LoadOptions(), Machine((), 16 * GIB))) == (
        "in the computer's memory, a context of 8,192 tokens"
    )


@pytest.mark.parametrize("context", [4096, 8192])
def test_as_many_layers_as_llama_server_would_choose(context: int) -> None:
    """llama-server leaves a gigabyte of the card free; ours leaves its margin."""
    shape = SHAPES["12b"]
    for mib in range(1500, 9000, 250):
        machine = Machine((Gpu("g", mib << 20),), 32 * GIB)
        theirs = place(shape, Setup(context, "f16"), Machine((Gpu("g", max(0, mib - 1024) << 20),), 32 * GIB))
        assert best(shape, LoadOptions(context=context), machine).gpu_layers >= theirs.gpu_layers


def test_an_alternative_names_what_it_changes() -> None:
    shape, machine = SHAPES["12b"], Machine((Gpu("g", int(7.4 * GIB)),), 32 * GIB)
    setup = Setup(8192, "f16", encoder_on_card=False)
    said = in_a_sentence(place(shape, setup, machine, ENCODER), "q8_0")
    assert said.endswith(" a context of 8,192 tokens and an f16 cache, pictures looked at by the processor")
