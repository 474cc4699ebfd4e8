"""What people and programs read on standard output: tables with colour on a terminal, plain ones elsewhere, or JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

COLOURS: Final = {
    "running": "cyan",
    "waiting": "blue",
    "paused": "yellow",
    "failed": "red",
    "completed": "green",
    "cancelled": "magenta",
    "terminated": "magenta",
}
_WIDE: Final = 240


def console(*, errors: bool = False) -> Console:
    """Where people read. Not on a terminal: nobody's window is too narrow, so that no line is folded."""
    from rich.console import Console

    stream = sys.stderr if errors else sys.stdout
    return Console(file=stream, width=None if stream.isatty() else _WIDE, highlight=False, soft_wrap=False)


def print_json(value: Any) -> None:
    """One value, indented, in the order of its fields."""
    sys.stdout.write(json_text(value))


def print_json_line(value: Any) -> None:
    """One value of a stream, on one line, at once."""
    sys.stdout.write(json_text(value, indented=False))
    sys.stdout.flush()


def json_text(value: Any, *, indented: bool = True) -> str:
    """One value as ``print_json`` prints it."""
    import msgspec
    import orjson

    options = orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS | (orjson.OPT_INDENT_2 if indented else 0)
    return orjson.dumps(value, default=msgspec.to_builtins, option=options).decode()


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, none: str = "nothing") -> None:
    """A table; ``none`` is said where it has no row."""
    table = table_of(columns, rows)
    if table.row_count:
        console().print(table)
    else:
        console(errors=True).print(none, style="dim")


def table_of(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in ("id", "execution"))
    for row in rows:
        table.add_row(*(_cell(value) for value in row))
    return table


def print_fields(fields: Iterable[tuple[str, Any]]) -> None:
    """Names and values, one a line; what is None is left out."""
    from rich.table import Table

    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in fields:
        if value is not None:
            table.add_row(name, _cell(value))
    console().print(table)


def fields_of(struct: Any) -> list[tuple[str, Any]]:
    """The fields of a struct that say something."""
    named = ((name, getattr(struct, name)) for name in struct.__struct_fields__)
    return [(name.replace("_", " "), value) for name, value in named if value not in (None, (), {}, "")]


def _cell(value: Any) -> Text:
    """Text, never markup: names and messages come from elsewhere."""
    from rich.text import Text

    text = cell_text(value)
    return Text(text, style=COLOURS.get(text, ""))


def cell_text(value: Any) -> str:
    """A value as people read it on one line."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, str | int | float):
        return plain(str(value))
    import msgspec
    import orjson

    return plain(orjson.dumps(value, default=msgspec.to_builtins).decode())


def moment(value: datetime | str | None) -> str:
    """To the second, in UTC; nothing of nothing."""
    if value is None:
        return ""
    value = datetime.fromisoformat(value) if isinstance(value, str) else value
    return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def plain(text: str) -> str:
    """Without control characters, which could play with the terminal."""
    return "".join(c if c.isprintable() or c == "\n" else "�" for c in text)
