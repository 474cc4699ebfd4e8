"""Where steps are added in Python: a definition, or the body of a block, a loop or a for-each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Unpack

from penstock.sdk.clauses import On, Retry, Shared, Undo, Work, moment_text, shared_source, type_and_queue
from penstock.sdk.plain import given, plain
from penstock.sdk.steps import Branch, Duration, Step, Steps, StepWithNext, Target, refuse


class Body:
    """Steps in the order of the calls; it starts with the first of them."""

    def __init__(self, steps: Steps, holder: dict[str, Any]) -> None:
        self._body = steps
        self._holder = holder
        """What the start is written into."""

    def task(
        self,
        id: str,  # noqa: A002 - the word of the definition language, as all here
        work: Work,
        *,
        input: Any = None,  # noqa: A002
        output: Mapping[str, Any] | None = None,
        retry: Retry | None = None,
        timeout: Duration | None = None,
        heartbeat: Duration | None = None,
        start_within: Duration | None = None,
        queue: str | None = None,
        undo: Undo | None = None,
        **shared: Unpack[Shared],
    ) -> StepWithNext:
        """
        Work for a worker. Of a function with ``@task`` the type is taken, and its queue unless another is given.

        Raises:
            HandlerInvalid: ``work`` is a function without ``@task``.

        """
        type_, own_queue = type_and_queue(work)
        own = given(
            input=input,
            output=output,
            retry=None if retry is None else retry.to_dict(),
            timeout=timeout,
            heartbeat=heartbeat,
            start_within=start_within,
            queue=queue or own_queue,
            undo=None if undo is None else undo.to_dict(),
        )
        return self._body.add(id, self._written({"task": type_}, own, shared))

    def wait(
        self,
        id: str,  # noqa: A002
        duration: Duration | None = None,
        /,
        *,
        until: datetime | str | None = None,
        cron: str | None = None,
        timezone: str | None = None,
        message: str | None = None,
        key: str | None = None,
        signal: str | None = None,
        output: Mapping[str, Any] | None = None,
        timeout: Duration | None = None,
        **shared: Unpack[Shared],
    ) -> StepWithNext:
        """
        One of: a while, until a moment (without a zone it is UTC), the next tick of ``cron``, a message, a signal.

        ``output`` takes over what a message or a signal brings.
        """
        event = given(until=moment_text(until), cron=cron, timezone=timezone, message=message, key=key, signal=signal)
        if duration is not None and event:
            refuse("CONFLICT", f"expected a duration or `{next(iter(event))}`, but got both", ("steps", id, "wait"))
        kind = {"wait": event or plain(duration)}
        return self._body.add(id, self._written(kind, given(output=output, timeout=timeout), shared))

    def first(
        self,
        id: str,  # noqa: A002
        event: On,
        /,
        *more: On,
        timeout: Duration | None = None,
        **shared: Unpack[Shared],
    ) -> StepWithNext:
        """The first of these events; one that leads nowhere of its own goes on as the step does."""
        events = [one.to_dict(self._body) for one in (event, *more)]
        return self._body.add(id, self._written({"first": events}, given(timeout=timeout), shared))

    def choose(self, id: str, branch: Branch, /, *more: Branch, **shared: Unpack[Shared]) -> Step:  # noqa: A002
        """The first branch that holds."""
        branches = self._body.branches_of((branch, *more))
        return self._body.add_fork(id, self._written({"choose": branches}, {}, shared))

    def include(self, id: str, branch: Branch, /, *more: Branch, **shared: Unpack[Shared]) -> Step:  # noqa: A002
        """Every branch that holds."""
        branches = self._body.branches_of((branch, *more))
        return self._body.add_fork(id, self._written({"include": branches}, {}, shared))

    def parallel(self, id: str, step: Target, /, *more: Target, **shared: Unpack[Shared]) -> Step:  # noqa: A002
        """All of these steps."""
        targets = self._body.ids_of((step, *more))
        return self._body.add_fork(id, self._written({"parallel": targets}, {}, shared))

    def threads(self, id: str, count: int | str, /, **shared: Unpack[Shared]) -> StepWithNext:  # noqa: A002
        """So many tokens on the same way: a number, or a template of one."""
        return self._body.add(id, self._written({"threads": count}, {}, shared))

    def set(self, id: str, variables: Mapping[str, Any], **shared: Unpack[Shared]) -> StepWithNext:  # noqa: A002
        """Variables and the templates that set them, from the variables as they were before."""
        return self._body.add(id, self._written({"set": plain(variables)}, {}, shared))

    def pass_(self, id: str, **shared: Unpack[Shared]) -> StepWithNext:  # noqa: A002
        """Nothing: a place to join, or to end."""
        return self._body.add(id, self._written({"pass": True}, {}, shared))

    def send(
        self,
        id: str,  # noqa: A002
        *,
        message: str | None = None,
        key: str | None = None,
        signal: str | None = None,
        payload: Any = None,
        keep: Duration | None = None,
        **shared: Unpack[Shared],
    ) -> StepWithNext:
        """A message, kept for ``keep`` until one waits for it; or a signal to all who wait for it now."""
        sent = given(message=message, key=key, signal=signal, payload=payload, keep=keep)
        return self._body.add(id, self._written({"send": sent}, {}, shared))

    def cancel(self, id: str, step: Target, /, *more: Target, **shared: Unpack[Shared]) -> StepWithNext:  # noqa: A002
        """Withdraw these steps of the same body."""
        targets = self._body.ids_of((step, *more))
        return self._body.add(id, self._written({"cancel": targets}, {}, shared))

    def fail(self, id: str, code: str, message: str | None = None, **shared: Unpack[Shared]) -> Step:  # noqa: A002
        """Fail with this code: the nearest ``on_error`` around takes it."""
        return self._body.add_fork(id, self._written({"fail": _thrown(code, message)}, {}, shared))

    def escalate(
        self,
        id: str,  # noqa: A002
        code: str,
        message: str | None = None,
        **shared: Unpack[Shared],
    ) -> StepWithNext:
        """Tell the nearest step around that has an ``on_escalation`` for it, and go on."""
        return self._body.add(id, self._written({"escalate": _thrown(code, message)}, {}, shared))

    def finish(self, id: str, **shared: Unpack[Shared]) -> Step:  # noqa: A002
        """End the whole execution as completed."""
        return self._body.add_fork(id, self._written({"finish": True}, {}, shared))

    def compensate(
        self,
        id: str,  # noqa: A002
        /,
        *steps: Target,
        order: Literal["reverse", "parallel"] | None = None,
        **shared: Unpack[Shared],
    ) -> StepWithNext:
        """Undo what was completed: of these steps, or everything."""
        targets: Any = self._body.ids_of(steps) if steps else "all"
        return self._body.add(id, self._written({"compensate": targets}, given(order=order), shared))

    def block(
        self,
        id: str,  # noqa: A002
        *,
        variables: Mapping[str, Any] | None = None,
        one_at_a_time: bool | None = None,
        timeout: Duration | None = None,
        undo: Undo | None = None,
        **shared: Unpack[Shared],
    ) -> Composite:
        """A region; its steps are added to the ``body`` of what this gives."""
        return self._composite(id, {}, shared, _block(variables, one_at_a_time, timeout, undo))

    def while_(
        self,
        id: str,  # noqa: A002
        condition: str | bool,
        *,
        at_most: int | None = None,
        variables: Mapping[str, Any] | None = None,
        one_at_a_time: bool | None = None,
        timeout: Duration | None = None,
        undo: Undo | None = None,
        **shared: Unpack[Shared],
    ) -> Composite:
        """A loop that asks before each round; its steps are added to the ``body`` of what this gives."""
        own = {**given(at_most=at_most), **_block(variables, one_at_a_time, timeout, undo)}
        return self._composite(id, {"while": condition}, shared, own)

    def until(
        self,
        id: str,  # noqa: A002
        condition: str | bool,
        *,
        at_most: int | None = None,
        variables: Mapping[str, Any] | None = None,
        one_at_a_time: bool | None = None,
        timeout: Duration | None = None,
        undo: Undo | None = None,
        **shared: Unpack[Shared],
    ) -> Composite:
        """A loop that asks after each round; its steps are added to the ``body`` of what this gives."""
        own = {**given(at_most=at_most), **_block(variables, one_at_a_time, timeout, undo)}
        return self._composite(id, {"until": condition}, shared, own)

    def each(
        self,
        id: str,  # noqa: A002
        items: Any,
        *,
        as_: str | None = None,
        at_once: int | Literal["all"] | None = None,
        variables: Mapping[str, Any] | None = None,
        collect: Any = None,
        into: str | None = None,
        enough: int | str | None = None,
        rest: Literal["ignore", "cancel"] | None = None,
        await_: bool | None = None,
        timeout: Duration | None = None,
        **shared: Unpack[Shared],
    ) -> Composite:
        """A copy of the ``body`` for each item of a list, or so many copies."""
        own = given(
            at_once=at_once,
            variables=variables,
            collect=collect,
            into=into,
            enough=enough,
            rest=rest,
            timeout=timeout,
        )
        named = {key: value for key, value in (("as", as_), ("await", await_)) if value is not None}
        return self._composite(id, {"each": plain(items)}, shared, {**named, **own})

    def workflow(
        self,
        id: str,  # noqa: A002
        workflow: str,
        *,
        version: str | None = None,
        input: Any = None,  # noqa: A002
        output: Mapping[str, Any] | None = None,
        await_: bool | None = None,
        timeout: Duration | None = None,
        undo: Undo | None = None,
        **shared: Unpack[Shared],
    ) -> StepWithNext:
        """An execution of another definition: of ``version``, or the latest when it starts."""
        own = given(
            version=version,
            input=input,
            output=output,
            timeout=timeout,
            undo=None if undo is None else undo.to_dict(),
        )
        own |= {} if await_ is None else {"await": await_}
        return self._body.add(id, self._written({"workflow": workflow}, own, shared))

    def start_with(self, step: Target, /, *parallel: Target) -> None:
        """Begin with ``step``, or with several at once, instead of with the first that was added."""
        if "start" in self._holder:
            refuse("CONFLICT", "expected one `start_with`, but there is another before it", ("start",))
        targets = self._body.ids_of((step, *parallel))
        self._holder["start"] = targets if parallel else targets[0]

    def _written(self, kind: dict[str, Any], own: dict[str, Any], shared: Shared) -> dict[str, Any]:
        before, behind = shared_source(shared, self._body)
        return {**kind, **before, **own, **behind}

    def _composite(self, id: str, kind: dict[str, Any], shared: Shared, own: dict[str, Any]) -> Composite:  # noqa: A002
        inner = self._body.inner()
        source = {**self._written(kind, own, shared), "do": inner.sources}
        self._body.put(id, source)
        return Composite(id, self._body, Body(inner, source))


@dataclass(frozen=True, slots=True)
class Composite(StepWithNext):
    """A step that has steps of its own: they are added to its ``body`` as to a definition."""

    body: Body = field(repr=False)


def _block(
    variables: Mapping[str, Any] | None, one_at_a_time: bool | None, timeout: Duration | None, undo: Undo | None
) -> dict[str, Any]:
    return given(
        variables=variables,
        one_at_a_time=one_at_a_time,
        timeout=timeout,
        undo=None if undo is None else undo.to_dict(),
    )


def _thrown(code: str, message: str | None) -> Any:
    return code if message is None else {"code": code, "message": message}
