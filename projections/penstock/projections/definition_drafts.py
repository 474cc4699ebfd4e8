"""The read model ``definition_drafts``: the one draft of each definition that has one, or had one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from penstock.catalog import events as e
from penstock.messages.envelope import Recorded
from penstock.messages.registry import Event
from penstock.projections.read_model import Place, ReadModel
from penstock.tables.changes import Change, Fields, Insert, Patch
from penstock.tables.paging import Page, Where, as_text, clamped, from_cursor, page_of, to_cursor
from penstock.tables.pool import Pool
from penstock.tables.shape import Column, Table

TABLE: Final = Table(
    name="definition_drafts",
    columns=(
        Column("id", "text"),
        Column("revision", "bigint", required=True),
        Column("open", "boolean", required=True),
        Column("version", "text"),
        Column("source", "text"),
        Column("findings", "jsonb", required=True),
        Column("errors", "integer", required=True),
        Column("saved_at", "timestamptz", required=True),
        Column("saved_by", "text", required=True),
        Column("sequence", "bigint", required=True),
    ),
    key=("id",),
)


def project(recorded: Recorded[Event], at: Place) -> Sequence[Change]:
    """What ``recorded`` changes in the row of a draft. One that is gone keeps its row, closed and empty."""
    match recorded.event:
        case e.DraftSaved() as event:
            return (_saved(recorded, event),)
        case e.DraftDiscarded() | e.DefinitionPublished(draft=int()):
            return (Patch((recorded.subject,), {"open": False, "source": None, "sequence": recorded.sequence}),)
        case _:
            return ()


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder().decode
MODEL: Final = ReadModel(TABLE, project)


def _saved(recorded: Recorded[Event], event: e.DraftSaved) -> Insert:
    version = event.source.get("version")
    row: Fields = {
        "id": recorded.subject,
        "revision": event.revision,
        "open": True,
        "version": version if isinstance(version, str) else None,
        # As text: JSONB would forget the order of the steps, the first of which may be the start.
        "source": _encode(event.source).decode(),
        "findings": event.findings,
        "errors": sum(finding.severity == "error" for finding in event.findings),
        "saved_at": recorded.time,
        "saved_by": event.by,
        "sequence": recorded.sequence,
    }
    return Insert((recorded.subject,), row)


_WHOLE: Final = ", ".join(column.name for column in TABLE.columns if column.name != "open")
_IN_LISTS: Final = ", ".join(c.name for c in TABLE.columns if c.name not in ("open", "source", "findings"))


async def get(pool: Pool, definition_id: str) -> Mapping[str, Any] | None:
    """The draft with its source and what the validation says about it."""
    row = await pool.fetchrow(f"select {_WHOLE} from definition_drafts where id = $1 and open", definition_id)
    return {**row, "source": _decode(row["source"])} if row else None


async def find(pool: Pool, *, limit: int = 50, cursor: str | None = None) -> Page:
    """
    All drafts without source and findings, by id.

    Raises:
        CursorInvalid: the cursor is not one of this query.

    """
    where = Where()
    where.add("open")
    if cursor is not None:
        where.add("id > {}", *from_cursor(cursor, "drafts", as_text))
    limit = clamped(limit)
    sql = f"select {_IN_LISTS} from definition_drafts {where} order by id limit {limit + 1}"
    rows = await pool.fetch(sql, *where.arguments)
    return page_of(rows, limit, lambda row: to_cursor("drafts", row["id"]))
