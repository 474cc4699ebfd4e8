"""What is wrong with the way work flows: steps that cannot be reached, joins that never fire, loops without exit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from penstock.domain.definition.findings import Report
from penstock.domain.definition.flow import Dominance, cycles, reachable
from penstock.domain.definition.kinds import Draft
from penstock.domain.definition.model import RouteStep
from penstock.domain.definition.routes import Routes

_MAX_REGION: Final = 200


@dataclass(frozen=True, slots=True)
class Plan:
    """The drafts as a graph of numbers; ``root`` is the place before the first step."""

    drafts: tuple[Draft, ...]
    start: Routes
    edges: tuple[tuple[int, ...], ...]
    incoming: tuple[tuple[int, ...], ...]
    root: int

    def forks(self, node: int) -> bool:
        """Whether more tokens leave ``node`` than enter it."""
        routes = self.start if node == self.root else self.drafts[node].routes
        return (routes.split == "parallel" or node == self.root) and len(routes.exits) > 1

    def waits_for_all(self, node: int) -> bool:
        return node != self.root and self.drafts[node].step.join == "all"


def plan_of(drafts: Mapping[str, Draft], start: Routes) -> Plan:
    """``drafts`` as numbers, in their order; references that lead nowhere are left out."""
    number = {name: place for place, name in enumerate(drafts)}
    routes = [draft.routes for draft in drafts.values()] + [start]
    edges = tuple(tuple(number[e.target] for e in route.exits if e.target in number) for route in routes)
    incoming: list[list[int]] = [[] for _ in routes]
    for source, targets in enumerate(edges):
        for target in targets:
            incoming[target].append(source)
    return Plan(tuple(drafts.values()), start, edges, tuple(tuple(sources) for sources in incoming), len(drafts))


def check_flow(plan: Plan, report: Report) -> None:
    """Report what can be told from the shape of the graph alone."""
    for draft in plan.drafts:
        _check_otherwise(draft, report)
    if not all(routes.sound for routes in (plan.start, *(draft.routes for draft in plan.drafts))):
        return
    seen = reachable(plan.edges, plan.root)
    for node, draft in enumerate(plan.drafts):
        if not seen[node]:
            message = f"no path from the start leads to {draft.step.id!r}"
            advice = "name it in the `next` of another step, or remove it"
            report.at_key("UNREACHABLE", message, draft.path, advice, level="graph")
    loops = cycles(plan.edges)
    for loop in loops:
        _check_exit(plan, loop, report)
    _check_automatic(plan, report)
    _Joins(plan, loops, report).check(seen)


def _check_otherwise(draft: Draft, report: Report) -> None:
    exits = draft.routes.exits
    if not exits or exits[-1].otherwise or exits[-1].when in (None, "true") or not draft.routes.sound:
        return
    message = f"when no condition of {draft.step.id!r} holds, the step fails with NO_BRANCH_TAKEN"
    report.warn(
        "NO_OTHERWISE", message, exits[-1].path[:-2], "add `- otherwise: <step>`, or `- otherwise: end`", at_key=True
    )


def _check_exit(plan: Plan, loop: list[int], report: Report) -> None:
    inside = {plan.drafts[node].step.id for node in loop}
    for node in loop:
        # a fork sends a token on around the loop whatever else it does
        if not plan.forks(node) and any(e.target not in inside for e in plan.drafts[node].routes.exits):
            return
    names = _listed([plan.drafts[node].step.id for node in loop])
    message = f"the loop of {names} has no way out"
    advice = "leave it by a branch: `next: [{when: …, next: …}, {otherwise: …}]`"
    report.at_key("CYCLE_WITHOUT_EXIT", message, plan.drafts[loop[0]].path, advice, level="graph")


def _check_automatic(plan: Plan, report: Report) -> None:
    automatic = [isinstance(draft.step, RouteStep) for draft in plan.drafts]
    edges = [
        tuple(target for target in targets if automatic[target]) if node < plan.root and automatic[node] else ()
        for node, targets in enumerate(plan.edges)
    ]
    for loop in cycles(edges):
        names = _listed([plan.drafts[node].step.id for node in loop])
        message = f"the loop of {names} has no task and no wait, so it spins until it leaves or fails with LOOP_LIMIT"
        report.warn("AUTOMATIC_LOOP", message, plan.drafts[loop[0]].path, "put a `wait` into it", at_key=True)


class _Joins:
    """Joins that wait for what cannot come, or do not wait for what will."""

    def __init__(self, plan: Plan, loops: list[list[int]], report: Report) -> None:
        self._plan = plan
        self._report = report
        self._looping = {node for loop in loops for node in loop}
        self._dominance = Dominance(plan.edges, plan.root)
        self._single: dict[int, bool] = {plan.root: True}

    def check(self, seen: list[bool]) -> None:
        """Only what can be reached is looked at; the rest has a finding already."""
        plan = self._plan
        forkless = not any(plan.forks(node) for node in range(plan.root + 1) if seen[node])
        for node, draft in enumerate(plan.drafts):
            if not seen[node]:
                continue
            sources = tuple(source for source in plan.incoming[node] if seen[source])
            if draft.step.join == "all":
                self._check_all(node, sources, draft, forkless)
            elif len(sources) > 1:
                self._check_any(node, sources, draft)

    def _check_all(self, node: int, sources: tuple[int, ...], draft: Draft, forkless: bool) -> None:
        here = (*draft.path, "join")
        name = draft.step.id
        if len(sources) == 1:
            message = f"{name!r} joins all, but only one path leads to it"
            self._report.warn("JOIN_OF_ONE", message, here, "remove `join: all`")
            return
        for source in sources:
            if self._dominance.dominates(node, source):
                behind = self._plan.drafts[source].step.id
                message = f"{name!r} can never fire: it waits for {behind!r}, which only it leads to"
                self._report.at_key("JOIN_NEVER_FIRES", message, here, "use `join: any`", level="graph")
                return
        if forkless or self._one_of(node, sources):
            message = f"{name!r} can never fire: only one of the paths that it waits for is ever taken"
            self._report.at_key("JOIN_NEVER_FIRES", message, here, "use `join: any`", level="graph")

    def _one_of(self, node: int, sources: tuple[int, ...]) -> bool:
        """Whether no more than one token can ever arrive at ``node``. False also where that is too hard to tell."""
        above = self._dominance.above[node]
        return (
            node not in self._looping
            and not self._plan.forks(above)
            and self._forkless_between(above, sources)
            and self._entered_once(above)
        )

    def _check_any(self, node: int, sources: tuple[int, ...], draft: Draft) -> None:
        forward = [source for source in sources if not self._dominance.dominates(node, source)]
        if len(forward) > 1 and self._plan.forks(self._dominance.above[node]):
            message = f"{draft.step.id!r} is entered once for each of the parallel paths that lead to it"
            advice = "write `join: all` to wait for all of them"
            self._report.warn("PARALLEL_MERGE", message, draft.path, advice, level="advice", at_key=True)

    def _entered_once(self, node: int) -> bool:
        """Whether ``node`` is entered at most once in an execution. Each round asks about one node further up."""
        asked = []
        while node not in self._single:
            asked.append(node)
            sources = [s for s in self._plan.incoming[node] if self._dominance.above[s] != -1]
            above = self._dominance.above[node]
            if node in self._looping:
                self._single[node] = False
            elif len(sources) == 1 or self._plan.waits_for_all(node):
                node = sources[0]
            elif self._plan.forks(above) or not self._forkless_between(above, tuple(sources)):
                self._single[node] = False
            else:
                node = above
        answer = self._single[node]
        for each in asked:
            self._single[each] = answer
        return answer

    def _forkless_between(self, above: int, sources: tuple[int, ...]) -> bool:
        """Whether nothing forks between ``above`` and the ``sources``; a region that is too large counts as forking."""
        seen = {above}
        pending = [source for source in sources if source != above]
        while pending:
            node = pending.pop()
            if node in seen:
                continue
            seen.add(node)
            if self._plan.forks(node) or len(seen) > _MAX_REGION:
                return False
            pending.extend(s for s in self._plan.incoming[node] if self._dominance.above[s] != -1)
        return True


def _listed(names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:5])
    return f"{shown} and {len(names) - 5} more" if len(names) > 5 else shown
