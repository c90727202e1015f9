"""Faults 17 and 34 to 36 through the whole program: what a picture or its encoder can do costs one reply at most."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.program import GREEDY, Outcome, Program
from tests.media.drawn import shape


def _ask(program: Program, model: Path, *arguments: str | Path) -> Outcome:
    return program.run("ask", "--model", model, *GREEDY, *arguments)


@pytest.fixture
def star(tmp_path: Path) -> Path:
    path = tmp_path / "star.png"
    shape("star", "red").save(path)
    return path


@pytest.fixture
def beside(micro_model: Path, tmp_path: Path) -> Path:
    """A folder with the micro model and its mmproj, to be spoiled."""
    folder = tmp_path / "models"
    folder.mkdir()
    for name in (micro_model.name, f"mmproj-{micro_model.name}"):
        shutil.copy(micro_model.with_name(name), folder / name)
    return folder / micro_model.name


def _mmproj(model: Path) -> Path:
    return model.with_name(f"mmproj-{model.name}")


def _set(path: Path, key: str, value: int) -> None:
    """Write another value behind a uint32 key of a GGUF header."""
    data = bytearray(path.read_bytes())
    place = data.index(key.encode()) + len(key) + 4  # behind the type of the value
    data[place : place + 4] = struct.pack("<I", value)
    path.write_bytes(data)


def test_17_with_the_mmproj_of_another_model_text_works(program: Program, beside: Path, star: Path) -> None:
    _set(_mmproj(beside), "clip.vision.projection_dim", 256)
    assert _ask(program, beside, "My name is Robin.").out == "Nice to meet you, Robin.\n"
    outcome = _ask(program, beside, "--image", star, "What shape is this?")
    assert (outcome.code, outcome.out) == (4, "")
    assert f"“{_mmproj(beside).name}” beside it is no image part that fits it." in outcome.sentence


def test_17_without_a_mmproj_it_says_so(program: Program, beside: Path, star: Path, demo_model: Path) -> None:
    _mmproj(beside).unlink()
    outcome = _ask(program, demo_model, "--image", star, "What shape is this?")
    assert (outcome.code, "It reads text only." in outcome.sentence) == (4, True)


def test_34_a_mmproj_that_kills_the_worker_costs_that_reply_only(program: Program, beside: Path, star: Path) -> None:
    _set(_mmproj(beside), "clip.vision.attention.head_count", 5)  # 96 are no five heads: the encoder aborts
    outcome = _ask(program, beside, "--image", star, "What shape is this?")
    assert (outcome.code, outcome.out) == (6, "")
    assert outcome.sentence
    assert program.shown()["messages"][0]["text"] == "What shape is this?"
    again = _ask(program, beside, "My name is Robin.")
    assert (again.code, again.out) == (0, "Nice to meet you, Robin.\n")


def test_34_a_cut_mmproj_is_left_alone(program: Program, beside: Path) -> None:
    data = _mmproj(beside).read_bytes()
    _mmproj(beside).write_bytes(data[: len(data) // 2])
    assert _ask(program, beside, "My name is Robin.").out == "Nice to meet you, Robin.\n"


@pytest.mark.parametrize("size", [(1, 30_000), (30_000, 1)])
def test_34_a_line_of_a_picture_is_seen(
    program: Program, micro_model: Path, tmp_path: Path, size: tuple[int, int]
) -> None:
    path = tmp_path / "line.png"
    Image.new("RGB", size, "blue").save(path)
    outcome = _ask(program, micro_model, "--image", path, "--json", "What shape is this?")
    assert outcome.code == 0
    assert outcome.record["usage"]["images"] == 1, "crops of it would be less than 256 pixels high"


def test_35_a_folder_and_a_film(program: Program, micro_model: Path, tmp_path: Path) -> None:
    film = tmp_path / "film.mkv"
    with film.open("wb") as file:
        file.truncate(5_000_000_000)
    for path, said in ((tmp_path, "is a folder"), (film, "too large")):
        outcome = _ask(program, micro_model, "--image", path, "What is this?")
        assert (outcome.code, outcome.out) == (4, "")
        assert said in outcome.sentence
