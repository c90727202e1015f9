"""Some 200 ways out of a granted folder, against the place itself and against every tool that takes a path."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.core.tools import Grant
from app.tools.folders import granted, opened_folder, read_bytes
from app.tools.registry import Surroundings, ToolError, built_in

TOOLS = {tool.name: tool for tool in built_in()}
SECRET = "the secret word"


@dataclass(frozen=True, slots=True)
class Ground:
    """`docs` is granted; what else there is, is not."""

    root: Path
    docs: Path
    grants: tuple[Grant, ...]


@pytest.fixture
def ground(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    home = tmp_path / "home"
    docs, secrets = home / "docs", home / "secret"
    for folder in (docs / "sub", secrets, home / "docs-x", home / "docs.bak", home / "Docs"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "secret.txt").write_text(SECRET)
    (docs / "sub" / "secret.txt").unlink()
    (docs / "a.txt").write_text("all right")
    (docs / "file-link").symlink_to(secrets / "secret.txt")
    (docs / "folder-link").symlink_to(secrets)
    (docs / "up-link").symlink_to("..")
    (docs / "chain-1").symlink_to("chain-2")
    (docs / "chain-2").symlink_to(docs / "sub" / "chain-3")
    (docs / "sub" / "chain-3").symlink_to("../../secret/secret.txt")
    (docs / "loop-1").symlink_to("loop-2")
    (docs / "loop-2").symlink_to("loop-1")
    (docs / "root-link").symlink_to("/")
    (docs / "proc-link").symlink_to("/proc/self/root")
    (docs / "dead-link").symlink_to(home / "not-there.txt")
    os.mkfifo(docs / "fifo")
    listener = socket.socket(socket.AF_UNIX)
    monkeypatch.chdir(docs)  # the path of a socket is short
    listener.bind("socket")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(home))
    yield Ground(home, docs, (Grant(str(docs.resolve()), write=True),))
    listener.close()


# Paths that lead out of {docs}, or nowhere; {home} is the folder above it.
UPS = [
    f"{up}{rest}"
    for up in ("../", "../../", "../../../../../../", "sub/../../", "./../", "sub/./../../")
    for rest in ("secret/secret.txt", "docs-x/secret.txt", "secret", "")
]
ABSOLUTE = [
    "/etc/passwd",
    "/etc/shadow",
    "/",
    "/root/.ssh/id_rsa",
    "/dev/null",
    "/dev/zero",
    "/dev/random",
    "/dev/tty",
    "/proc/self/environ",
    "/proc/self/root/etc/passwd",
    "/proc/self/cwd",
    "/proc/1/root",
    "/proc/self/fd/0",
    "/sys/kernel",
    "/tmp",
    "/var/run/docker.sock",
    "//etc/passwd",
    "///etc/passwd",
    "//localhost/share/x",
]
SIDEWAYS = [
    f"{{home}}/{name}"
    for name in (
        "secret/secret.txt",
        "secret",
        "docs-x/secret.txt",
        "docs-x",
        "docs.bak/secret.txt",
        "Docs/secret.txt",
        "docs/../secret/secret.txt",
        "docs/sub/../../secret/secret.txt",
        "docs/./../secret",
        "docs/..",
        "docs/../",
        "",
        ".",
        "docs/folder-link/secret.txt",
        "docs//../secret/secret.txt",
        "docs/up-link/secret/secret.txt",
    )
]
LINKS = [
    "file-link",
    "folder-link",
    "folder-link/secret.txt",
    "folder-link/",
    "./folder-link/secret.txt",
    "sub/../folder-link/secret.txt",
    "up-link/secret/secret.txt",
    "up-link/docs-x/secret.txt",
    "up-link",
    "chain-1",
    "chain-2",
    "sub/chain-3",
    "root-link/etc/passwd",
    "root-link",
    "proc-link/etc/passwd",
    "proc-link",
    "loop-1",
    "loop-2",
    "loop-1/x",
    "folder-link/../secret/secret.txt",
    "up-link/up-link",
    "dead-link",
]
HOMES = [
    "~",
    "~/",
    "~/secret/secret.txt",
    "~/docs-x/secret.txt",
    "~/docs/../secret/secret.txt",
    "~root",
    "~root/.bashrc",
    "~nobody/x",
    "~/docs/folder-link/secret.txt",
    "~+/x",
    "~-/x",
]
FOREIGN = [
    "\\\\host\\share\\x",
    "\\\\?\\C:\\Windows",
    "\\\\.\\PhysicalDrive0",
    "//host/share/x",
    "\\?\\x",
    "\\.\\x",
]
ODD = [
    "",
    "\0",
    "a.txt\0",
    "a.txt\0.png",
    "/etc/passwd\0",
    "..\0/secret",
    "x" * 300 + "/../../secret/secret.txt",
    "x/" * 3000,
    "../" * 500 + "etc/passwd",
    "../" * 1500,
    "a" * 5000,
    "\n../secret/secret.txt/../../../secret/secret.txt",
]
ENCODED = [
    f"{mark}{rest}"
    for mark in (
        "%2e%2e/",
        "..%2f",
        "%2e%2e%2f",
        "..%c0%af",
        "..\u2215",
        "..\u2044",
        "..\uff0f",
        "\uff0e\uff0e/",
        "..\\",
        ".. /",
        "..\u200b/",
        "..\u202e/",
        "...\u2060/",
        "\u202e../",
    )
    for rest in ("secret/secret.txt", "..\\secret\\secret.txt", "docs-x/secret.txt", "etc/passwd")
]
URLS = [
    "file:///etc/passwd",
    "file:../secret/secret.txt",
    "http://localhost/x",
    "smb://host/share",
    "C:\\Windows\\win.ini",
    "C:/Windows",
]
DOUBLED = [
    f"{{docs}}/{name}"
    for name in (
        "../secret/secret.txt",
        "../docs-x/secret.txt",
        "folder-link/secret.txt",
        "file-link",
        "sub/../..",
        "sub/../../secret",
        "./../secret",
        "up-link/secret",
        "chain-1",
        "root-link/etc/passwd",
        "loop-1",
        "..",
        "../",
        "../.",
    )
]
NAMES = [  # none of these is another spelling of a name that exists
    "x" * 300,
    "sub/" + "x" * 300,
    "a.txt.",
    "a.txt ",
    " ../secret/secret.txt",
    "../secret./secret.txt",
    "../secret /secret.txt",
    "../SECRET/secret.txt",
    "{home}/docs /../secret/secret.txt",
    "{home}/docs./secret.txt",
    "{home}/do\u0301cs/../secret/secret.txt",
    "fo\u2215lder-link",
    "a.txt\n",
    "\n",
    "a.txt/../../secret/secret.txt",
    "not-there/../../secret/secret.txt",
    "fifo/../../secret/secret.txt",
    "-rf",
    "$HOME/secret/secret.txt",
    "`id`",
    "*",
]
ATTACKS = [*UPS, *ABSOLUTE, *SIDEWAYS, *LINKS, *HOMES, *FOREIGN, *ODD, *ENCODED, *URLS, *DOUBLED, *NAMES]


def _snapshot(root: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder) / name
            regular = path.is_file() and not path.is_symlink()
            found[str(path)] = path.read_bytes() if regular else None
    return found


def test_there_are_some_two_hundred() -> None:
    assert len(set(ATTACKS)) > 180


@pytest.mark.parametrize("attack", ATTACKS, ids=[f"{number}" for number in range(len(ATTACKS))])
def test_nothing_leads_out(ground: Ground, attack: str) -> None:
    path = attack.replace("{home}", str(ground.root)).replace("{docs}", str(ground.docs))
    around = Surroundings(ground.grants)
    before = _snapshot(ground.root)
    with_time(lambda: _refused_or_inside(ground, path))
    for name, arguments in (
        ("read_file", {"path": path}),
        ("list_folder", {"path": path}),
        ("search_files", {"words": "secret", "path": path or "/"}),
        ("write_file", {"path": path, "text": "x", "mode": "write"}),
        ("write_file", {"path": path, "text": "x", "mode": "append"}),
    ):
        run = TOOLS[name].run
        assert run is not None
        answer = with_time(lambda run=run, arguments=arguments: _answer(run, arguments, around))  # type: ignore[misc]
        assert SECRET not in answer
        assert "root:" not in answer
    after = _snapshot(ground.root)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert all(Path(name).resolve().is_relative_to(ground.docs.resolve()) for name in changed), changed


def _refused_or_inside(ground: Ground, path: str) -> str:
    try:
        found = granted(path, ground.grants)
    except ToolError as error:
        return str(error)
    assert found.is_relative_to(ground.docs.resolve())
    return ""


def _answer(run: Callable[..., str], arguments: dict[str, str], around: Surroundings) -> str:
    try:
        return run(arguments, around)
    except ToolError as error:
        return f"refused: {error}"


def with_time(work: Callable[[], str], seconds: float = 5.0) -> str:
    """What the work answers; it must not hang on a pipe or a device."""
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(work()), daemon=True)
    thread.start()
    thread.join(seconds)
    assert found, "it hangs, or it raised"
    return found[0]


@pytest.mark.parametrize("name", ["fifo", "socket"])
def test_only_regular_files_are_opened(ground: Ground, name: str) -> None:
    path = granted(name, ground.grants)
    with pytest.raises(ToolError):
        read_bytes(path, ground.grants, 100)
    run = TOOLS["write_file"].run
    assert run is not None
    for mode in ("write", "append"):
        with pytest.raises(ToolError):
            run({"path": name, "text": "x", "mode": mode}, Surroundings(ground.grants))


def test_a_link_that_appears_after_the_look_leads_nowhere(ground: Ground) -> None:
    path = granted("a.txt", ground.grants)
    path.unlink()
    path.symlink_to(ground.root / "secret" / "secret.txt")
    with pytest.raises(ToolError, match="link"):
        read_bytes(path, ground.grants, 100)


def test_a_folder_that_becomes_a_link_after_the_look_leads_nowhere(ground: Ground) -> None:
    (ground.docs / "sub" / "b.txt").write_text("mine")
    (ground.root / "secret" / "b.txt").write_text(SECRET)
    path = granted("sub/b.txt", ground.grants)
    (ground.docs / "sub").rename(ground.docs / "sub-before")
    (ground.docs / "sub").symlink_to(ground.root / "secret")
    with pytest.raises(ToolError):
        read_bytes(path, ground.grants, 100)
    with pytest.raises(ToolError):
        opened_folder(path.parent, ground.grants, write=True)


def test_a_read_only_folder_that_takes_the_place_of_another_is_not_written(ground: Ground, tmp_path: Path) -> None:
    other = tmp_path / "read only"
    other.mkdir()
    grants = (*ground.grants, Grant(str(other.resolve())))
    (ground.docs / "sub").rename(ground.docs / "before")
    other.rename(ground.docs / "sub")
    (ground.docs / "sub").rename(other)
    with pytest.raises(ToolError, match="outside"):
        opened_folder(other.resolve(), grants, write=True)
    os.close(opened_folder(other.resolve(), grants))


def test_a_file_with_another_name_elsewhere_is_not_written(ground: Ground) -> None:
    os.link(ground.root / "secret" / "secret.txt", ground.docs / "hard.txt")
    run = TOOLS["write_file"].run
    assert run is not None
    with pytest.raises(ToolError, match="alone"):
        run({"path": "hard.txt", "text": "x", "mode": "append"}, Surroundings(ground.grants))
    assert (ground.root / "secret" / "secret.txt").read_text() == SECRET


def test_a_granted_folder_that_becomes_a_link_is_closed(ground: Ground) -> None:
    ground.docs.rename(ground.root / "before")
    ground.docs.symlink_to(ground.root / "secret")
    for path in ("secret.txt", str(ground.docs / "secret.txt"), "."):
        with pytest.raises(ToolError, match="outside"):
            granted(path, ground.grants)


def test_with_the_root_folder_granted_only_regular_files_are_read(ground: Ground) -> None:
    everything = (Grant("/"),)
    assert granted(str(ground.docs / "file-link"), everything) == (ground.root / "secret" / "secret.txt").resolve()
    for device in ("/dev/zero", "/dev/null", "/dev/tty", str(ground.docs / "fifo")):
        with pytest.raises(ToolError):
            read_bytes(granted(device, everything), everything, 10)
    with pytest.raises(ToolError, match="read only"):
        granted("/etc/passwd", everything, write=True)


def test_of_several_folders_the_first_that_has_it_counts(ground: Ground) -> None:
    grants = (*ground.grants, Grant(str((ground.root / "docs-x").resolve())))
    assert granted("a.txt", grants) == (ground.docs / "a.txt").resolve()
    assert granted("secret.txt", grants) == (ground.root / "docs-x" / "secret.txt").resolve()
    assert granted("new.txt", grants) == ground.docs.resolve() / "new.txt"


def test_what_is_inside_is_found(ground: Ground) -> None:
    for path in ("a.txt", "./a.txt", str(ground.docs / "a.txt"), "~/docs/a.txt", "sub/../a.txt"):
        assert granted(path, ground.grants) == (ground.docs / "a.txt").resolve()
    assert granted(".", ground.grants) == ground.docs.resolve()


def test_reading_does_not_allow_writing(ground: Ground) -> None:
    reading = (Grant(str(ground.docs.resolve())),)
    assert granted("a.txt", reading).name == "a.txt"
    with pytest.raises(ToolError, match="read only"):
        granted("a.txt", reading, write=True)


def test_without_a_grant_nothing_is_open() -> None:
    with pytest.raises(ToolError, match="No folder"):
        granted("/tmp", ())
