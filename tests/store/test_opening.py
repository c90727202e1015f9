"""Faults 2, 4, 6, 7 and 9: what opening the database meets."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import apsw
import pytest

from app.core.errors import StorageError
from app.core.paths import DataPaths
from app.core.settings import ConversationSettings
from app.store import database, upgrade
from app.store.store import Store


def talk(store: Store, title: str = "One") -> str:
    """A conversation that must not be lost."""
    return store.conversations.add(title, ConversationSettings(), 1.0)


def titles(store: Store) -> list[str]:
    return [row.title for row in store.conversations.listed()]


def test_a_new_folder_is_made_for_this_person_only(paths: DataPaths, store: Store) -> None:
    assert paths.database.is_file()
    assert paths.root.stat().st_mode & 0o077 == 0
    assert store.conversations.listed() == []
    assert store.set_aside is None


def test_what_was_saved_is_there_again(new_store: Callable[[], Store]) -> None:
    first = new_store()
    talk(first)
    first.close()
    assert titles(new_store()) == ["One"]


def test_the_database_is_in_wal_mode_with_foreign_keys(store: Store) -> None:
    assert store._check().rows("PRAGMA journal_mode") == [("wal",)]
    assert store._check().rows("PRAGMA foreign_keys") == [(1,)]


def test_durable_transactions_are_synchronous_and_quick_ones_are_not(store: Store) -> None:
    seen = []
    for transaction in (store._check().durable, store._check().quick, store._check().durable):
        with transaction():
            seen.append(store._check().rows("PRAGMA synchronous")[0][0])
    assert seen == [2, 1, 2]


# 2: read-only


@pytest.fixture
def folder_that_becomes_read_only(tmp_path: Path) -> Iterator[Callable[[], None]]:
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    data = tmp_path / "data"
    data.mkdir()
    subprocess.run(["mount", "--bind", str(data), str(data)], check=True, capture_output=True)

    def make_read_only() -> None:
        subprocess.run(["mount", "-o", "remount,bind,ro", str(data)], check=True, capture_output=True)

    yield make_read_only
    subprocess.run(["umount", "-l", str(data)], check=True, capture_output=True)


@pytest.mark.parametrize("log_left", [False, True])
def test_2_chats_can_be_read_in_a_read_only_folder(
    folder_that_becomes_read_only: Callable[[], None],
    paths: DataPaths,
    new_store: Callable[[], Store],
    tmp_path: Path,
    log_left: bool,
) -> None:
    first = new_store()
    talk(first)
    if log_left:  # as kill -9 leaves it: the words are in the log only
        kept = shutil.copytree(paths.root, tmp_path / "kept")
        first.close()
        for file in kept.iterdir():
            if file.is_file():
                shutil.copy(file, paths.root)
        assert (paths.root / "cabochon.db-wal").stat().st_size
    else:
        first.close()
    folder_that_becomes_read_only()
    store = new_store()
    assert store.trouble is None
    assert store.only_reading is not None
    assert store.only_reading.code == "read_only"
    assert titles(store) == ["One"]
    with pytest.raises(StorageError) as refused:
        talk(store, "Two")
    assert refused.value.code == "read_only"


def test_2_a_read_only_folder_without_chats_says_so(
    folder_that_becomes_read_only: Callable[[], None], new_store: Callable[[], Store]
) -> None:
    folder_that_becomes_read_only()
    store = new_store()
    assert store.trouble is not None
    assert store.trouble.code == "read_only"
    with pytest.raises(StorageError):
        store.conversations.listed()


# 4: broken files


def broken(kind: str, path: Path) -> None:
    size = path.stat().st_size
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "zeros":
        path.write_bytes(bytes(size))
    elif kind == "text":
        path.write_text("<!DOCTYPE html>" * 1000)
    elif kind == "half":
        with path.open("r+b") as file:
            file.truncate(size // 2)
    elif kind == "few":
        with path.open("r+b") as file:
            file.truncate(50)


@pytest.mark.parametrize("kind", ["empty", "zeros", "text", "half", "few"])
def test_4_a_broken_database_is_set_aside_and_told(paths: DataPaths, new_store: Callable[[], Store], kind: str) -> None:
    first = new_store()
    for number in range(50):
        talk(first, f"Chat {number} " * 50)
    first.close()
    broken(kind, paths.database)
    bytes_before = paths.database.read_bytes()
    store = new_store()
    assert store.trouble is None
    assert store.set_aside is not None
    assert store.set_aside.read_bytes() == bytes_before
    assert store.conversations.listed() == []
    talk(store, "Goes on")
    store.close()
    assert new_store().set_aside is None


def test_4_a_folder_in_its_place_is_trouble_and_stays(paths: DataPaths, new_store: Callable[[], Store]) -> None:
    paths.database.mkdir(parents=True)
    store = new_store()
    assert store.trouble is not None
    assert paths.database.is_dir()


def test_4_a_log_beside_a_broken_database_goes_with_it(paths: DataPaths, new_store: Callable[[], Store]) -> None:
    paths.root.mkdir()
    paths.database.write_text("not a database" * 100)
    log = paths.root / "cabochon.db-wal"
    log.write_text("not a log")
    store = new_store()
    assert store.set_aside is not None
    assert store.set_aside.with_name(store.set_aside.name + "-wal").read_text() == "not a log"


def test_1_a_database_that_cannot_be_made_leaves_nothing_that_looks_broken(tmp_path: Path) -> None:
    from tests.store.faults import FaultyDisk

    paths = DataPaths(tmp_path / "data")
    with FaultyDisk() as disk:
        disk.fill()
        store = Store(paths, vfs=disk.name)
        assert store.trouble is not None
        assert store.trouble.code == "disk_full"
        store.close()
        disk.mend()
    store = Store(paths)
    assert (store.trouble, store.set_aside) == (None, None)
    store.close()


# 6: a newer schema


def test_6_a_newer_schema_is_refused_by_name_and_left_alone(paths: DataPaths, new_store: Callable[[], Store]) -> None:
    first = new_store()
    talk(first)
    first.close()
    connection = apsw.Connection(str(paths.database))
    connection.execute("UPDATE program SET needs = 'Cabochon 3.2'")
    connection.execute("PRAGMA user_version = 999")
    connection.close()
    before = paths.database.read_bytes()
    store = new_store()
    assert store.trouble is not None
    assert store.trouble.code == "newer"
    assert "Cabochon 3.2" in store.trouble.message
    assert paths.database.read_bytes() == before
    with pytest.raises(StorageError):
        talk(store)


# 7: migrations

SCHEMA = len(upgrade.migrations())
STEP = """
CREATE TABLE later (number INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;
INSERT INTO later (text) SELECT title FROM conversations;
UPDATE conversations SET title = 'moved: ' || title;
"""


@pytest.fixture
def next_schema(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Adds a migration, as the next version of the program does."""
    first = upgrade.migrations()

    def add(step: str) -> None:
        monkeypatch.setattr(upgrade, "migrations", lambda: (*first, step))

    return add


def test_7_an_upgrade_keeps_everything_and_backs_up_first(
    paths: DataPaths, new_store: Callable[[], Store], next_schema: Callable[[str], None]
) -> None:
    first = new_store()
    talk(first)
    first.close()
    next_schema(STEP)
    assert titles(new_store()) == ["moved: One"]
    (backup,) = paths.root.glob(f"cabochon-before-upgrade-{SCHEMA}-*.db")
    connection = apsw.Connection(str(backup))
    assert connection.execute("SELECT title FROM conversations").fetchall() == [("One",)]
    assert connection.execute("PRAGMA user_version").fetchall() == [(SCHEMA,)]
    connection.close()


def test_7_an_upgrade_that_fails_leaves_the_old_schema(
    paths: DataPaths, new_store: Callable[[], Store], next_schema: Callable[[str], None]
) -> None:
    first = new_store()
    talk(first)
    first.close()
    next_schema(STEP + "INSERT INTO no_such_table VALUES (1);")
    for _ in range(2):
        store = new_store()
        assert store.trouble is not None
        assert store.trouble.code == "form"
    assert not list(paths.root.glob("cabochon-*.db")), "a copy for each start would fill the disk"
    connection = apsw.Connection(str(paths.database))
    assert connection.execute("PRAGMA user_version").fetchall() == [(SCHEMA,)]
    assert connection.execute("SELECT title FROM conversations").fetchall() == [("One",)]
    connection.close()


def test_7_chats_of_the_first_schema_open(paths: DataPaths, new_store: Callable[[], Store]) -> None:
    paths.root.mkdir(parents=True, exist_ok=True)
    connection = apsw.Connection(str(paths.database))
    connection.execute(upgrade.migrations()[0])
    connection.execute(
        "INSERT INTO conversations (id, title, created_at, changed_at, touched) VALUES ('c', 'Old', 1, 1, 1)"
    )
    connection.execute("PRAGMA user_version = 1")
    connection.close()
    assert titles(new_store()) == ["Old"]


_KILLED_HALF_WAY = """
import os, signal, sys
from pathlib import Path
import apsw
from app.core.paths import DataPaths
from app.store import upgrade
from app.store.store import Store
first = upgrade.migrations()
upgrade.migrations = lambda: (*first, sys.argv[2] + "SELECT die();")
real = apsw.Connection
class Connection(real):
    def __init__(self, *arguments, **named):
        super().__init__(*arguments, **named)
        self.create_scalar_function("die", lambda: os.kill(os.getpid(), signal.SIGKILL))
apsw.Connection = Connection
Store(DataPaths(Path(sys.argv[1])))
"""


def test_7_an_upgrade_killed_half_way_is_made_again(
    paths: DataPaths, new_store: Callable[[], Store], next_schema: Callable[[str], None]
) -> None:
    first = new_store()
    for number in range(2000):
        talk(first, f"Chat {number} " * 10)
    first.close()
    command = [sys.executable, "-P", "-c", _KILLED_HALF_WAY, str(paths.root), STEP]
    killed = subprocess.run(command, timeout=60, check=False, capture_output=True)
    assert killed.returncode == -9, killed.stderr.decode()
    connection = apsw.Connection(str(paths.database))
    assert connection.execute("PRAGMA user_version").fetchall() == [(SCHEMA,)]
    assert connection.execute("SELECT count(*) FROM conversations WHERE title LIKE 'Chat%'").fetchall() == [(2000,)]
    connection.close()
    next_schema(STEP)
    store = new_store()
    assert len(titles(store)) == 2000
    assert all(title.startswith("moved: Chat") for title in titles(store))


# 9: locked


def test_9_a_locked_database_waits_then_says_so(
    paths: DataPaths, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = apsw.Connection(str(paths.database))
    other.execute("BEGIN IMMEDIATE")
    store._check()._connection.set_busy_timeout(50)
    with pytest.raises(StorageError) as refused:
        talk(store)
    assert refused.value.code == "locked"
    store._check()._connection.set_busy_timeout(database.BUSY_MILLISECONDS)
    release = threading.Timer(0.2, lambda: other.execute("COMMIT"))
    release.start()
    talk(store)
    release.join()
    other.close()
    assert titles(store) == ["One"]


def test_two_processes_open_a_new_folder_at_once(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from app.core.paths import DataPaths; from app.store.store import Store;"
        "from app.core.settings import ConversationSettings;"
        "s = Store(DataPaths(Path(sys.argv[1]))); assert s.trouble is None and s.set_aside is None, s.trouble;"
        "s.conversations.add(sys.argv[2], ConversationSettings(), 1.0); s.close()"
    )
    made = [
        subprocess.Popen(
            [sys.executable, "-P", "-c", code, str(tmp_path / "data"), str(number)], stderr=subprocess.PIPE
        )
        for number in range(4)
    ]
    assert [(process.communicate(timeout=60)[1], process.returncode) for process in made] == [(b"", 0)] * 4
    store = Store(DataPaths(tmp_path / "data"))
    assert sorted(titles(store)) == ["0", "1", "2", "3"]
    store.close()
