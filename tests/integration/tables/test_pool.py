"""Connections to Postgres: what they promise, and what they call what the world does."""

from __future__ import annotations

import math
import socket
from datetime import UTC, datetime, timedelta, timezone

import asyncpg
import pytest

from penstock.domain.errors import Failure
from penstock.tables.pool import Pool, RowRepeated, TablesUnavailable, ValueRefused, open_pool, schema_of

pytestmark = pytest.mark.anyio


async def test_json_comes_back_as_it_went_in(pool: Pool) -> None:
    values: tuple[object, ...] = ({"a": [1, 2.5, None, True, "ü"]}, [], "text", 7, {"deep": {"er": [{}]}})
    for value in values:
        assert await pool.fetchval("select $1::jsonb", value) == value


async def test_structs_go_in_as_json(pool: Pool) -> None:
    failure = Failure(code="CARD", details={"n": 1})
    assert await pool.fetchval("select $1::jsonb", failure) == {"code": "CARD", "details": {"n": 1}}


async def test_nothing_is_sql_null(pool: Pool) -> None:
    assert await pool.fetchval("select $1::jsonb is null", None)


@pytest.mark.parametrize("value", [{"a": "\0"}, 2**70, {"x": object()}])
async def test_json_that_cannot_be_held_is_refused_by_name(pool: Pool, value: object) -> None:
    with pytest.raises(ValueRefused):
        await pool.fetchval("select $1::jsonb", value)


@pytest.mark.parametrize(("type_", "value"), [("text", "\0"), ("integer", 2**40), ("text", "\ud800")])
async def test_values_that_cannot_be_held_are_refused_by_name(pool: Pool, type_: str, value: object) -> None:
    with pytest.raises(ValueRefused):
        await pool.fetchval(f"select $1::{type_}", value)


async def test_numbers_that_are_not_finite_become_null(pool: Pool) -> None:
    assert await pool.fetchval("select $1::jsonb", {"n": math.inf}) == {"n": None}


MOMENTS = (
    datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC),
    datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC),
    datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=timezone(timedelta(hours=-5, minutes=-30))),
    datetime(1999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
)


async def test_moments_come_back_as_they_went_in(pool: Pool) -> None:
    async with pool.connection() as connection:
        for moment in (*MOMENTS, None, MOMENTS[0]):
            found = await connection.fetchval("select $1::timestamptz", moment)
            assert found == moment
            assert moment is None or found.tzinfo is UTC


async def test_moments_mean_the_same_to_postgres(pool: Pool) -> None:
    for moment in MOMENTS:
        assert await pool.fetchval("select $1::timestamptz = $2::text::timestamptz", moment, moment.isoformat())


async def test_a_moment_without_a_time_zone_is_one_of_this_machine(pool: Pool) -> None:
    moment = datetime(2026, 7, 1, 12)  # noqa: DTZ001 - that is the point
    assert await pool.fetchval("select $1::timestamptz", moment) == moment.astimezone()


async def test_a_repeated_key_is_called_so(pool: Pool) -> None:
    await pool.fetch("create table t (n integer primary key)")
    with pytest.raises(RowRepeated):
        await pool.fetch("insert into t values (1), (1)")


async def test_a_transaction_is_whole_or_nothing(pool: Pool) -> None:
    async with pool.connection() as connection:
        await connection.execute("create table t (n integer)")

    async def half() -> None:
        async with pool.transaction() as connection:
            await connection.execute("insert into t values (1)")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await half()
    assert await pool.fetchval("select count(*) from t") == 0


async def test_a_snapshot_sees_nothing_that_comes_later(pool: Pool) -> None:
    async with pool.connection() as connection:
        await connection.execute("create table t (n integer)")
    async with pool.snapshot() as before:
        assert await before.fetchval("select count(*) from t") == 0
        await pool.fetch("insert into t values (1)")
        assert await before.fetchval("select count(*) from t") == 0
    assert await pool.fetchval("select count(*) from t") == 1


async def test_our_own_mistakes_keep_their_name(pool: Pool) -> None:
    with pytest.raises(asyncpg.PostgresSyntaxError):
        await pool.fetch("selekt 1")


async def test_tables_that_no_projector_has_made_yet_are_unavailable(pool: Pool) -> None:
    with pytest.raises(TablesUnavailable, match="projector"):
        await pool.fetch("select * from executions")


async def test_a_reading_pool_writes_nothing(pool: Pool, postgres: str) -> None:
    reading = await open_pool(postgres, schema=pool.schema, read_only=True)
    try:
        with pytest.raises(TablesUnavailable, match="read-only"):
            await reading.fetch("create table t (n integer)")
    finally:
        await reading.close()


async def test_it_works_in_its_schema_only(pool: Pool) -> None:
    assert await pool.fetchval("select current_schemas(false)::text[]") == [pool.schema]


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        with pytest.raises(TablesUnavailable):
            await open_pool(f"postgresql://postgres@127.0.0.1:{taken.getsockname()[1]}/postgres")


async def test_a_database_that_is_not_there_is_unavailable(postgres: str) -> None:
    with pytest.raises(TablesUnavailable, match="nowhere"):
        await open_pool(postgres.replace("/postgres", "/nowhere", 1))


async def test_a_connection_that_is_cut_is_unavailable_and_the_next_one_works(pool: Pool) -> None:
    with pytest.raises(TablesUnavailable):
        await pool.fetchval("select pg_terminate_backend(pg_backend_pid())")
    assert await pool.fetchval("select 1") == 1


async def test_a_closed_pool_is_unavailable(pool: Pool, postgres: str) -> None:
    closed = await open_pool(postgres, schema=pool.schema)
    await closed.close()
    with pytest.raises(TablesUnavailable):
        await closed.fetchval("select 1")


async def test_a_dsn_that_is_none_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="DSN"):
        await open_pool("nonsense")


@pytest.mark.parametrize("schema", ["", "Big", "a b", 'x"; drop schema public; --', "1a", "x" * 49])
async def test_a_schema_is_a_plain_identifier(schema: str) -> None:
    with pytest.raises(ValueError, match="expected a schema"):
        await open_pool("postgresql://127.0.0.1:1/x", schema=schema)


def test_a_prefix_has_a_schema() -> None:
    assert [schema_of(prefix) for prefix in ("penstock", "My-Team.eu", "--")] == ["penstock", "my_team_eu", "penstock"]
