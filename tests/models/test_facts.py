"""The rows of the model page."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.gguf.header import read_header
from app.models.catalogue import catalogue, known_model
from app.models.facts import facts, parameters


def _rows(name: str) -> dict[str, tuple[str, str]]:
    found = known_model(name)
    assert found is not None
    return {fact.label: (fact.value, fact.source) for fact in facts(found[0])}


def test_the_rows_of_12b() -> None:
    rows = _rows("gemma-3-12b")
    assert rows["Parameters"] == ("11.77 billion, without the image encoder", "reckoned from the shape")
    assert rows["Release date"][0] == "2025-03-12"
    assert rows["Knowledge cutoff"][0] == "August 2024"
    assert rows["Attention"][0] == "40 layers look back over 1,024 tokens, 8 at everything (five to one)"
    assert rows["MMLU-Pro"] == ("60.6", "Gemma 3 technical report, 12B-IT")


def test_what_is_not_established_is_said() -> None:
    assert _rows("gemma-3-270m")["Release date"] == ("not established", "")
    assert _rows("gemma-3-12b")["Languages"] == ("over 140", "published")
    assert _rows("gemma-3-1b")["Languages"] == ("not established", "")
    assert "MMLU-Pro" not in _rows("gemma-3-4b")
    assert _rows("gemma-3-1b")["Image encoder"][0] == "none"


@pytest.mark.parametrize("model", catalogue(), ids=lambda model: model.id)
def test_every_row_has_a_value(model: object) -> None:
    rows = facts(model)  # type: ignore[arg-type]
    assert len(rows) >= 18
    assert all(row.value for row in rows)


def test_parameters_are_those_of_a_real_file(gemma_270m: Path) -> None:
    found = known_model("gemma-3-270m")
    assert found is not None
    total = 0
    for tensor in read_header(gemma_270m).tensors:
        size = 1
        for side in tensor.shape:
            size *= side
        total += size
    assert parameters(found[0]) == total
