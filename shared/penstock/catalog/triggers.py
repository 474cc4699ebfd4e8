"""Which triggers of a definition count: those of its latest active version, whichever that is by now."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from penstock.catalog.commands import Name
from penstock.catalog.events import CatalogEvent, TriggersChanged
from penstock.catalog.evolve import evolve
from penstock.catalog.versions import DefinitionState, latest, version_of
from penstock.domain.definition.model import Graph, Trigger
from penstock.domain.execution.effects import SendCommand
from penstock.domain.rejected import Rejected, RejectionCode
from penstock.domain.schedule.commands import CreateSchedule, DeleteSchedule
from penstock.domain.schedule.plan import Plan, check
from penstock.domain.subjects import schedule_of

_SOME_TIME: Final = datetime(2024, 1, 1, tzinfo=UTC)


def with_triggers(state: DefinitionState, events: tuple[CatalogEvent, ...]) -> tuple[CatalogEvent, ...]:
    """``events``, and what they change about the triggers that count."""
    after = state
    for event in events:
        after = evolve(after, event)
    (_, before), (version, triggers) = _counting(state), _counting(after)
    if before == triggers:
        return events
    removed = _schedules(before).keys() - _schedules(triggers).keys()
    return (*events, TriggersChanged(version=version, triggers=triggers, removed=tuple(sorted(removed))))


def check_triggers(graph: Graph) -> None:
    """
    Do nothing if every schedule among the triggers can be made: nobody would hear that it was refused.

    Raises:
        Rejected: one cannot.

    """
    for name, trigger in _schedules(graph.triggers).items():
        try:
            check(_plan(graph.id, trigger), _SOME_TIME)
        except Rejected as error:
            raise Rejected(RejectionCode.DEFINITION_INVALID, f"trigger {name!r}: {error.detail}") from error


def scheduled(definition_id: str, event: TriggersChanged) -> tuple[SendCommand, ...]:
    """What the schedules of a definition are told. Each starts the latest active version, which is the one meant."""
    by = definition_id
    gone = [SendCommand(subject=_subject(definition_id, name), command=DeleteSchedule(by=by)) for name in event.removed]
    made = [
        SendCommand(subject=_subject(definition_id, name), command=CreateSchedule(plan=_plan(definition_id, t), by=by))
        for name, t in _schedules(event.triggers).items()
    ]
    return (*gone, *made)


def _counting(state: DefinitionState) -> tuple[str | None, tuple[Trigger, ...]]:
    version = latest(state)
    known = None if version is None else version_of(state, version)
    return version, known.triggers if known else ()


def _schedules(triggers: tuple[Trigger, ...]) -> dict[str, Trigger]:
    return {trigger.id: trigger for trigger in triggers if trigger.kind == "schedule"}


def _subject(definition_id: str, trigger: str) -> str:
    return schedule_of(f"{definition_id}.{trigger}")


def _plan(definition_id: Name, trigger: Trigger) -> Plan:
    return Plan(
        definition=definition_id,
        cron=trigger.cron,
        every=trigger.every,
        timezone=trigger.timezone,
        catch_up=trigger.catch_up,
        input=trigger.input,
        business_key=trigger.business_key,
    )
