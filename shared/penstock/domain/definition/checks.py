"""What is wrong with the way work flows: steps that cannot be reached, joins that never fire, loops without exit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from penstock.domain.definition.draft import Draft
from penstock.domain.definition.findings import Report
from penstock.domain.definition.flow import cycles, reachable
from penstock.domain.definition.joins import check_joins
from penstock.domain.definition.model import BlockStep, EachStep, RouteStep, Step
from penstock.domain.definition.plan import Plan, plan_of
from penstock.domain.definition.routes import Routes


class _Whole(NamedTuple):
    """What is asked about the definition as a whole while one of its bodies is checked."""

    drafts: Mapping[str, Draft]
    cancelled: frozenset[str]
    finishes: bool
    automatic: frozenset[str]


def check_flow(start: Routes, drafts: Mapping[str, Draft], report: Report) -> None:
    """Report what can be told from the shape of each body alone."""
    bodies: dict[str, dict[str, Draft]] = {"": {}}
    for name, draft in drafts.items():
        _check_otherwise(draft, report)
        bodies.setdefault(draft.step.within, {})[name] = draft
    cancelled = (name for draft in drafts.values() for name in getattr(draft.step, "cancels", ()))
    whole = _Whole(
        drafts,
        frozenset(cancelled),
        any(isinstance(draft.step, RouteStep) and draft.step.finish for draft in drafts.values()),
        _automatic(drafts),
    )
    for name, body in bodies.items():
        begin = drafts[name].begin if name else start
        plan = plan_of(body, begin or Routes(sound=False))
        if all(routes.sound for routes in (plan.start, *(draft.routes for draft in plan.drafts))):
            _check_body(name, plan, whole, report)


def _check_body(name: str, plan: Plan, whole: _Whole, report: Report) -> None:
    seen = reachable(plan.edges, plan.root)
    for node, draft in enumerate(plan.drafts):
        if not seen[node]:
            begin = f"the start of {name!r}" if name else "the start"
            message = f"no path from {begin} leads to {draft.step.id!r}"
            advice = "name it in the `next` of another step, or remove it"
            report.at_key("UNREACHABLE", message, draft.path, advice, level="graph")
    loops = cycles(plan.edges)
    for loop in loops:
        if not _is_ended(name, plan, loop, whole):
            _check_exit(plan, loop, report)
    _check_automatic(name, plan, whole, report)
    check_joins(plan, loops, seen, report)


def _check_otherwise(draft: Draft, report: Report) -> None:
    exits = draft.routes.exits
    if not exits or exits[-1].otherwise or exits[-1].when in (None, "true") or not draft.routes.sound:
        return
    message = f"when no condition of {draft.step.id!r} holds, the step fails with NO_BRANCH_TAKEN"
    report.warn(
        "NO_OTHERWISE", message, exits[-1].path[:-2], "add `- otherwise: <step>`, or `- otherwise: end`", at_key=True
    )


def _is_ended(name: str, plan: Plan, loop: list[int], whole: _Whole) -> bool:
    """Whether something beside its own ways out may end a loop: what withdraws it, or what is around it."""
    inside = {plan.drafts[node].step.id for node in loop}
    if whole.finishes or inside & whole.cancelled:
        return True
    if any(draft.step.join == "enough" and draft.step.rest == "cancel" for draft in plan.drafts):
        return True
    return any(_ends_body(step) or step.id in whole.cancelled for step in _around(name, whole.drafts))


def _around(name: str, drafts: Mapping[str, Draft]) -> list[Step]:
    """The composite steps that the steps of a body are in."""
    found = []
    while name:
        found.append(drafts[name].step)
        name = drafts[name].step.within
    return found


def _ends_body(step: Step) -> bool:
    if step.timeout is not None or any(catch.cancel for catch in step.catches):
        return True
    return isinstance(step, EachStep) and step.rest == "cancel"


def _check_exit(plan: Plan, loop: list[int], report: Report) -> None:
    inside = {plan.drafts[node].step.id for node in loop}
    for node in loop:
        draft = plan.drafts[node]
        # a fork sends a token on around the loop whatever else it does
        if not plan.repeats(node) and any(e.target not in inside for e in draft.routes.exits):
            return
        ending = [exit_ for exit_, catch in zip(draft.sides, draft.step.catches, strict=False) if catch.cancel]
        if any(e.target not in inside for e in (*ending, *draft.sides[len(draft.step.catches) :])):
            return
    names = _listed([plan.drafts[node].step.id for node in loop])
    message = f"the loop of {names} has no way out"
    advice = "leave it by a branch: `next: [{when: …, next: …}, {otherwise: …}]`"
    report.at_key("CYCLE_WITHOUT_EXIT", message, plan.drafts[loop[0]].path, advice, level="graph")


def _automatic(drafts: Mapping[str, Draft]) -> frozenset[str]:
    """The steps that take no time: they do not wait, and neither does anything in them."""
    taking: set[str] = set()
    for draft in drafts.values():
        name = "" if isinstance(draft.step, RouteStep | BlockStep | EachStep) else draft.step.id
        while name and name not in taking:
            taking.add(name)
            name = drafts[name].step.within
    return frozenset(drafts.keys() - taking)


def _check_automatic(name: str, plan: Plan, whole: _Whole, report: Report) -> None:
    automatic = [draft.step.id in whole.automatic for draft in plan.drafts]
    edges = [
        tuple(target for target in targets if automatic[target]) if node < plan.root and automatic[node] else ()
        for node, targets in enumerate(plan.edges)
    ]
    for loop in cycles(edges):
        names = _listed([plan.drafts[node].step.id for node in loop])
        _warn_automatic(f"the loop of {names}", plan.drafts[loop[0]], report)
    if name and name in whole.automatic:
        draft = whole.drafts[name]
        if isinstance(draft.step, BlockStep) and draft.step.loop:
            _warn_automatic(f"the loop {name!r}", draft, report)


def _warn_automatic(what: str, draft: Draft, report: Report) -> None:
    message = f"{what} has no task and no wait, so it spins until it leaves or fails with LOOP_LIMIT"
    report.warn("AUTOMATIC_LOOP", message, draft.path, "put a `wait` into it", at_key=True)


def _listed(names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown
