"""The engine's libraries in files: each backend tried in a process of its own, and nothing loaded by its name.

The backends are made here with a C compiler, which is there wherever the engine was built.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from app.core.errors import EngineError
from app.core.paths import DataPaths
from app.engine.backends import FORCED_VARIANT, GPU_SWITCH, Backends, Trial, load_processor, variants
from app.engine.probe import Verdict
from tests.engine import cards

Make = Callable[[str, str], Path]

CRASHES = "#include <stdlib.h>\n__attribute__((constructor)) static void crash(void) { abort(); }"
HANGS = "#include <unistd.h>\n__attribute__((constructor)) static void hang(void) { for (;;) pause(); }"
ENDS = "#include <unistd.h>\n__attribute__((constructor)) static void end(void) { _exit(0); }"
FOREIGN = "int nothing_of_ggml;"
PROCESSOR = "extern void *ggml_backend_cpu_reg(void); void *ggml_backend_init(void) { return ggml_backend_cpu_reg(); }"
WORKS, WRONG = cards.source(), cards.source(broken=True)
PROCESSOR_KIND, CARD_KIND = 0, 1  # ggml_backend_dev_type
VARIANT = "int ggml_backend_score(void) {{ return {}; }}"


class Loader:
    """In ggml's place: notes what is loaded, and refuses what it is told to. `built_in`: kinds of its devices."""

    def __init__(self, *refused: str, built_in: tuple[int, ...] = ()) -> None:
        self.loaded: list[str] = []
        self._refused = refused
        self._built_in = built_in

    def ggml_backend_reg_count(self) -> int:
        return len(self._built_in)

    def ggml_backend_dev_count(self) -> int:
        return len(self._built_in)

    def ggml_backend_dev_get(self, index: int) -> int:
        return index

    def ggml_backend_dev_type(self, device: int) -> int:
        return self._built_in[device]

    def ggml_backend_load(self, path: bytes) -> int:
        name = Path(os.fsdecode(path)).name
        if name in self._refused:
            return 0
        self.loaded.append(name)
        return 1


@pytest.fixture(autouse=True)
def _backends_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests leave those of this machine alone."""
    monkeypatch.delenv(GPU_SWITCH)


@pytest.fixture(scope="module")
def libraries() -> Path:
    """The folder of the engine that is installed."""
    return cards.package() / "lib"


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes `tmp_path/FOLDER/libggml-NAME.so` of C source; given "FOLDER/NAME" and the source."""

    def made(name: str, source: str) -> Path:
        return cards.compiled(tmp_path / Path(name).parent / f"libggml-{Path(name).name}.so", source)

    return made


@pytest.fixture
def engine(libraries: Path, make: Make, tmp_path: Path) -> Path:
    """The folder of an engine with its backends in files: one variant of the processor, no backend yet."""
    folder = make("lib/cpu-plain", VARIANT.format(1)).parent
    for file in libraries.iterdir():
        (folder / file.name).symlink_to(file)
    return folder


@pytest.mark.parametrize(
    ("source", "verdict"),
    [
        (WORKS, Verdict.WORKS),
        (WRONG, Verdict.WRONG),
        (PROCESSOR, Verdict.NO_CARD),
        (FOREIGN, Verdict.REFUSED),
        (CRASHES, Verdict.CRASHED),
        (ENDS, Verdict.CRASHED),
    ],
)
def test_how_a_backend_does(libraries: Path, make: Make, source: str, verdict: Verdict) -> None:
    assert Trial(libraries, make("own/vulkan", source)).verdict() is verdict


def test_a_backend_that_hangs_is_killed(libraries: Path, make: Make) -> None:
    """That no process is left is seen by the guard of all tests."""
    assert Trial(libraries, make("own/vulkan", HANGS), seconds=1.0).verdict() is Verdict.HUNG


def test_no_library_at_all_is_refused(libraries: Path, tmp_path: Path) -> None:
    library = tmp_path / "libggml-vulkan.so"
    library.write_bytes(b"no library")
    assert Trial(libraries, library).verdict() is Verdict.REFUSED


def test_the_next_backend_is_used_where_one_crashes(engine: Path, make: Make, tmp_path: Path) -> None:
    make("lib/vulkan", WORKS)
    make("added/cuda", CRASHES)
    ggml = Loader()
    told = Backends(engine, tmp_path / "added").load(ggml)
    assert told == ("The graphics card's driver crashed when CUDA was tried, so Vulkan is used instead.",)
    assert ggml.loaded == ["libggml-cpu-plain.so", "libggml-vulkan.so"]


def test_the_first_backend_that_works_is_the_only_one(engine: Path, make: Make) -> None:
    """The others are not waited for."""
    make("addons/cuda", WORKS)
    make("lib/vulkan", HANGS)
    ggml = Loader()
    assert Backends(engine).load(ggml) == ()
    assert ggml.loaded == ["libggml-cpu-plain.so", "libggml-cuda.so"]


def test_the_processor_is_left_where_no_backend_works(engine: Path, make: Make) -> None:
    make("lib/hip", WRONG)
    make("lib/vulkan", PROCESSOR)
    ggml = Loader()
    told = Backends(engine).load(ggml)
    assert told == ("The graphics card computed wrongly when ROCm was tried, so the processor is used instead.",)
    assert ggml.loaded == ["libggml-cpu-plain.so"]


def test_an_add_on_that_does_not_load_is_told_and_the_own_one_is_not(engine: Path, make: Make, tmp_path: Path) -> None:
    """Vulkan's own library is missing on many a machine without a card."""
    make("lib/vulkan", FOREIGN)
    assert Backends(engine).load(Loader()) == ()
    make("added/cuda", FOREIGN)
    told = Backends(engine, tmp_path / "added").load(Loader())
    assert told == ("The add-on libggml-cuda.so cannot be loaded, so the processor is used instead.",)


def test_an_engine_with_the_processor_built_in_takes_a_backend_of_the_two_folders(
    libraries: Path, make: Make, tmp_path: Path
) -> None:
    folder = tmp_path / "lib"
    folder.mkdir()
    for file in libraries.iterdir():
        (folder / file.name).symlink_to(file)
    make("lib/hip", HANGS)  # one that is built in lies there as well
    make("addons/vulkan", WORKS)
    make("added/cuda", FOREIGN)
    ggml = Loader(built_in=(PROCESSOR_KIND,))
    told = Backends(folder, tmp_path / "added").load(ggml)
    assert told == ("The add-on libggml-cuda.so cannot be loaded, so Vulkan is used instead.",)
    assert ggml.loaded == ["libggml-vulkan.so"]


def test_an_engine_with_a_card_built_in_takes_no_other(engine: Path, make: Make) -> None:
    make("addons/vulkan", WORKS)
    ggml = Loader(built_in=(PROCESSOR_KIND, CARD_KIND))
    assert Backends(engine).load(ggml) == ()
    assert ggml.loaded == []


def test_backends_in_files_are_left_alone_where_the_environment_says_so(
    engine: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    make("lib/vulkan", HANGS)
    monkeypatch.setenv(GPU_SWITCH, "off")
    begun = len(psutil.Process().children())
    ggml = Loader()
    assert Backends(engine).load(ggml) == ()
    assert len(psutil.Process().children()) == begun
    assert ggml.loaded == ["libggml-cpu-plain.so"]


def test_nothing_is_loaded_from_the_current_folder(
    engine: Path, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = tmp_path / "planted"
    leaves_a_file = '#include <stdio.h>\n__attribute__((constructor)) static void leave(void) { fopen("loaded", "w"); }'
    for name in ("vulkan", "cuda", "cpu-best"):
        make(f"planted/{name}", leaves_a_file)
    monkeypatch.chdir(planted)
    monkeypatch.setenv("LD_LIBRARY_PATH", str(planted))
    monkeypatch.setenv("GGML_BACKEND_PATH", "libggml-vulkan.so")
    ggml = Loader()
    assert Backends(engine, tmp_path / "added").load(ggml) == ()
    assert ggml.loaded == ["libggml-cpu-plain.so"]
    make("lib/vulkan", WORKS)
    assert Backends(engine, tmp_path / "added").load(ggml) == ()
    assert ggml.loaded[-1] == "libggml-vulkan.so"
    assert not (planted / "loaded").exists()


def test_the_best_variant_of_the_processor_is_used(make: Make, tmp_path: Path) -> None:
    folder = tmp_path / "lib"
    for name, score in (("old", 1), ("new", 40), ("newer", 300), ("newest", 0)):
        make(f"lib/cpu-{name}", VARIANT.format(score))
    make("lib/cpu-broken", FOREIGN)
    assert variants(folder) == {"broken": 0, "new": 40, "newer": 300, "newest": 0, "old": 1}
    ggml = Loader("libggml-cpu-newer.so")
    load_processor(ggml, folder)
    assert ggml.loaded == ["libggml-cpu-new.so"], "the next best where one is refused"


def test_a_variant_is_forced(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, score in (("old", 1), ("new", 40), ("newest", 0)):
        make(f"lib/cpu-{name}", VARIANT.format(score))
    monkeypatch.setenv(FORCED_VARIANT, "old")
    ggml = Loader()
    load_processor(ggml, tmp_path / "lib")
    assert ggml.loaded == ["libggml-cpu-old.so"]
    for name in ("newest", "../lib/libggml-cpu-old", "unheard-of"):
        monkeypatch.setenv(FORCED_VARIANT, name)
        with pytest.raises(EngineError, match="must name a variant that runs on this processor: new, old"):
            load_processor(ggml, tmp_path / "lib")


def test_an_engine_without_a_variant_for_this_processor_is_refused(make: Make, tmp_path: Path) -> None:
    make("lib/cpu-newest", VARIANT.format(0))
    with pytest.raises(EngineError, match="nothing that runs on this processor"):
        load_processor(Loader(), tmp_path / "lib")


# -- what is not tried again


def _told(engine: Path, addons: Path) -> tuple[str, ...]:
    return Backends(engine, addons).load(Loader())


def test_what_crashed_twice_is_not_tried_a_third_time_but_told(engine: Path, make: Make, tmp_path: Path) -> None:
    counts = f'#include <stdio.h>\n#include <stdlib.h>\n#define FILE_NAME "{tmp_path}/tries"\n'
    counts += '__attribute__((constructor)) static void crash(void) { fputc(120, fopen(FILE_NAME, "a")); abort(); }'
    make("lib/vulkan", counts.replace("abort();", "fflush(NULL); abort();"))
    addons, tries = tmp_path / "added", tmp_path / "tries"
    told = ("The graphics card's driver crashed when Vulkan was tried, so the processor is used instead.",)
    assert [_told(engine, addons) for _ in range(4)] == [told] * 4
    assert tries.read_text() == "xx"
    DataPaths(tmp_path, addons_at=addons).tried.unlink()
    _told(engine, addons)
    assert tries.read_text() == "xxx"


def test_a_backend_that_was_replaced_is_tried_at_once(engine: Path, make: Make, tmp_path: Path) -> None:
    make("lib/vulkan", CRASHES)
    for _ in range(2):
        _told(engine, tmp_path / "added")
    make("lib/vulkan", WORKS)
    ggml = Loader()
    assert Backends(engine, tmp_path / "added").load(ggml) == ()
    assert ggml.loaded[-1] == "libggml-vulkan.so"
