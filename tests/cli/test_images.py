"""Pictures on the command line, with the real media process, worker, store and the micro model's eyes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.cli.program import GREEDY, Outcome, Program
from tests.engine.gemma4 import write_gemma4
from tests.engine.image_parts import write_gemma4v
from tests.media.drawn import COLOURS, number, shape


def _ask(program: Program, model: Path, *arguments: str | Path) -> Outcome:
    return program.run("ask", "--model", model, *GREEDY, *arguments)


@pytest.fixture
def star(tmp_path: Path) -> Path:
    path = tmp_path / "ein Stern ⭐.png"
    shape("star", "red").save(path)
    return path


def test_a_picture_is_seen(program: Program, micro_model: Path, star: Path) -> None:
    outcome = _ask(program, micro_model, "--image", star, "Describe this image.")
    assert (outcome.code, outcome.out, outcome.err) == (0, "A red star on a white background.\n", "")


def test_different_pictures_give_different_right_answers(program: Program, micro_model: Path, tmp_path: Path) -> None:
    wrong = []
    for colour in COLOURS:
        path = tmp_path / f"{colour}.jpg"
        shape("circle", colour, size=(320, 240)).save(path, quality=95)
        answer = _ask(program, micro_model, "--image", path, "What colour is the circle?").out
        if answer != f"The circle is {colour}.\n":
            wrong.append((colour, answer))
    assert len(wrong) <= 0.05 * len(COLOURS), wrong


def test_a_second_question_after_a_restart_encodes_nothing(program: Program, micro_model: Path, star: Path) -> None:
    first = _ask(program, micro_model, "--image", star, "--json", "What shape is this?").record
    assert first["model"]["vision"] is True
    assert (first["usage"]["images"], first["usage"]["images_encoded"]) == (1, 1)
    assert first["timings"]["encode_ms"] > 0
    second = _ask(program, micro_model, "--conversation", "last", "--json", "What colour is the star?").record
    assert second["text"] == "The star is red."
    assert (second["usage"]["images"], second["usage"]["images_encoded"]) == (1, 0)
    other = _ask(program, micro_model, "--image", star, "--json", "Describe this image.").record
    assert other["usage"]["images_encoded"] == 0


def test_several_pictures_and_how_closely_they_are_looked_at(
    program: Program, micro_model: Path, tmp_path: Path, star: Path
) -> None:
    wide = tmp_path / "wide.png"
    shape("circle", "blue", size=(1200, 500)).save(wide)
    both = ("--image", star, "--image", wide, "--json", "What shape is this?")
    assert _ask(program, micro_model, *both).record["usage"]["images"] == 1 + 3
    assert _ask(program, micro_model, "--pan-and-scan", "off", *both).record["usage"]["images"] == 2


def test_a_model_without_eyes(program: Program, demo_model: Path, star: Path) -> None:
    outcome = _ask(program, demo_model, "--image", star, "Describe this image.")
    assert (outcome.code, outcome.out) == (4, "")
    assert "cannot see pictures" in outcome.sentence
    assert program.listed() == []


@pytest.mark.parametrize(("content", "said"), [(b"", "empty"), (b"hello", "no picture"), (None, "no file")])
def test_a_bad_file(program: Program, micro_model: Path, tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "bad.png"
    if content is not None:
        path.write_bytes(content)
    outcome = _ask(program, micro_model, "--image", path, "Describe this image.")
    assert (outcome.code, outcome.out) == (4, "")
    assert said in outcome.sentence
    assert "bad.png" in outcome.sentence
    assert program.listed() == []


def test_the_mmproj_of_another_model(program: Program, demo_model: Path, micro_model: Path) -> None:
    mmproj = micro_model.parent / "mmproj-micro-gemma3.gguf"
    outcome = program.run("ask", "--model", demo_model, "--mmproj", mmproj, "Hello")
    assert (outcome.code, outcome.out) == (3, "")
    assert "another model" in outcome.sentence


def test_pictures_in_a_chat(program: Program, micro_model: Path, star: Path, tmp_path: Path) -> None:
    forty_two = tmp_path / "n.png"
    number(42).save(forty_two)
    lines = [f"/image {star}", "What colour is the star?", f"/image {forty_two}", "What number is shown?"]
    lines += ["/edit What number is shown?"]
    outcome = program.run("chat", "--model", micro_model, *GREEDY, given="".join(f"{line}\n" for line in lines))
    assert outcome.code == 0, outcome
    assert outcome.out == "The star is red.\nThe number is 42.\nThe number is 42.\n"


def test_a_picture_is_kept_once(program: Program, micro_model: Path, star: Path) -> None:
    for _ in range(2):
        assert _ask(program, micro_model, "--image", star, "What shape is this?").code == 0
    assert len(list((program.data / "attachments").iterdir())) == 2


def test_a_picture_whose_file_is_gone_costs_no_reply(program: Program, micro_model: Path, star: Path) -> None:
    assert _ask(program, micro_model, "--image", star, "What shape is this?").code == 0
    for folder in ("attachments", "cache/embeddings"):
        for file in (program.data / folder).iterdir():
            file.unlink()
    record = _ask(program, micro_model, "--json", "--conversation", "last", "What colour is the star?").record
    assert record["text"] == "I do not see an image."
    assert record["usage"]["images"] == 0
    assert len(program.shown()["messages"]) == 4


def test_a_read_only_folder(program: Program, micro_model: Path, star: Path) -> None:
    program.data.mkdir()
    (program.data / "attachments").write_text("in the way")
    outcome = _ask(program, micro_model, "--image", star, "What shape is this?")
    assert outcome.code == 5
    assert outcome.sentence
    os.unlink(program.data / "attachments")


def test_as_many_image_tokens_as_were_named(program: Program, micro_model: Path, tmp_path: Path) -> None:
    model = write_gemma4(tmp_path / "gemma4.gguf")
    write_gemma4v(tmp_path / "mmproj-gemma4.gguf")
    path = tmp_path / "photo.png"
    shape("circle", "blue", size=(1600, 1200)).save(path)
    asked = ("--image", path, "--json", "--max-tokens", "2", "What shape is this?")
    taken = []
    for named in ((), ("--image-tokens", "70"), ("--image-tokens", "1120")):
        usage = _ask(program, model, *named, *asked).record["usage"]
        assert (usage["images"], usage["images_encoded"]) == (1, 1)
        taken.append(usage["prompt_tokens"])
    usual, few, many = taken
    assert few < usual < many
    assert few + 400 < usual
    again = _ask(program, model, "--conversation", "last", "--json", "--max-tokens", "2", "And its colour?").record
    assert (again["usage"]["images"], again["usage"]["images_encoded"]) == (1, 0)
    assert again["usage"]["prompt_tokens"] > many
    refused = _ask(program, micro_model, "--image-tokens", "70", *asked)
    assert (refused.code, refused.out) == (4, "")
    assert "leaves no choice of image tokens" in refused.sentence
