"""Fetching a file from a server that fails in every way a server can: it comes whole, or one sentence says why not."""

from __future__ import annotations

import errno
import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from typing import ClassVar

import keyring
import pytest
from keyring.backend import KeyringBackend

from app.core.errors import DownloadError
from app.models.catalogue import CatalogueFile
from app.models.fetch import Fetch, Fetched, Progress, Room, Stopped
from app.models.hub import Hub
from app.models.token import keep_token, read_token
from tests.models.hub_server import Faults, HubServer, hub_server

REPOSITORY, NAME = "org/gem-GGUF", "gem-Q4_0.gguf"
DATA = random.Random(4).randbytes(3_000_000)


@pytest.fixture
def server() -> Iterator[HubServer]:
    with hub_server() as hub:
        hub.put(REPOSITORY, NAME, DATA)
        yield hub


def _file(sha256: str = "", name: str = NAME) -> CatalogueFile:
    return CatalogueFile(REPOSITORY, name, "Q4_0", 0, sha256, "model")


def _fetch(
    server: HubServer, folder: Path, file: CatalogueFile | None = None, token: str = ""
) -> tuple[Fetched, list[Progress]]:
    told: list[Progress] = []
    fetched = Fetch(Hub(server.endpoint, lambda: token), file or _file(), folder, told.append, Event()).run()
    return fetched, told


def _refused(server: HubServer, folder: Path, file: CatalogueFile | None = None, token: str = "") -> DownloadError:
    with pytest.raises(DownloadError) as caught:
        _fetch(server, folder, file, token)
    assert caught.value.message.endswith((".", "models token", REPOSITORY))
    assert not (folder / NAME).exists()
    return caught.value


def _paused(server: HubServer, folder: Path) -> None:
    """Some of the file has come."""
    stop = Event()
    server.faults = Faults(slow=0.02)
    with pytest.raises(Stopped):
        Fetch(Hub(server.endpoint), _file(), folder, lambda _: stop.set(), stop).run()


def _seconds_to_stop(server: HubServer, folder: Path, come: Callable[[], None]) -> float:
    """From the pause of a fetch, a moment after it has `come` so far, to its end. Nothing is told of it meanwhile."""
    stop, ended = Event(), list[float]()

    def tell(progress: Progress) -> None:
        assert not (stop.is_set() and progress.waits)

    def run() -> None:
        with pytest.raises(Stopped):
            Fetch(Hub(server.endpoint), _file(), folder, tell, stop).run()
        ended.append(time.monotonic())

    thread = Thread(target=run)
    thread.start()
    come()
    time.sleep(0.3)
    asked = time.monotonic()
    stop.set()
    thread.join(10)
    assert ended
    return ended[0] - asked


def test_a_file_comes_whole_and_leaves_nothing_beside_it(server: HubServer, tmp_path: Path) -> None:
    fetched, told = _fetch(server, tmp_path)
    assert fetched == Fetched(tmp_path / NAME, len(DATA), hashlib.sha256(DATA).hexdigest())
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    assert (tmp_path / NAME).read_bytes() == DATA
    assert (told[-1].done, told[-1].total) == (len(DATA), len(DATA))
    assert server.sent == len(DATA)
    assert all("telemetry" not in path for _, path, _ in server.asked)


def test_cut_connections_are_gone_on_from(server: HubServer, tmp_path: Path) -> None:
    server.faults = Faults(cut_after=700_000, cuts=3)
    fetched, told = _fetch(server, tmp_path)
    assert fetched.path.read_bytes() == DATA
    assert any(progress.waits for progress in told)
    assert server.sent <= len(DATA) * 1.01


def test_a_line_that_stays_dead_is_told_and_what_came_is_kept(
    server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.models.fetch._MOST_FAILURES", 1)
    _paused(server, tmp_path)
    kept = (tmp_path / f"{NAME}.part").stat().st_size
    server.faults = Faults(status=503, statuses=99)
    assert "What has come is kept" in _refused(server, tmp_path).message
    assert (tmp_path / f"{NAME}.part").stat().st_size == kept > 0
    server.faults, server.sent = Faults(), 0
    _fetch(server, tmp_path)
    assert server.sent == len(DATA) - kept


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_waited_for(server: HubServer, tmp_path: Path, status: int) -> None:
    server.faults = Faults(status=status, statuses=1, retry_after="1")
    began = time.monotonic()
    fetched, told = _fetch(server, tmp_path)
    assert fetched.path.read_bytes() == DATA
    assert time.monotonic() - began >= 0.9
    assert next(progress.waits for progress in told if progress.waits).startswith("The server ")


def test_waiting_can_be_ended(server: HubServer, tmp_path: Path) -> None:
    server.faults = Faults(status=429, statuses=9, retry_after="250")
    assert _seconds_to_stop(server, tmp_path, lambda: None) < 1.0


@pytest.mark.parametrize(
    ("faults", "token", "code", "says"),
    [
        (Faults(status=404, statuses=1, error_code="EntryNotFound"), "", "not_found", "is no longer at"),
        (Faults(status=401, statuses=1, error_code="RepoNotFound"), "", "not_found", "is no longer at"),
        (Faults(needs_token="hf_good"), "", "gated", "Accept its licence at"),
        (Faults(needs_token="hf_good"), "hf_bad", "gated", "has not accepted the licence"),
        (Faults(status=403, statuses=2), "hf_x", "token", "refuses the token"),
        (Faults(status=403, statuses=1, on_body=True), "", "gated", "Accept its licence at"),
        (Faults(status=400, statuses=1), "", "server", "refuses to give"),
    ],
)
def test_refusals_are_one_sentence(
    server: HubServer, tmp_path: Path, faults: Faults, token: str, code: str, says: str
) -> None:
    server.faults = faults
    error = _refused(server, tmp_path, token=token)
    assert (error.code, says in error.message) == (code, True), error.message


def test_a_token_goes_to_the_hub(server: HubServer, tmp_path: Path) -> None:
    server.faults = Faults(needs_token="hf_good")
    fetched, _ = _fetch(server, tmp_path, token="hf_good")
    assert fetched.path.read_bytes() == DATA


def test_the_keyring_is_asked_for_no_file_that_everyone_gets(server: HubServer, tmp_path: Path) -> None:
    asked: list[str] = []

    def token() -> str:
        asked.append("asked")
        return "hf_good"

    hub = Hub(server.endpoint, token)
    fetched = Fetch(hub, _file(), tmp_path, lambda _: None, Event()).run()
    assert not asked
    fetched.path.unlink()
    server.faults = Faults(needs_token="hf_good")
    for _ in range(2):
        Fetch(hub, _file(), tmp_path, lambda _: None, Event()).run().path.unlink()
    assert asked == ["asked"]
    assert not [path for _, path, sent in server.asked if sent and path.startswith("/cdn/")], "it goes to the hub alone"


def test_no_network_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.models.fetch._MOST_FAILURES", 1)
    with pytest.raises(DownloadError) as caught:
        Fetch(Hub("http://127.0.0.1:9"), _file(), tmp_path, lambda _: None, Event()).run()
    assert caught.value.code == "offline"
    assert caught.value.message.startswith("There is no connection to 127.0.0.1:9.")


def test_a_damaged_file_is_fetched_again_and_then_refused(server: HubServer, tmp_path: Path) -> None:
    server.faults = Faults(damage=1)
    fetched, _ = _fetch(server, tmp_path)
    assert fetched.path.read_bytes() == DATA
    assert server.sent == 2 * len(DATA)
    fetched.path.unlink()
    server.faults = Faults(damage=2)
    error = _refused(server, tmp_path)
    assert error.code == "damaged"
    assert not list(tmp_path.iterdir())


def test_a_file_that_its_publisher_changed_is_not_fetched(server: HubServer, tmp_path: Path) -> None:
    error = _refused(server, tmp_path, _file(sha256="a" * 64))
    assert (error.code, server.sent) == ("changed", 0)


def test_a_hash_that_only_the_catalogue_knows_is_checked(server: HubServer, tmp_path: Path) -> None:
    server.put(REPOSITORY, NAME, DATA, etag="no-hash")
    assert _refused(server, tmp_path, _file(sha256="a" * 64)).code == "damaged"
    fetched, _ = _fetch(server, tmp_path, _file(sha256=hashlib.sha256(DATA).hexdigest()))
    assert fetched.path.read_bytes() == DATA


@pytest.mark.parametrize("more", [1000, -1000])
def test_a_size_that_is_not_the_files_ends_in_words(
    server: HubServer, tmp_path: Path, more: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.models.fetch._MOST_FAILURES", 1)
    server.faults = Faults(says_size=len(DATA) + more)
    assert _refused(server, tmp_path).code in ("range", "cut", "offline")


def test_a_server_without_ranges_begins_again(server: HubServer, tmp_path: Path) -> None:
    server.faults = Faults(cut_after=1_000_000, cuts=1, ignores_ranges=True)
    fetched, _ = _fetch(server, tmp_path)
    assert fetched.path.read_bytes() == DATA


def test_a_part_of_another_version_is_not_gone_on_from(server: HubServer, tmp_path: Path) -> None:
    _paused(server, tmp_path)
    assert (tmp_path / f"{NAME}.part").stat().st_size > 0
    server.faults = Faults()
    newer = DATA[::-1]
    server.put(REPOSITORY, NAME, newer)
    fetched, _ = _fetch(server, tmp_path)
    assert fetched.path.read_bytes() == newer


def test_a_part_that_was_damaged_on_disk_is_noticed(server: HubServer, tmp_path: Path) -> None:
    _paused(server, tmp_path)
    part = tmp_path / f"{NAME}.part"
    part.write_bytes(b"\0" + part.read_bytes()[1:])
    server.faults = Faults()
    fetched, _ = _fetch(server, tmp_path)
    assert fetched.path.read_bytes() == DATA


def test_too_little_space_is_said_before_anything_comes(
    server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.models.fetch.SPARE", 1 << 60)
    error = _refused(server, tmp_path)
    assert (error.code, server.sent) == ("no_space", 0)
    assert "are free" in error.message


@pytest.mark.skipif(os.geteuid() != 0 if hasattr(os, "geteuid") else True, reason="only root mounts a small disk")
def test_a_disk_that_fills_up_keeps_what_came(
    server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], check=False).returncode:
        pytest.skip("tmpfs cannot be mounted here")
    try:
        monkeypatch.setattr("app.models.fetch.SPARE", -(1 << 40))  # the space goes while the file comes
        assert _refused(server, disk).code == "no_space"
        kept = (disk / f"{NAME}.part").stat().st_size
        assert kept > 1_000_000
        subprocess.run(["mount", "-o", "remount,size=9m", disk], check=True)
        server.sent = 0
        fetched, _ = _fetch(server, disk)
        assert fetched.path.read_bytes() == DATA
        assert server.sent == len(DATA) - kept
    finally:
        subprocess.run(["umount", disk], check=False)


def test_a_disk_that_takes_no_large_files_is_not_called_full(
    server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_large(_room: Room, _file: Path, _count: int) -> None:
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))

    monkeypatch.setattr(Room, "came", too_large)
    error = _refused(server, tmp_path)
    assert (error.code, "takes no file that large" in error.message) == ("folder", True)


def test_a_disk_without_locks_takes_files_too(
    server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(_file: int, _how: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr("fcntl.flock", flock)
    fetched, _ = _fetch(server, tmp_path)
    assert fetched.path.read_bytes() == DATA


def test_a_download_of_which_nothing_came_leaves_nothing(server: HubServer, tmp_path: Path) -> None:
    server.faults = Faults(status=404, statuses=1, error_code="EntryNotFound")
    _refused(server, tmp_path)
    assert not list(tmp_path.iterdir())


def test_two_at_once_do_not_write_one_file(server: HubServer, tmp_path: Path) -> None:
    server.faults = Faults(slow=0.02)
    stop = Event()
    thread = Thread(target=lambda: Fetch(Hub(server.endpoint), _file(), tmp_path, lambda _: None, stop).run())
    thread.start()
    while not (tmp_path / f"{NAME}.part").is_file():
        time.sleep(0.01)
    time.sleep(0.1)
    with pytest.raises(DownloadError) as caught:
        _fetch(server, tmp_path)
    assert caught.value.code == "busy"
    thread.join()
    assert (tmp_path / NAME).read_bytes() == DATA


_CHILD = """
import sys
from pathlib import Path
from threading import Event
from app.models.catalogue import CatalogueFile
from app.models.fetch import Fetch
from app.models.hub import Hub
file = CatalogueFile(sys.argv[2], sys.argv[3], "Q4_0", 0, "", "model")
print("begun", flush=True)
Fetch(Hub(sys.argv[1]), file, Path(sys.argv[4]), lambda _: None, Event()).run()
"""


def test_killed_ten_times_it_comes_whole_and_no_byte_twice(server: HubServer, tmp_path: Path) -> None:
    data = random.Random(5).randbytes(30_000_000)
    server.put(REPOSITORY, "large.gguf", data)
    server.faults = Faults(slow=0.012)
    chance = random.Random(6)
    command = [sys.executable, "-P", "-c", _CHILD, server.endpoint, REPOSITORY, "large.gguf", str(tmp_path)]
    for _ in range(10):
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(0.35 + chance.random() * 0.2)
            child.send_signal(signal.SIGKILL)
    server.faults = Faults()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60)
    assert (tmp_path / "large.gguf").read_bytes() == data
    assert server.sent < len(data) * 1.05  # what was under way at each kill did not arrive


def test_a_mirror_that_keeps_its_own_files_is_verified_too(server: HubServer, tmp_path: Path) -> None:
    server.faults = Faults(same_host=True)
    fetched, _ = _fetch(server, tmp_path)
    assert fetched.path.read_bytes() == DATA
    fetched.path.unlink()
    server.faults = Faults(same_host=True, damage=2)
    assert _refused(server, tmp_path).code == "damaged"


def test_a_silent_server_does_not_hold_a_pause_up(server: HubServer, tmp_path: Path) -> None:
    server.faults = Faults(silent_after=500_000)
    part = tmp_path / f"{NAME}.part"

    def come() -> None:
        while not (part.is_file() and part.stat().st_size > 400_000):
            time.sleep(0.01)

    assert _seconds_to_stop(server, tmp_path, come) < 1.0


def test_a_part_that_was_just_finished_by_another_is_left_alone(
    server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def finished_meanwhile(_part: object, _file: object) -> None:
        (tmp_path / NAME).write_bytes(DATA)
        (tmp_path / NAME).replace(tmp_path / f"{NAME}.part")
        (tmp_path / f"{NAME}.part").replace(tmp_path / NAME)

    monkeypatch.setattr("app.models.fetch._lock", finished_meanwhile)
    with pytest.raises(DownloadError) as caught:
        _fetch(server, tmp_path)
    assert caught.value.code == "busy"
    assert (tmp_path / NAME).read_bytes() == DATA


def test_a_long_wait_is_not_waited_for(server: HubServer, tmp_path: Path) -> None:
    server.faults = Faults(status=429, statuses=1, retry_after="1200")
    error = _refused(server, tmp_path)
    assert (error.code, "wait 20 minutes" in error.message) == ("limited", True)


@pytest.mark.parametrize("address", ["file:///etc", "mirror.example", "ftp://a"])
def test_what_is_no_web_address_is_said(address: str) -> None:
    with pytest.raises(DownloadError, match="is no web address"):
        Hub(address)


class _Keyring(KeyringBackend):
    """In memory."""

    priority = 1.0

    kept: ClassVar[dict[tuple[str, str], str]] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


def test_the_kept_token_is_for_the_hub_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    before = keyring.get_keyring()
    keyring.set_keyring(_Keyring())  # type: ignore[no-untyped-call]
    try:
        keep_token("hf_kept")
        assert read_token() == read_token("https://huggingface.co/") == "hf_kept"
        for mirror in ("http://127.0.0.1:8080", "https://mirror.example", "https://huggingface.co.example"):
            assert read_token(mirror) == ""
        monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example")
        assert read_token() == ""
        monkeypatch.setenv("HF_TOKEN", "hf_named")
        assert read_token() == "hf_named"
        keep_token("")
        monkeypatch.delenv("HF_TOKEN")
        monkeypatch.delenv("HF_ENDPOINT")
        assert read_token() == ""
    finally:
        keyring.set_keyring(before)
