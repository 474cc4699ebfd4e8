"""What steps of every kind can have beside what makes their kind: name, join, catches, lock and offers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from penstock.domain.definition.draft import Draft, Fields
from penstock.domain.definition.events import decided, read_event, subject
from penstock.domain.definition.findings import Path
from penstock.domain.definition.limits import END, MAX_BRANCHES, MAX_CATCHES, MAX_CODES, MAX_NAME
from penstock.domain.definition.model import Catch, EachStep, Join, Rest, Step, Transition
from penstock.domain.definition.reading import Reading
from penstock.domain.definition.routes import Exit, read_steps, read_target
from penstock.domain.errors import FAILURE_KINDS

SHARED_KEYS: Final = ("name", "join", "catch", "lock", "offers")
CATCH_KEYS: Final = (
    *("error", "class", "escalation", "after", "until", "message", "signal", "key", "cancel", "set", "next"),
)
JOIN_KEYS: Final = ("enough", "rest", "threads")
LOCK_KEYS: Final = ("name", "shared")
JOINS: Final[tuple[Join, ...]] = ("any", "all", "taken")
_CAUGHT: Final = ("error", "escalation", "after", "until", "message", "signal")
_RESTS: Final[tuple[Rest, ...]] = ("ignore", "cancel", "hold")


class _Joined(NamedTuple):
    join: Join = "any"
    enough: int = 0
    rest: Rest = "ignore"


def with_shared(draft: Draft, fields: Fields, reading: Reading) -> Draft:
    """``draft`` with what the shared keys say."""
    step, path = draft.step, draft.path
    changes: dict[str, Any] = {}
    sides: tuple[Exit, ...] = ()
    offers: tuple[Exit, ...] = ()
    if "name" in fields:
        changes["name"] = reading.text(fields["name"], (*path, "name"), "the name", MAX_NAME)
        reading.template(changes["name"], (*path, "name"))
    if "join" in fields:
        changes |= _join(fields["join"], (*path, "join"), step, reading)
    if "catch" in fields:
        changes["catches"], sides = _catches(fields["catch"], (*path, "catch"), reading)
    if "lock" in fields:
        changes["lock"], changes["shared"] = _lock(fields["lock"], (*path, "lock"), reading)
    if "offers" in fields:
        offers = read_steps(fields["offers"], (*path, "offers"), reading) or ()
    if not changes and not offers:
        return draft
    return draft._replace(
        step=msgspec.structs.replace(step, **changes), sides=(*sides, *draft.sides), offers=(*draft.offers, *offers)
    )


def _join(value: Any, path: Path, step: Step, reading: Reading) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        if value in JOINS:
            return {"join": value}
        message = f"expected `join` to be any, all, taken, `enough: n` or `threads: n`, but got {value!r:.60}"
        reading.report.error("BAD_VALUE", message, path, reading.nearest_to(value, JOINS))
        return {}
    fields = reading.fields(value, path, JOIN_KEYS, "`join`") or {}
    kind = decided(fields, path, reading, ("enough", "threads"), "`join`")
    if kind is None:
        return {}
    if isinstance(step, EachStep):
        message = f"a for-each counts its copies with `enough`, so it cannot join with `{kind}` too"
        reading.report.error("CONFLICT", message, path, "put a `pass` step with this `join` before it")
        return {}
    count = reading.whole(fields[kind], (*path, kind), f"`{kind}`", 1, MAX_BRANCHES) or 1
    if kind == "threads":
        if "rest" in fields:
            reading.report.at_key("CONFLICT", "'rest' belongs to `enough`", (*path, "rest"), "leave it out")
        return {"join": "threads", "enough": count}
    rest = reading.one_of(fields.get("rest", "ignore"), (*path, "rest"), "`rest`", _RESTS)
    return {"join": "enough", "enough": count, "rest": rest}


def _lock(value: Any, path: Path, reading: Reading) -> tuple[str | None, bool]:
    if not isinstance(value, Mapping):
        return subject(value, path, reading, "a lock") or None, False
    fields = reading.fields(value, path, LOCK_KEYS, "`lock`") or {}
    if "name" not in fields:
        reading.missing("name", path, "`lock`", "write `lock: {name: desk, shared: true}`")
        return None, False
    shared = reading.flag(fields.get("shared", False), (*path, "shared"), "`shared`", default=False)
    return subject(fields["name"], (*path, "name"), reading, "a lock") or None, shared


def _catches(value: Any, path: Path, reading: Reading) -> tuple[tuple[Catch, ...], tuple[Exit, ...]]:
    if not isinstance(value, list):
        advice = "write `- error: CODE` and `next: …` below one another"
        reading.wrong_type(value, path, "`catch` to be a list", advice)
        return (), ()
    if len(value) > MAX_CATCHES:
        reading.report.error("TOO_MANY", f"expected at most {MAX_CATCHES:,} catches, but got {len(value):,}", path)
        return (), ()
    read = [_catch(item, (*path, index), reading) for index, item in enumerate(value)]
    made = [pair for pair in read if pair is not None]
    return tuple(catch for catch, _ in made), tuple(exit_ for _, exit_ in made)


def _catch(value: Any, path: Path, reading: Reading) -> tuple[Catch, Exit] | None:
    fields = reading.fields(value, path, CATCH_KEYS, "a catch")
    kind = None if fields is None else decided(fields, path, reading, _CAUGHT, "a catch")
    if fields is None or kind is None:
        return None
    exit_ = Exit("", path)
    if "next" in fields:
        target = read_target(fields["next"], (*path, "next"), reading)
        exit_ = Exit(target or "", (*path, "next"))
    thrown = kind in ("error", "escalation")
    changes = None
    if "set" in fields:
        with reading.seeing(("error",) if thrown else ("output",)):
            changes = reading.assignments(fields["set"], (*path, "set"), "`set`")
    cancel = kind != "escalation"
    if "cancel" in fields:
        cancel = reading.flag(fields["cancel"], (*path, "cancel"), "`cancel`", default=cancel)
        if kind == "error" and not cancel:
            reading.report.error("CONFLICT", "an error has ended the step already", (*path, "cancel"), "leave it out")
    codes: tuple[str, ...] = ()
    event = None
    if thrown:
        codes = _codes(fields[kind], (*path, kind), reading)
        if "key" in fields:
            reading.report.at_key("CONFLICT", "'key' belongs to `message`", (*path, "key"), "leave it out")
    else:
        event = read_event(fields, path, reading, _CAUGHT, "a catch")
    if "class" in fields and kind != "error":
        reading.report.at_key("CONFLICT", "'class' belongs to `error`", (*path, "class"), "leave it out")
    made = Catch(
        kind="error" if kind == "error" else "escalation" if kind == "escalation" else "event",
        codes=codes,
        classes=_classes(fields, path, reading) if kind == "error" else (),
        event=event,
        cancel=cancel,
        set=changes,
        exit=Transition(id="", target=exit_.target if exit_.target != END else ""),
    )
    return made, exit_


def _codes(value: Any, path: Path, reading: Reading) -> tuple[str, ...]:
    """The codes that are caught; none of them means any."""
    if value == "any":
        return ()
    if isinstance(value, list):
        if not value:
            reading.report.error("EMPTY", "expected at least one code, but the list is empty", path, "write `any`")
        return reading.texts(value, path, "codes", MAX_CODES, MAX_NAME)
    return (reading.text(value, path, "a code", MAX_NAME),)


def _classes(fields: Fields, path: Path, reading: Reading) -> tuple[str, ...]:
    """The classes of failures that are caught; none of them means any."""
    if "class" not in fields:
        return ()
    path, value = (*path, "class"), fields["class"]
    if not isinstance(value, list):
        return (reading.one_of(value, path, "`class`", FAILURE_KINDS),)
    if not value:
        reading.report.error("EMPTY", "expected at least one class, but the list is empty", path, "leave `class` out")
    if len(value) > MAX_CODES:
        reading.report.error("TOO_MANY", f"expected at most {MAX_CODES:,} classes, but got {len(value):,}", path)
        return ()
    return tuple(reading.one_of(one, (*path, i), "each `class`", FAILURE_KINDS) for i, one in enumerate(value))
