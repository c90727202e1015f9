"""The table of what fits: its rows and columns, and that it says what the plan says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.settings import LoadOptions
from app.models.catalogue import cards, catalogue, catalogue_shape, known_model
from app.models.choice import best
from app.models.encoder import NO_ENCODER, ImageEncoder
from app.models.machine import on_card
from app.models.memory import KV_BYTES, Gpu, Machine, Plan, Setup, Verdict, place
from app.models.speed import Speed
from app.models.table import (
    CHIPS,
    CONTEXTS,
    SAID,
    Asked,
    Subject,
    holding,
    in_short,
    in_words,
    kind,
    of_model,
    of_shape,
    on_common_cards,
    overfull,
    planned,
    share,
    size_name,
    table,
)

GIB = 1 << 30
MACHINES = st.builds(
    on_card,
    st.integers(0, 32 * 1024).map(lambda mib: mib << 20),
    st.integers(0, 64 * 1024).map(lambda mib: mib << 20),
)
IMAGES = ("", "memory", "off")
USUAL_WEIGHTS = {"gemma-3-12b": "Q4_0 QAT", "gemma-4-12b": "Q4_0 QAT", "gemma-3-270m": "Q8_0"}
SUBJECTS = {model.id: of_model(model) for model in catalogue()}


def _twelve() -> Subject:
    return SUBJECTS["gemma-3-12b"]


@settings(max_examples=40, deadline=None)
@given(MACHINES, st.sampled_from(sorted(SUBJECTS)), st.sampled_from(sorted(KV_BYTES)), st.sampled_from(["", "off"]))
def test_every_cell_is_the_plan_of_its_row_and_column(machine: Machine, name: str, kv_type: str, images: str) -> None:
    subject = SUBJECTS[name]
    encoder = NO_ENCODER if images else subject.encoder
    for row in table(subject, machine, Asked(kv_type, images)):
        assert [made.context for made in row.cells] == list(subject.contexts)
        for made in row.cells:
            assert made == place(row.weights.shape, Setup(made.context, kv_type), machine, encoder)
            assert kind(made) in SAID
            assert (kind(made) == "no") == (made.verdict is Verdict.NO)
            assert not overfull(made, machine) or made.verdict is Verdict.NO


@settings(max_examples=40, deadline=None)
@given(MACHINES, st.sampled_from(sorted(SUBJECTS)))
def test_less_is_needed_from_row_to_row_of_the_caches_and_more_from_column_to_column(
    machine: Machine, name: str
) -> None:
    subject = SUBJECTS[name].only(0)
    rows = table(subject, machine, Asked())
    assert [row.cells[0].kv_type for row in rows] == ["f16", "q8_0", "q4_0"]
    for row in rows:
        kept = [made.kv for made in row.cells]
        assert kept == sorted(kept)
    for at in range(len(subject.contexts)):
        kept = [row.cells[at].kv for row in rows]
        assert kept == sorted(kept, reverse=True)


def test_the_columns_end_where_the_training_did() -> None:
    assert _twelve().contexts == CONTEXTS == (1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072)
    assert SUBJECTS["gemma-3-1b"].contexts == CONTEXTS[:6]
    assert SUBJECTS["gemma-4-12b"].contexts == CONTEXTS[2:], "a picture of 1,120 tokens is read at once"
    shape = _twelve().weights[0].shape
    for trained, contexts in ((40960, (*CONTEXTS[:6], 40960)), (2048, (1024, 2048)), (512, (512,)), (0, CONTEXTS[:4])):
        subject = of_shape(replace(shape, trained_context=trained), NO_ENCODER)
        assert subject.contexts == contexts
        assert subject.contexts[subject.usual_context] == min(8192, contexts[-1])
    assert [size_name(context) for context in (512, 1024, 40960, 131072)] == ["512", "1k", "40k", "128k"]


def test_the_recommended_file_stands_in_the_place_of_its_quantisation() -> None:
    twelve = _twelve()
    assert [each.name for each in twelve.weights][:3] == ["Q4_0 QAT", "Q4_K_S", "Q4_K_M"]
    assert twelve.weights[twelve.usual].note == "recommended"
    known = known_model("gemma-3-12b")
    assert known is not None
    assert twelve.weights[0].shape == catalogue_shape(known[0], "Q4_0+Q8_0")
    for model in catalogue():
        subject = SUBJECTS[model.id]
        assert sum(each.note == "recommended" for each in subject.weights) == bool(model.files)
        assert subject.weights[subject.usual].name == USUAL_WEIGHTS.get(model.id, "Q4_K_M")


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("q4_k_m", "Q4_K_M"),
        ("Q4_0", "Q4_0 QAT"),
        ("q4_0 qat", "Q4_0 QAT"),
        ("Q4_0-QAT", "Q4_0 QAT"),
        ("Q4", ""),
        ("", ""),
    ],
)
def test_weights_by_name(said: str, name: str) -> None:
    number = _twelve().named(said)
    assert (_twelve().weights[number].name if number is not None else "") == name


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 64).map(lambda gib: gib * GIB), st.sampled_from(sorted(SUBJECTS)), st.sampled_from(CONTEXTS))
def test_what_a_common_card_holds_a_larger_one_holds(ram: int, name: str, context: int) -> None:
    subject = SUBJECTS[name]
    found = on_common_cards(subject.weights[0].shape, context, ram, Asked(), subject.encoder)
    assert [card for card, _ in found] == list(cards())
    layers = [made.gpu_layers for _, made in found if made.verdict is not Verdict.NO]
    assert layers == sorted(layers)
    whole = holding(subject.weights[0].shape, context, ram, Asked(), subject.encoder)
    assert whole == [card.name for card, made in found if made.verdict is Verdict.FITS]
    for _, made in found:
        assert (in_short(made) == "Fits") == (made.verdict is Verdict.FITS)


def test_layers_that_a_person_chose() -> None:
    shape, machine = _twelve().weights[0].shape, Machine((Gpu("g", 6 * GIB),), 32 * GIB)

    def made(layers: int) -> Plan:
        return planned(shape, 8192, machine, Asked(), _twelve().encoder, layers)

    most = made(-1).gpu_layers
    assert 0 < most < made(-1).layers
    assert made(most) == made(-1)
    assert not overfull(made(most), machine)
    assert in_words("Q4_0", made(10), machine)[1].startswith("10 of 49 layers are on the card")
    assert overfull(made(49), machine) > 0
    title, said = in_words("Q4_0", made(49), machine)
    assert title == "Q4_0 at 8k is too much for your card"
    assert said.startswith("49 of 49 layers need ")
    none = made(0)
    assert (none.gpu, none.encoder_on_card, overfull(none, machine)) == (0, False, 0)


def test_where_images_are_looked_at() -> None:
    shape, machine = _twelve().weights[0].shape, Machine((Gpu("g", 6 * GIB),), 32 * GIB)
    card, memory, off = (
        planned(shape, 8192, machine, Asked("f16", where), ImageEncoder(1 << 30)) for where in ("", "memory", "off")
    )
    assert (card.encoder_on_card, memory.encoder_on_card, off.encoder_on_card) == (True, False, False)
    assert memory.gpu_layers > card.gpu_layers
    assert (off.vision, off.gpu_layers) == (0, memory.gpu_layers)


def test_speed_is_in_the_words_where_it_is_known() -> None:
    shape, encoder, speed = _twelve().weights[0].shape, _twelve().encoder, Speed(40e9, 4)
    alone = on_card(0, 32 * GIB)
    made = planned(shape, 8192, alone, Asked(), encoder)
    assert in_words("Q4_0", made, alone, speed)[1].endswith(" About 3 tokens a second; an image takes about 1 min.")
    assert in_words("Q4_0", made, alone)[1].endswith(" Images take longer without a card for them.")
    for free in (6, 24):
        machine = on_card(free * GIB, 32 * GIB)
        made = planned(shape, 8192, machine, Asked(), encoder)
        assert "second" not in in_words("Q4_0", made, machine, speed)[1]
    assert set(CHIPS) == set(SAID)
    assert 0 < share(made) <= 1


@settings(max_examples=40, deadline=None)
@given(MACHINES, st.sampled_from(sorted(SUBJECTS)), st.sampled_from(sorted(KV_BYTES)), st.sampled_from(IMAGES))
def test_what_is_loaded_by_a_plan_is_the_plan_that_was_shown(
    machine: Machine, name: str, kv_type: str, images: str
) -> None:
    """Only the batch is left to the program: a smaller one may put more on the card."""
    subject = SUBJECTS[name]
    for made in table(subject, machine, Asked(kv_type, images))[subject.usual].cells[2:5]:
        options = LoadOptions(context=made.context, kv_type=kv_type, images=images)
        loaded = best(subject.weights[subject.usual].shape, options, machine, subject.encoder)
        assert (loaded.context, loaded.kv_type, loaded.vision) == (made.context, made.kv_type, made.vision)
        if made.verdict is not Verdict.NO:
            assert loaded.encoder_on_card >= made.encoder_on_card
            assert loaded.gpu_layers >= made.gpu_layers or loaded.encoder_on_card > made.encoder_on_card
