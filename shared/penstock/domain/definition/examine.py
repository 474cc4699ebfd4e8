"""One pass over the canonical form: what it means as a graph, and everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from penstock.domain.definition.assemble import assemble
from penstock.domain.definition.bodies import begin_of, read_all
from penstock.domain.definition.checks import check_flow
from penstock.domain.definition.draft import Draft
from penstock.domain.definition.findings import Finding, Places, Report
from penstock.domain.definition.head import DEFINITION_KEYS, read_head
from penstock.domain.definition.limits import MAX_TRANSITIONS
from penstock.domain.definition.locking import check_locks
from penstock.domain.definition.model import BlockStep, Graph, TaskStep, WorkflowStep
from penstock.domain.definition.naming import advise_names
from penstock.domain.definition.plain import check_plain
from penstock.domain.definition.reading import Reading
from penstock.domain.definition.references import resolved
from penstock.domain.definition.routes import Routes
from penstock.domain.definition.undoing import check_undoing

__all__ = ["DEFINITION_KEYS", "Examined", "examine"]


class Examined(NamedTuple):
    """``graph`` is None where a finding is an error."""

    graph: Graph | None
    findings: tuple[Finding, ...]


def examine(source: Mapping[str, Any], places: Places | None = None) -> Examined:
    """The graph that ``source`` means, and all findings at once."""
    report = Report(places)
    if not isinstance(source, Mapping):
        Reading(report).wrong_type(source, (), "a definition to be a mapping")
        return Examined(None, report.findings())
    plain = dict(source)
    if not check_plain(plain, report):
        return Examined(None, report.findings())
    reading = Reading(report)
    fields = reading.fields(plain, (), DEFINITION_KEYS, "a definition") or {}
    drafts, repeated = read_all(fields, reading)
    start = begin_of(fields, "steps", (), reading)
    head = read_head(fields, reading)
    start, drafts, sound = resolved(start, drafts, repeated, report)
    _check_size(start, drafts, report)
    if sound:
        check_flow(start, drafts, report)
    check_undoing(head, drafts, report)
    check_locks(drafts, report)
    _check_queues(head, drafts, report)
    advise_names(reading, fields.get("input"), drafts)
    graph = None if report.failed else assemble(head, start, drafts)
    return Examined(graph, report.findings())


def _check_size(start: Routes, drafts: Mapping[str, Draft], report: Report) -> None:
    transitions = len(start.exits)
    for draft in drafts.values():
        begin = draft.begin.exits if draft.begin else ()
        transitions += len(draft.routes.exits) + len(draft.sides) + len(draft.offers) + len(begin)
    if transitions > MAX_TRANSITIONS:
        report.error(
            "TOO_MANY", f"expected at most {MAX_TRANSITIONS:,} transitions, but got {transitions:,}", ("steps",)
        )


def _check_queues(head: Graph, drafts: Mapping[str, Draft], report: Report) -> None:
    steps = [draft.step for draft in drafts.values()]
    used = {step.queue for step in steps if isinstance(step, TaskStep)}
    used |= {step.undo.queue for step in steps if isinstance(step, TaskStep | BlockStep | WorkflowStep) and step.undo}
    for name in head.queues:
        if name not in used:
            message = f"no task uses the queue {name!r}"
            report.warn(
                "QUEUE_NOT_USED",
                message,
                ("queues", name),
                report.nearest(name, sorted(used)),
                level="advice",
                at_key=True,
            )
