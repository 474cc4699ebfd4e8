"""What starts executions of a definition by itself: messages, schedules and hooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from penstock.domain.definition.events import decided, read_cron, subject
from penstock.domain.definition.findings import Path
from penstock.domain.definition.limits import MAX_TRIGGERS, STEP_ID
from penstock.domain.definition.model import Trigger
from penstock.domain.definition.reading import Reading

TRIGGER_KEYS: Final = ("message", "cron", "every", "hook", "timezone", "catch_up", "input", "business_key")
_KINDS: Final = ("message", "cron", "every", "hook")
_SEEN: Final = ("payload", "key", "due", "now")


def read_triggers(value: Any, path: Path, reading: Reading) -> tuple[Trigger, ...]:
    """A mapping from ids to triggers."""
    if not isinstance(value, Mapping):
        advice = 'write each as `its_id: {cron: "0 9 * * *"}`'
        reading.wrong_type(value, path, "`triggers` to be a mapping from ids to triggers", advice)
        return ()
    if len(value) > MAX_TRIGGERS:
        reading.report.error("TOO_MANY", f"expected at most {MAX_TRIGGERS:,} triggers, but got {len(value):,}", path)
        return ()
    made = (_trigger(name, item, (*path, name), reading) for name, item in value.items())
    return tuple(trigger for trigger in made if trigger is not None)


def _trigger(name: str, value: Any, path: Path, reading: Reading) -> Trigger | None:
    reading.word(name, path, "the id of a trigger", STEP_ID, code="BAD_ID")
    fields = reading.fields(value, path, TRIGGER_KEYS, "a trigger")
    kind = None if fields is None else decided(fields, path, reading, _KINDS, "a trigger")
    if fields is None or kind is None:
        return None
    for key, owners in (("timezone", ("cron",)), ("catch_up", ("cron", "every"))):
        if key in fields and kind not in owners:
            message = f"{key!r} belongs to `{'` and `'.join(owners)}`"
            reading.report.at_key("CONFLICT", message, (*path, key), "leave it out")
    with reading.seeing(_SEEN, closed=True):
        reading.template(fields.get("input"), (*path, "input"))
        reading.template(fields.get("business_key"), (*path, "business_key"))
    business_key = fields.get("business_key")
    if business_key is not None and not isinstance(business_key, str):
        reading.wrong_type(business_key, (*path, "business_key"), "`business_key` to be a text or a template")
        business_key = None
    catch_up = reading.one_of(fields.get("catch_up", "one"), (*path, "catch_up"), "`catch_up`", ("one", "none", "all"))
    cron, timezone = read_cron(fields, path, reading) if kind == "cron" else (None, "UTC")
    return Trigger(
        id=name,
        kind="message" if kind == "message" else "hook" if kind == "hook" else "schedule",
        name=subject(fields[kind], (*path, kind), reading, f"a {kind}") if kind in ("message", "hook") else "",
        cron=cron,
        every=reading.duration(fields["every"], (*path, "every"), "`every`") if kind == "every" else None,
        timezone=timezone,
        catch_up="none" if catch_up == "none" else "all" if catch_up == "all" else "one",
        input=fields.get("input"),
        business_key=business_key,
    )
