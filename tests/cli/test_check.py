"""The self-check on devices that are not there, wrong or right: what is told and what is set aside."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from app.cli import check, made_up
from app.cli.check import CHATS, FULL_SIZE, PROCESSOR, Checked, Question, how_far_apart, run_self_check
from app.cli.commands import Doctor
from app.cli.doctor import run_doctor
from app.cli.link import SessionLink
from app.cli.output import Output
from app.core.errors import ExitCode
from app.core.paths import DataPaths
from app.core.protocol import Described, Device
from app.core.settings import LoadOptions
from app.engine.backends import GPU_SWITCH
from tests.engine import cards

Made = Callable[[str, int], Path]

ON_CARD = "Card0"
CARD = Device("CUDA0", "A card", "gpu", 8 << 30, 8 << 30)
QUESTIONS = [*(question for _, questions in CHATS for question in questions), FULL_SIZE]


def _doctor(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    wrong: tuple[Question, ...],
    said: str = "something else",
    seconds: float = 1.0,
) -> tuple[ExitCode, str, LoadOptions]:
    """The report of a machine with a card, where these questions are answered so; the processor takes two seconds."""

    def checked(_output: Output, devices: tuple[Device, ...], addons: Path) -> list[Checked]:
        assert addons == tmp_path / "data" / "engine"
        assert CARD in devices
        right = [Checked(question, question.expected) for question in QUESTIONS]
        on_card = [
            Checked(
                one, said if one in wrong else one.expected, CARD.name, seconds, usual=2.0 if one.full_size else None
            )
            for one in QUESTIONS
        ]
        return right + on_card

    monkeypatch.setattr("app.cli.doctor.run_self_check", checked)
    monkeypatch.setattr("app.cli.doctor.describe", lambda _link: Described(1, {}, (CARD,), "", ()))
    out, paths = io.StringIO(), DataPaths(tmp_path / "data")
    code = run_doctor(Doctor(check=True), paths, Output(out, io.StringIO()))
    with SessionLink(paths) as link:
        return code, out.getvalue(), link.ask(lambda session: session.settings.load)


def test_a_card_that_answers_right_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, said, load = _doctor(tmp_path, monkeypatch, ())
    assert (code, load) == (ExitCode.DONE, LoadOptions())
    assert "right   CUDA0: Who are you?" in said


def test_a_card_that_answers_wrong_is_set_aside_until_it_is_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, said, load = _doctor(tmp_path, monkeypatch, tuple(QUESTIONS[:2]))
    assert (code, load.avoid, load.encoder_avoid) == (ExitCode.DONE, ("A card",), ())
    assert "Problem: A card gives wrong answers, so it is not used. Bring its driver up to date" in said
    assert _doctor(tmp_path, monkeypatch, ())[2] == LoadOptions()


def test_a_card_that_sees_wrong_is_set_aside_for_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures = tuple(question for question in QUESTIONS if question.is_seen)
    _, said, load = _doctor(tmp_path, monkeypatch, pictures)
    assert (load.avoid, load.encoder_avoid) == ((), ("A card",))
    assert "A card sees pictures wrongly, so the processor looks at them instead." in said


def test_a_card_without_an_answer_is_not_called_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "A card does not answer, so it is not used." in _doctor(tmp_path, monkeypatch, tuple(QUESTIONS), "")[1]
    pictures = tuple(question for question in QUESTIONS if question.is_seen)
    _, said, load = _doctor(tmp_path, monkeypatch, pictures, "", seconds=0.0)
    assert (load.avoid, load.encoder_avoid) == ((), ("A card",))
    assert "A card does not answer about pictures, so the processor looks at them instead." in said


def test_a_card_that_is_slower_than_the_processor_looks_at_no_pictures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, said, load = _doctor(tmp_path, monkeypatch, (), seconds=30.4)
    assert (load.avoid, load.encoder_avoid) == ((), ("A card",))
    assert "A card is too slow to be useful: 30 s where the processor takes 2.0 s. The processor looks at" in said
    assert "SLOW    CUDA0: What does an image part" in said
    assert "WRONG" not in said
    _, said, load = _doctor(tmp_path, monkeypatch, (FULL_SIZE,), "", seconds=60.0)
    assert load.encoder_avoid == ("A card",)
    assert "A card is too slow to be useful: over 60 s where the processor takes 2.0 s." in said


def test_a_backend_that_cannot_be_used_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    described = Described(1, {}, (), "", (), ("The driver crashed.",))
    monkeypatch.setattr("app.cli.doctor.describe", lambda _link: described)
    out = io.StringIO()
    run_doctor(Doctor(), DataPaths(tmp_path / "data"), Output(out, io.StringIO()))
    assert "Problem: The driver crashed. Bring the card's driver, or the add-on, up to date" in out.getvalue()


def test_a_card_that_is_gone_gives_no_answers_and_the_processor_all() -> None:
    """The engine here knows no such card: it is asked for, and every question stays without an answer."""
    found = run_self_check(Output(io.StringIO(), io.StringIO()), (CARD,))
    by_device = {name: [one for one in found if one.device == name] for name in (PROCESSOR, "CUDA0")}
    assert all(one.right for one in by_device[PROCESSOR])
    assert [one.answer for one in by_device["CUDA0"]] == [""] * (len(QUESTIONS) - 1)


# -- a card that is there


@pytest.fixture
def addons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Made:
    """Makes add-ons with a card that meets with a fault in encoders of so many patches."""
    monkeypatch.setattr(made_up, "LAYERS", 1)
    monkeypatch.delenv(GPU_SWITCH)
    return lambda fault, at: cards.addons_with_card(tmp_path / "addons", fault, at)


def _quiet() -> Output:
    return Output(io.StringIO(), io.StringIO())


def _found(addons: Path) -> list[Checked]:
    """What the whole self-check finds on the card."""
    card = Device(ON_CARD, "A card of tests", "gpu", 8 << 30, 8 << 30)
    return [one for one in run_self_check(_quiet(), (card,), addons) if one.device == ON_CARD]


def test_a_right_card_sees_in_full_size_what_the_processor_sees(addons: Made) -> None:
    found = _found(addons("", 1))
    assert all(one.right for one in found)
    assert {one.question for one in found} == set(QUESTIONS)
    assert found[-1].question is FULL_SIZE
    assert found[-1].apart is not None
    assert found[-1].apart < 0.01


@pytest.mark.parametrize(
    ("fault", "answer"), [(cards.SEES_OTHERWISE, "something else, "), (cards.CRASHES, "")], ids=["wrong", "crash"]
)
def test_what_is_wrong_in_full_size_only_is_found(addons: Made, fault: str, answer: str) -> None:
    found = _found(addons(fault, cards.FULL_SIZE))
    assert [one.question for one in found if not one.right] == [FULL_SIZE]
    assert found[-1].answer.startswith(answer)
    assert bool(found[-1].answer) == bool(answer)
    assert not found[-1].too_slow


def test_a_card_that_crashes_over_pictures_has_answered_all_else(addons: Made) -> None:
    found = _found(addons(cards.CRASHES, 1))
    assert all(one.right != one.question.is_seen for one in found)
    assert FULL_SIZE not in {one.question for one in found}, "it is tried no more"


def test_a_card_that_hangs_is_not_waited_for(addons: Made, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(check, "_SECONDS", 4.0)
    card = check._Place(ON_CARD, addons(cards.HANGS, 1))
    pictures = check._on_card(_quiet(), card, pictures=True, usual=0.1)
    assert [one.answer for one in pictures] == ["", ""]
    mmproj = tmp_path / "mmproj.gguf"
    made_up.write_image_part(mmproj, 128)
    assert check._seen(_quiet(), card, mmproj, usual=0.1) == (b"", 4.0)


def test_a_card_has_longer_where_the_processor_takes_long(
    addons: Made, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(check, "_SECONDS", 1.0)
    mmproj = tmp_path / "mmproj.gguf"
    made_up.write_image_part(mmproj, 128)
    card = check._Place(ON_CARD, addons(cards.SLOW, cards.FULL_SIZE))
    assert check._seen(_quiet(), card, mmproj, usual=60.0)[0] != b""


def test_a_card_is_held_against_the_processor_once_it_is_ready(addons: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """The processor takes two seconds; the card nine for its first picture, and five or one for the next."""
    processor, card = (check._Place(name, addons("", 1)) for name in (PROCESSOR, ON_CARD))
    for second, too_slow in ((5.0, True), (1.0, False)):
        times = iter((0.0, 2.0, 0.0, 9.0, 0.0, second))
        monkeypatch.setattr(check, "perf_counter", lambda times=times: next(times))
        (found,) = check._compared(_quiet(), processor, (card,))
        assert (found.right, found.too_slow, found.seconds, found.usual) == (True, too_slow, second, 2.0)


def test_how_far_apart_is_told_by_the_worst_token() -> None:
    expected = struct.pack("<4f", 3, 4, 0, 1)
    assert how_far_apart(expected, expected, 2) == 0
    assert how_far_apart(expected, struct.pack("<4f", 3, 4, 0, 1.5), 2) == 0.5
    assert how_far_apart(expected, struct.pack("<4f", -3, -4, 0, 1), 2) == 2
    assert how_far_apart(expected, struct.pack("<4f", float("nan"), 4, 0, 1), 2) == float("inf")
