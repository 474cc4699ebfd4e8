"""``penstock doctor``: looks at everything that has to work, and says what to do about what does not."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import typer

from penstock.cli.execute import Code, execute
from penstock.cli.options import Config, Json, Log, Prefix, Tables, Token, Url, examples

if TYPE_CHECKING:
    from penstock.log.port import Log as OpenLog
    from penstock.runtime.settings import Settings
    from penstock.tables.pool import Pool

_SKEW: Final = timedelta(seconds=2)
_LAG: Final = 10_000
_AGAIN: Final = 2.0
_SHOWN: Final = 20
_STYLES: Final = {"good": "green", "warning": "yellow", "bad": "red", "skipped": "dim"}


class Check(NamedTuple):
    """``advice`` says what to do about it."""

    name: str
    verdict: Literal["good", "warning", "bad", "skipped"]
    found: str
    advice: str = ""


def add_to(app: typer.Typer) -> None:
    app.command(
        epilog=examples(
            "doctor",
            "doctor --log kafka://localhost:9092 --tables postgresql://localhost/app",
            "doctor --json | jq '.[] | select(.verdict != \"good\")'",
        )
    )(doctor)


def doctor(
    *,
    json: Json = False,
    log: Log = None,
    tables: Tables = None,
    prefix: Prefix = None,
    url: Url = None,
    api_token: Token = None,
    config: Config = None,
) -> None:
    """
    Check Python, log, topics, clock, tables, their lag, the gateway, and that every execution waits for something that
    exists. Exit code 1 if something is bad.
    """
    flags = {"log": log, "tables": tables, "prefix": prefix, "url": url, "api_token": api_token, "config": config}
    execute(lambda: _doctor(flags, json))


async def _doctor(flags: dict[str, Any], json: bool) -> int:
    from penstock.cli.screen import console, print_json
    from penstock.cli.settings import load_here

    checks = [check async for check in _checks(load_here(flags))]
    if json:
        print_json([check._asdict() for check in checks])
    else:
        screen = console()
        for check in checks:
            screen.print(f"{check.verdict:<8}", style=_STYLES[check.verdict], end=" ")
            screen.print(f"{check.name:<9} {check.found}", markup=False)
            if check.advice:
                screen.print(f"{'':<19}{check.advice}", style="yellow", markup=False)
    return Code.FAILED if any(check.verdict == "bad" for check in checks) else Code.OK


async def _checks(settings: Settings) -> AsyncIterator[Check]:
    yield _python()
    async with AsyncExitStack() as stack:
        log, check = await _log(settings, stack)
        yield check
        pool, tables_check = await _tables(settings, stack)
        if log is not None:
            yield await _topics(log, settings)
            yield await _clock(log)
            for check_of_waits in await _waits(log):
                yield check_of_waits
        yield tables_check
        if log is not None and pool is not None:
            yield await _lag(log, pool)
    yield await _gateway(settings)


def _python() -> Check:
    found = ".".join(map(str, sys.version_info[:3]))
    return Check("python", "good" if sys.version_info >= (3, 11) else "bad", found)


async def _log(settings: Settings, stack: AsyncExitStack) -> tuple[OpenLog | None, Check]:
    from penstock.cli.settings import is_missing
    from penstock.log.open import open_log
    from penstock.log.port import LogError
    from penstock.runtime.settings import LOG_FORMS

    if settings.log is None:
        return None, Check("log", "bad", "none is named", f"set PENSTOCK_LOG to {LOG_FORMS}")
    if is_missing(settings.log):
        return None, Check(
            "log", "bad", f"{settings.log}: no such file", "run `penstock dev`, or `penstock topics apply`"
        )
    try:
        log = await open_log(settings.log, settings.prefix)
    except LogError as error:
        return None, Check("log", "bad", str(error), "is it running, and reachable from here?")
    stack.push_async_callback(log.close)
    return log, Check("log", "good", settings.log)


async def _topics(log: OpenLog, settings: Settings) -> Check:
    from penstock.log.port import LogError
    from penstock.standalone import wanted_topics

    try:
        wanted = await wanted_topics(log, settings)
        problems = await log.check(wanted)
    except LogError as error:
        return Check("topics", "bad", str(error))
    if not problems:
        return Check("topics", "good", f"{len(wanted)} topics as they have to be")
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return Check("topics", "bad", problems[0] + more, "run `penstock topics check` for all of them")


async def _clock(log: OpenLog) -> Check:
    """Event times come from the owners' clocks; one that lags behind the log's makes its owner let go."""
    from penstock.log.port import LogError, TopicPartition
    from penstock.log.topics import COMMANDS

    try:
        counts = await log.topics()
        latest = 0
        for partition in range(counts.get(COMMANDS, 0)):
            place = TopicPartition(COMMANDS, partition)
            end = await log.end(place)
            async with await log.reader({place: max(await log.first(place), end - 10)}) as reader:
                latest = max([latest, *(record.time for record in await reader.read())])
    except LogError as error:
        return Check("clock", "bad", str(error))
    if not latest:
        return Check("clock", "skipped", "the log holds no command to compare with")
    ahead = datetime.fromtimestamp(latest / 1000, UTC) - datetime.now(UTC)
    if ahead > _SKEW:
        return Check("clock", "bad", f"{ahead.total_seconds():.1f} s behind the log's", "synchronise it with NTP")
    return Check("clock", "good", "not behind the log's")


async def _waits(log: OpenLog) -> list[Check]:
    """Every wait of every execution has to have somebody or something that ends it."""
    from penstock.domain.execution.places import HistoryBroken
    from penstock.engine.strays import strays
    from penstock.log.port import LogError
    from penstock.messages.wellformed import Malformed

    try:
        found = await strays(log, lambda: datetime.now(UTC), lambda: asyncio.sleep(_AGAIN))
    except LogError as error:
        return [Check("waits", "bad", str(error))]
    except (HistoryBroken, Malformed) as error:
        return [Check("waits", "bad", str(error), "run `penstock replay verify`: the log was changed")]
    if not found.strays:
        return [Check("waits", "good", f"{found.executions:,} executions, each with an owner of what it waits for")]
    checks = [
        Check("waits", "bad", f"{stray.subject}, visit {stray.visit} {stray.step}".rstrip() + f": {stray.reason}")
        for stray in found.strays[:_SHOWN]
    ]
    more = len(found.strays) - len(checks)
    total = f"{len(found.strays):,} waits without an owner" + (f", {more:,} of them not shown" if more else "")
    advice = "a defect, please report it; `penstock execution complete-step`, `skip-step` or `rerun` help them on"
    return [*checks, Check("waits", "bad", total, advice)]


async def _tables(settings: Settings, stack: AsyncExitStack) -> tuple[Pool | None, Check]:
    from penstock.runtime.settings import SettingsInvalid
    from penstock.standalone import opened_tables
    from penstock.tables.embedded import EmbeddedMissing
    from penstock.tables.pool import TablesUnavailable

    try:
        pool = await stack.enter_async_context(opened_tables(settings, read_only=True))
        version = await pool.fetchval("show server_version")
    except SettingsInvalid as error:
        return None, Check("tables", "bad", "none are named", str(error))
    except (EmbeddedMissing, TablesUnavailable) as error:
        return None, Check("tables", "bad", str(error), "is it running, and is the user allowed in?")
    return pool, Check("tables", "good", f"Postgres {version}, schema {pool.schema}")


async def _lag(log: OpenLog, pool: Pool) -> Check:
    from penstock.log.port import LogError
    from penstock.projections.positions import standings
    from penstock.tables.pool import TablesUnavailable

    try:
        if await pool.fetchval("select to_regclass('applied_positions')") is None:
            return Check("lag", "warning", "no projector has made tables here", "run `penstock serve projector`")
        found = await standings(pool)
        behind = sum([max(0, await log.end(standing.partition) - standing.position) for standing in found])
    except (LogError, TablesUnavailable) as error:
        return Check("lag", "bad", str(error))
    if behind > _LAG:
        return Check("lag", "warning", f"the tables are {behind:,} positions behind", "is a projector running?")
    return Check("lag", "good", f"the tables are {behind:,} positions behind the log")


async def _gateway(settings: Settings) -> Check:
    import httpx

    try:
        async with httpx.AsyncClient(base_url=settings.url, timeout=5) as client:
            answer = await client.get("/readyz")
    except httpx.HTTPError as error:
        said = str(error) or type(error).__name__
        return Check(
            "gateway", "warning", f"{settings.url}: {said}", "run `penstock serve gateway`, or set PENSTOCK_URL"
        )
    if answer.is_success:
        return Check("gateway", "good", settings.url)
    return Check("gateway", "bad", f"{settings.url}/readyz says {answer.status_code}: {answer.text[:200]}")
