"""Where tokens go by themselves: into the next step, or nowhere yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping

from penstock.domain.definition.model import BYPASS, BlockStep, RouteStep, Step
from penstock.domain.definition.upstream import between, upstream
from penstock.domain.errors import ErrorCode, defective
from penstock.domain.execution import events as e
from penstock.domain.execution.moment import Moment
from penstock.domain.execution.places import inside
from penstock.domain.execution.state import Execution, ExecutionState, Wave
from penstock.domain.execution.tasks import entry_of, try_again
from penstock.domain.execution.withdrawal import cancelled
from penstock.domain.steps import table

Token = tuple[int, str]
"""A scope and the transition on which the token lies."""

Events = tuple[e.ExecutionEvent, ...]


def move(state: Execution, token: Token, at: Moment) -> Events:
    """The events by which the token enters its step; none while a join waits for others, or the token has gone."""
    scope, transition = token
    lying = state.tokens.get(scope, {})
    if not lying.get(transition):
        return ()
    step = at.definition.graph.steps[at.definition.target(transition)]
    if step.join == "any" or transition.startswith(BYPASS):
        return enter(state, step, scope, (transition,), at)
    match step.join:
        case "all":
            ready = all(lying.get(incoming) for incoming in step.incoming)
            return enter(state, step, scope, step.incoming, at) if ready else ()
        case "threads":
            gathered = _gathered(step, lying)
            return enter(state, step, scope, gathered, at) if gathered else ()
        case "enough":
            return _arrived(state, step, scope, transition, at)
        case _:
            return ()


def enter(state: Execution, step: Step, scope: int, consumed: tuple[str, ...], at: Moment) -> Events:
    """A token enters, or, where the step has a lock, waits in it for that first."""
    visit = state.next_visit
    if visit > at.definition.graph.max_visits:
        message = f"expected at most {at.definition.graph.max_visits} visits in one execution"
        failure = defective(ErrorCode.LOOP_LIMIT, message)
        return (e.StepFailed(visit=visit, step=step.id, scope=scope, consumed=consumed, failure=failure),)
    return _line_up(visit, step, scope, consumed, at) or table.enter(step, entry_of(state, visit, scope, consumed, at))


def again(state: Execution, number: int, at: Moment) -> Events:
    """A failed visit is entered again; where it has no lock, it gets into line for it once more."""
    visit = state.visits[number]
    step = at.definition.graph.steps.get(visit.step)
    if step is not None and number not in state.locks and not getattr(visit, "attempt", 0):
        lining_up = _line_up(number, step, visit.scope, (), at, request=state.next_visit)
        if lining_up:
            return lining_up
    return try_again(state, number, at)


def synchronised(state: Execution, scopes: Collection[int], at: Moment) -> Events:
    """
    The first synchronising join in ``scopes`` that nothing can reach any more, entered; asked when nothing else can
    move. A join depends on its own scope only, so that those in which nothing has happened need not be asked.

    Joins that only wait for one another go on in the order of the definition.
    """
    order, targets = at.definition.synchronising, at.definition.target
    asked = {
        (order[join], scope, join)
        for scope in scopes
        for t in state.tokens.get(scope, ())
        if (join := targets(t)) in order
    }
    waiting = [(scope, at.definition.graph.steps[join]) for _, scope, join in sorted(asked)]
    held = []
    for scope, step in waiting:
        visits, tokens = _reaching(state, scope, step, at)
        if not visits and not tokens:
            return _enter_taken(state, scope, step, at)
        if not visits:
            held.append((scope, step))
    return _enter_taken(state, *held[0], at) if held else ()


def withdrawn_before(state: Execution, step: Step, scope: int, at: Moment) -> Events:
    """What a join cancels when it has enough: what could still arrive at it."""
    return withdrawn_steps(state, between(at.definition, step.id), scope, at, f"{step.id} has enough", join=step.id)


def withdrawn_steps(
    state: Execution,
    steps: frozenset[str],
    scope: int,
    at: Moment,
    reason: str,
    *,
    join: str = "",
    spare: tuple[str, ...] = (),
) -> Events:
    """
    The visits of ``steps`` in ``scope``, the latest first, with what is in them, and the tokens before them, and before
    ``join``; not those that were just put down, on ``spare``.
    """
    inner = [n for n, visit in state.visits.items() if visit.scope == scope and visit.step in steps]
    gone = sorted({each for n in inner for each in (n, *inside(state, n))}, reverse=True)
    tokens = tuple(
        transition
        for transition, count in state.tokens.get(scope, {}).items()
        if _goes_to(at.definition.target(transition), transition, steps, join)
        for _ in range(count - spare.count(transition))
    )
    withdrawn = (e.TokensWithdrawn(scope=scope, consumed=tokens),) if tokens else ()
    return (*(cancelled(state, number, reason) for number in gone), *withdrawn)


def placed(before: ExecutionState, event: e.ExecutionEvent, after: ExecutionState) -> Iterable[Token]:
    """The tokens that may be able to move because of ``event``."""
    taken: tuple[str, ...] = getattr(event, "taken", ())
    tokens: list[Token] = []
    if taken:
        scope = scope_of(before, event)
        tokens = [(scope, transition) for transition in taken]
    if isinstance(event, e.BranchArrived) and event.ends and isinstance(after, Execution):
        # those that were held back can begin the next wave
        tokens.extend((event.scope, transition) for transition in after.tokens.get(event.scope, {}))
    return tokens


def scope_of(before: ExecutionState, event: e.ExecutionEvent) -> int:
    """Where an event puts its tokens: into a body, into the scope that it names, else into that of its visit."""
    if isinstance(event, e.BlockStarted | e.CopyStarted):
        return event.visit
    scope: int | None = getattr(event, "scope", None)
    if scope is not None:
        return scope
    left = before.visits.get(getattr(event, "visit", 0)) if isinstance(before, Execution) else None
    return left.scope if left is not None else 0


def lying(state: Execution) -> Iterator[Token]:
    """Every token of the execution, as often as it lies there."""
    for scope, transitions in state.tokens.items():
        for transition, count in transitions.items():
            yield from ((scope, transition),) * count


def _arrived(state: Execution, step: Step, scope: int, transition: str, at: Moment) -> Events:
    """A token at a join that waits for enough of its ways in."""
    wave = state.waves.get(scope, {}).get(step.id, Wave())
    again = transition in wave.arrived
    if again and step.rest == "hold":
        return ()
    arrived = len(wave.arrived) + (not again)
    fires = not wave.fired and not again and arrived >= step.enough
    ends = arrived >= len(step.incoming) or (fires and step.rest == "cancel")
    return (
        e.BranchArrived(
            step=step.id,
            scope=scope,
            consumed=(transition,),
            taken=(BYPASS + step.id,) if fires else (),
            ends=ends,
        ),
    )


def _gathered(step: Step, lying: Mapping[str, int]) -> tuple[str, ...]:
    """As many tokens as the step waits for, those of the first ways in first; none while there are too few."""
    tokens = list(Counter({way: lying.get(way, 0) for way in step.incoming}).elements())
    return tuple(tokens[: step.enough]) if len(tokens) >= step.enough else ()


def _goes_to(target: str, transition: str, steps: frozenset[str], join: str) -> bool:
    """Whether a token is one that a join cancels: not the one that goes on from it."""
    return target in steps or (target == join and not transition.startswith(BYPASS))


def _line_up(
    visit: int, step: Step, scope: int, consumed: tuple[str, ...], at: Moment, *, request: int | None = None
) -> Events:
    lock = _lock_of(step, scope, at)
    if lock is None:
        return ()
    requested = e.LockRequested(
        visit=visit, step=step.id, scope=scope, consumed=consumed, lock=lock, shared=step.shared, request=request
    )
    return (requested,)


def _lock_of(step: Step, scope: int, at: Moment) -> str | None:
    if step.lock is not None:
        return step.lock
    if step.within and not isinstance(step, RouteStep):
        body = at.definition.graph.steps[step.within]
        if isinstance(body, BlockStep) and body.one_at_a_time:
            return f"{body.id}#{scope}"
    return None


def _enter_taken(state: Execution, scope: int, step: Step, at: Moment) -> Events:
    lying = state.tokens[scope]
    return enter(state, step, scope, tuple(way for way in step.incoming if lying.get(way)), at)


def _reaching(state: Execution, scope: int, step: Step, at: Moment) -> tuple[bool, bool]:
    """Whether an open visit, and whether a token elsewhere, can still reach a way in that is empty."""
    lying, found = state.tokens[scope], upstream(at.definition, step.id)
    reaching = 0
    for way, steps in found.reaching.items():
        if not lying.get(way):
            reaching |= steps

    def reaches(name: str) -> bool:
        number = found.number.get(name)  # a task that was added by hand has none
        return number is not None and bool(reaching >> number & 1)

    visits = any(visit.scope == scope and reaches(visit.step) for visit in state.visits.values())
    return visits, any(reaches(at.definition.target(transition)) for transition in lying)
