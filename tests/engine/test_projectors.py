"""Image parts that a model cannot see with: it reads text, and says why in one sentence."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import gguf
import pytest

from app.core.errors import EngineError, ModelError
from app.core.message import FinishReason, Message, Role
from app.core.paths import encode_path
from app.core.protocol import Load, ModelInfo, Prompt
from app.core.settings import LoadOptions
from app.engine.local import LocalEngine
from app.gguf.header import read_header
from app.gguf.projector import ImagePart, image_part
from app.models.choice import best
from app.models.encoder import encoder_beside
from app.models.library import Library
from app.models.memory import Machine
from app.models.places import Place
from app.models.shape import shape_of
from tests.engine.chats import Chat, loaded, model_of
from tests.engine.gemma4 import write_gemma4
from tests.engine.image_parts import (
    write_audio,
    write_gemma4uv,
    write_gemma4v,
    write_idefics3,
    write_llama,
    write_mlp,
)
from tests.media.drawn import kept, shape

OPTIONS = LoadOptions(context=1024, threads=1)


def _part(path: Path) -> ImagePart:
    part = image_part(read_header(path))
    assert part is not None
    return part


def _reads_text(engine: LocalEngine) -> ModelInfo:
    """What was loaded, after it has answered."""
    chat = Chat(engine)
    chat.messages.append(Message(Role.USER, "Hello"))
    assert chat.answer().reason in (FinishReason.STOP, FinishReason.LENGTH)
    return model_of(engine).info


def _unknown(path: Path) -> Path:
    return write_gemma4v(path, kind="gemma9v")


def _placed(path: Path) -> Path:
    return write_gemma4v(path, kind="deepseek4v")


def _without_weights(path: Path) -> Path:
    return write_gemma4v(path, layers=0, kind="pixtral")


def _cut(path: Path) -> Path:
    data = write_gemma4v(path).read_bytes()
    path.write_bytes(data[: len(data) // 2])
    return path


def _no_patches(path: Path) -> Path:
    file = gguf.GGUFReader(write_gemma4v(path), "r+")
    field = file.fields["clip.vision.patch_size"]
    field.parts[field.data[0]][0] = 0
    return path


@pytest.mark.parametrize(
    ("write", "said"),
    [
        (write_audio, "“mmproj-x.gguf” beside it is for sound only."),
        (_unknown, "“mmproj-x.gguf” is an image part of a kind that this version does not know (gemma9v)."),
        (_placed, "What it sees depends on where a picture stands in the text, which is not possible here."),
        (_cut, "“mmproj-x.gguf” is cut: "),
        (_no_patches, "“mmproj-x.gguf” cannot be used: it is damaged or of an unknown kind (patch_size (0) must be"),
        (_without_weights, "“mmproj-x.gguf” cannot be used: it is damaged or of an unknown kind ("),
        (lambda path: write_gemma4v(path, width=128), "“mmproj-x.gguf” beside it is no image part that fits it."),
    ],
)
def test_a_model_beside_it_reads_text_and_says_why(write: Callable[[Path], Path], said: str, tmp_path: Path) -> None:
    model = write_llama(tmp_path / "x.gguf")
    write(tmp_path / "mmproj-x.gguf")
    with loaded(model, LoadOptions(context=256, threads=1)) as engine:
        info = _reads_text(engine)
    assert not info.vision
    assert info.blind.startswith(said)
    assert info.blind.endswith(".")
    assert info.blind.count(". ") == ("cut" in info.blind)


def test_rows_and_columns_are_refused_whatever_the_image_part(tmp_path: Path) -> None:
    model = write_llama(tmp_path / "qwen.gguf", architecture="qwen2vl")
    write_idefics3(tmp_path / "mmproj-qwen.gguf")
    with loaded(model, LoadOptions(context=256, threads=1)) as engine:
        info = _reads_text(engine)
    assert (info.vision, info.blind) == (
        False,
        "Its image part places pictures in rows and columns, which is not possible here.",
    )


def test_one_that_was_named_and_hears_costs_no_load(tmp_path: Path) -> None:
    model, named = write_llama(tmp_path / "x.gguf"), write_audio(tmp_path / "ears.gguf")
    engine = LocalEngine()
    engine.begin()
    info = engine.load(Load(1, encode_path(model), OPTIONS, mmproj=encode_path(named)), lambda _fraction: None)
    engine.unload()
    assert (info.vision, info.blind) == (False, "“ears.gguf” is for sound only.")
    with pytest.raises(ModelError, match="is not the image part"):
        engine.load(Load(2, encode_path(model), OPTIONS, mmproj=encode_path(model)), lambda _fraction: None)


def test_a_vocabulary_without_the_tokens_around_a_picture_is_no_crash(tmp_path: Path) -> None:
    """libmtmd puts -1 where a token is missing, which llama.cpp does not survive."""
    model = write_llama(tmp_path / "x.gguf", ())
    write_idefics3(tmp_path / "mmproj-x.gguf")
    picture = kept(shape("star", "red"), tmp_path / "pictures")
    with loaded(model, OPTIONS) as engine:
        with pytest.raises(EngineError, match="The model's vocabulary has no place for pictures"):
            model_of(engine).prompts.tokens(Prompt("c", (Message(Role.USER, "x", pictures=(picture,)),)))
        _reads_text(engine)


def test_what_a_header_says_of_an_image_part(tmp_path: Path, micro_model: Path) -> None:
    wide = _part(write_gemma4v(tmp_path / "a.gguf"))
    assert (wide.kind, wide.width, wide.together, wide.choices[-1]) == ("gemma4v", 256, 1120, 1120)
    for width in (1536, 2560):  # E2B and E4B read pictures like text
        assert _part(write_gemma4v(tmp_path / "b.gguf", width=width)).together == 0
    assert _part(write_gemma4uv(tmp_path / "c.gguf")).together == 1120
    tiles = _part(write_idefics3(tmp_path / "d.gguf"))
    assert (tiles.kind, tiles.together, tiles.choices, tiles.side) == ("idefics3", 0, (), 0)
    assert _part(write_audio(tmp_path / "e.gguf")).kind == ""
    ours = _part(micro_model.with_name(f"mmproj-{micro_model.name}"))
    assert (ours.kind, ours.together, ours.choices) == ("gemma3", ours.tokens, ())


def test_older_files_are_as_wide_as_their_last_layer(tmp_path: Path) -> None:
    path = write_mlp(tmp_path / "llava.gguf")
    assert read_header(path).number("clip.vision.projection_dim") == 48
    assert _part(path).width == 256


def test_library_and_plan_know_it(tmp_path: Path) -> None:
    model = write_llama(tmp_path / "x.gguf")
    write_audio(tmp_path / "mmproj-ears.gguf")
    seeing = write_idefics3(tmp_path / "mmproj-x.gguf")
    (file,) = Library(tmp_path / "memory").scan([Place("Here", tmp_path)])
    assert (file.path, file.projector) == (model, seeing)
    header = read_header(model)
    encoder = encoder_beside(model, header)
    assert encoder.weights == sum(tensor.size for tensor in read_header(seeing).tensors)
    made = best(shape_of(header, "x"), LoadOptions(), Machine((), 8 << 30), encoder)
    assert made.vision == encoder.weights + encoder.work
    shutil.move(seeing, tmp_path / "kept.gguf")
    write_gemma4v(tmp_path / "mmproj-x.gguf")
    encoder = encoder_beside(model, header)
    made = best(shape_of(header, "x"), LoadOptions(batch=128, context=512), Machine((), 8 << 30), encoder)
    assert (made.batch, made.context) == (1120, 2240)


def test_a_small_batch_is_made_as_large_as_a_picture(tmp_path: Path) -> None:
    """llama.cpp ends the process where cells that see each other are more than a batch."""
    model = write_gemma4(tmp_path / "x.gguf")
    write_gemma4v(tmp_path / "mmproj-x.gguf")
    with loaded(model, LoadOptions(context=256, batch=64, threads=1)) as engine:
        assert model_of(engine).llama_context.batch == 1120
        assert model_of(engine).info.context >= 2240
