"""The read model ``definitions``: one row per published version of a definition."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from penstock.catalog import events as e
from penstock.catalog.versions import Status
from penstock.messages.envelope import Recorded
from penstock.messages.registry import Event
from penstock.projections.read_model import Place, ReadModel
from penstock.tables.changes import Change, Fields, Insert, Patch
from penstock.tables.paging import Page, Where, as_text, clamped, from_cursor, page_of, to_cursor
from penstock.tables.pool import Pool
from penstock.tables.shape import Column, Index, Table

TABLE: Final = Table(
    name="definitions",
    columns=(
        Column("id", "text"),
        Column("version", "text"),
        Column("precedence", "jsonb", required=True),
        Column("status", "text", required=True),
        Column("active", "boolean", required=True),
        Column("name", "text", required=True),
        Column("description", "text", required=True),
        Column("tags", "jsonb", required=True),
        Column("hooks", "jsonb", required=True),
        Column("digest", "text", required=True),
        Column("source", "text", required=True),
        Column("graph", "text", required=True),
        Column("published_at", "timestamptz", required=True),
        Column("published_by", "text", required=True),
        Column("changed_at", "timestamptz", required=True),
        Column("changed_by", "text", required=True),
        Column("sequence", "bigint", required=True),
    ),
    key=("id", "version"),
    indexes=(Index("tags jsonb_path_ops", method="gin"),),
)


_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,14}")
_PRE_RELEASE: Final = 6
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder().decode


def project(recorded: Recorded[Event], at: Place) -> Sequence[Change]:
    """What ``recorded`` changes in the row of a version."""
    match recorded.event:
        case e.DefinitionPublished() as event:
            return (_published(recorded, event),)
        case e.DefinitionActivated(version=version, by=by):
            return _patch(recorded, version, by, "published")
        case e.DefinitionDeactivated(version=version, by=by):
            return _patch(recorded, version, by, "inactive")
        case e.DefinitionArchived(version=version, by=by):
            return _patch(recorded, version, by, "archived")
        case _:
            return ()


MODEL: Final = ReadModel(TABLE, project)


def precedence(version: str) -> list[list[int | str]]:
    """
    The version as JSONB sorts it in the order of semantic versions: a release after its own pre-releases.

    Every part is ``[kind, value]``: among pre-release parts numbers come before words; the end of a pre-release comes
    before any further part, and no pre-release at all after everything.
    """
    core, _, rest = version.partition("+")[0].partition("-")
    parts: list[list[int | str]] = [[0, int(n)] if _NUMBER.fullmatch(n) else [1, n] for n in core.split(".")]
    if not rest:
        return [*parts, [9, 0], *_filling(0)]
    words = rest.split(".")[:_PRE_RELEASE]
    pre: list[list[int | str]] = [[1, int(word)] if _NUMBER.fullmatch(word) else [2, word] for word in words]
    return [*parts, *pre, *_filling(len(pre) - 1)]


def _filling(used: int) -> list[list[int | str]]:
    """JSONB compares arrays by length first: all versions are made equally long."""
    return [[0, 0]] * (_PRE_RELEASE - 1 - used)


def _published(recorded: Recorded[Event], event: e.DefinitionPublished) -> Insert:
    row: Fields = {
        "id": recorded.subject,
        "version": event.version,
        "precedence": precedence(event.version),
        "status": "published",
        "active": True,
        "name": event.graph.name or recorded.subject,
        "description": event.graph.description,
        "tags": event.graph.tags,
        "hooks": tuple(trigger.name for trigger in event.graph.triggers if trigger.kind == "hook"),
        "digest": event.digest,
        "source": _text(event.source),
        "graph": _text(event.graph),
        "published_at": recorded.time,
        "published_by": event.by,
        "changed_at": recorded.time,
        "changed_by": event.by,
        "sequence": recorded.sequence,
    }
    return Insert((recorded.subject, event.version), row)


def _text(value: object) -> str:
    """JSON as text: JSONB would forget the order of the steps, the first of which may be the start."""
    return _encode(value).decode()


def _patch(recorded: Recorded[Event], version: str, by: str, status: Status) -> Sequence[Patch]:
    row = {"status": status, "active": status == "published", "changed_at": recorded.time, "changed_by": by}
    return (Patch((recorded.subject, version), {**row, "sequence": recorded.sequence}),)


_WHOLE: Final = ", ".join(column.name for column in TABLE.columns if column.name not in ("precedence", "hooks"))
_IN_LISTS: Final = ", ".join(c.name for c in TABLE.columns if c.name not in ("precedence", "source", "graph", "hooks"))


async def get(pool: Pool, definition_id: str, version: str | None = None) -> Mapping[str, Any] | None:
    """One version with source and graph; without a ``version`` the latest active one, else the latest."""
    where = Where()
    where.add("id = {}", definition_id)
    where.given("version = {}", version)
    sql = f"select {_WHOLE} from definitions {where} order by active desc, precedence desc limit 1"
    row = await pool.fetchrow(sql, *where.arguments)
    return {**row, "source": _decode(row["source"]), "graph": _decode(row["graph"])} if row else None


async def versions(pool: Pool, definition_id: str) -> Sequence[Mapping[str, Any]]:
    """All versions of a definition without source and graph, the latest first."""
    sql = f"select {_IN_LISTS} from definitions where id = $1 order by precedence desc"
    rows = await pool.fetch(sql, definition_id)
    return [dict(row) for row in rows]


async def with_hook(pool: Pool, hook: str) -> Mapping[str, Any] | None:
    """
    The id, the version and the compiled graph that the HTTP hook starts: of a latest active version that has it, the
    one that was published last.
    """
    row = await pool.fetchrow(
        """
        select id, version, graph from (
            select distinct on (id) id, version, graph, hooks, published_at from definitions
            where active and id in (select id from definitions where active and hooks @> $1::jsonb)
            order by id, precedence desc
        ) as latest
        where hooks @> $1::jsonb order by published_at desc, id limit 1
        """,
        [hook],
    )
    return {**row, "graph": _decode(row["graph"])} if row else None


async def find(
    pool: Pool,
    *,
    tag: str | None = None,
    active: bool | None = None,
    status: str | None = None,
    limit: int = 50,
    cursor: str | None = None,
) -> Page:
    """
    The latest version of each definition (of those that fit) without source and graph, by id.

    Raises:
        CursorInvalid: the cursor is not one of this query.

    """
    where = Where()
    where.given("active = {}", active)
    where.given("status = {}", status)
    if tag is not None:
        where.add("tags @> {}::jsonb", [tag])
    if cursor is not None:
        where.add("id > {}", *from_cursor(cursor, "definitions", as_text))
    limit = clamped(limit)
    sql = f"select distinct on (id) {_IN_LISTS} from definitions {where} order by id, precedence desc limit {limit + 1}"
    rows = await pool.fetch(sql, *where.arguments)
    return page_of(rows, limit, lambda row: to_cursor("definitions", row["id"]))
