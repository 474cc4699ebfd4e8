"""
Writes many rows with few statements: by COPY where every row is surely new, else as arrays of columns (``unnest``).

Every row is guarded by its sequence, so that changes which were applied before change nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from operator import itemgetter
from typing import Any

from penstock.tables.changes import Fields, Folded, Key
from penstock.tables.pool import Connection, ValueRefused, encode_json
from penstock.tables.shape import SEQUENCE, Table


async def write(connection: Connection, table: Table, stored: str, folded: Folded, *, repeated: bool = False) -> None:
    """
    Apply ``folded`` to the table that is stored as ``stored``, within the caller's transaction.

    Raises:
        RowRepeated: an appended row (a new one of a ``born_once`` table) is there already, and ``repeated`` did not
            say that it may be.

    """
    if folded.rows:
        if repeated or not table.born_once:
            await upsert(connection, table, stored, folded.rows.values())
        else:
            names = [column.name for column in table.columns]
            await _copy(connection, table, stored, [tuple(map(row.get, names)) for row in folded.rows.values()])
    if folded.patches:
        await patch(connection, table, stored, folded.patches)
    if folded.appended:
        if repeated:
            await _append_missing(connection, table, stored, folded.appended)
        else:
            await _copy(connection, table, stored, folded.appended)


async def _copy(connection: Connection, table: Table, stored: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """
    The driver encodes a value three times as fast for a COPY as for an array (which it looks through for further
    dimensions first), and Postgres inserts the rows faster; but none of them may be there already.
    """
    names = [column.name for column in table.columns]
    try:
        await connection.copy_records_to_table(stored, records=rows, columns=names)
    except (TypeError, ValueError, OverflowError) as error:  # the driver's encoders, in their own words
        raise ValueRefused(f"expected values that the columns of {table.name} can hold, but {error}") from error


async def upsert(connection: Connection, table: Table, stored: str, rows: Collection[Fields]) -> None:
    names = [column.name for column in table.columns]
    changed = ", ".join(f"{name} = excluded.{name}" for name in names if name not in table.key)
    sql = (
        f"insert into {stored} as t ({', '.join(names)}) select * from {_arrays(table, names)} "
        f"on conflict ({', '.join(table.key)}) do update set {changed} where t.{SEQUENCE} < excluded.{SEQUENCE}"
    )
    await connection.execute(sql, *(_cells(table, name, [row.get(name) for row in rows]) for name in names))


async def patch(connection: Connection, table: Table, stored: str, patches: Mapping[Key, Fields]) -> None:
    """One statement per set of columns: in a batch there are few of them."""
    groups: dict[tuple[str, ...], list[tuple[Key, Fields]]] = {}
    for item in patches.items():
        groups.setdefault(tuple(sorted(item[1])), []).append(item)
    for names, group in groups.items():
        await _update(connection, table, stored, names, group)


async def _update(
    connection: Connection, table: Table, stored: str, names: Sequence[str], group: Sequence[tuple[Key, Fields]]
) -> None:
    keys = zip(*(key for key, _ in group), strict=True)
    values = (_cells(table, name, [fields[name] for _, fields in group]) for name in names)
    same = " and ".join(f"t.{name} = v.{name}" for name in table.key)
    sql = (
        f"update {stored} as t set {', '.join(f'{name} = v.{name}' for name in names)} "
        f"from {_arrays(table, [*table.key, *names])} as v({', '.join([*table.key, *names])}) "
        f"where {same} and t.{SEQUENCE} < v.{SEQUENCE}"
    )
    await connection.execute(sql, *(list(column) for column in keys), *values)


async def _append_missing(connection: Connection, table: Table, stored: str, rows: Sequence[tuple[Any, ...]]) -> None:
    names = [column.name for column in table.columns]
    sql = f"insert into {stored} ({', '.join(names)}) select * from {_arrays(table, names)} on conflict do nothing"
    cells = ((name, [*map(itemgetter(place), rows)]) for place, name in enumerate(names))
    await connection.execute(sql, *(_cells(table, name, values) for name, values in cells))


def _cells(table: Table, name: str, values: list[Any]) -> list[Any]:
    """JSON is encoded here: the driver would take a list among the values for a further dimension of the array."""
    if table.column(name).type != "jsonb":
        return values
    return [None if value is None else encode_json(value) for value in values]


def _arrays(table: Table, names: Sequence[str]) -> str:
    return f"unnest({', '.join(f'${n}::{table.column(name).type}[]' for n, name in enumerate(names, 1))})"
