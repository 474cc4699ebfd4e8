"""Settings for commands, and the log and the tables that they name."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.cli.execute import Code, Failed

if TYPE_CHECKING:
    from penstock.log.port import Log
    from penstock.runtime.settings import Settings
    from penstock.tables.pool import Pool


def load(flags: Mapping[str, Any], defaults: Mapping[str, Any] | None = None) -> Settings:
    """The settings of this call, which logs as they say from now on (only what is wrong, unless told otherwise)."""
    from penstock.runtime.settings import load_settings
    from penstock.runtime.telemetry import set_up_logging

    settings = load_settings(flags, defaults={"log_level": "warning", **(defaults or {})})
    set_up_logging(settings.log_level, settings.log_format)
    return settings


def load_here(flags: Mapping[str, Any]) -> Settings:
    """The same for commands that look at a log: a folder in which `penstock dev` has run names its own."""
    from penstock.runtime.settings import DEV_FOLDER, DEV_LOG

    found = Path(DEV_FOLDER) / DEV_LOG
    return load(flags, {"log": f"sqlite:{found}"} if found.is_file() else {})


@asynccontextmanager
async def opened_log(settings: Settings, *, create: bool = False) -> AsyncIterator[Log]:
    """The log, closed again at the end. To look at a file that is not there must not make it (``create`` may)."""
    from penstock.log.open import open_log
    from penstock.runtime.settings import LOG_FORMS

    if settings.log is None:
        raise Failed(f"expected a log: give --log, or set PENSTOCK_LOG, to {LOG_FORMS}", Code.USAGE)
    if not create and is_missing(settings.log):
        raise Failed(f"expected a log at {settings.log}, but there is no such file: run `penstock topics apply`")
    log = await open_log(settings.log, settings.prefix)
    try:
        yield log
    finally:
        await log.close()


@asynccontextmanager
async def filled_log(settings: Settings) -> AsyncIterator[Log]:
    """
    The log, if it has the product's topics.

    Raises:
        TopicMissing: it has not.

    """
    from penstock.log.port import TopicMissing
    from penstock.log.topics import CATALOG, EVENTS, SNAPSHOTS

    async with opened_log(settings) as log:
        existing = await log.topics()
        for topic in (EVENTS, CATALOG, SNAPSHOTS):
            if topic not in existing:
                raise TopicMissing(topic)
        yield log


def is_missing(log: str) -> bool:
    """Whether a log would be made by opening it."""
    scheme, _, path = log.partition(":")
    return scheme == "sqlite" and not Path(path).is_file()


@asynccontextmanager
async def opened_tables(settings: Settings, *, read_only: bool = False) -> AsyncIterator[Pool]:
    """The tables, or those of the `penstock dev` whose log is used; closed again at the end."""
    from penstock.standalone import opened_tables as opened

    async with opened(settings, read_only=read_only) as pool:
        yield pool
