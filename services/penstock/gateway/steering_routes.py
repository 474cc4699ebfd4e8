"""Routes by which people steer executions: one table of paths and commands for all of them (semantics §13)."""

# Without ``from __future__ import annotations``: FastAPI reads the type of a body from the annotation, and here it is a
# value of the table.

from typing import Annotated, Final, NamedTuple

import msgspec
from fastapi import APIRouter, Body, Path, Response

from penstock.domain.execution import commands as c
from penstock.gateway import schemas as s
from penstock.gateway import steering_schemas as t
from penstock.gateway.commander import Order
from penstock.gateway.context import COMMAND, PREFIX, CommandId, Context, Gateway, answer, documented
from penstock.gateway.execution_commands import ExecutionId
from penstock.messages.registry import NAMES

router = APIRouter(prefix=f"{PREFIX}/executions", tags=["executions"])

StepName = Annotated[str, Path(max_length=200, examples=["charge"])]
_RECEIPT = documented(200, s.Receipt, *COMMAND, text="Accepted, and done.")


class Way(NamedTuple):
    """``body`` has the fields of ``command`` that the path does not hold; where none of them is needed, nor is it."""

    path: str
    command: type[msgspec.Struct]
    body: type[t.SteeringRequest]
    text: str
    method: str = "POST"


WAYS: Final = (
    Way(
        "pause",
        c.PauseExecution,
        t.ReasonRequest,
        "Nothing new begins; results of tasks that run are recorded and wait for the resume.",
    ),
    Way("resume", c.ResumeExecution, t.SteeringRequest, "Go on after a pause."),
    Way("cancel", c.CancelExecution, t.ReasonRequest, "End it in an orderly way."),
    Way("terminate", c.TerminateExecution, t.ReasonRequest, "End it at once; nobody is asked."),
    Way(
        "retry",
        c.RetryExecution,
        t.SteeringRequest,
        "Try the failed steps of a failed execution again, with a fresh budget of attempts.",
    ),
    Way(
        "steps/{step}/cancel",
        c.CancelStep,
        t.StepReasonRequest,
        "Withdraw the open visits of a step: each fails with `STEP_CANCELLED`, which the definition may catch.",
    ),
    Way(
        "steps/{step}/complete",
        c.CompleteStep,
        t.CompleteStepRequest,
        "Complete an open or failed step by hand, with the output that a worker would have given.",
    ),
    Way(
        "steps/{step}/skip",
        c.SkipStep,
        t.StepReasonRequest,
        "Leave an open or failed step without an output, by its ordinary way out.",
    ),
    Way(
        "steps/{step}/rerun",
        c.RerunStep,
        t.ReasonRequest,
        "Withdraw everything in the scope of a step, and enter that step. Not while the execution is paused.",
    ),
    Way(
        "steps/{step}/items",
        c.AddItems,
        t.AddItemsRequest,
        "Add items to a for-each that has not been left: a copy is made of each.",
    ),
    Way("steps/{step}/start", c.StartStep, t.SteeringRequest, "Start a step that an open one offers at this moment."),
    Way("variables", c.SetVariables, t.VariablesRequest, "Change variables of the execution.", "PATCH"),
    Way(
        "tasks",
        c.AddTask,
        t.AddTaskRequest,
        "Offer a task that the definition does not know. The execution waits for it, and keeps its output.",
    ),
)


def _serve(way: Way) -> None:
    """The route of ``way``."""
    is_needed = any(field.is_required() for field in way.body.model_fields.values())
    body = way.body if is_needed else way.body | None
    absent = ... if is_needed else None

    async def steer(
        gateway: Gateway,
        execution_id: ExecutionId,
        command_id: CommandId,
        said: body = Body(absent),  # type: ignore[valid-type]
    ) -> Response:
        return await _ask(gateway, _command(way, said), execution_id, command_id)

    async def steer_step(
        gateway: Gateway,
        execution_id: ExecutionId,
        step: StepName,
        command_id: CommandId,
        said: body = Body(absent),  # type: ignore[valid-type]
    ) -> Response:
        return await _ask(gateway, _command(way, said, step=step), execution_id, command_id)

    endpoint = steer_step if "{step}" in way.path else steer
    endpoint.__name__ = NAMES[way.command].split(".")[1]
    path = f"/{{execution_id}}/{way.path}"
    router.add_api_route(path, endpoint, methods=[way.method], description=way.text, responses=_RECEIPT)


def _command(way: Way, said: t.SteeringRequest | None, **more: str) -> c.ExecutionCommand:
    fields = (said or way.body()).model_dump()
    return msgspec.convert({**fields, **more}, way.command)  # type: ignore[return-value]


async def _ask(gateway: Context, command: c.ExecutionCommand, execution_id: str, command_id: str) -> Response:
    _, token = await gateway.ask(Order(command, execution_id, command_id))
    return answer({"id": execution_id, "token": str(token), "command_id": command_id})


for _way in WAYS:
    _serve(_way)
