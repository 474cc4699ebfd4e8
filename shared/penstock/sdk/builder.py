"""
Definitions written in Python: the same as in YAML, with types and completion.

    order = Definition("order", "1.0.0", timeout=timedelta(days=30))
    check = order.task("check", check_credit, output={"score": "{{ output.score }}"})
    ship = order.task("ship", "ship")
    check.choose(when("score >= 600", ship), otherwise(END))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias, overload

from penstock.domain.definition.compile import compile_definition
from penstock.domain.definition.findings import DefinitionInvalid, Finding
from penstock.domain.definition.limits import END
from penstock.domain.definition.model import Graph, Join, Transport
from penstock.domain.definition.validate import validate
from penstock.domain.definition.write_yaml import write_yaml
from penstock.log.topics import DEFAULT_QUEUE
from penstock.sdk.plain import given, plain
from penstock.sdk.steps import Branch, Duration, Retry, Step, Steps, StepWithNext, Target, otherwise, refuse, when
from penstock.sdk.task import Handler, handlers_of

__all__ = ["END", "Branch", "Definition", "DefinitionInvalid", "Retry", "Step", "StepWithNext", "otherwise", "when"]

Work: TypeAlias = str | Handler | Callable[..., Any]
"""A type of task, or the function with ``@task`` that does it."""


class Definition:
    """
    A definition that grows by its steps, in the order of the calls; the first step is where it starts.

    What only shows in the whole (a step that is not there, a condition that does not compile) is told by ``to_dict``,
    ``to_yaml`` and ``graph``, all at once and in the words of ``penstock validate``.
    """

    def __init__(
        self,
        id: str,  # noqa: A002 - the word of the definition language, as all here
        version: str,
        *,
        name: str | None = None,
        description: str | None = None,
        tags: Sequence[str] | None = None,
        input: Mapping[str, Any] | None = None,  # noqa: A002
        variables: Mapping[str, Any] | None = None,
        timeout: Duration | None = None,
        queues: Mapping[str, Transport] | None = None,
        output: Any = None,
    ) -> None:
        ways = None if queues is None else {queue: {"transport": transport} for queue, transport in queues.items()}
        self.id, self.version = id, version
        self._head = given(
            id=id,
            version=version,
            name=name,
            description=description,
            tags=tags,
            input=input,
            variables=variables,
            timeout=timeout,
            queues=ways,
            output=output,
        )
        self._start: Any = None
        self._steps = Steps(id)

    def __repr__(self) -> str:
        return f"Definition({self.id!r}, {self.version!r})"

    def task(
        self,
        id: str,  # noqa: A002
        work: Work,
        *,
        name: str | None = None,
        join: Join | None = None,
        input: Any = None,  # noqa: A002
        output: Mapping[str, Any] | None = None,
        retry: Retry | None = None,
        timeout: Duration | None = None,
        heartbeat: Duration | None = None,
        start_within: Duration | None = None,
        queue: str | None = None,
    ) -> StepWithNext:
        """
        Work for a worker. Of a function with ``@task`` the type is taken, and its queue unless another is given.

        Raises:
            HandlerInvalid: ``work`` is a function without ``@task``.

        """
        type_, own_queue = _type_and_queue(work)
        step = given(
            task=type_,
            name=name,
            join=join,
            input=input,
            output=output,
            retry=None if retry is None else retry.to_dict(),
            timeout=timeout,
            heartbeat=heartbeat,
            start_within=start_within,
            queue=queue or own_queue,
        )
        return self._steps.add(id, step)

    @overload
    def wait(
        self,
        id: str,
        duration: Duration,
        /,
        *,
        name: str | None = None,
        join: Join | None = None,
    ) -> StepWithNext: ...

    @overload
    def wait(
        self,
        id: str,
        /,
        *,
        until: datetime | str,
        name: str | None = None,
        join: Join | None = None,
    ) -> StepWithNext: ...

    def wait(
        self,
        id: str,  # noqa: A002
        duration: Duration | None = None,
        /,
        *,
        until: datetime | str | None = None,
        name: str | None = None,
        join: Join | None = None,
    ) -> StepWithNext:
        """A while, or until a moment: without a zone it is UTC."""
        if duration is not None and until is not None:
            refuse("CONFLICT", "expected a duration or `until`, but got both", ("steps", id, "wait"))
        moment = until.isoformat() if isinstance(until, datetime) else until
        wait = plain(duration) if moment is None else {"until": moment}
        return self._steps.add(id, {"wait": wait, **given(name=name, join=join)})

    def choose(
        self,
        id: str,  # noqa: A002
        branch: Branch,
        /,
        *more: Branch,
        name: str | None = None,
        join: Join | None = None,
    ) -> Step:
        """The first branch that holds."""
        return self._steps.add_fork(id, given(choose=self._steps.branches_of((branch, *more)), name=name, join=join))

    def parallel(
        self,
        id: str,  # noqa: A002
        step: Target,
        /,
        *more: Target,
        name: str | None = None,
        join: Join | None = None,
    ) -> Step:
        """All of these steps."""
        return self._steps.add_fork(id, given(parallel=self._steps.ids_of((step, *more)), name=name, join=join))

    def set(
        self,
        id: str,  # noqa: A002
        variables: Mapping[str, Any],
        *,
        name: str | None = None,
        join: Join | None = None,
    ) -> StepWithNext:
        """Variables and the templates that set them, from the variables as they were before."""
        return self._steps.add(id, given(set=variables, name=name, join=join))

    def pass_(
        self,
        id: str,  # noqa: A002
        *,
        name: str | None = None,
        join: Join | None = None,
    ) -> StepWithNext:
        """Nothing: a place to join, or to end."""
        return self._steps.add(id, {"pass": True, **given(name=name, join=join)})

    def start_with(self, step: Target, /, *parallel: Target) -> None:
        """Begin an execution with ``step``, or with several at once, instead of with the first that was added."""
        if self._start is not None:
            refuse("CONFLICT", "expected one `start_with`, but there is another before it", ("start",))
        targets = self._steps.ids_of((step, *parallel))
        self._start = targets if parallel else targets[0]

    def findings(self) -> tuple[Finding, ...]:
        """All that is wrong or could be better, as ``penstock validate`` tells it."""
        return validate(self._source())

    def graph(self) -> Graph:
        """
        The definition, compiled.

        Raises:
            DefinitionInvalid: it is none yet; the findings say why, all at once.

        """
        return compile_definition(self._source())

    def to_dict(self) -> dict[str, Any]:
        """
        The canonical form, as it stands in YAML; a copy.

        Raises:
            DefinitionInvalid: as for ``graph``.

        """
        source = self._source()
        compile_definition(source)
        return source

    def to_yaml(self) -> str:
        """
        The text of the definition, which reads back as the same.

        Raises:
            DefinitionInvalid: as for ``graph``.

        """
        return write_yaml(self.to_dict())

    def _source(self) -> dict[str, Any]:
        copied: dict[str, Any] = plain({**self._head, **given(start=self._start), "steps": self._steps.sources})
        return copied


def _type_and_queue(work: Work) -> tuple[str, str | None]:
    if isinstance(work, str):
        return work, None
    (handler,) = handlers_of((work,))
    return handler.type, None if handler.queue == DEFAULT_QUEUE else handler.queue
