"""The gateway that client commands speak to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from penstock.sdk.client import Client


def _caller() -> str:
    """Whom the history names: the person at the terminal, as far as the system knows."""
    import getpass

    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):  # a user without a name
        return "cli"


@asynccontextmanager
async def client_of(flags: Mapping[str, Any]) -> AsyncIterator[Client]:
    """A client of the gateway that the settings name."""
    from penstock.cli.settings import load
    from penstock.sdk.client import Client

    settings = load(flags)
    async with Client(settings.url, settings.token, by=_caller()) as client:
        yield client
