"""The rows of the model page."""

from __future__ import annotations

from math import prod
from pathlib import Path

import pytest

from app.core.message import MeasuredHere
from app.gguf.header import read_header
from app.models.catalogue import CatalogueModel, catalogue, known_model
from app.models.facts import ModelFacts, facts, file_facts, measured_facts, parameters


def _rows(name: str) -> dict[str, tuple[str, str]]:
    found = known_model(name)
    assert found is not None
    return _by_label(facts(found[0]))


def _by_label(found: ModelFacts) -> dict[str, tuple[str, str]]:
    return {fact.label: (fact.value, fact.source) for fact in (*found.rows, *found.evaluations)}


def test_the_rows_of_12b() -> None:
    rows = _rows("gemma-3-12b")
    assert rows["Parameters"] == ("11.77 billion, without the image part", "reckoned from the shape")
    assert rows["Release date"] == ("2025-03-12", "Gemma 3 technical report, arXiv 2503.19786")
    assert rows["Knowledge cutoff"] == ("August 2024", "Gemma 3 model card, ai.google.dev")
    assert rows["Attention"][0] == "40 layers look back over 1,024 tokens, 8 at everything"
    assert rows["MMLU-Pro"] == ("60.6", "Gemma 3 technical report, table 6")
    assert rows["DocVQA, with pan and scan"] == ("87.1", "Gemma 3 technical report, table 16")


def test_the_rows_of_gemma_4() -> None:
    rows = _rows("gemma-4-12b")
    assert rows["Parameters"][0] == "11.91 billion, without the image part"
    assert rows["Context"][0] == "262,144 tokens"
    assert rows["Heads"][0].endswith("8 for keys and values; 16 of 512 and 1 where a layer sees everything")
    assert rows["MMLU-Pro"] == ("77.2", "Gemma 4 model card")
    assert rows["Image part"][0].startswith("no encoder: patches of 48 x 48 pixels")
    assert rows["Image part"][1] == "Google’s code in transformers"


def test_what_is_not_established_is_said() -> None:
    assert _rows("gemma-3-12b")["Languages"] == ("over 140", "Gemma 3 model card, ai.google.dev")
    assert _rows("gemma-3-1b")["Languages"] == ("not established", "")
    assert _rows("gemma-3-1b")["Image part"][0] == "none"


@pytest.mark.parametrize("model", catalogue(), ids=lambda model: model.id)
def test_every_row_has_a_value_and_a_source(model: CatalogueModel) -> None:
    rows = facts(model).rows
    assert len(rows) >= 18
    assert all(row.value for row in rows)
    assert all(row.source or row.value == "not established" for row in rows)


def test_parameters_are_those_of_a_real_file(gemma_270m: Path) -> None:
    found = known_model("gemma-3-270m")
    assert found is not None
    assert parameters(found[0]) == sum(prod(tensor.shape) for tensor in read_header(gemma_270m).tensors)


def test_a_file_of_the_catalogue_has_what_was_published_of_it(gemma_270m: Path) -> None:
    rows = _by_label(file_facts(read_header(gemma_270m), gemma_270m.stem))
    assert rows["Hidden size"] == ("640", "the file’s header")
    assert rows["Heads"] == ("4 of 256 values, 1 for keys and values", "the file’s header")
    assert rows["Release date"] == ("2025-08-14", "Google’s announcement")
    assert rows["IFEval"] == ("51.2", "Gemma 3 model card")


def test_a_fine_tuned_file_is_none_of_the_catalogue(gemma_270m: Path) -> None:
    header = read_header(gemma_270m)
    header.metadata["general.name"] = "Gemma 3 270m It Pirate"
    rows = _by_label(file_facts(header, "gemma-3-270m-it-pirate"))
    assert rows["Release date"] == ("not established", "")
    assert "IFEval" not in rows


def test_any_other_file_has_every_row(demo_model: Path, micro_model: Path) -> None:
    asked = {row.label for row in facts(catalogue()[0]).rows}
    for path in (demo_model, micro_model):
        rows = _by_label(file_facts(read_header(path), path.stem))
        assert asked <= rows.keys()
        assert all(source or value == "not established" for value, source in rows.values())
    assert _by_label(file_facts(read_header(demo_model), "demo"))["Normalisation"] == ("RMSNorm", "the file’s header")


def test_an_image_part_is_told_from_its_own_header(micro_model: Path) -> None:
    (image_part,) = micro_model.parent.glob("*mmproj*.gguf")
    rows = _by_label(file_facts(read_header(micro_model), "micro", read_header(image_part)))
    assert rows["Image part"][0].startswith("gemma3, ")
    assert rows["Modality"][0] == "text and images in, text out"


def test_why_other_calculators_give_more_is_said_in_figures(demo_model: Path) -> None:
    found = known_model("gemma-3-12b")
    assert found is not None
    assert facts(found[0]).why == (
        "Other calculators count a whole cache for every layer: 12.0 GiB for 32,768 tokens at 16 bits. Here only 8 of "
        "48 layers keep the whole conversation and the others the last 1,024 tokens, so that it is 2.5 GiB."
    )
    why = file_facts(read_header(demo_model), "demo").why
    assert why == "Every layer keeps the whole conversation: 0.2 GiB for 8,192 tokens at 16 bits."


def test_what_was_measured_is_told_with_its_day() -> None:
    measured = MeasuredHere(12, 1_700_000_000.0, 8.25, 120.0, 0.0, 8 << 30)
    rows = measured_facts(measured)
    assert [(row.label, row.value) for row in rows] == [
        ("Answers written at", "8.2 tokens a second"),
        ("Prompts read at", "120 tokens a second"),
        ("Memory in use", "8.0 GiB of the computer’s"),
    ]
    assert {row.source for row in rows} == {"measured here, 12 answers, 2023-11-14"}
    assert measured_facts(MeasuredHere()) == ()
