"""`cabochon models get`, `list`, `verify`, `remove` and `token`, against a server on this machine."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from app.core.paths import DataPaths
from app.store.store import Store
from tests.cli.program import Outcome, Program
from tests.models.hub_server import MODEL, REPOSITORY, Faults, HubServer, micro_hub


@pytest.fixture
def server(micro_model: Path, program: Program) -> Iterator[HubServer]:
    """Has the micro model under the name of a large one, and the program has asked it for its hash."""
    with micro_hub(micro_model) as hub:
        _refresh(program, hub)
        yield hub


def _refresh(program: Program, server: HubServer) -> Outcome:
    outcome = program.run("models", "refresh", "--mirror", server.endpoint, "--json")
    server.sent = 0
    return outcome


def _get(program: Program, server: HubServer, *more: str, name: str = "gemma-3-12b") -> tuple[str, ...]:
    return ("models", "get", name, "--mirror", server.endpoint, *more)


def test_a_model_is_fetched_listed_verified_asked_and_removed(program: Program, server: HubServer) -> None:
    refused = program.run(*_get(program, server))
    assert (refused.code, server.sent) == (2, 0)
    assert "https://ai.google.dev/gemma/terms" in refused.err
    assert refused.err.rstrip().endswith("Read the licence and accept it with --accept-licence.")
    record = program.run(*_get(program, server, "--accept-licence", "--json")).record
    path = program.data / "models" / "gemma-3-12b" / MODEL
    assert record == {"model": "gemma-3-12b", "path": str(path), "chosen": True}
    listed = program.run("models", "list", "--json").record
    (one,) = listed["models"]
    assert (one["path"], one["vision"], listed["partly"]) == (str(path), True, [])
    again = program.run(*_get(program, server))  # accepted once, there already
    assert (again.code, again.out) == (0, f"{path}\n")
    answer = program.run("ask", "--temperature", "0", "Count from 1 to 5.")
    assert answer.out.strip() == "1, 2, 3, 4, 5."
    assert program.run("models", "verify").code == 0
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    damaged = program.run("models", "verify", "gemma-3-12b")
    assert (damaged.code, damaged.out) == (3, f"{MODEL} is DAMAGED; fetch it again.\n")
    assert program.run("models", "remove", "gemma-3-12b").code == 2
    assert path.is_file()
    assert program.run("models", "remove", "gemma-3-12b", "--yes").code == 0
    assert not path.exists()


def test_ctrl_c_keeps_what_came_and_the_next_call_goes_on(
    program: Program, server: HubServer, demo_model: Path
) -> None:
    server.put(REPOSITORY, MODEL, demo_model)
    _refresh(program, server)
    server.faults = Faults(slow=0.005)
    with program.running(*_get(program, server, "--accept-licence", "--no-vision")) as process:
        part = program.data / "models" / "gemma-3-12b" / f"{MODEL}.part"
        until = time.monotonic() + 20
        while not (part.is_file() and part.stat().st_size > 1_000_000):
            assert time.monotonic() < until
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert process.wait(5) == 130
        assert process.stderr is not None
        said = process.stderr.read().decode()
        assert said.endswith("What has come is kept; the same command goes on from there.\n")
        assert "Trying again" not in said, "it is no trouble of the network"
    kept = part.stat().st_size
    assert f"{kept / 1e6:.0f}"[0] in program.run("models", "list").out
    server.faults, server.sent = Faults(), 0
    assert program.run(*_get(program, server, "--no-vision")).code == 0
    assert server.sent == demo_model.stat().st_size - kept


def test_what_cannot_be_fetched_is_said_in_one_sentence(program: Program, server: HubServer) -> None:
    unknown = program.run(*_get(program, server, "--accept-licence", name="gemma-9"))
    assert (unknown.code, unknown.sentence) == (
        2,
        "No model is called gemma-9 here. `cabochon models list` names them.",
    )
    none = program.run(*_get(program, server, "--accept-licence", name="gemma-3-270m:F16"))
    assert (none.code, none.sentence) == (2, "No F16 file of Gemma 3 270M is known; there is Q8_0.")
    server.files.clear()
    gone = program.run(*_get(program, server, "--accept-licence"))
    assert gone.code == 3
    assert "is no longer at" in gone.err


def test_what_is_known_of_a_file_holds_until_the_hub_is_asked_again(
    program: Program, server: HubServer, demo_model: Path
) -> None:
    sha256 = server.put(REPOSITORY, MODEL, demo_model)
    changed = program.run(*_get(program, server, "--accept-licence", "--no-vision"))
    assert (changed.code, server.sent) == (3, 0)
    assert f"“{MODEL}” was changed by its publisher since Cabochon learned of it" in changed.err
    record = _refresh(program, server).record
    assert MODEL not in record["gone"]
    assert "gemma-4-12b-it-qat-q4_0.gguf" in record["gone"]
    assert program.run(*_get(program, server, "--no-vision")).code == 0
    seen = {one["file"]: one for one in json.loads((program.data / "catalogue.json").read_bytes())}
    assert (seen[MODEL]["sha256"], seen[MODEL]["bytes"]) == (sha256, demo_model.stat().st_size)
    nobody = program.run("models", "refresh", "--mirror", "http://127.0.0.1:9")
    assert (nobody.code, nobody.sentence) == (3, "There is no connection to 127.0.0.1:9.")
    assert seen == {one["file"]: one for one in json.loads((program.data / "catalogue.json").read_bytes())}


def test_files_that_are_not_ours_are_not_removed(program: Program, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.gguf"
    theirs.write_bytes(b"GGUF")
    refused = program.run("models", "remove", "--yes", theirs)
    assert (refused.code, theirs.is_file()) == (2, True)
    assert refused.sentence.endswith("was not brought by Cabochon, so it is left where it is.")


def test_without_a_keyring_the_token_is_not_lost_silently(program: Program) -> None:
    env = {**os.environ, "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    outcome = program.run("models", "token", given="hf_secret\n", env=env)
    assert (outcome.code, outcome.sentence) == (
        3,
        "This system has no keyring that could keep the token. Set HF_TOKEN for the download instead.",
    )
    assert "hf_secret" not in outcome.err + outcome.out


def test_models_on_another_disk_that_is_missing_today(
    program: Program, server: HubServer, tmp_path: Path, micro_model: Path
) -> None:
    disk = tmp_path / "disk" / "models"
    disk.mkdir(parents=True)
    with closing(Store(DataPaths(program.data))) as store:
        store.save_settings(msgspec.structs.replace(store.settings(), models_folder=str(disk)))
    record = program.run(*_get(program, server, "--accept-licence", "--json")).record
    assert record["path"] == str(disk / "gemma-3-12b" / MODEL)
    assert program.run("models", "list").code == 0
    away = disk.with_name("away")
    disk.rename(away)
    assert f"The models folder {disk} is not there now." in program.run("models", "list").out
    refused = program.run(*_get(program, server))
    assert (refused.code, disk.exists()) == (3, False)
    assert refused.sentence.startswith(f"The models folder {disk} is not there now.")
    assert program.run("models", "verify").code == 3
    disk.mkdir()  # what a disk is mounted on may stay
    assert f"The models folder {disk} is empty now, and models were in it." in program.run("models", "list").out
    assert (program.run(*_get(program, server)).code, list(disk.iterdir())) == (3, [])
    disk.rmdir()
    away.rename(disk)
    assert program.run("models", "verify").code == 0
    assert program.run("models", "list", "--json").record["models"][0]["path"] == record["path"]
