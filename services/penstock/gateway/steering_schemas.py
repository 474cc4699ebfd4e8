"""Requests of those who steer executions, and what they get to see of them, as OpenAPI tells them to callers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from penstock.domain.definition.limits import QUEUE, STEP_ID, TASK_TYPE, VARIABLE
from penstock.gateway.schemas import Answer, CompatibilityProblem, Name, Request, ShortText, Status


class SteeringRequest(Request):
    """What somebody asks of an execution."""

    by: Name = "api"
    expected: list[Status] = Field(
        default_factory=list, max_length=7, description="Refuse it unless the execution has one of these statuses."
    )


class ReasonRequest(SteeringRequest):
    reason: ShortText = ""


class _StepRequest(SteeringRequest):
    visit: int | None = Field(None, ge=1, description="This visit of the step; absent: all that are open.")


class StepReasonRequest(_StepRequest):
    reason: ShortText = ""


class CompleteStepRequest(_StepRequest):
    output: Any = Field(None, description="As a worker would have given it.")


class VariablesRequest(SteeringRequest):
    values: dict[Annotated[str, StringConstraints(pattern=VARIABLE)], Any] = Field(
        min_length=1, max_length=1000, examples=[{"limit": 500}]
    )


class AddTaskRequest(SteeringRequest):
    """A task that the definition does not know. Its output is kept as `steps.<name>`."""

    name: Annotated[str, StringConstraints(pattern=STEP_ID)] = Field(examples=["call-the-customer"])
    task: Annotated[str, StringConstraints(pattern=TASK_TYPE)] = Field(examples=["call"])
    queue: Annotated[str, StringConstraints(pattern=QUEUE)] = "default"
    input: Any = None


class AddItemsRequest(SteeringRequest):
    items: list[Any] = Field(min_length=1, max_length=100_000)


class MigrateRequest(SteeringRequest):
    version: Name = Field(examples=["1.1.0"])
    dry_run: bool = Field(False, description="Only say what stands in the way; nothing is sent.")


class Migrated(Answer):
    """With `dry_run` the problems; without, what every command answers, and no problems."""

    id: str
    version: str = Field(description="Where it goes to.")
    compatible: bool
    problems: list[CompatibilityProblem]
    token: str | None = Field(None, examples=["e0.1234"])
    command_id: str | None = None


class Progress(Answer):
    """
    `done` of the `known` visits are over. Known are those that have begun, and one for each step of the definition
    that was not entered yet: an estimate, as branches may be left out and loops may go on. 100 means completed.
    """

    id: str
    status: Status
    progress: int = Field(ge=0, le=100)
    done: int
    known: int
    started_at: datetime
    ended_at: datetime | None = None
    estimated_completion: datetime | None = Field(None, description="If the rest takes as long as what is done did.")


class Variable(Answer):
    name: str
    type: Literal["string", "number", "boolean", "object", "array", "null"]
    value: Any
    scope: Literal["global", "step"] = Field(description="`step`: local to an open block or copy.")
    visit: int = Field(description="Of the block or the copy; 0: the execution.")
    step: str | None = None
    updated_at: datetime
    sequence: int = Field(description="Of the event that gave it this value.")


class Variables(Answer):
    items: list[Variable]
