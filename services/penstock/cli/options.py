"""The options that many commands share, and the examples below each command's help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

_PANEL = "Settings"

Log: TypeAlias = Annotated[
    str | None,
    typer.Option("--log", metavar="URL", help="memory: | sqlite:PATH | kafka://HOST:PORT", rich_help_panel=_PANEL),
]
Tables: TypeAlias = Annotated[
    str | None,
    typer.Option("--tables", metavar="DSN", help="Postgres of the read models", rich_help_panel=_PANEL),
]
Prefix: TypeAlias = Annotated[
    str | None, typer.Option("--prefix", metavar="WORD", help="prefix of all topics", rich_help_panel=_PANEL)
]
Config: TypeAlias = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="TOML file with settings [./penstock.toml]", rich_help_panel=_PANEL),
]
Url: TypeAlias = Annotated[
    str | None, typer.Option("--url", metavar="URL", help="the gateway to speak to", rich_help_panel=_PANEL)
]
Token: TypeAlias = Annotated[
    str | None,
    typer.Option("--api-token", metavar="TOKEN", help="bearer token of the gateway", rich_help_panel=_PANEL),
]
Host: TypeAlias = Annotated[
    str | None, typer.Option("--host", metavar="ADDRESS", help="where the gateway listens", rich_help_panel=_PANEL)
]
Port: TypeAlias = Annotated[
    int | None, typer.Option("--port", metavar="PORT", help="0 takes a free one", rich_help_panel=_PANEL)
]
OperationsPort: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--operations-port",
        metavar="PORT",
        help="answer /healthz, /readyz and /metrics there; off unless given",
        rich_help_panel=_PANEL,
    ),
]
LogLevel: TypeAlias = Annotated[
    str | None,
    typer.Option("--log-level", metavar="LEVEL", help="debug, info, warning or error", rich_help_panel=_PANEL),
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="JSON for programs instead of a table")]
Execution: TypeAlias = Annotated[str, typer.Argument(metavar="EXECUTION", help="id of the execution")]
Executions: TypeAlias = Annotated[list[str], typer.Argument(metavar="EXECUTION...", help="ids of the executions")]


def examples(*lines: str) -> str:
    """The text below a command's help."""
    return "\n\n".join(("Examples:", *(f"  $ penstock {line}".replace("[", r"\[") for line in lines)))
