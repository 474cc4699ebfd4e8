"""Joins that wait for what cannot come, or do not wait for what will."""

from __future__ import annotations

from typing import Final

from penstock.domain.definition.draft import Draft
from penstock.domain.definition.findings import Path, Report
from penstock.domain.definition.flow import Dominance
from penstock.domain.definition.model import RouteStep
from penstock.domain.definition.plan import Plan

_MAX_REGION: Final = 200


def check_joins(plan: Plan, loops: list[list[int]], seen: list[bool], report: Report) -> None:
    """Report them; only what is ``seen`` is looked at, because the rest has a finding already."""
    _Joins(plan, loops, report).check(seen)


class _Joins:
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
            match draft.step.join:
                case "all" | "enough" | "taken":
                    self._check_waiting(node, sources, draft, forkless)
                case "any" if len(sources) > 1:
                    self._check_any(node, sources, draft)

    def _check_waiting(self, node: int, sources: tuple[int, ...], draft: Draft, forkless: bool) -> None:
        here: Path = (*draft.path, "join")
        step, name = draft.step, draft.step.id
        needed = step.enough if step.join == "enough" else len(sources)
        if step.join == "enough" and needed > len(sources):
            ways = f"{len(sources)} path{'s lead' if len(sources) != 1 else ' leads'} to it"
            message = f"{name!r} can never fire: it waits for {needed}, but {ways}"
            self._never(message, (*here, "enough"), f"write at most {len(sources)}")
        elif len(sources) == 1:
            how = f"joins {step.join}" if step.join != "enough" else "waits for enough"
            message = f"{name!r} {how}, but only one path leads to it"
            self._report.warn("JOIN_OF_ONE", message, here, "remove `join`")
        elif step.join != "taken" and needed > 1:
            behind = [source for source in sources if self._dominance.dominates(node, source)]
            if needed > len(sources) - len(behind):
                after = self._plan.drafts[behind[0]].step.id
                message = f"{name!r} can never fire: it waits for {after!r}, which only it leads to"
                self._never(message, here, "use `join: any`")
            elif forkless or self._one_of(node, sources):
                message = f"{name!r} can never fire: only one of the paths that it waits for is ever taken"
                self._never(message, here, "use `join: any`")
            elif self._plan.includes(self._dominance.above[node]):
                self._may_lack(node, draft)

    def _never(self, message: str, path: Path, advice: str) -> None:
        self._report.at_key("JOIN_NEVER_FIRES", message, path, advice, level="graph")

    def _may_lack(self, node: int, draft: Draft) -> None:
        above = self._plan.drafts[self._dominance.above[node]].step.id
        message = f"{draft.step.id!r} waits for paths that {above!r} may not take: then it fails with JOIN_UNREACHABLE"
        advice = "write `join: taken` to wait for those that are taken"
        self._report.warn("JOIN_MAY_LACK", message, (*draft.path, "join"), advice, level="advice")

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
        if isinstance(draft.step, RouteStep) and (draft.step.cancels or draft.step.finish):
            return  # the first that comes ends the others
        forward = [source for source in sources if not self._dominance.dominates(node, source)]
        if len(forward) > 1 and self._plan.divides(self._dominance.above[node]):
            message = f"{draft.step.id!r} is entered once for each of the parallel paths that lead to it"
            inclusive = self._plan.includes(self._dominance.above[node])
            advice = f"write `join: {'taken' if inclusive else 'all'}` to wait for all of them"
            self._report.warn("PARALLEL_MERGE", message, draft.path, advice, level="advice", at_key=True)

    def _entered_once(self, node: int) -> bool:
        """Whether ``node`` is entered at most once in an execution. Each round asks about one node further up."""
        asked = []
        while node not in self._single:
            asked.append(node)
            sources = [s for s in self._plan.incoming[node] if self._dominance.above[s] != -1]
            above = self._dominance.above[node]
            if node in self._looping or node in self._plan.offered:
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
