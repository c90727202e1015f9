"""A model that does not fit, in a process whose memory is limited: told, with a smaller way that then loads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import psutil
import pytest

from app.core.paths import encode_path
from app.core.protocol import Load
from app.engine.api import OutOfMemory
from app.engine.local import LocalEngine

_CHILD = """
import resource, sys
from app.core.paths import decode_path
from app.core.protocol import Load
from app.core.settings import LoadOptions
from app.engine.api import OutOfMemory
from app.engine.local import LocalEngine

engine = LocalEngine()
engine.begin()
engine.load(Load(1, sys.argv[1], LoadOptions(context=512)), lambda _fraction: None)  # the libraries are in
engine.unload()
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
limit = used + int(sys.argv[2]) * 2**20
resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
options, tries = LoadOptions(context=2048), []
while True:
    try:
        info = engine.load(Load(2, sys.argv[1], options), lambda _fraction: None)
    except OutOfMemory as error:
        tries.append((error.message, error.offer.words if error.offer else ""))
        if error.offer is None:
            break
        options = error.offer.options
    else:
        tries.append(("loaded", f"{info.context} {info.kv_type}"))
        break
for said, words in tries:
    print(said, "|", words)
"""


def _tries(model: Path, room: int) -> list[str]:
    """What was said at every try with so many MiB beside the libraries; empty where llama.cpp ended the process."""
    command = [sys.executable, "-P", "-c", _CHILD, encode_path(model), str(room)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    return done.stdout.splitlines() if done.returncode == 0 else []


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_a_smaller_way_is_offered_and_loads(demo_model: Path) -> None:
    """The room in which the weights fit and the cache does not depends on the library's own: it is looked for."""
    for room in range(220, 140, -10):
        said = _tries(demo_model, room)
        if len(said) > 1:
            break
    assert said[0].startswith("There is not enough memory for a context of 2,048 tokens.")
    assert said[0].endswith("| in the computer's memory, a context of 2,048 tokens and a q8_0 cache")
    assert said[-1] == "loaded | 2048 q8_0"


def test_what_is_too_large_is_told_before_memory_is_taken(demo_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux gives out memory that it does not have, and ends some program when it is used."""
    engine, load = LocalEngine(), Load(1, encode_path(demo_model))
    _free(monkeypatch, 125)
    engine.begin()
    with pytest.raises(OutOfMemory) as refusal:
        engine.load(load, lambda _fraction: None)
    assert not engine.loaded
    assert refusal.value.message.startswith(
        "There is not enough memory for “SmolLM2-135M-Instruct.Q4_1.gguf”. It needs "
    )
    assert refusal.value.message.endswith(" MiB of memory, 125 MiB are free.")
    offer = refusal.value.offer
    assert offer is not None
    assert offer.words == "in the computer's memory, a context of 2,048 tokens and a q4_0 cache"
    _free(monkeypatch, 10)
    with pytest.raises(OutOfMemory) as refusal:
        engine.load(load, lambda _fraction: None)
    assert refusal.value.offer is not None
    info = engine.load(msgspec.structs.replace(load, options=refusal.value.offer.options), lambda _fraction: None)
    assert info.context == 2048, "what a person accepts is tried all the same"
    engine.unload()


def _free(monkeypatch: pytest.MonkeyPatch, mebibytes: int) -> None:
    told = psutil.virtual_memory()._replace(available=mebibytes << 20)
    monkeypatch.setattr("psutil.virtual_memory", lambda: told)
