"""A few words about steps and their ways, for people who look at a picture."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.domain.definition.limits import ALL_AT_ONCE
from penstock.domain.definition.model import (
    BlockStep,
    Catch,
    CompensateStep,
    EachStep,
    Event,
    ListenStep,
    Period,
    RouteStep,
    Step,
    Transition,
    WorkflowStep,
)


def note_of(step: Step) -> str:
    """What a step does that its name and shape do not tell; nothing for tasks, choices and waits."""
    notes = [_kind_note(step), *_join_notes(step), *_shared_notes(step)]
    return ", ".join(note for note in notes if note)


def besides(step: Step) -> Iterator[tuple[str, Transition]]:
    """The ways out of a step that an event opens, and that event."""
    if isinstance(step, ListenStep):
        yield from ((event_words(option.event), option.exit) for option in step.options if option.exit is not None)
    yield from ((_catch_words(catch), catch.exit) for catch in step.catches)
    yield from (("offers", offer) for offer in step.offers)


def goes_on(step: Step) -> bool:
    """Whether a token can leave a step by its ordinary way out, or end there."""
    if isinstance(step, RouteStep):
        return step.fail is None and not step.finish
    return not isinstance(step, ListenStep) or any(option.exit is None for option in step.options)


def event_words(event: Event) -> str:
    match event.kind:
        case "message" | "signal":
            return f"{event.kind} {event.name}"
        case _ if event.cron is not None:
            return f"cron {event.cron}"
        case _ if event.until is not None:
            return f"until {event.until}"
        case _:
            return f"after {_length(event.after)}"


def _kind_note(step: Step) -> str:
    match step:
        case BlockStep(loop=None):
            return "one at a time" if step.one_at_a_time else "block"
        case BlockStep():
            return f"{step.loop} {step.condition}"
        case EachStep():
            return _each_note(step)
        case WorkflowStep():
            return f"{step.workflow} {step.version or ''}".strip() + ("" if step.waits else ", not awaited")
        case CompensateStep():
            return f"undo {', '.join(step.steps) or 'all'}"
        case ListenStep(options=(one,)) if one.exit is None:
            return event_words(one.event)
        case RouteStep():
            return _route_note(step)
        case _:
            return ""


def _each_note(step: EachStep) -> str:
    many = step.items if isinstance(step.items, int | str) else f"of {len(step.items)}"
    at_once = "" if step.at_once == ALL_AT_ONCE else f", {step.at_once} at once"
    enough = f", {step.enough or step.done_when} are enough" if step.enough or step.done_when else ""
    return f"each {many}{at_once}{enough}"


def _route_note(step: RouteStep) -> str:
    if step.send is not None:
        return f"send {step.send.kind} {step.send.name}"
    if step.cancels:
        return f"cancel {', '.join(step.cancels)}"
    if step.fail is not None:
        return f"fail {step.fail.code}"
    if step.escalate is not None:
        return f"escalate {step.escalate.code}"
    if step.threads is not None:
        return f"×{step.threads}"
    return "finish" if step.finish else ""


def _join_notes(step: Step) -> Iterator[str]:
    """A join of all is told by its shape."""
    if step.join == "taken":
        yield "joins those taken"
    elif step.join == "threads":
        yield f"joins {step.enough} threads"
    elif step.join == "enough":
        yield f"{step.enough} of {len(step.incoming)} are enough"


def _shared_notes(step: Step) -> Iterator[str]:
    if step.lock:
        yield f"lock {step.lock}"


def _catch_words(catch: Catch) -> str:
    if catch.event is not None:
        return event_words(catch.event)
    thrown = f"{catch.kind} {', '.join(catch.codes)}".strip()
    return f"{thrown} of class {' or '.join(catch.classes)}" if catch.classes else thrown


def _length(period: Period | None) -> str:
    return f"{period:g} s" if isinstance(period, float) else str(period)
