"""What a plan must know of a file: read once, and again when the file or its image part has changed."""

from __future__ import annotations

import os
from pathlib import Path

from app.models.needs import Needs, need_of
from tests.gguf.files import Tensor, gguf, number, text
from tests.gguf.splitting import split


def test_shape_and_image_part_come_from_the_headers(micro_model: Path) -> None:
    need = need_of(micro_model)
    assert need.shape is not None
    assert (need.shape.name, need.shape.quantisation, need.error) == ("micro-gemma3.gguf", "F16", "")
    assert need.encoder.weights > 1_000_000


def test_why_there_is_no_plan(tmp_path: Path, micro_model: Path) -> None:
    cut = tmp_path / "cut.gguf"
    cut.write_bytes(micro_model.read_bytes()[:100_000])
    need = need_of(cut)
    assert (need.shape, need.broken) == (None, True)
    assert need.error.startswith("“cut.gguf” is cut")
    image = need_of(micro_model.with_name("mmproj-micro-gemma3.gguf"))
    assert (image.broken, image.error) == (
        True,
        "“mmproj-micro-gemma3.gguf” is the image part of a model, not the model itself.",
    )
    assert need_of(tmp_path / "gone.gguf").broken


def test_a_file_is_read_again_when_it_or_its_image_part_changes(tmp_path: Path, micro_model: Path) -> None:
    model, memory = tmp_path / "m" / "a.gguf", tmp_path / "needs.json"
    model.parent.mkdir()
    model.write_bytes(micro_model.read_bytes())
    needs = Needs(memory)
    assert not needs.of(model).encoder
    needs.keep()
    image = model.with_name("mmproj-a.gguf")
    image.write_bytes(micro_model.with_name("mmproj-micro-gemma3.gguf").read_bytes())
    again = Needs(memory)
    assert again.of(model).encoder
    again.keep()
    model.write_bytes(b"GGUF")
    assert Needs(memory).of(model).broken


def test_an_image_part_that_was_named_counts(tmp_path: Path, micro_model: Path) -> None:
    model, named = tmp_path / "m" / "a.gguf", tmp_path / "other" / "part.gguf"
    for path, source in ((model, micro_model), (named, micro_model.with_name("mmproj-micro-gemma3.gguf"))):
        path.parent.mkdir()
        path.write_bytes(source.read_bytes())
    needs = Needs(tmp_path / "needs.json")
    assert not needs.of(model).encoder
    encoder = needs.of(model, str(named)).encoder
    assert encoder.weights > 0
    assert not needs.of(model).encoder, "it is not named any more"
    model.with_name("mmproj.gguf").write_bytes(named.read_bytes())
    named.unlink()
    assert need_of(model, str(named)).encoder == encoder, "one beside it serves where the named one is gone"
    assert not need_of(model, str(named)).broken


def test_what_is_remembered_opens_no_file(tmp_path: Path, micro_model: Path) -> None:
    model, memory = tmp_path / "a.gguf", tmp_path / "needs.json"
    model.write_bytes(micro_model.read_bytes())
    needs = Needs(memory)
    known = needs.of(model)
    needs.keep()
    told = model.stat()
    model.write_bytes(bytes(told.st_size))
    os.utime(model, ns=(told.st_atime_ns, told.st_mtime_ns))
    assert Needs(memory).of(model) == known
    memory.write_text("{")
    assert Needs(memory).of(model).broken, "a damaged memory is none"


def test_what_tells_no_shape_is_a_model_without_a_plan(tmp_path: Path) -> None:
    odd = tmp_path / "odd.gguf"
    odd.write_bytes(gguf([text("general.architecture", "rwkv"), number("rwkv.context_length", 4096)], [Tensor()]))
    assert (need_of(odd).broken, need_of(odd).error) == (False, "“odd.gguf” does not say how large its layers are.")


def test_a_model_in_several_files_has_its_plan_while_all_are_there(tmp_path: Path, micro_model: Path) -> None:
    first, _, last = split(micro_model, tmp_path / "models", 3)
    needs = Needs(tmp_path / "needs.json")
    whole = need_of(micro_model).shape
    assert whole is not None
    assert (shape := needs.of(first).shape) is not None
    assert shape.weight_bytes == whole.weight_bytes
    away = last.rename(tmp_path / "away")
    assert needs.of(first).error.startswith("“part-00003-of-00003.gguf” is not there any more.")
    away.rename(last)
    assert needs.of(first).shape == shape
