"""`cabochon models fit`."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import msgspec
from PIL import Image

from app.core.paths import DataPaths
from app.core.settings import LoadOptions
from app.models.catalogue import catalogue, catalogue_shape
from app.models.choice import best, in_a_sentence
from app.models.machine import on_card
from app.store.store import Store
from tests.cli.program import Program

GIB = 1 << 30


def test_the_plan_as_json(program: Program, gemma_270m: Path) -> None:
    outcome = program.run("models", "fit", "--json", "--context", "4096", "--ram", str(8 * GIB), gemma_270m)
    record = outcome.record
    assert outcome.code == 0
    assert list(record) == [
        "model", "context", "kv_type", "weights_bytes", "kv_bytes", "compute_bytes", "vision_bytes",
        "checkpoint_bytes", "embedding_copy_bytes", "margin_bytes", "total_bytes", "gpu_layers", "layers",
        "gpu_bytes", "ram_bytes", "verdict", "why", "quantisation", "tokens_per_second", "image_seconds", "cards",
        "alternatives",
    ]  # fmt: skip
    assert record["verdict"] == "ram"
    parts = ("weights", "kv", "compute", "vision", "checkpoint", "embedding_copy", "margin")
    assert record["total_bytes"] == sum(record[f"{part}_bytes"] for part in parts)
    on_card = program.run(
        "models", "fit", "--json", "--gpu-memory", str(8 * GIB), "--ram", str(8 * GIB), gemma_270m
    ).record
    assert (on_card["verdict"], on_card["gpu_layers"]) == ("fits", on_card["layers"])


def test_the_plan_in_words_and_as_a_table(program: Program, micro_model: Path) -> None:
    said = program.run("models", "fit", "--gpu-memory", "0", "--ram", str(8 * GIB), micro_model).out
    assert "weights" in said
    assert "image encoder" in said
    assert said.splitlines()[-1].startswith("Cards that hold all of it: GTX 1660 Super, RTX 4060, ")
    assert said.splitlines()[-3] == "It runs in the computer's memory: 0.4 GiB of 8.0 GiB."
    table = program.run("models", "fit", "--table", "--gpu-memory", "0", "--ram", str(8 * GIB), micro_model).out
    lines = table.splitlines()
    assert lines[0] == "micro-gemma3.gguf, F16: memory needed in GiB"
    assert [line.split()[0] for line in lines[2:5]] == ["f16", "q8_0", "q4_0"]
    assert lines[5] == "Cards that hold all of it at 8k:"
    assert lines[6].startswith("f16 cache    GTX 1660 Super, ")
    assert len(lines) == 9


def test_what_is_no_model_is_refused(program: Program, tmp_path: Path) -> None:
    path = tmp_path / "a.gguf"
    path.write_bytes(b"GGUF")
    for named in (path, tmp_path / "missing.gguf"):
        outcome = program.run("models", "fit", "--gpu-memory", "0", named)
        assert (outcome.code, outcome.out) == (3, "")
        assert outcome.sentence
    assert program.run("models", "fit", "--kv", "f32", path).code == 2


def test_the_models_that_are_here(program: Program, micro_model: Path, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    (folder / "small.gguf").symlink_to(micro_model)
    (folder / "broken.gguf").write_bytes(b"GGUF")
    (one,) = (record := program.run("models", "scan", "--json", folder).record)["models"]
    assert (one["name"], one["architecture"], one["bytes"]) == ("small", "gemma3", micro_model.stat().st_size)
    assert [Path(broken["path"]).name for broken in record["unreadable"]] == ["broken.gguf"]
    lines = program.run("models", "scan", folder).out.splitlines()
    assert lines[0].startswith("small  (gemma3, ")
    assert lines[1] == f"  {folder / 'small.gguf'}"
    assert lines[2].startswith("“broken” ")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert program.run("models", "scan", empty).out == "No model file was found.\n"
    refused = program.run("models", "scan", tmp_path / "nowhere")
    assert (refused.code, refused.sentence) == (2, f"There is no folder {tmp_path / 'nowhere'}.")


def test_a_model_of_the_catalogue_needs_no_file(program: Program) -> None:
    machine = ("--gpu-memory", str(12 * GIB), "--ram", str(16 * GIB))
    record = program.run("models", "fit", "--json", "--context", "32768", *machine, "gemma-3-12b:q4_k_m").record
    assert (record["model"], record["kv_bytes"] >> 20) == ("Gemma 3 12B", 2528)
    assert (record["verdict"], record["layers"]) == ("fits", 49)
    assert record["vision_bytes"] > 854_200_448
    assert record["cards"][0] == "RTX 3060"
    lines = program.run("models", "fit", "--table", *machine, "gemma-3-12b").out.splitlines()
    assert lines[0] == "Gemma 3 12B, f16 cache: memory needed in GiB"
    assert lines[1].split() == ["1k", "2k", "4k", "8k", "16k", "32k", "64k", "128k"]
    assert [line.split()[0] for line in lines[2:10]] == [
        "Q4_0", "Q4_K_S", "Q4_K_M", "Q5_K_S", "Q5_K_M", "Q6_K", "Q8_0", "F16",
    ]  # fmt: skip
    assert lines[2].startswith("Q4_0 QAT ")
    assert lines[2].split()[3] == "card"
    assert lines[2].endswith("  recommended")
    assert lines[9].split()[-2:] == ["no", "full"]
    assert lines[10] == "Cards that hold all of it at 8k:"
    assert lines[11].startswith("Q4_0 QAT     RTX 3080, RTX 3060")
    assert lines[18].split()[0] == "F16"


def test_a_quantisation_is_named(program: Program, micro_model: Path) -> None:
    machine = ("--gpu-memory", str(12 * GIB), "--ram", str(16 * GIB))
    for named in (("gemma-3-12b:q6_k",), ("--quant", "Q6_K", "gemma-3-12b")):
        record = program.run("models", "fit", "--json", *machine, *named).record
        assert (record["quantisation"], record["weights_bytes"] >> 30) == ("Q6_K", 8)
    for name in ("q4_0", "Q4_0-QAT", ""):
        record = program.run("models", "fit", "--json", *machine, "--quant", name, "gemma-3-12b").record
        assert record["quantisation"] == "Q4_0 QAT"
    table = program.run("models", "fit", "--table", *machine, "--quant", "Q8_0", "gemma-3-12b").out.splitlines()
    assert table[0] == "Gemma 3 12B, Q8_0: memory needed in GiB"
    assert [line.split()[0] for line in table[2:5]] == ["f16", "q8_0", "q4_0"]
    for named in (("gemma-3-12b:Q1",), ("--quant", "Q1", "gemma-3-12b")):
        refused = program.run("models", "fit", *machine, *named)
        assert (refused.code, refused.sentence.partition(". ")[0]) == (2, "Gemma 3 12B has no quantisation Q1")
    twice = program.run("models", "fit", *machine, "--quant", "Q8_0", "gemma-3-12b:Q8_0")
    assert (twice.code, twice.sentence) == (2, "The quantisation is named twice.")
    file = program.run("models", "fit", *machine, "--quant", "Q8_0", micro_model)
    assert file.code == 2
    assert "has its own quantisation" in file.sentence


def test_the_table_as_json_says_what_the_table_says(program: Program) -> None:
    machine = ("--gpu-memory", str(8 * GIB), "--ram", str(32 * GIB))
    rows = program.run("models", "fit", "--json", "--table", *machine, "gemma-3-4b").record["table"]
    lines = program.run("models", "fit", "--table", *machine, "gemma-3-4b").out.splitlines()
    assert len(rows) == 8
    for row, line, cards in zip(rows, lines[2:10], lines[11:], strict=True):
        sizes = line.removeprefix(row["name"]).split()[: 2 * len(row["cells"]) : 2]
        assert sizes == [f"{cell['total_bytes'] / GIB:.1f}" for cell in row["cells"]]
        assert cards.removeprefix(row["name"]).strip() == ", ".join(row["cards"])


def test_speed_is_told_where_it_was_measured(program: Program) -> None:
    here = program.run("models", "fit", "--json", "--gpu-memory", "0", "gemma-3-1b").record
    assert here["tokens_per_second"] > 0
    assert here["image_seconds"] is None, "it sees none"
    assert " tokens a second." in program.run("models", "fit", "--gpu-memory", "0", "gemma-3-1b").out
    for imagined in (("--ram", str(64 * GIB)), ("--gpu-memory", str(24 * GIB))):
        machine = ("--gpu-memory", "0", *imagined) if imagined[0] == "--ram" else imagined
        record = program.run("models", "fit", "--json", *machine, "gemma-3-12b").record
        assert (record["tokens_per_second"], record["image_seconds"]) == (None, None)
        assert "a second" not in program.run("models", "fit", *machine, "gemma-3-12b").out


def test_a_card_that_holds_a_part_has_faster_and_better_alternatives(program: Program) -> None:
    machine = ("--gpu-memory", str(7 * GIB), "--ram", str(32 * GIB))
    record = program.run("models", "fit", "--json", *machine, "gemma-3-12b:q4_k_m").record
    faster, better = record["alternatives"]
    assert (faster["name"], better["name"]) == ("Faster", "Better")
    assert faster["gpu_layers"] > record["gpu_layers"]
    assert better["context"] > record["context"]
    said = program.run("models", "fit", *machine, "gemma-3-12b:q4_k_m").out
    assert f"Faster: with {faster['gpu_layers']} of 49 layers on the graphics card" in said


def test_what_is_chosen_by_itself_is_told_where_nothing_is_named(program: Program) -> None:
    asked = ("models", "fit", "--gpu-memory", str(12 * GIB), "--ram", str(32 * GIB), "gemma-3-12b:q4_k_m")
    said = program.run(*asked).out
    assert "context of 8192 tokens, f16 cache\n" in said, "the plan itself is that of before"
    model = next(one for one in catalogue() if one.id == "gemma-3-12b")
    chosen = best(catalogue_shape(model, "Q4_K_M"), LoadOptions(), on_card(12 * GIB, 32 * GIB), model.encoder)
    assert f"\nChosen by itself: {in_a_sentence(chosen)}.\n" in said
    for named in (("--context", "8192"), ("--kv", "f16")):
        assert "Chosen by itself" not in program.run(*asked, *named).out
    assert "Chosen by itself" not in program.run(*asked[:2], "--gpu-memory", "0", "--ram", str(GIB), asked[-1]).out


def test_a_named_image_part_counts_wherever_it_lies(program: Program, micro_model: Path, tmp_path: Path) -> None:
    alone, part = tmp_path / "a" / "micro.gguf", tmp_path / "b" / "part.gguf"
    for path, source in ((alone, micro_model), (part, micro_model.with_name("mmproj-micro-gemma3.gguf"))):
        path.parent.mkdir()
        path.write_bytes(source.read_bytes())
    asked = ("models", "fit", "--json", "--gpu-memory", "0", "--ram", str(8 * GIB), alone)
    assert program.run(*asked).record["vision_bytes"] == 0
    with closing(Store(DataPaths(program.data))) as store:
        parts = ((str(alone), str(part)),)
        store.save_settings(msgspec.structs.replace(store.settings(), model_path=str(alone), image_parts=parts))
    assert program.run(*asked).record["vision_bytes"] > part.stat().st_size / 2
    shown = {row["label"]: row["value"] for row in program.run("models", "show", "--json").record["rows"]}
    assert shown["Image part"].startswith("gemma3, ")
    image = tmp_path / "red.png"
    Image.new("RGB", (64, 64), (255, 0, 0)).save(image)
    answer = program.run("ask", "--temperature", "0", "--image", image, "What colour is it?")
    assert answer.out.strip() == "It is red."
    rows = {row["label"]: row for row in program.run("models", "show", "--json").record["rows"]}
    assert rows["Answers written at"]["source"].startswith("measured here, one answer, ")
    assert rows["An image takes"]["value"].endswith(" seconds")
    assert "Memory in use" in rows
    wrong = program.run("ask", "--model", alone, "--mmproj", micro_model, "Hello")
    assert (wrong.code, wrong.sentence) == (3, f"“{micro_model.name}” is not the image part of a model (mmproj).")


def test_what_is_known_of_a_model_is_printed_with_its_sources(program: Program, tmp_path: Path) -> None:
    record = program.run("models", "show", "--json", "gemma-4-12b").record
    rows = {row["label"]: (row["value"], row["source"]) for row in record["rows"]}
    assert record["model"] == "Gemma 4 12B"
    assert rows["Context"] == ("262,144 tokens", "Gemma 4 model card, ai.google.dev")
    assert record["why_more_memory"].startswith("Other calculators count a whole cache for every layer: 10.5 GiB")
    said = program.run("models", "show", "gemma-3-12b").out
    assert ["MMLU-Pro", "60.6", "(Gemma", "3", "technical", "report,", "table", "6)"] in map(
        str.split, said.splitlines()
    )
    gone = program.run("models", "show", tmp_path / "gone.gguf")
    assert (gone.code, gone.sentence) == (3, "“gone.gguf” is not there any more. It was moved, renamed or deleted.")
