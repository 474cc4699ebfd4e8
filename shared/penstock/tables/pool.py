"""
The door to Postgres: connections to one schema, JSONB as Python values, and our own names for what the world does.

Least privilege: a role needs ``usage`` and ``create`` on the schema to project, ``usage`` and ``select`` to query
(``read_only`` sessions refuse writes whatever the role may do). The schema itself is created only where it is missing.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, TypeAlias

import asyncpg
import msgspec
import orjson
from asyncpg.pool import PoolConnectionProxy

from penstock.tables.moments import Moments

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"
Row: TypeAlias = "asyncpg.Record"

SCHEMA: Final = "penstock"
_IDENTIFIER: Final = re.compile(r"[a-z_][a-z0-9_]{0,47}")


class TablesUnavailable(Exception):
    """Postgres does not answer, or not now: wait and try again. What was not committed did not happen."""


class ValueRefused(Exception):
    """Postgres cannot hold a value (or an index on it): the same rows will never be taken."""


class RowRepeated(Exception):
    """A row with this key is there already."""


class Pool:
    """Connections to the tables; every call may raise ``TablesUnavailable``."""

    def __init__(self, pool: asyncpg.Pool[asyncpg.Record], schema: str) -> None:
        self._pool, self.schema = pool, schema

    async def fetch(self, sql: str, *arguments: object) -> list[Row]:
        async with self.connection() as connection:
            return await connection.fetch(sql, *arguments)

    async def fetchrow(self, sql: str, *arguments: object) -> Row | None:
        async with self.connection() as connection:
            return await connection.fetchrow(sql, *arguments)

    async def fetchval(self, sql: str, *arguments: object) -> Any:
        async with self.connection() as connection:
            return await connection.fetchval(sql, *arguments)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        with translated():
            async with self._pool.acquire() as connection:
                yield connection

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection in a transaction of its own: all of the block is committed, or nothing."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Connection]:
        """A connection that sees the tables as they are now until the block ends, and writes nothing."""
        async with (
            self.connection() as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            yield connection

    async def close(self) -> None:
        await self._pool.close()


async def open_pool(dsn: str, *, schema: str = SCHEMA, size: int = 4, read_only: bool = False) -> Pool:
    """
    Connections to ``schema`` of the database at ``dsn``; the schema is created unless it is there (or ``read_only``).

    Raises:
        ValueError: ``schema`` is not a plain lower-case identifier, or ``dsn`` none.
        TablesUnavailable: nobody answers there, or it does not let us in.

    """
    if not _IDENTIFIER.fullmatch(schema):
        raise ValueError(f"expected a schema of at most 48 characters a-z, 0-9 and _, but got {schema!r}")
    settings = {"search_path": schema, "application_name": "penstock", "timezone": "UTC"}
    if read_only:
        settings["default_transaction_read_only"] = "on"
    with translated():
        pool = await asyncpg.create_pool(
            dsn, min_size=0, max_size=size, init=_prepare, server_settings=settings, timeout=10.0, command_timeout=60.0
        )
    opened = Pool(pool, schema)
    try:
        if not read_only:
            await _ensure_schema(opened)
        await opened.fetchval("select 1")
    except BaseException:
        await opened.close()
        raise
    return opened


def schema_of(prefix: str) -> str:
    """The schema for a deployment whose topics begin with ``prefix``."""
    return re.sub(r"[^a-z0-9]+", "_", prefix.lower()).strip("_") or SCHEMA


def encode_json(value: object) -> bytes:
    """
    ``value`` as JSON, structs included; bytes are taken for JSON already.

    Raises:
        ValueRefused: it is not JSON (an integer beyond 64 bits, too deep).

    """
    if isinstance(value, bytes):
        return value
    try:
        return orjson.dumps(value, default=msgspec.to_builtins)
    except TypeError as error:
        raise ValueRefused(f"expected a JSON value, but {error}") from error


@contextmanager
def translated() -> Iterator[None]:
    """Give what the driver raises our own names; our own defects (bad SQL) pass as they are."""
    try:
        yield
    except _UNAVAILABLE as error:
        raise TablesUnavailable(f"expected Postgres to answer, but {_said(error)}") from error
    except asyncpg.UndefinedTableError as error:
        raise TablesUnavailable(f"expected the tables that a projector makes, but {_said(error)}") from error
    except asyncpg.ClientConfigurationError:
        raise  # a DSN that is none; it is a ValueError as well
    except asyncpg.InterfaceError as error:
        if isinstance(error, ValueError):  # an argument that the driver cannot put into the column's type
            raise ValueRefused(f"expected a value that the column can hold, but {_said(error)}") from error
        if not any(word in str(error) for word in _LOST):
            raise
        raise TablesUnavailable(f"expected a connection to Postgres, but {_said(error)}") from error
    except asyncpg.UniqueViolationError as error:
        raise RowRepeated(f"expected a new row, but {_said(error)}") from error
    except (asyncpg.DataError, asyncpg.ProgramLimitExceededError) as error:
        raise ValueRefused(f"expected a value that Postgres can hold, but {_said(error)}") from error


_UNAVAILABLE: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.PostgresSystemError,
    asyncpg.TransactionRollbackError,
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
)
_LOST: Final = ("closed", "closing", "released")


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


async def _prepare(connection: Connection) -> None:
    moments = Moments()
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda value: b"\x01" + encode_json(value),
        decoder=lambda value: orjson.loads(memoryview(value)[1:]),
    )
    await connection.set_type_codec(
        "timestamptz", schema="pg_catalog", format="binary", encoder=moments.encode, decoder=moments.decode
    )


async def _ensure_schema(pool: Pool) -> None:
    """A role without the right to create schemas may use one that is there."""
    if await pool.fetchval("select 1 from pg_namespace where nspname = $1", pool.schema):
        return
    async with pool.transaction() as connection:
        await lock(connection, "schema")
        await connection.execute(f'create schema if not exists "{pool.schema}"')


async def lock(connection: Connection, name: str) -> None:
    """Let one transaction at a time pass (schema changes race otherwise, even with ``if not exists``)."""
    await connection.execute("select pg_advisory_xact_lock(hashtext(current_schemas(false)::text || $1))", name)


async def names(connection: Connection) -> Sequence[str]:
    """The tables and views of the schema."""
    rows = await connection.fetch("select relname from pg_class where relnamespace = current_schema()::regnamespace")
    return [row["relname"] for row in rows]
