"""What the self-check makes up: an image part that loads and sees, and pictures."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from statistics import fmean, pstdev

import pytest
from PIL import Image

from app.cli import check, made_up
from app.cli.made_up import plain_picture, ringed_picture, write_image_part
from app.cli.output import Output
from app.engine.projectors import find_projector
from app.gguf.header import read_header


@pytest.fixture(scope="module")
def image_part(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made") / "mmproj.gguf"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(made_up, "LAYERS", 1)
        write_image_part(path, 128)
    return path


def test_it_is_as_large_as_the_real_one_and_fits_the_self_check_model(image_part: Path) -> None:
    model = check.self_check_model()
    found = find_projector(model, read_header(model), image_part)
    assert found is not None
    assert (found.part.side, found.part.tokens) == (896, 256)
    header = read_header(image_part)
    shapes = {tensor.name: tensor.shape for tensor in header.tensors}
    assert shapes["v.blk.0.ffn_up.weight"] == (1152, 4304)
    assert shapes["v.position_embd.weight"] == (1152, 4096)
    assert header.file_size == header.expected_size


def test_its_weights_are_spread_normally(image_part: Path) -> None:
    header = read_header(image_part)
    data = image_part.read_bytes()[header.data_offset :]
    for name, spread in (("v.blk.0.attn_q.weight", 2 * 1152**-0.5), ("v.patch_embd.weight", 0.04)):
        tensor = next(one for one in header.tensors if one.name == name)
        kind = "e" if tensor.type else "f"
        values = struct.unpack(f"<{tensor.size // struct.calcsize(kind)}{kind}", data[tensor.offset :][: tensor.size])
        assert abs(fmean(values)) < 0.01 * spread
        assert pstdev(values) == pytest.approx(spread, rel=0.03)
        assert max(values) < 5 * spread


def test_it_sees_another_picture_otherwise(image_part: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output, place = Output(io.StringIO(), io.StringIO()), check._Place(check.PROCESSOR, None)
    rings, _ = check._seen(output, place, image_part)
    monkeypatch.setattr(check, "ringed_picture", lambda: plain_picture((200, 90, 30)))
    plain, _ = check._seen(output, place, image_part)
    values = struct.unpack(f"<{256 * 128}f", rings)
    assert pstdev(values) == pytest.approx(1.0, rel=0.2), "alive, and not too much so"
    assert check.how_far_apart(rings, plain, 128) > 0.5


def test_pictures_are_what_they_are_called() -> None:
    with Image.open(io.BytesIO(plain_picture((255, 0, 10)))) as picture:
        assert picture.getcolors() == [(64 * 64, (255, 0, 10))]
    with Image.open(io.BytesIO(ringed_picture())) as picture:
        assert picture.size == (448, 448)
        tiles = {picture.crop((x, y, x + 28, y + 28)).tobytes() for x in range(0, 448, 28) for y in range(0, 448, 28)}
        assert len(tiles) == 256
