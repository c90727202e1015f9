"""Model files are found where other programs keep them, read once, and left as they are."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from app.core.errors import ModelError
from app.core.paths import DataPaths
from app.gguf.header import Header
from app.models.away import away
from app.models.library import Library, LibraryFile
from app.models.places import OLLAMA, Place, places
from tests.models.library_places import into_ollama, placed


@pytest.fixture
def home(tmp_path: Path) -> Path:
    found = tmp_path / "home"
    found.mkdir()
    return found


def _projector_of(model: Path) -> Path:
    (found,) = model.parent.glob("*mmproj*.gguf")
    return found


def _scan(home: Path, environment: dict[str, str] | None = None) -> dict[str, LibraryFile]:
    paths = DataPaths(home / "data")
    there = [one for one in places(paths, environment or {}, home) if one.folder.is_relative_to(home)]
    return {file.source: file for file in Library(paths.library).scan(there)}


def test_the_trees_of_other_programs_are_found(home: Path, micro_model: Path) -> None:
    projector = _projector_of(micro_model)
    studio = placed(micro_model, home / ".lmstudio" / "models" / "org" / "gemma" / "gemma-Q8_0.gguf")
    beside = placed(projector, studio.with_name("mmproj-model-f16.gguf"))
    placed(micro_model, home / ".local" / "share" / "Jan" / "data" / "llamacpp" / "models" / "gemma-3" / "model.gguf")
    hub = home / ".cache" / "huggingface" / "hub" / "models--org--gemma"
    blob = placed(micro_model, hub / "blobs" / "0123")
    link = hub / "snapshots" / "abc" / "hub.gguf"
    link.parent.mkdir(parents=True)
    link.symlink_to(blob)
    placed(micro_model, home / ".cache" / "llama.cpp" / "cached.gguf")
    blobs = into_ollama(home / ".ollama" / "models", micro_model, projector, "registry.ollama.ai/library/gemma3/12b")
    found = _scan(home)
    assert {source: file.name for source, file in found.items()} == {
        "LM Studio": "gemma-Q8_0",
        "Ollama": "gemma3:12b",
        "Jan": "gemma-3",
        "llama.cpp": "cached",
        "Hugging Face": "hub",
    }
    assert (found["LM Studio"].path, found["LM Studio"].projector) == (studio, beside)
    assert (found["Ollama"].path, found["Ollama"].projector) == blobs
    assert found["Jan"].projector is None
    facts = found["Hugging Face"].facts
    assert (facts.architecture, facts.has_template, facts.error) == ("gemma3", True, "")
    assert facts.parameters > 1_000_000
    assert found["Hugging Face"].size == micro_model.stat().st_size


def test_the_programs_own_variables_go_first(home: Path, micro_model: Path, tmp_path: Path) -> None:
    placed(micro_model, home / ".cache" / "llama.cpp" / "usual.gguf")
    placed(micro_model, tmp_path / "home" / "disk" / "hub" / "models--a--b" / "snapshots" / "c" / "named.gguf")
    placed(micro_model, home / "elsewhere" / "other.gguf")
    found = _scan(home, {"LLAMA_CACHE": str(home / "elsewhere"), "HF_HOME": str(home / "disk")})
    assert {source: file.name for source, file in found.items()} == {"llama.cpp": "other", "Hugging Face": "named"}


@pytest.mark.parametrize("place", [".lmstudio", ".cache/lm-studio"])
def test_lm_studios_models_may_lie_on_another_disk(home: Path, micro_model: Path, place: str) -> None:
    disk = home / "disk" / "models"
    placed(micro_model, disk / "org" / "gemma" / "a.gguf")
    settings = home / place / "settings.json"
    settings.parent.mkdir(parents=True)
    settings.write_text(json.dumps({"downloadsFolder": str(disk), "language": "en"}))
    assert _scan(home)["LM Studio"].path == disk / "org" / "gemma" / "a.gguf"
    for none in ('{"downloadsFolder": 1}', "{", '{"downloadsFolder": ""}', '{"downloadsFolder": "a\\u0000b"}'):
        settings.write_text(none)
        assert _scan(home) == {}


def test_an_image_part_of_another_width_is_not_paired(tmp_path: Path, micro_model: Path, gemma_270m: Path) -> None:
    folder = tmp_path / "models"
    placed(micro_model, folder / "micro.gguf")
    placed(_projector_of(micro_model), folder / "mmproj.gguf")
    (folder / "wider.gguf").symlink_to(gemma_270m)
    files = Library(tmp_path / "memory.json").scan([Place("", folder)])
    assert {file.name: file.projector for file in files} == {"micro": folder / "mmproj.gguf", "wider": None}


def test_a_second_look_reads_only_what_changed(tmp_path: Path, micro_model: Path) -> None:
    folder, memory = tmp_path / "models", tmp_path / "cache" / "library.json"
    kept, changed = placed(micro_model, folder / "a.gguf"), placed(micro_model, folder / "b.gguf")
    first = Library(memory)
    before = first.scan([Place("", folder)])
    assert first.headers_read == 2
    second = Library(memory)
    assert second.scan([Place("", folder)]) == before
    assert second.headers_read == 0
    changed.write_bytes(b"GGUF")
    third = Library(memory)
    files = {file.path: file.facts.error for file in third.scan([Place("", folder)])}
    assert third.headers_read == 1
    assert files[kept] == ""
    assert files[changed].startswith("“b.gguf” ")
    memory.write_text("{")
    assert len(Library(memory).scan([Place("", folder)])) == 2


def test_an_empty_mount_point_forgets_nothing(tmp_path: Path, micro_model: Path) -> None:
    disk, paths = tmp_path / "disk", DataPaths(tmp_path / "data", tmp_path / "disk")
    disk.mkdir()
    place, library = [Place("Cabochon", disk)], Library(paths.library)
    assert library.scan(place) == []
    assert away(paths) == "", "a folder that was chosen empty"
    model = placed(micro_model, disk / "gem" / "gem.gguf")
    found = library.scan(place)
    assert ([file.path for file in found], away(paths)) == ([model], "")
    disk.rename(tmp_path / "elsewhere")
    assert away(paths) == f"The models folder {disk} is not there now."
    disk.mkdir()
    assert library.scan(place) == []
    assert away(paths) == f"The models folder {disk} is empty now, and models were in it."
    disk.rmdir()
    (tmp_path / "elsewhere").rename(disk)
    assert (library.scan(place), library.headers_read, away(paths)) == (found, 0, "")


def test_a_look_at_one_folder_forgets_nothing_of_another(tmp_path: Path, micro_model: Path) -> None:
    one, other, memory = tmp_path / "one", tmp_path / "other", tmp_path / "library.json"
    gone = placed(micro_model, one / "gone.gguf")
    placed(micro_model, one / "a.gguf")
    placed(micro_model, other / "b.gguf")
    Library(memory).scan([Place("", one)])
    Library(memory).scan([Place("", other)])
    gone.unlink()
    again = Library(memory)
    assert [file.name for file in again.scan([Place("", one), Place("", other)])] == ["a", "b"]
    assert again.headers_read == 0
    assert len(json.loads(memory.read_bytes())["files"]) == 2, "what is gone is forgotten"


def test_a_model_in_two_places_or_in_parts_is_named_once(tmp_path: Path, micro_model: Path) -> None:
    folder = tmp_path / "models"
    one = placed(micro_model, folder / "a" / "m-00001-of-00002.gguf")
    other = placed(micro_model, folder / "a" / "m-00002-of-00002.gguf")
    (folder / "b").mkdir()
    (folder / "b" / one.name).symlink_to(one)
    placed(micro_model, folder / "c" / "cut-00001-of-00002.gguf")  # its second part is missing
    placed(micro_model, folder / "d" / "odd-00001-of-00000.gguf")  # its own name is no part of it
    files = Library(tmp_path / "memory.json").scan([Place("", folder), Place("", folder / "a")])
    assert [(file.name, file.size) for file in files] == [("m", one.stat().st_size + other.stat().st_size)]


@pytest.mark.parametrize(
    "manifest",
    [b"", b"{", b"[]", b'{"layers": 1}', b'{"layers": [{"mediaType": "application/vnd.ollama.image.model",'
     b'"digest": "sha256:../../../../etc/passwd"}]}'],
)  # fmt: skip
def test_a_manifest_that_is_none_names_nothing(tmp_path: Path, manifest: bytes) -> None:
    path = tmp_path / "manifests" / "registry.ollama.ai" / "library" / "gemma3" / "latest"
    path.parent.mkdir(parents=True)
    path.write_bytes(manifest)
    assert Library(tmp_path / "memory.json").scan([Place(OLLAMA, tmp_path)]) == []


def test_a_place_that_cannot_be_read_or_remembered_costs_nothing_else(tmp_path: Path, micro_model: Path) -> None:
    folder = tmp_path / "models"
    placed(micro_model, folder / "a.gguf")
    os.mkfifo(folder / "pipe.gguf")
    (folder / "folder.gguf").mkdir()
    (folder / "lost.gguf").symlink_to(tmp_path / "nowhere")
    blocked = tmp_path / "file"
    blocked.write_text("")
    files = Library(blocked / "library.json").scan([Place("", folder)])
    assert [(file.name, bool(file.facts.error)) for file in files] == [("a", False), ("pipe", True)]


def test_a_folder_that_may_not_be_looked_into_is_no_place(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.stat

    def stat(path: os.PathLike[str] | str, **more: bool) -> os.stat_result:
        if "ollama" in str(path):
            raise PermissionError(13, "Permission denied")
        return real(path, **more)

    (home / ".cache" / "llama.cpp").mkdir(parents=True)
    monkeypatch.setattr(os, "stat", stat)
    found = places(DataPaths(home / "data"), {}, home)
    assert "llama.cpp" in {place.source for place in found}
    assert OLLAMA not in {place.source for place in found}


def test_what_could_not_be_read_once_is_tried_again(
    tmp_path: Path, micro_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed(micro_model, tmp_path / "models" / "a.gguf")
    memory, place = tmp_path / "memory.json", Place("", tmp_path / "models")

    def refused(*_: object) -> Header:
        raise ModelError("“a.gguf” cannot be read: Permission denied.", "unreadable")

    monkeypatch.setattr("app.models.library.read_header", refused)
    assert Library(memory).scan([place])[0].facts.error
    monkeypatch.undo()
    assert Library(memory).scan([place])[0].facts.error == ""


def test_folders_that_are_links_are_looked_through_once(tmp_path: Path, micro_model: Path) -> None:
    folder, disk = tmp_path / "models", tmp_path / "disk"
    placed(micro_model, disk / "gemma" / "a.gguf")
    folder.mkdir()
    (folder / "org").symlink_to(disk)
    (disk / "circle").symlink_to(folder)
    (folder / "same").symlink_to(disk / "gemma")
    files = Library(tmp_path / "memory.json").scan([Place("", folder)])
    assert [file.path.resolve() for file in files] == [disk / "gemma" / "a.gguf"]


def test_a_look_is_given_up_between_folders_too(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / "models" / str(number)).mkdir(parents=True)
    asked: list[bool] = []

    def given_up() -> bool:
        asked.append(True)
        return len(asked) > 3

    Library(tmp_path / "memory.json").scan([Place("", tmp_path / "models")], given_up)
    assert len(asked) < 10


def test_an_image_part_that_is_named_for_another_model_is_left_alone(home: Path, micro_model: Path) -> None:
    folder = home / ".ollama" / "models"
    into_ollama(folder, micro_model, micro_model, "registry.ollama.ai/library/odd/latest")
    (found,) = Library(home / "library.json").scan([Place(OLLAMA, folder)])
    assert (found.projector, found.names, found.facts.could_see) == (None, False, True)
