"""
The pages of the reference that are made from the code: `python -m tests.docs.reference_pages` writes them anew.

They are made, not written, so that flags and defaults cannot differ from what they say; a test compares.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from penstock.runtime.settings import PREFIX, Settings
from tests.commands import leaves
from tests.docs.pages import DOCS

MADE: Final = "<!-- made from the code by `python -m tests.docs.reference_pages`; do not edit -->"
REFERENCE: Final = DOCS / "reference"

SETTINGS: Final = """\
# Settings

{made}

A setting comes from a flag, else from its variable, else from a TOML file, else it has its default. The file is that
of `--config`, of `{prefix}CONFIG`, or `penstock.toml` in the present folder; its keys are the names in the first
column. Which commands have a flag for which setting: [command line](cli.md). An unknown key in the file is refused; an
unknown `{prefix}` variable is somebody else's.

| name | variable | default | what |
| --- | --- | --- | --- |
{rows}

`{prefix}POSTGRES_URL` is a synonym of `{prefix}TABLES`, which wins. `{prefix}DEBUG=1` shows tracebacks.
`penstock dev` has defaults of its own: a SQLite log and a private Postgres in its folder, 1 partition, transport
`http`. In a folder in which `penstock dev` has run, other commands find its log by themselves.
"""
COMMANDS: Final = """\
# Command line

{made}

Exit codes: 0 good, 1 failed or a negative answer, 2 usage, 3 unreachable, 4 refused, 130 interrupted. Tables are for
people, `--json` is for programs. Where a flag is missing its [setting](settings.md) counts.

"""


def pages() -> dict[Path, str]:
    """The text of every page that is made."""
    return {REFERENCE / "settings.md": settings_page(), REFERENCE / "cli.md": command_page()}


def settings_page() -> str:
    rows = (
        f"| `{name}` | `{PREFIX}{name.upper()}` | {_default(field.default)} | {_cell(field.description or '')} |"
        for name, field in Settings.model_fields.items()
    )
    return SETTINGS.format(made=MADE, rows="\n".join(rows), prefix=PREFIX)


def command_page() -> str:
    parts = [line for path, command in leaves() for line in _command(path, command)]
    return COMMANDS.format(made=MADE) + "\n".join(parts)


def _command(path: tuple[str, ...], command: Any) -> Iterator[str]:
    title = " ".join(("penstock", *path))
    arguments = [p for p in command.params if p.param_type_name == "argument"]
    options = [p for p in command.params if p.param_type_name == "option" and "--help" not in p.opts]
    yield from (f"## {title}", "", _text(command.help or ""), "", "```text")
    yield " ".join((title, *(_metavar(p) for p in arguments), *(["[OPTIONS]"] if options else [])))
    yield from ("```", "")
    if options or arguments:
        yield from ("| parameter | what |", "| --- | --- |")
        yield from (f"| `{_metavar(p)}` | {_cell(getattr(p, 'help', None) or '')} |" for p in arguments)
        yield from (f"| `{_option(p)}` | {_cell(p.help or '')} |" for p in options)
        yield ""
    lines = [line.strip() for line in (command.epilog or "").replace("\\[", "[").splitlines()]
    shown = [line for line in lines if line.startswith("$ ")]
    if shown:
        yield from ("```console", *shown, "```", "")


def _metavar(parameter: Any) -> str:
    return str(parameter.metavar or parameter.name.upper())


def _option(option: Any) -> str:
    names = ", ".join(sorted(option.opts, key=len))
    return names if option.is_flag else f"{names} {option.metavar or option.name.rstrip('_').upper()}"


def _default(value: object) -> str:
    return "none" if value is None else f"`{value}`" if str(value) else "empty"


def _text(text: str) -> str:
    """Paragraphs as they stand, each in one line."""
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def main() -> int:
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
