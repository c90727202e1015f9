"""The self-check on devices that are not there, wrong or right: what is told and what is set aside."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from app.cli.check import CHATS, PROCESSOR, Checked, Question, run_self_check
from app.cli.commands import Doctor
from app.cli.doctor import run_doctor
from app.cli.link import SessionLink
from app.cli.output import Output
from app.core.errors import ExitCode
from app.core.paths import DataPaths
from app.core.protocol import Described, Device
from app.core.settings import LoadOptions

CARD = Device("CUDA0", "A card", "gpu", 8 << 30, 8 << 30)
QUESTIONS = [question for _, questions in CHATS for question in questions]


def _doctor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: tuple[Question, ...], card: Device = CARD
) -> tuple[ExitCode, str, LoadOptions]:
    """The report of a machine with this card, where these questions are answered wrongly."""

    def checked(_output: Output, devices: tuple[Device, ...], addons: Path) -> list[Checked]:
        assert addons == tmp_path / "data" / "engine"
        assert card in devices
        right = [Checked(question, question.expected) for question in QUESTIONS]
        on_card = [Checked(one, "" if one in wrong else one.expected, card.name) for one in QUESTIONS]
        return right + on_card

    monkeypatch.setattr("app.cli.doctor.run_self_check", checked)
    monkeypatch.setattr("app.cli.doctor.describe", lambda _link: Described(1, {}, (card,), "", ()))
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
    pictures = tuple(question for question in QUESTIONS if question.colour)
    _, said, load = _doctor(tmp_path, monkeypatch, pictures)
    assert (load.avoid, load.encoder_avoid) == ((), ("A card",))
    assert "A card sees pictures wrongly, so the processor looks at them instead." in said


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
    assert len(by_device["CUDA0"]) == len(QUESTIONS)
