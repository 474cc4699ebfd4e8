"""What steps and definitions written in Python are given beside plain values: retries, joins, catches, triggers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias, TypedDict

from penstock.domain.definition.model import Join, Rest
from penstock.domain.errors import FailureKind
from penstock.log.topics import DEFAULT_QUEUE
from penstock.sdk.plain import given
from penstock.sdk.steps import Duration, Steps, Target
from penstock.sdk.task import Handler, handlers_of

Work: TypeAlias = str | Handler | Callable[..., Any]
"""A type of task, or the function with ``@task`` that does it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """
    How a failed task is tried again; what is None is as in the definition language when absent.

    ``undo_first``: the step's ``undo`` runs for a failed attempt before the next one.
    """

    attempts: int | None = None
    backoff: Duration | None = None
    factor: float | None = None
    cap: Duration | None = None
    jitter: float | None = None
    never: Sequence[str] | None = None
    undo_first: bool | None = None

    def to_dict(self) -> dict[str, Any]:
        return given(
            attempts=self.attempts,
            backoff=self.backoff,
            factor=self.factor,
            cap=self.cap,
            jitter=self.jitter,
            never=self.never,
            undo_first=self.undo_first,
        )


@dataclass(frozen=True, slots=True)
class Undo:
    """The task that undoes a step once it was completed; ``input`` sees the ``output`` of the step."""

    task: Work
    input: Any = None
    queue: str | None = None
    retry: Retry | None = None
    timeout: Duration | None = None

    def to_dict(self) -> dict[str, Any]:
        """
        As it stands in YAML.

        Raises:
            HandlerInvalid: ``task`` is a function without ``@task``.

        """
        type_, own_queue = type_and_queue(self.task)
        return given(
            task=type_,
            input=self.input,
            queue=self.queue or own_queue,
            retry=None if self.retry is None else self.retry.to_dict(),
            timeout=self.timeout,
        )


@dataclass(frozen=True, slots=True)
class Enough:
    """The join that is entered when ``count`` of the ways in have arrived; ``rest`` says what becomes of the others."""

    count: int
    rest: Rest | None = None


@dataclass(frozen=True, slots=True)
class Threads:
    """The join that is entered when ``count`` tokens lie before it, whichever way they came."""

    count: int


@dataclass(frozen=True, slots=True)
class SharedLock:
    """A lock of all executions."""

    name: str


@dataclass(frozen=True, slots=True)
class On:
    """What happens while a step is open, and where that leads; made by the functions ``on_…``."""

    source: Mapping[str, Any]
    next: Target | None = None

    def to_dict(self, steps: Steps) -> dict[str, Any]:
        return {**self.source, **({} if self.next is None else {"next": steps.id_of(self.next)})}


class Shared(TypedDict, total=False):
    """
    What every step can have.

    ``join`` says how it is entered where several ways lead to it, ``catch`` what else can happen while it is open;
    ``offers`` are steps that may be started meanwhile. Only one step with the same ``lock`` is open at a time.
    """

    name: str | None
    join: Join | Enough | Threads | None
    catch: Sequence[On] | None
    lock: str | SharedLock | None
    offers: Sequence[Target] | None


def on_error(
    *codes: str,
    kind: FailureKind | Sequence[FailureKind] | None = None,
    next: Target | None = None,  # noqa: A002
    set: Mapping[str, Any] | None = None,  # noqa: A002
) -> On:
    """A failure with one of these codes, or with any, and of this ``kind``; ``set`` sees it as ``error``."""
    return On(given(error=_codes(codes), **{"class": kind}, set=set), next)


def on_escalation(
    *codes: str,
    next: Target | None = None,  # noqa: A002
    set: Mapping[str, Any] | None = None,  # noqa: A002
    cancel: bool | None = None,
) -> On:
    """An escalation with one of these codes, or with any, from within; the step goes on unless ``cancel``."""
    return On(given(escalation=_codes(codes), set=set, cancel=cancel), next)


def on_message(
    name: str,
    key: str,
    *,
    next: Target | None = None,  # noqa: A002
    set: Mapping[str, Any] | None = None,  # noqa: A002
    cancel: bool | None = None,
) -> On:
    """A message with this correlation key; ``set`` sees its payload as ``output``."""
    return On(given(message=name, key=key, set=set, cancel=cancel), next)


def on_signal(
    name: str,
    *,
    next: Target | None = None,  # noqa: A002
    set: Mapping[str, Any] | None = None,  # noqa: A002
    cancel: bool | None = None,
) -> On:
    """A signal; ``set`` sees its payload as ``output``."""
    return On(given(signal=name, set=set, cancel=cancel), next)


def on_timer(
    after: Duration | None = None,
    *,
    until: datetime | str | None = None,
    cron: str | None = None,
    timezone: str | None = None,
    next: Target | None = None,  # noqa: A002
    set: Mapping[str, Any] | None = None,  # noqa: A002
    cancel: bool | None = None,
) -> On:
    """A length of time, a moment, or (in ``first``) the next tick of a cron expression."""
    moment = moment_text(until)
    return On(given(after=after, until=moment, cron=cron, timezone=timezone, set=set, cancel=cancel), next)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """What starts executions by itself: one of ``message``, ``cron``, ``every`` and ``hook``."""

    message: str | None = None
    cron: str | None = None
    every: Duration | None = None
    hook: str | None = None
    timezone: str | None = None
    catch_up: Literal["none", "one", "all"] | None = None
    input: Any = None
    business_key: str | None = None

    def to_dict(self) -> dict[str, Any]:
        return given(
            message=self.message,
            cron=self.cron,
            every=self.every,
            hook=self.hook,
            timezone=self.timezone,
            catch_up=self.catch_up,
            input=self.input,
            business_key=self.business_key,
        )


def type_and_queue(work: Work) -> tuple[str, str | None]:
    """The type of task that ``work`` is, and its queue if that is not the default one."""
    if isinstance(work, str):
        return work, None
    (handler,) = handlers_of((work,))
    return handler.type, None if handler.queue == DEFAULT_QUEUE else handler.queue


def moment_text(until: datetime | str | None) -> str | None:
    return until.isoformat() if isinstance(until, datetime) else until


def shared_source(shared: Shared, steps: Steps) -> tuple[dict[str, Any], dict[str, Any]]:
    """What ``shared`` is in YAML: the keys that stand before those of the kind, and those that stand behind them."""
    catch, offers = shared.get("catch"), shared.get("offers")
    return (
        given(name=shared.get("name"), join=_join(shared.get("join"))),
        given(
            catch=None if catch is None else [one.to_dict(steps) for one in catch],
            lock=_lock(shared.get("lock")),
            offers=None if offers is None else steps.ids_of(offers),
        ),
    )


def _join(join: Join | Enough | Threads | None) -> Any:
    match join:
        case Enough(count, rest):
            return given(enough=count, rest=rest)
        case Threads(count):
            return {"threads": count}
        case _:
            return join


def _lock(lock: str | SharedLock | None) -> Any:
    return {"name": lock.name, "shared": True} if isinstance(lock, SharedLock) else lock


def _codes(codes: tuple[str, ...]) -> str | list[str]:
    if not codes:
        return "any"
    return codes[0] if len(codes) == 1 else list(codes)
