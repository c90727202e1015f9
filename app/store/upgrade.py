"""Numbered .sql migrations. A new database takes the same path as an old one."""

from __future__ import annotations

import time
from functools import cache
from importlib import resources
from pathlib import Path

import apsw

from app.core.errors import StorageError
from app.store import failures


@cache
def migrations() -> tuple[str, ...]:
    """The statements that lead from schema n to schema n + 1, in order."""
    folder = resources.files("app.store") / "migrations"
    files = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".sql")), key=lambda entry: entry.name)
    return tuple(entry.read_text("utf-8") for entry in files)


def upgrade(connection: apsw.Connection, path: Path, *, allowed: bool = True) -> None:
    """Bring the schema up to date in one transaction, after a verified backup of what is there.

    Raises StorageError for a schema of a newer program, for tables that are not those of their schema, and where
    `allowed` is False for an older one; apsw.Error.
    """
    steps = migrations()
    version = _version(connection)
    if version > len(steps):
        raise _newer(connection)
    if version == len(steps):
        connection.execute("SELECT count(*) FROM sqlite_schema").fetchall()  # a file that is cut short says so here
        return
    if not allowed:
        raise failures.read_only(path.parent)
    backup = _back_up(connection, path, version) if version else None
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("BEGIN EXCLUSIVE")
    try:
        for step in steps[version:]:
            connection.execute(step).fetchall()
        if connection.execute("PRAGMA foreign_key_check").fetchall():
            raise failures.damaged()
        connection.execute(f"PRAGMA user_version = {len(steps)}")
        connection.execute("COMMIT")
    except BaseException as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        if isinstance(error, apsw.SQLError | apsw.ConstraintError):  # at every start again: no copy for each
            if backup is not None:
                backup.unlink(missing_ok=True)
            raise failures.odd_form() from error
        raise


def _version(connection: apsw.Connection) -> int:
    return int(str(connection.execute("PRAGMA user_version").fetchall()[0][0]))


def _newer(connection: apsw.Connection) -> StorageError:
    try:
        needed = str(connection.execute("SELECT needs FROM program").fetchall()[0][0])
    except (apsw.Error, IndexError):
        needed = "a newer Cabochon"
    return StorageError(
        f"The chats were saved by a newer Cabochon. Install {needed} or later to open them; they are left as they are.",
        failures.NEWER,
    )


def _back_up(connection: apsw.Connection, path: Path, version: int) -> Path:
    """Copy the database beside itself and check the copy. Raises StorageError, apsw.Error: then it stays as it is."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    target = path.with_name(f"{path.stem}-before-upgrade-{version}-{stamp}{path.suffix}")
    unfinished = target.with_name(target.name + ".part")
    unfinished.unlink(missing_ok=True)
    copy = apsw.Connection(str(unfinished))
    try:
        with copy.backup("main", connection, "main") as backup:
            while not backup.done:
                backup.step(1000)
        verdict = copy.execute("PRAGMA integrity_check(1)").fetchall()
    finally:
        copy.close(True)
    if verdict != [("ok",)]:
        unfinished.unlink()
        raise failures.damaged()
    unfinished.replace(target)
    return target
