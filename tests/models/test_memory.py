"""The memory plan: the cache exact to the byte, the rest against what llama.cpp says it takes."""

from __future__ import annotations

import logging
import re
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.paths import encode_path
from app.core.protocol import Load
from app.core.settings import LoadOptions
from app.engine.local import LocalEngine
from app.gguf.header import read_header
from app.models.catalogue import catalogue_shape, known_model
from app.models.encoder import ImageEncoder
from app.models.machine import on_card
from app.models.memory import (
    BATCH,
    KV_BYTES,
    Gpu,
    Machine,
    Plan,
    Setup,
    Verdict,
    card_compute_bytes,
    checkpoint_bytes,
    compute_bytes,
    host_compute_bytes,
    kv_bytes,
    place,
)
from app.models.shape import Shape, shape_of
from tests.models.shapes import write_gemma4_shape

MIB = 1 << 20
GIB = 1 << 30


def _gemma(layers: int, hidden: int, kv_heads: int, head: int = 256, window: int = 1024) -> Shape:
    """A shape with round numbers for the weights: 100 MiB a layer, 500 MiB of embeddings."""
    return Shape(
        name="gemma",
        quantisation="Q4_0",
        hidden=hidden,
        feed_forward=4 * hidden,
        queries=2 * kv_heads * head,
        vocabulary=262_144,
        trained_context=131_072,
        window=window,
        kv_values=(2 * kv_heads * head,) * layers,
        is_global=tuple(number % 6 == 5 for number in range(layers)),
        layer_bytes=(100 * MIB,) * layers,
        embedding_bytes=500 * MIB,
        output_bytes=0,
        other_bytes=0,
    )


GEMMA_12B = _gemma(48, 3840, 8)


@pytest.mark.parametrize(
    ("context", "kv_type", "mib"),
    [
        # the published table of Gemma 3 12B, its bold figures read in llama.cpp's log
        (4096, "f16", 736), (4096, "q8_0", 391), (4096, "q4_0", 207),
        (8192, "f16", 992), (8192, "q8_0", 527), (8192, "q4_0", 279),
        (16384, "f16", 1504), (16384, "q8_0", 799), (16384, "q4_0", 423),
        (32768, "f16", 2528), (32768, "q8_0", 1343), (32768, "q4_0", 711),
        (131072, "f16", 8672), (131072, "q8_0", 4607), (131072, "q4_0", 2439),
    ],
)  # fmt: skip
def test_the_cache_of_12b(context: int, kv_type: str, mib: int) -> None:
    assert sum(kv_bytes(GEMMA_12B, context, kv_type)) == mib * MIB


def test_a_checkpoint_of_12b() -> None:
    assert checkpoint_bytes(GEMMA_12B, "f16") == 320 * MIB


def test_a_model_without_a_window_keeps_everything() -> None:
    plain = Shape("p", "F16", 64, 256, 64, 1000, 4096, 0, (128,) * 4, (True,) * 4, (1,) * 4, 1, 1, 0)
    assert kv_bytes(plain, 1000, "f16") == (1024 * 128 * 2,) * 4
    assert checkpoint_bytes(plain, "f16") == 0


# against llama.cpp's own words

_SIZES = re.compile(r"size\s*=\s*([0-9.]+) MiB")


def _logged(path: Path, options: LoadOptions, caplog: pytest.LogCaptureFixture) -> tuple[float, float, float]:
    """MiB of weights, cache and working memory as llama.cpp logs them."""
    caplog.set_level(logging.DEBUG, "app.llama")
    engine = LocalEngine()
    engine.begin()
    engine.load(Load(1, encode_path(path), options), lambda _fraction: None)
    engine.unload()
    lines = [record.getMessage() for record in caplog.records if record.name == "app.llama"]

    def summed(*words: str) -> float:
        chosen = [line for line in lines if all(word in line for word in words)]
        return sum(float(match[1]) for line in chosen if (match := _SIZES.search(line)))

    cache = [line for line in lines if "llama_kv_cache: size" in line]
    return (
        summed("CPU_Mapped model buffer size"),
        sum(float(match[1]) for line in cache if (match := _SIZES.search(line))),
        summed("compute buffer size ="),
    )


@pytest.mark.parametrize("kv_type", list(KV_BYTES))
@pytest.mark.parametrize(("name", "context"), [("270m", 4096), ("270m", 16384), ("demo", 4096), ("micro", 8192)])
def test_a_model_takes_what_was_planned(
    gemma_270m: Path,
    demo_model: Path,
    micro_model: Path,
    name: str,
    context: int,
    kv_type: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = {"270m": gemma_270m, "demo": demo_model, "micro": micro_model}[name]
    options = LoadOptions(context=context, batch=BATCH, kv_type=kv_type, flash_attention="on")
    weights, cache, compute = _logged(path, options, caplog)
    shape = shape_of(read_header(path), name)
    planned = sum(kv_bytes(shape, context, kv_type))
    assert cache == pytest.approx(planned / MIB, abs=0.02)
    total = (shape.weight_bytes + planned + compute_bytes(shape, context)) / MIB
    assert total == pytest.approx(weights + cache + compute, rel=0.03)


@pytest.mark.parametrize(("context", "kv_type"), [(4096, "f16"), (4096, "q8_0"), (32768, "f16"), (32768, "q8_0")])
def test_the_cache_of_gemma_4_12b_is_llama_cpps(
    tmp_path: Path, context: int, kv_type: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The catalogue's shape against a file with its layers, heads and window: local and global ones differ."""
    known = known_model("gemma-4-12b")
    assert known is not None
    path = write_gemma4_shape(tmp_path / "narrow.gguf", known[0], hidden=256, forward=256)
    options = LoadOptions(context=context, batch=BATCH, kv_type=kv_type, flash_attention="on")
    _, cache, _ = _logged(path, options, caplog)
    planned = sum(kv_bytes(catalogue_shape(known[0], "Q4_0"), context, kv_type))
    assert cache == pytest.approx(planned / MIB, abs=0.02)
    assert planned == sum(kv_bytes(shape_of(read_header(path), "narrow"), context, kv_type))


# what llama.cpp logged on an NVIDIA card for a file of 12B's shape, weights Q4_0: layers on the card, context, cache,
# then MiB of weights, cache and working memory on the card, and of working memory for it on the host
_ON_A_CARD = [
    (49, 4096, "f16", 6314.23, 736.0, 118.52, 20.52),
    (49, 32768, "f16", 6314.23, 2528.0, 146.52, 48.52),
    (49, 32768, "q8_0", 6314.23, 1343.0, 321.05, 49.05),
    (49, 32768, "q4_0", 6314.23, 711.0, 321.05, 49.05),
    (49, 131072, "q8_0", 6314.23, 4607.0, 1185.05, 145.05),
    (48, 4096, "f16", 6193.93, 724.0, 114.64, 21.02),
    (24, 4096, "f16", 3306.83, 356.0, 130.58, 21.02),
    (24, 32768, "q8_0", 3306.83, 665.12, 471.25, 49.55),
    (1, 4096, "f16", 540.01, 0.0, 130.58, 21.02),
]


@pytest.mark.parametrize(("layers", "context", "kv_type", "weights", "kv", "compute", "host"), _ON_A_CARD)
def test_a_card_takes_what_was_planned(
    layers: int, context: int, kv_type: str, weights: float, kv: float, compute: float, host: float
) -> None:
    known = known_model("gemma-3-12b")
    assert known is not None
    shape = catalogue_shape(known[0], "Q4_0")
    shape = replace(shape, embedding_bytes=262_144 * 3840 // 32 * 18)  # the file that was measured has them in Q4_0
    machine = Machine((Gpu("CUDA0", 1 << 40),), 1 << 40)
    made = place(shape, Setup(context, kv_type), machine, layers=layers)
    assert made.gpu_layers == layers
    on_card = (weights + kv + compute) * MIB
    assert made.gpu == pytest.approx(on_card, rel=0.03)
    assert made.gpu > on_card * 0.995
    whole = layers == made.layers
    assert card_compute_bytes(shape, context, kv_type, whole=whole) == pytest.approx(compute * MIB, rel=0.15)
    assert host_compute_bytes(shape, context) == pytest.approx(host * MIB, rel=0.05)


def test_weights_are_those_of_the_file(gemma_270m: Path, demo_model: Path, micro_model: Path) -> None:
    for path in (gemma_270m, demo_model, micro_model):
        header = read_header(path)
        shape = shape_of(header, path.name)
        assert shape.weight_bytes == sum(tensor.size for tensor in header.tensors)
        assert shape.weight_bytes <= path.stat().st_size


# where it goes


def _planned(context: int, kv_type: str, gpu: int, ram: int, weights: int = 0) -> Plan:
    """On a machine with one card."""
    return place(GEMMA_12B, Setup(context, kv_type), on_card(gpu, ram), ImageEncoder(weights))


@pytest.mark.parametrize(
    ("gpu", "ram", "verdict", "layers"),
    [
        (24 * GIB, 16 * GIB, Verdict.FITS, 49),
        (0, 16 * GIB, Verdict.RAM, 0),
        (4 * GIB, 16 * GIB, Verdict.PARTIAL, None),
        (0, 4 * GIB, Verdict.NO, 0),
        (1 * GIB, 4 * GIB, Verdict.NO, None),
    ],
)
def test_verdicts(gpu: int, ram: int, verdict: Verdict, layers: int | None) -> None:
    made = _planned(8192, "f16", gpu, ram)
    assert made.verdict is verdict
    assert made.why.endswith(".")
    if layers is not None:
        assert made.gpu_layers == layers


@pytest.mark.parametrize("gib", range(25))
def test_the_card_is_filled_and_never_too_full(gib: int) -> None:
    made = _planned(32768, "q8_0", gib * GIB, 64 * GIB, 814 * MIB)
    assert made.gpu + (made.margin if made.gpu_layers else 0) <= gib * GIB
    assert made.total == made.gpu + made.ram
    if made.gpu_layers < made.layers:
        more = place(
            GEMMA_12B,
            Setup(32768, "q8_0", encoder_on_card=made.encoder_on_card),
            Machine((Gpu("", gib * GIB),), 64 * GIB),
            ImageEncoder(814 * MIB),
            made.gpu_layers + 1,
        )
        assert more.gpu_layers == made.gpu_layers + 1
        assert more.gpu + more.margin > gib * GIB


def test_all_on_the_card_needs_a_copy_of_the_embeddings() -> None:
    made = _planned(8192, "f16", 24 * GIB, 16 * GIB)
    assert made.embedding_copy == 500 * MIB
    assert _planned(8192, "f16", 0, 16 * GIB).embedding_copy == 0


def test_the_parts_on_a_card_are_those_of_its_layers() -> None:
    made = _planned(131072, "f16", 6 * GIB, 64 * GIB, 814 * MIB)
    cache = kv_bytes(GEMMA_12B, 131072, "f16")
    blocks = made.gpu_layers - 1
    assert 0 < blocks < 48
    assert made.card_kv == sum(cache[48 - blocks :])
    assert made.card_kv != round(made.kv * made.gpu_layers / made.layers)  # layers differ
    assert made.gpu == made.card_kv + made.card_compute + made.vision + (500 + 100 * blocks) * MIB
