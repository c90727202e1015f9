"""One connection to the database: rows, and transactions that say how safe they must be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import apsw

from app.core.errors import StorageError
from app.store import failures

Value = None | int | float | bytes | str
Row = tuple[Value, ...]

BUSY_MILLISECONDS = 5000


class Database:
    """Used on the thread that made it. Everything raises StorageError for the world's faults."""

    def __init__(self, connection: apsw.Connection, folder: Path, *, only_reading: StorageError | None = None) -> None:
        """`only_reading` is why nothing can be written, None where it can."""
        self._connection = connection
        self._folder = folder
        self._synchronous = ""
        self.only_reading = only_reading
        connection.set_busy_timeout(BUSY_MILLISECONDS)
        self._run("PRAGMA foreign_keys = ON")

    def rows(self, sql: str, bindings: Mapping[str, Value] | None = None) -> list[Row]:
        """What the statement returns."""
        return self._run(sql, bindings)

    def run(self, sql: str, bindings: Mapping[str, Value] | None = None) -> int:
        """Change something, inside a transaction; returns the number of rows it changed."""
        assert self._connection.in_transaction
        self._run(sql, bindings)
        return self._connection.changes()

    @property
    def last_number(self) -> int:
        """The number of the row that was inserted last."""
        return self._connection.last_insert_rowid()

    @property
    def data_version(self) -> int:
        """Changes when another process has written."""
        return int(str(self.rows("PRAGMA data_version")[0][0]))

    @contextmanager
    def durable(self) -> Iterator[None]:
        """All or nothing, and on the disk when it returns: survives a power cut."""
        with self._transaction("FULL"):
            yield

    @contextmanager
    def quick(self) -> Iterator[None]:
        """All or nothing; survives the death of the process, not a power cut in the same moment."""
        with self._transaction("NORMAL"):
            yield

    def close(self) -> None:
        """Close the file. What was committed is safe whether or not the log can be folded in now."""
        with suppress(apsw.Error):
            self._connection.close()

    @contextmanager
    def _transaction(self, synchronous: str) -> Iterator[None]:
        if self._connection.in_transaction:  # part of a larger one
            yield
            return
        if self.only_reading is not None:
            raise StorageError(self.only_reading.message, self.only_reading.code)
        if synchronous != self._synchronous:
            self._run(f"PRAGMA synchronous = {synchronous}")
            self._synchronous = synchronous
        self._run("BEGIN IMMEDIATE")
        try:
            yield
            self._run("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                with suppress(StorageError):  # the error that is already on its way tells more
                    self._run("ROLLBACK")
            raise

    def _run(self, sql: str, bindings: Mapping[str, Value] | None = None) -> list[Row]:
        try:
            return self._connection.execute(sql, bindings).fetchall()
        except apsw.Error as error:
            raise failures.from_sqlite(error, self._folder) from error
