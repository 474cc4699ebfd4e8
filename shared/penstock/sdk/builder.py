"""
Definitions written in Python: the same as in YAML, with types and completion.

    order = Definition("order", "1.0.0", timeout=timedelta(days=30))
    check = order.task("check", check_credit, output={"score": "{{ output.score }}"})
    ship = order.task("ship", "ship")
    check.choose(when("score >= 600", ship), otherwise(END))
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from penstock.domain.definition.compile import compile_definition
from penstock.domain.definition.findings import DefinitionInvalid, Finding
from penstock.domain.definition.limits import END
from penstock.domain.definition.model import Graph, Transport
from penstock.domain.definition.validate import validate
from penstock.domain.definition.write_yaml import write_yaml
from penstock.sdk.body import Body, Composite
from penstock.sdk.clauses import (
    Enough,
    On,
    Retry,
    SharedLock,
    Threads,
    Trigger,
    Undo,
    on_error,
    on_escalation,
    on_message,
    on_signal,
    on_timer,
)
from penstock.sdk.plain import given, plain
from penstock.sdk.steps import Branch, Duration, Step, Steps, StepWithNext, otherwise, when

__all__ = [
    "END",
    "Branch",
    "Composite",
    "Definition",
    "DefinitionInvalid",
    "Enough",
    "On",
    "Retry",
    "SharedLock",
    "Step",
    "StepWithNext",
    "Threads",
    "Trigger",
    "Undo",
    "on_error",
    "on_escalation",
    "on_message",
    "on_signal",
    "on_timer",
    "otherwise",
    "when",
]


class Definition(Body):
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
        triggers: Mapping[str, Trigger] | None = None,
        output: Any = None,
        on_failure: Literal["park", "compensate"] | None = None,
        on_cancel: Literal["withdraw", "compensate"] | None = None,
        undo_order: Literal["reverse", "parallel"] | None = None,
        max_visits: int | None = None,
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
            triggers=None if triggers is None else {name: trigger.to_dict() for name, trigger in triggers.items()},
            output=output,
            on_failure=on_failure,
            on_cancel=on_cancel,
            undo_order=undo_order,
            max_visits=max_visits,
        )
        super().__init__(Steps(id), {})

    def __repr__(self) -> str:
        return f"Definition({self.id!r}, {self.version!r})"

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
        copied: dict[str, Any] = plain({**self._head, **self._holder, "steps": self._body.sources})
        return copied
