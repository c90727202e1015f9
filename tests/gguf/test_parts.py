"""A model in several files is one model: known, planned and loaded whole."""

from __future__ import annotations

from math import prod
from pathlib import Path

import pytest

from app.core.errors import ModelError
from app.gguf.header import read_header
from app.models.library import Library
from app.models.places import Place
from app.models.shape import shape_of
from tests.engine.chats import Chat, loaded
from tests.gguf.splitting import split, with_image_inside, without_last


@pytest.mark.parametrize("bare_first", [False, True])
def test_its_shape_is_that_of_the_whole(tmp_path: Path, micro_model: Path, bare_first: bool) -> None:
    files = split(micro_model, tmp_path, 3, bare_first=bare_first)
    found, whole = read_header(files[0]), read_header(micro_model)
    assert shape_of(found, "micro") == shape_of(whole, "micro")
    assert found.file_size == sum(file.stat().st_size for file in files)
    (listed,) = Library(tmp_path / "memory.json").scan([Place("", tmp_path)])
    assert listed.facts.parameters == sum(prod(tensor.shape) for tensor in whole.tensors)


@pytest.mark.parametrize("bare_first", [False, True])
def test_it_answers(tmp_path: Path, micro_model: Path, bare_first: bool) -> None:
    first, *_ = split(micro_model, tmp_path, 3, bare_first=bare_first)
    with loaded(first) as engine:
        assert Chat(engine).say("Count from 1 to 5.").text == "1, 2, 3, 4, 5."


def test_a_part_that_is_missing_or_not_the_first_is_said(tmp_path: Path, micro_model: Path) -> None:
    first, second, third = split(micro_model, tmp_path, 3)
    assert _refusal(second) == (
        "part",
        "“part-00002-of-00003.gguf” is part 2 of 3 of a model. Choose the first of its files.",
    )
    renamed = third.with_name("third.gguf")
    third.rename(renamed)
    code, message = _refusal(first)
    assert (code, message.startswith("“part-00003-of-00003.gguf” is not there any more.")) == ("missing", True)
    first.rename(tmp_path / "first.gguf")
    assert _refusal(tmp_path / "first.gguf") == (
        "part",
        "“first.gguf” is one of 3 files; its name must end with -00001-of-00003.gguf.",
    )


def test_a_model_in_ollamas_own_form_is_told_before_it_is_loaded(tmp_path: Path, micro_model: Path) -> None:
    projector = micro_model.with_name("mmproj-micro-gemma3.gguf")
    model = with_image_inside(micro_model, projector, tmp_path / "inside.gguf")
    (listed,) = Library(tmp_path / "memory.json").scan([Place("", tmp_path)])
    assert "only Ollama reads" in listed.facts.error
    with pytest.raises(ModelError, match="Get the model here instead"), loaded(model):
        pass


def test_what_llama_cpp_misses_in_a_model_is_told(tmp_path: Path, micro_model: Path) -> None:
    model = without_last(micro_model, tmp_path / "less.gguf")
    with pytest.raises(ModelError, match=r"of an unknown kind \(.*tensor '.+' not found\)"), loaded(model):
        pass


def _refusal(path: Path) -> tuple[str, str]:
    with pytest.raises(ModelError) as caught:
        read_header(path)
    return caught.value.code, caught.value.message
