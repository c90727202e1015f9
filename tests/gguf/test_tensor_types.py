"""The tables of ggml's numbers, against those of the gguf package."""

from __future__ import annotations

import pytest
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, LlamaFileType

from app.gguf.header import TensorInfo
from app.gguf.tensor_types import BLOCKS, QUANTISATIONS


def test_block_sizes_are_ggmls() -> None:
    reference = {int(kind): sizes for kind, sizes in GGML_QUANT_SIZES.items()}
    shared = BLOCKS.keys() & reference.keys()
    assert {kind: BLOCKS[kind] for kind in shared} == {kind: reference[kind] for kind in shared}
    assert reference.keys() - BLOCKS.keys() <= {int(kind) for kind in GGMLQuantizationType if kind.name == "Q8_1"}
    assert len(shared) > 25


def test_names_of_quantisations_are_llama_cpps() -> None:
    reference = {int(kind): kind.name for kind in LlamaFileType}
    for kind in QUANTISATIONS.keys() & reference.keys():
        name = reference[kind].removeprefix("MOSTLY_").removeprefix("ALL_").removesuffix("_MOE")
        assert QUANTISATIONS[kind] == name
    assert len(QUANTISATIONS.keys() & reference.keys()) > 25


@pytest.mark.parametrize(
    ("kind", "shape", "size"),
    [
        (GGMLQuantizationType.F32, (3,), 12),
        (GGMLQuantizationType.F16, (640, 2), 2560),
        (GGMLQuantizationType.Q4_0, (64, 3), 108),
        (GGMLQuantizationType.Q6_K, (512,), 420),
        (GGMLQuantizationType.F32, (), 4),
        (GGMLQuantizationType.F32, (4, 0), 0),
    ],
)
def test_a_tensors_bytes(kind: GGMLQuantizationType, shape: tuple[int, ...], size: int) -> None:
    assert TensorInfo("x", shape, int(kind), 0).size == size


def test_a_type_of_tomorrow_promises_no_bytes() -> None:
    assert TensorInfo("x", (2**40,), 9999, 0).size == 0
