"""Steps that wait for something to happen, and the one that makes it happen for others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from penstock.domain.definition.draft import Fields
from penstock.domain.definition.events import correlation, decided, read_event, subject
from penstock.domain.definition.findings import Path
from penstock.domain.definition.kinds_task import read_timeout
from penstock.domain.definition.limits import MAX_BRANCHES
from penstock.domain.definition.model import ListenStep, Option, RouteStep, Send, Transition, WaitStep
from penstock.domain.definition.reading import Reading
from penstock.domain.definition.routes import Exit, read_target

WAIT_KEYS: Final = ("until", "cron", "timezone", "message", "key", "signal")
OPTION_KEYS: Final = ("message", "key", "signal", "after", "until", "cron", "timezone", "set", "next")
SEND_KEYS: Final = ("message", "key", "signal", "payload", "keep")
_WAITS: Final = ("until", "cron", "message", "signal")
_OPTIONS: Final = ("message", "signal", "after", "until", "cron")


def read_wait(step_id: str, fields: Fields, path: Path, reading: Reading) -> WaitStep | ListenStep:
    value, here = fields["wait"], (*path, "wait")
    timeout = read_timeout(fields, path, reading)
    if not isinstance(value, Mapping):
        duration = reading.period(value, here, "`wait`", zero=True)
        _no_output(fields, path, reading)
        return WaitStep(id=step_id, duration=duration, timeout=timeout)
    waited = reading.fields(value, here, WAIT_KEYS, "`wait`") or {}
    event = read_event(waited, here, reading, _WAITS, "`wait`")
    if event is None or event.kind == "timer":
        _no_output(fields, path, reading)
        until, cron, timezone = (event.until, event.cron, event.timezone) if event else (None, None, "UTC")
        return WaitStep(id=step_id, until=until, cron=cron, timezone=timezone, timeout=timeout)
    output: dict[str, Any] | None = None
    if "output" in fields:
        with reading.seeing(("output",)):
            output = reading.assignments(fields["output"], (*path, "output"), "`output`")
    return ListenStep(id=step_id, options=(Option(event=event, set=output),), timeout=timeout)


def read_first(step_id: str, fields: Fields, path: Path, reading: Reading) -> tuple[ListenStep, tuple[Exit, ...]]:
    """The step, and the exits of those of its options that have one of their own."""
    value, here = fields["first"], (*path, "first")
    options: list[Option] = []
    exits: list[Exit] = []
    if not isinstance(value, list):
        advice = "write `- message: …` and `- after: …` below it"
        reading.wrong_type(value, here, "`first` to be a list of events", advice)
        value = []
    elif not value:
        reading.report.error("EMPTY", "expected at least one event, but the list is empty", here)
    elif len(value) > MAX_BRANCHES:
        reading.report.error("TOO_MANY", f"expected at most {MAX_BRANCHES:,} events, but got {len(value):,}", here)
        value = []
    for index, item in enumerate(value):
        option = _option(item, (*here, index), reading)
        if option is not None:
            options.append(option)
            if option.exit is not None:
                exits.append(Exit(option.exit.target, (*here, index, "next")))
    return ListenStep(id=step_id, options=tuple(options), timeout=read_timeout(fields, path, reading)), tuple(exits)


def _option(value: Any, path: Path, reading: Reading) -> Option | None:
    fields = reading.fields(value, path, OPTION_KEYS, "an event of `first`")
    event = None if fields is None else read_event(fields, path, reading, _OPTIONS, "an event of `first`")
    if fields is None or event is None:
        return None
    changes = None
    if "set" in fields:
        with reading.seeing(("output",)):
            changes = reading.assignments(fields["set"], (*path, "set"), "`set`")
    exit_ = None
    if "next" in fields:
        target = read_target(fields["next"], (*path, "next"), reading)
        exit_ = Transition(id="", target=target or "")
    return Option(event=event, set=changes, exit=exit_)


def read_send(step_id: str, fields: Fields, path: Path, reading: Reading) -> RouteStep:
    here = (*path, "send")
    sent = reading.fields(fields["send"], here, SEND_KEYS, "`send`")
    kind = None if sent is None else decided(sent, here, reading, ("message", "signal"), "`send`")
    if sent is None or kind is None:
        return RouteStep(id=step_id)
    if "payload" in sent:
        reading.template(sent["payload"], (*here, "payload"))
    if kind == "signal":
        for key in ("key", "keep"):
            if key in sent:
                advice = "a signal reaches everyone who waits for it now, and nobody later"
                reading.report.at_key("CONFLICT", f"{key!r} belongs to `message`", (*here, key), advice)
        name = subject(sent["signal"], (*here, "signal"), reading, "a signal")
        return RouteStep(id=step_id, send=Send(kind="signal", name=name, payload=sent.get("payload")))
    send = Send(
        kind="message",
        name=subject(sent["message"], (*here, "message"), reading, "a message"),
        key=correlation(sent, here, reading),
        payload=sent.get("payload"),
        keep=reading.period(sent["keep"], (*here, "keep"), "`keep`") if "keep" in sent else None,
    )
    return RouteStep(id=step_id, send=send)


def _no_output(fields: Fields, path: Path, reading: Reading) -> None:
    if "output" in fields:
        message = "only a message or a signal has something to set variables from"
        reading.report.at_key("CONFLICT", message, (*path, "output"), "use a `set` step")
