"""A model of the catalogue in the models folder: fetched with its image part, verified, removed."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import msgspec
import pytest

from app.core.errors import DownloadError, UsageError
from app.models.catalogue import CatalogueFile, CatalogueModel, known_model
from app.models.downloads import Brought, Downloads, wish
from app.models.fetch import Progress
from app.models.hub import Hub
from tests.models.hub_server import Faults, HubServer, hub_server

REPOSITORY, NAME = "org/gem-GGUF", "gem-Q4_0.gguf"
DATA = random.Random(4).randbytes(3_000_000)


@pytest.fixture
def server() -> Iterator[HubServer]:
    with hub_server() as hub:
        hub.put(REPOSITORY, NAME, DATA)
        yield hub


def _model(server: HubServer) -> CatalogueModel:
    found = known_model("gemma-3-12b")
    assert found is not None
    server.put(REPOSITORY, "mmproj.gguf", DATA[:1_000_000])
    projector = CatalogueFile(REPOSITORY, "mmproj.gguf", "F16", 0, "", "projector")
    return msgspec.structs.replace(found[0], files=(CatalogueFile(REPOSITORY, NAME, "Q4_0", 0, "", "model"), projector))


def test_a_model_comes_with_its_image_part_and_is_known_since(server: HubServer, tmp_path: Path) -> None:
    downloads, model = Downloads(tmp_path / "models"), _model(server)
    told: list[Progress] = []
    path = downloads.fetch(wish(model), Hub(server.endpoint), told.append, Event())
    assert path == tmp_path / "models" / "gemma-3-12b" / NAME
    assert {record.path for record in downloads.records()} == {f"gemma-3-12b/{NAME}", "gemma-3-12b/mmproj.gguf"}
    assert {progress.file for progress in told} == {NAME, "mmproj.gguf"}
    assert downloads.verify(path, lambda *_: None, Event()) is True
    path.write_bytes(DATA[:-1] + b"\0")
    assert downloads.verify(path, lambda *_: None, Event()) is False
    server.sent = 0
    downloads.fetch(wish(model), Hub(server.endpoint), told.append, Event())
    assert server.sent == len(DATA)  # only what is damaged
    assert downloads.verify(path, lambda *_: None, Event()) is True
    downloads.fetch(wish(model), Hub(server.endpoint), told.append, Event())
    assert server.sent == len(DATA)  # it is there
    path.write_bytes(DATA[:1000])
    downloads.fetch(wish(model), Hub(server.endpoint), told.append, Event())
    assert path.read_bytes() == DATA


def test_an_image_part_goes_with_the_last_model_that_needs_it(tmp_path: Path) -> None:
    downloads = Downloads(tmp_path)
    place = tmp_path / "gemma-3-12b"
    place.mkdir()
    model, other, image = (
        place / name
        for name in ("gemma-3-12b-it-qat-Q4_0.gguf", "gemma-3-12b-it-Q4_K_M.gguf", "mmproj-model-f16-12B.gguf")
    )
    for path in (model, other, image):
        path.write_bytes(b"GGUF")
    downloads.remove(other)
    assert sorted(place.iterdir()) == [model, image]
    assert downloads.going(model) == (model, image)
    downloads.remove(model)
    assert not place.exists()


def test_a_folder_that_is_shared_with_another_program_keeps_its_files(server: HubServer, tmp_path: Path) -> None:
    theirs = tmp_path / "lmstudio-community" / "gemma-3-12b-it-GGUF" / "gemma-3-12b-it-Q4_K_M.gguf"
    mine = tmp_path / "gemma-3-12b" / "a-file-of-my-own.gguf"
    for path in (theirs, mine):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"GGUF")
    downloads = Downloads(tmp_path)
    for path in (theirs, mine):
        with pytest.raises(UsageError, match="not brought by Cabochon"):
            downloads.remove(path)
    brought = downloads.fetch(wish(_model(server)), Hub(server.endpoint), lambda _: None, Event())
    downloads.remove(brought)
    assert theirs.is_file()
    assert mine.is_file()
    assert not brought.exists()


def test_the_disk_must_have_room_for_both_files(
    server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.models.fetch.SPARE", shutil.disk_usage(tmp_path).free - 3_500_000)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    server.faults = Faults(slow=0.05)
    with pytest.raises(DownloadError) as caught:
        Downloads(tmp_path).fetch(wish(_model(server)), Hub(server.endpoint), lambda _: None, Event())
    assert caught.value.code == "no_space"
    assert server.sent < len(DATA) / 2


def test_one_file_that_fails_ends_the_other(server: HubServer, tmp_path: Path) -> None:
    model = _model(server)
    del server.files[f"{REPOSITORY}/mmproj.gguf"]
    server.faults = Faults(slow=0.05)
    with pytest.raises(DownloadError) as caught:
        Downloads(tmp_path).fetch(wish(model), Hub(server.endpoint), lambda _: None, Event())
    assert caught.value.code == "not_found"
    assert server.sent < len(DATA) / 2


def test_files_of_other_programs_are_not_removed(tmp_path: Path) -> None:
    models, theirs = tmp_path / "models", tmp_path / "theirs.gguf"
    models.mkdir()
    theirs.write_bytes(b"GGUF")
    (models / "link.gguf").symlink_to(theirs)
    for path in (theirs, models / "link.gguf", models / ".." / "theirs.gguf"):
        with pytest.raises(UsageError):
            Downloads(models).remove(path)
    assert theirs.is_file()


def test_what_is_fetched_for_a_name() -> None:
    found = known_model("gemma-3-12b")
    assert found is not None
    first = wish(found[0])
    assert first.file.file == "gemma-3-12b-it-qat-Q4_0.gguf"
    assert first.projector is not None
    assert first.projector.repository == first.file.repository
    assert wish(found[0], "Q4_K_M", vision=False).projector is None
    with pytest.raises(UsageError, match="there is Q4_0"):
        wish(found[0], "Q9")


def test_what_has_come_in_part_is_told_and_discarded(server: HubServer, tmp_path: Path) -> None:
    downloads, wanted = Downloads(tmp_path), wish(_model(server))
    assert downloads.brought(wanted) == Brought(None, 0)
    place = downloads.place(wanted.model)
    place.mkdir()
    part, image = place / f"{NAME}.part", place / "mmproj.gguf"
    part.write_bytes(bytes(1000))
    image.write_bytes(bytes(500))
    assert downloads.brought(wanted) == Brought(None, 1500)
    part.rename(place / NAME)
    assert downloads.brought(wanted) == Brought(place / NAME, 1500)
    image.rename(place / "mmproj.gguf.part")
    downloads.fetch(wanted, Hub(server.endpoint), lambda _: None, Event())
    downloads.discard(wanted)
    assert downloads.brought(wanted).path == place / NAME, "what is whole stays"
    (place / NAME).unlink()
    downloads.discard(wanted)
    assert not place.exists()
