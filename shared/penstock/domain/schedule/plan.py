"""What a schedule starts and when: its ticks, those that are due, and those that were missed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeAlias

import msgspec

from penstock.domain.execution.commands import Name
from penstock.domain.rejected import Rejected, RejectionCode
from penstock.domain.schedule.cron import CronInvalid, next_tick
from penstock.domain.starts import worked_out

CatchUp: TypeAlias = Literal["none", "one", "all"]

MIN_EVERY: Final = 1.0
MAX_EVERY: Final = 10 * 366 * 86_400.0
MAX_COUNTED: Final = 1_000
"""Missed ticks of a cron expression are counted so far; the number stands for more."""
MAX_INPUT: Final = 64 << 10
"""Bytes of an input: many ticks may be made good at once."""

_WINDOWS: Final = tuple(timedelta(days=days) for days in (1 / 24, 1, 31, 366, 9 * 366))
"""Where the latest tick before now is looked for; the longest is that between two leap days."""


class Plan(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """
    Start ``definition`` (its latest active version at that time, unless given) at each tick of ``cron`` in
    ``timezone``, or ``every`` so many seconds.

    ``input`` and ``business_key`` are templates that see ``due``, the time of the tick. Of ticks that were missed, in a
    pause or while no engine ran, none is made good, or one for all, or each.
    """

    definition: Name
    version: Name | None = None
    cron: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    every: float | None = None
    timezone: Annotated[str, msgspec.Meta(max_length=100)] = "UTC"
    catch_up: CatchUp = "one"
    input: Any = None
    business_key: Name | None = None


class Overdue(NamedTuple):
    """How many ticks are due, the latest of them, and the first that is not."""

    ticks: int
    latest: datetime
    next_due_at: datetime


def check(plan: Plan, now: datetime) -> None:
    """
    Raises:
        Rejected: it can never be due, or what it starts can never be worked out.

    """
    if (plan.cron is None) == (plan.every is None):
        raise _invalid("expected either a cron expression or a number of seconds, but got both or neither")
    if plan.every is not None and not MIN_EVERY <= plan.every <= MAX_EVERY:
        raise _invalid(f"expected at least {MIN_EVERY:g} and at most {MAX_EVERY:g} seconds, but got {plan.every:g}")
    try:
        due = first_after(plan, now)
    except CronInvalid as error:
        raise _invalid(str(error)) from error
    given, _ = worked_out(plan.input, plan.business_key, now, due=due)
    if max(len(msgspec.json.encode(value)) for value in (plan.input, given)) > MAX_INPUT:
        raise Rejected(
            RejectionCode.PAYLOAD_TOO_LARGE, f"expected an input of at most {MAX_INPUT:,} bytes, but it has more"
        )


def same_times(one: Plan, other: Plan) -> bool:
    return (one.cron, one.every, one.timezone) == (other.cron, other.every, other.timezone)


def first_after(plan: Plan, now: datetime) -> datetime:
    """The first tick of a plan that begins ``now``."""
    if plan.every is not None:
        return now + timedelta(seconds=plan.every)
    assert plan.cron is not None
    return next_tick(plan.cron, plan.timezone, now)


def following(plan: Plan, due: datetime) -> datetime:
    """The tick after the one at ``due``. Ticks of ``every`` keep their distance, however late they were noticed."""
    return first_after(plan, due)


def overdue(plan: Plan, due: datetime, now: datetime) -> Overdue:
    """What is due ``now``, of which ``due`` was the first."""
    if plan.every is not None:
        period = timedelta(seconds=plan.every)
        later = (now - due) // period
        latest = due + later * period
        return Overdue(later + 1, latest, latest + period)
    assert plan.cron is not None
    ticks, tick = 0, due
    while tick <= now and ticks < MAX_COUNTED:
        ticks, latest, tick = ticks + 1, tick, following(plan, tick)
    if tick <= now:
        latest = _latest(plan, tick, now)
    return Overdue(ticks, latest, following(plan, now))


def _latest(plan: Plan, known: datetime, now: datetime) -> datetime:
    for window in _WINDOWS:
        tick = following(plan, now - window)
        if tick <= now:
            while (after := following(plan, tick)) <= now:
                tick = after
            return max(tick, known)
    return known


def _invalid(sentence: str) -> Rejected:
    return Rejected(RejectionCode.SCHEDULE_INVALID, sentence)
