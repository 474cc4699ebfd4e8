"""What steps wait for, as it is written: messages, signals and moments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from penstock.domain.definition.draft import Fields
from penstock.domain.definition.findings import Path
from penstock.domain.definition.limits import SUBJECT
from penstock.domain.definition.model import Event
from penstock.domain.definition.reading import Reading
from penstock.domain.schedule.cron import CronInvalid, check_cron, check_timezone

ENDS: Final = {"key": "message", "timezone": "cron"}
"""Keys that belong to one kind of event only."""


def read_event(fields: Fields, path: Path, reading: Reading, kinds: Sequence[str], what: str) -> Event | None:
    """The event that one of the keys ``kinds`` says."""
    kind = decided(fields, path, reading, kinds, what)
    if kind is None:
        return None
    for key, owner in ENDS.items():
        if key in fields and kind != owner:
            reading.report.at_key("CONFLICT", f"{key!r} belongs to `{owner}`", (*path, key), "leave it out")
    here = (*path, kind)
    match kind:
        case "message":
            name = subject(fields["message"], here, reading, "a message")
            return Event(kind="message", name=name, key=correlation(fields, path, reading))
        case "signal":
            return Event(kind="signal", name=subject(fields["signal"], here, reading, "a signal"))
        case "until":
            return Event(kind="timer", until=reading.moment(fields["until"], here))
        case "cron":
            cron, timezone = read_cron(fields, path, reading)
            return Event(kind="timer", cron=cron, timezone=timezone)
        case _:
            return Event(kind="timer", after=reading.period(fields["after"], here, "`after`", zero=True))


def decided(fields: Fields, path: Path, reading: Reading, kinds: Sequence[str], what: str) -> str | None:
    """Which one of ``kinds`` is given."""
    given = [kind for kind in kinds if kind in fields]
    if len(given) == 1:
        return given[0]
    if given:
        message = f"expected {what} to be one thing, but got {' and '.join(given)}"
        reading.report.at_key("CONFLICT", message, (*path, given[1]), "make one of each")
    else:
        reading.missing(kinds[0], path, what, f"write one of {', '.join(kinds)}")
    return None


def subject(value: Any, path: Path, reading: Reading, what: str) -> str:
    """The name of a message, a signal or a lock."""
    advice = "names are fixed: put what differs into `key`" if what == "a message" else "names are fixed"
    return reading.word(value, path, f"the name of {what}", SUBJECT, suggestion=advice) or ""


def correlation(fields: Fields, path: Path, reading: Reading) -> str:
    """The key by which a message finds who waits for it: a template."""
    here = (*path, "key")
    if "key" not in fields:
        reading.missing("key", path, "a message", 'write what tells it from others: `key: "{{ order }}"`')
        return ""
    key = fields["key"]
    if not isinstance(key, str):
        reading.wrong_type(key, here, "`key` to be a text or a template", "put it in quotes")
        return ""
    if not key:
        reading.report.error("EMPTY", "expected a correlation key, but it is empty", here)
    reading.template(key, here)
    return key


def read_cron(fields: Fields, path: Path, reading: Reading) -> tuple[str | None, str]:
    """A cron expression that is due some time, and the time zone that it counts in."""
    cron, timezone = fields["cron"], fields.get("timezone", "UTC")
    if not isinstance(timezone, str):
        reading.wrong_type(timezone, (*path, "timezone"), "`timezone` to be a text", "write it like Europe/Berlin")
        timezone = "UTC"
    elif not _sound(check_timezone, (timezone,), (*path, "timezone"), reading):
        timezone = "UTC"
    if not isinstance(cron, str):
        reading.wrong_type(cron, (*path, "cron"), "`cron` to be a text", 'write it in quotes: "0 9 * * 1-5"')
        return None, timezone
    if not _sound(check_cron, (cron, timezone), (*path, "cron"), reading):
        return None, timezone
    return cron, timezone


def _sound(check: Any, arguments: tuple[str, ...], path: Path, reading: Reading) -> bool:
    try:
        check(*arguments)
    except CronInvalid as error:
        message, _, advice = str(error).partition("; ")
        reading.report.error("BAD_CRON", message, path, advice)
        return False
    return True
