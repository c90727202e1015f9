"""The catalogue alone gives the memory that files of those models take."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.gguf.header import read_header
from app.gguf.projector import image_part
from app.models.catalogue import CatalogueFile, CatalogueModel, catalogue, catalogue_shape, known_model
from app.models.encoder import encoder_of
from app.models.memory import kv_bytes
from app.models.shape import shape_of
from tests.gguf.files import Tensor, gguf, number, text
from tests.models.shapes import write_gemma4_shape

MIB = 1 << 20
HEADER = 17_000_000  # bytes: the words of the vocabulary, their scores and merges, at most


def _model(name: str) -> CatalogueModel:
    found = known_model(name)
    assert found is not None
    return found[0]


@pytest.mark.parametrize(
    ("quantisation", "gigabytes"),
    [
        # the sizes of published files of Gemma 3 12B
        ("Q4_K_S", 6.94), ("Q4_K_M", 7.30), ("Q5_K_S", 8.23), ("Q5_K_M", 8.44), ("Q6_K", 9.66), ("Q8_0", 12.5),
        ("F16", 23.5), ("Q4_0", 6.89), ("Q4_0+F16", 8.07),
    ],
)  # fmt: skip
def test_the_sizes_of_published_files(quantisation: str, gigabytes: float) -> None:
    shape = catalogue_shape(_model("gemma-3-12b"), quantisation)
    assert shape.weight_bytes / 1e9 == pytest.approx(gigabytes, rel=0.004)


FILES = [(model, file) for model in catalogue() for file in model.files if file.kind == "model" and file.bytes]


@pytest.mark.parametrize(("model", "file"), FILES, ids=[file.file for _, file in FILES])
def test_files_whose_size_is_known_have_the_tensors_that_the_shape_says(
    model: CatalogueModel, file: CatalogueFile
) -> None:
    assert 0 < file.bytes - catalogue_shape(model, file.quantisation).weight_bytes < HEADER


def test_a_file_of_gemma_4_has_the_shape_of_the_catalogue(tmp_path: Path) -> None:
    """Local and global layers differ in heads and their size, and global ones have no values of their own."""
    model = _model("gemma-4-12b")
    path = write_gemma4_shape(tmp_path / "m.gguf", model, model.hidden, model.feed_forward, model.vocabulary)
    shape = catalogue_shape(model, "Q4_0")
    assert shape_of(read_header(path), model.name) == shape
    assert (shape.kv_values[4], shape.kv_values[5], sum(shape.is_global)) == (4096, 1024, 8)
    mib = [sum(kv_bytes(shape, context, "f16")) // MIB for context in (4096, 32768, 262144)]
    assert mib == [544, 992, 4576]


def test_the_image_part_of_gemma_4_is_planned_like_its_file(tmp_path: Path) -> None:
    """It has no layers: each patch goes through two matrices, and Gemma 3's estimate would be far too long."""
    model = _model("gemma-4-12b")
    sizes = {
        "patch_size": 16, "image_size": 224, "embedding_length": model.hidden, "feed_forward_length": 0,
        "projection_dim": model.hidden,
    }  # fmt: skip
    said = [text("general.architecture", "clip"), text("clip.vision.projector_type", "gemma4uv")]
    path = tmp_path / "mmproj.gguf"
    path.write_bytes(gguf([*said, *(number(f"clip.vision.{key}", size) for key, size in sizes.items())], [Tensor()]))
    part = image_part(read_header(path))
    assert part is not None
    made, told = model.encoder, encoder_of(part)
    assert (made.weights, made.work, made.together) == (175_115_616, told.work, told.together)
    assert made.flop < _model("gemma-3-12b").encoder.flop / 20


def test_a_real_file_has_the_tensors_that_the_catalogue_says(gemma_270m: Path) -> None:
    real = shape_of(read_header(gemma_270m), "270m")
    made = catalogue_shape(_model("gemma-3-270m"), real.quantisation)
    assert made.layer_bytes == real.layer_bytes
    assert made.embedding_bytes == real.embedding_bytes
    assert made.other_bytes == real.other_bytes
    assert (made.kv_values, made.is_global, made.window) == (real.kv_values, real.is_global, real.window)
    assert (made.hidden, made.queries, made.trained_context) == (real.hidden, real.queries, real.trained_context)


@pytest.mark.parametrize(
    ("context", "mib"),
    [
        (4096, (736, 391, 207)),
        (8192, (992, 527, 279)),
        (16384, (1504, 799, 423)),
        (32768, (2528, 1343, 711)),
        (131072, (8672, 4607, 2439)),
    ],
)
def test_the_cache_of_the_12b_from_the_catalogue_alone(context: int, mib: tuple[int, ...]) -> None:
    shape = catalogue_shape(_model("gemma-3-12b"), "Q4_K_M")
    found = [sum(kv_bytes(shape, context, kind)) for kind in ("f16", "q8_0", "q4_0")]
    assert found == pytest.approx([one * MIB for one in mib], abs=MIB / 2)


def test_every_model_has_a_shape_in_every_quantisation_it_names() -> None:
    for model in catalogue():
        sizes = [catalogue_shape(model, one).weight_bytes for one in model.quantisations]
        assert sizes == sorted(sizes), model.id
        assert {len(file.sha256) for file in model.files} <= {0, 64}
        for file in model.files:
            assert file.kind == "projector" or catalogue_shape(model, file.quantisation).weight_bytes


def test_models_are_named_with_and_without_a_quantisation() -> None:
    assert known_model("gemma-3-12b") == (_model("gemma-3-12b"), "")
    assert known_model("Gemma-3-12B:q4_k_m") == (_model("gemma-3-12b"), "Q4_K_M")
    assert known_model("gemma-3-12b:Q1") is None
    assert known_model("gemma-2") is None


def test_everything_that_was_published_says_where() -> None:
    for model in catalogue():
        assert {"", "shape", "licence", "context"} <= model.sources.keys()
        assert all(model.sources.values())
        for about in ("released", "knowledge_cutoff", "languages"):
            assert bool(getattr(model, about)) == (about in model.sources), (model.id, about)
        assert model.evaluations
        assert all(one.published for one in model.evaluations)
