"""Opens the SQLite file of a log: whose file it is, which format it has, and what SQLite's errors mean to us."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from penstock.log.port import LogError, LogUnavailable

APPLICATION = 0x50454E53  # "PENS"
FORMAT = 1
BUSY_SECONDS = 5.0

_SCHEMA = (
    """
    CREATE TABLE topics (
        id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, partitions INTEGER NOT NULL,
        retention INTEGER, cleanup TEXT NOT NULL, append_time INTEGER NOT NULL
    )
    """,
    # A chunk holds the records of one partition that were written together: see sqlite_chunks.py for id and data.
    "CREATE TABLE chunks (id INTEGER PRIMARY KEY, count INTEGER NOT NULL, time INTEGER NOT NULL, data BLOB NOT NULL)",
    # Compacted topics: the chunk with the last record of each key, and since when that has been a tombstone.
    "CREATE TABLE latest (lane INTEGER, key BLOB, chunk INTEGER, dead INTEGER, PRIMARY KEY (lane, key)) WITHOUT ROWID",
    "CREATE INDEX latest_dead ON latest (lane, dead) WHERE dead IS NOT NULL",
    "CREATE TABLE owners (topic TEXT, partition INTEGER, epoch INTEGER, PRIMARY KEY (topic, partition)) WITHOUT ROWID",
    """
    CREATE TABLE progress (
        team TEXT, topic TEXT, partition INTEGER, position INTEGER, PRIMARY KEY (team, topic, partition)
    ) WITHOUT ROWID
    """,
    f"PRAGMA application_id = {APPLICATION}",
    f"PRAGMA user_version = {FORMAT}",
)


class NotALog(LogError):
    """The file is not a Penstock log, or no longer a whole one. It was left as it is."""


class FormatTooNew(LogError):
    """The file was written by a later release."""


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """No error of SQLite's crosses the port."""
    try:
        yield
    except (sqlite3.OperationalError, sqlite3.InternalError) as error:
        raise LogUnavailable(f"expected to use the log at {path}, but SQLite says: {error}") from error
    except sqlite3.DatabaseError as error:
        raise NotALog(f"expected a Penstock log at {path}, but SQLite says: {error}") from error
    except OSError as error:
        raise LogUnavailable(f"expected to open the log at {path}, but {error}") from error


def open_writer(path: Path, synchronous: str) -> sqlite3.Connection:
    """
    A connection that may write, to a file that is ours from now on; it is created where it is missing.

    Raises:
        NotALog: the file belongs to something else.
        FormatTooNew: a later release wrote it.
        LogUnavailable: it cannot be opened or is locked.

    """
    with translated(path):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = _connect(path)
        try:
            connection.execute("BEGIN")  # one look: another process may be creating it just now
            fresh = _is_fresh(connection, path)
            connection.execute("ROLLBACK")
            _use_wal(connection)
            connection.execute(f"PRAGMA synchronous = {synchronous}")
            connection.execute("PRAGMA wal_autocheckpoint = 2000")
            if fresh:
                _create(connection, path)
        except BaseException:
            connection.close()
            raise
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    with translated(path):
        connection = _connect(path)
        connection.execute("PRAGMA query_only = 1")
        return connection


def _connect(path: Path) -> sqlite3.Connection:
    # Each connection is used by one thread at a time, but not by the one that opened it.
    return sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)


def _is_fresh(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether the file is still empty; looks before anything is changed, so that a foreign file stays untouched."""
    application, version = _number(connection, "application_id"), _number(connection, "user_version")
    if application == APPLICATION:
        if version > FORMAT:
            raise FormatTooNew(f"expected the log at {path} to have format {FORMAT} or less, but it has {version}")
        return False
    tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application or version or tables:
        raise NotALog(f"expected a Penstock log at {path}, but it is the database of another application")
    return True


def _create(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        if _is_fresh(connection, path):  # else another process was faster
            for statement in _SCHEMA:
                connection.execute(statement)
        connection.execute("COMMIT")
    finally:
        if connection.in_transaction:
            connection.execute("ROLLBACK")


def _use_wal(connection: sqlite3.Connection) -> None:
    """SQLite's own patience does not cover this change where two processes make it at once."""
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _number(connection: sqlite3.Connection, pragma: str) -> int:
    return int(connection.execute(f"PRAGMA {pragma}").fetchone()[0])
