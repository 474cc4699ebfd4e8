"""For callers: start executions, wait for their results, look at them, steer them; all through the gateway."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Self

import httpx

from penstock.runtime.ids import new_id
from penstock.sdk.blocking import Blocking
from penstock.sdk.definition_calls import DefinitionCalls
from penstock.sdk.executions import Execution, Migration, Occurrence, Progress, Receipt, TaskAttempt, Variable, Waited
from penstock.sdk.gateway_calls import Calls, Page
from penstock.sdk.message_calls import MessageCalls
from penstock.sdk.operation_calls import OperationCalls
from penstock.sdk.refusals import CallFailed, ExecutionFailed, TimedOut
from penstock.sdk.schedule_calls import ScheduleCalls
from penstock.sdk.steering_calls import SteeringCalls, path_of

URL: Final = "http://127.0.0.1:8400"
LONGEST_WAIT: Final = 25.0
"""Seconds of one long poll; a longer wait is several."""


class Handle:
    """An execution that was started, or that somebody knows the id of. ``token`` is that of the last command to it."""

    def __init__(self, client: Client, id: str, token: str | None = None) -> None:  # noqa: A002 - what callers call it
        self._client, self.id, self.token = client, id, token

    def __repr__(self) -> str:
        return f"Handle({self.id!r})"

    async def get(self) -> Execution:
        return await self._client.get(self.id, min_token=self.token)

    async def result(self, timeout: float | None = None) -> Any:  # noqa: ASYNC109 - the client's own waits are bounded
        """As ``Client.result``."""
        return await self._client.result(self.id, timeout, min_token=self.token)

    async def tasks(self) -> Sequence[TaskAttempt]:
        return await self._client.tasks(self.id, min_token=self.token)

    def timeline(self) -> AsyncIterator[Occurrence]:
        return self._client.timeline(self.id, min_token=self.token)

    async def pause(self, reason: str = "") -> Receipt:
        return self._keep(await self._client.pause(self.id, reason))

    async def resume(self) -> Receipt:
        return self._keep(await self._client.resume(self.id))

    async def cancel(self, reason: str = "") -> Receipt:
        return self._keep(await self._client.cancel(self.id, reason))

    async def terminate(self, reason: str = "") -> Receipt:
        return self._keep(await self._client.terminate(self.id, reason))

    async def retry(self) -> Receipt:
        return self._keep(await self._client.retry(self.id))

    async def progress(self) -> Progress:
        return await self._client.progress(self.id, min_token=self.token)

    async def variables(self) -> Sequence[Variable]:
        return await self._client.variables(self.id, min_token=self.token)

    async def cancel_step(self, step: str, reason: str = "", *, visit: int | None = None) -> Receipt:
        return self._keep(await self._client.cancel_step(self.id, step, reason, visit=visit))

    async def complete_step(self, step: str, output: Any = None, *, visit: int | None = None) -> Receipt:
        return self._keep(await self._client.complete_step(self.id, step, output, visit=visit))

    async def skip_step(self, step: str, reason: str = "", *, visit: int | None = None) -> Receipt:
        return self._keep(await self._client.skip_step(self.id, step, reason, visit=visit))

    async def rerun_step(self, step: str, reason: str = "") -> Receipt:
        return self._keep(await self._client.rerun_step(self.id, step, reason))

    async def start_step(self, step: str) -> Receipt:
        return self._keep(await self._client.start_step(self.id, step))

    async def add_items(self, step: str, items: Sequence[Any]) -> Receipt:
        return self._keep(await self._client.add_items(self.id, step, items))

    async def set_variables(self, values: Mapping[str, Any]) -> Receipt:
        return self._keep(await self._client.set_variables(self.id, values))

    async def add_task(self, name: str, task: str, input: Any = None, *, queue: str = "default") -> Receipt:  # noqa: A002
        return self._keep(await self._client.add_task(self.id, name, task, input, queue=queue))

    async def migrate(self, version: str, *, dry_run: bool = False) -> Migration:
        migration = await self._client.migrate(self.id, version, dry_run=dry_run)
        self.token = migration.token or self.token
        return migration

    def _keep(self, receipt: Receipt) -> Receipt:
        self.token = receipt.token
        return receipt


class Client(DefinitionCalls, MessageCalls, SteeringCalls, ScheduleCalls, OperationCalls):
    """
    Calls may raise ``Rejected`` (with ``NotFound`` among them), ``Unauthorized``, ``Unavailable`` and ``TimedOut`` of
    ``penstock.sdk.refusals``. A call that nobody answered was repeated by then, under the same id: it is done once.

    ``by`` is who commands are recorded for. ``Client.blocking(...)`` is the same for code that is not asynchronous.
    """

    def __init__(
        self,
        url: str = URL,
        token: str | None = None,
        *,
        by: str = "api",
        client: httpx.AsyncClient | None = None,
        attempts: int = 4,
        pause: float = 0.2,
        patience: float = 15.0,
    ) -> None:
        super().__init__(Calls(url, token, client, attempts=attempts, pause=pause, patience=patience), by)

    @classmethod
    def blocking(cls, url: str = URL, token: str | None = None, **options: Any) -> Any:
        """A client whose methods block, on a loop in a thread of its own; close it, or use it in ``with``."""
        return Blocking(lambda: cls(url, token, **options))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._calls.close()

    async def start(
        self,
        definition: str,
        input: Mapping[str, Any] | None = None,  # noqa: A002 - the word of the definition
        *,
        id: str | None = None,  # noqa: A002
        version: str | None = None,
        business_key: str | None = None,
        tags: Sequence[str] = (),
        priority: str = "medium",
        wait: float | None = None,
    ) -> Handle:
        """
        Start an execution. ``id`` is a UUIDv7 made now: the same one never starts twice, whoever repeats the call.

        With ``wait``, return when it has ended or failed, or after so many seconds.
        """
        execution_id = id or new_id()
        body = {
            "definition": definition,
            "version": version,
            "input": input or {},
            "id": execution_id,
            "business_key": business_key,
            "tags": list(tags),
            "priority": priority,
            "initiated_by": self._by,
        }
        receipt = await self._calls.command("/executions", Receipt, body, command_id=execution_id)
        if wait:
            await self._wait(receipt.id, wait, receipt.token)
        return Handle(self, receipt.id, receipt.token)

    def execution(self, id: str) -> Handle:  # noqa: A002
        """A handle on an execution that runs already."""
        return Handle(self, id)

    async def get(self, id: str, *, min_token: str | None = None) -> Execution:  # noqa: A002
        return await self._calls.get(path_of(id), Execution, {"min_token": min_token})

    async def result(
        self,
        id: str,  # noqa: A002
        timeout: float | None = None,  # noqa: ASYNC109 - the waits within are bounded
        *,
        min_token: str | None = None,
    ) -> Any:
        """
        The output of an execution, as soon as it has completed.

        Raises:
            ExecutionFailed: it failed, or was cancelled or terminated; ``code`` is its failure's, or its status.
            TimedOut: it is not there yet after ``timeout`` seconds.

        """
        execution = await self._wait(id, timeout, min_token)
        if not execution.ended:
            raise TimedOut("RESULT_LATE", f"expected {id} to end within {timeout:g} s, but it is {execution.status}")
        if execution.status == "completed":
            return execution.output
        failure = execution.failure
        if execution.status == "failed" and failure is not None:
            raise ExecutionFailed(failure.code, failure.message, failure.details)
        raise ExecutionFailed(execution.status.upper(), execution.reason or f"{id} was {execution.status}")

    async def list(
        self,
        *,
        status: str | Sequence[str] | None = None,
        definition: str | None = None,
        version: str | None = None,
        business_key: str | None = None,
        tag: str | None = None,
        initiated_by: str | None = None,
        started_after: datetime | None = None,
        started_before: datetime | None = None,
        min_token: str | None = None,
        page: int = 100,
    ) -> AsyncIterator[Execution]:
        """All executions that fit, the latest first, fetched page by page as they are asked for."""
        query = {
            "status": status if status is None or isinstance(status, str) else list(status),
            "definition": definition,
            "version": version,
            "business_key": business_key,
            "tag": tag,
            "initiated_by": initiated_by,
            "started_after": started_after.isoformat() if started_after else None,
            "started_before": started_before.isoformat() if started_before else None,
            "min_token": min_token,
            "limit": page,
        }
        async for item in self._calls.pages("/executions", Page[Execution], query):
            yield item

    async def tasks(self, id: str, *, min_token: str | None = None) -> Sequence[TaskAttempt]:  # noqa: A002
        """The attempts of its task steps, in the order in which they were scheduled."""
        return (await self._calls.get(f"{path_of(id)}/tasks", Page[TaskAttempt], {"min_token": min_token})).items

    async def timeline(self, id: str, *, min_token: str | None = None) -> AsyncIterator[Occurrence]:  # noqa: A002
        """Everything that happened to it, in order."""
        async for item in self._calls.pages(
            f"{path_of(id)}/timeline", Page[Occurrence], {"min_token": min_token, "limit": 200}
        ):
            yield item

    async def progress(self, id: str, *, min_token: str | None = None) -> Progress:  # noqa: A002
        """How far it has come, as an estimate."""
        return await self._calls.get(f"{path_of(id)}/progress", Progress, {"min_token": min_token})

    async def variables(self, id: str, *, min_token: str | None = None) -> Sequence[Variable]:  # noqa: A002
        """Its variables, those of its open blocks and copies too."""
        return (await self._calls.get(f"{path_of(id)}/variables", Page[Variable], {"min_token": min_token})).items

    async def _wait(self, id: str, timeout: float | None, token: str | None) -> Execution:  # noqa: A002, ASYNC109
        """As it stands when it has ended or failed, or after ``timeout`` seconds."""
        loop = asyncio.get_running_loop()
        deadline = None if timeout is None else loop.time() + timeout
        while True:
            left = LONGEST_WAIT if deadline is None else max(deadline - loop.time(), 0)
            once = min(left, LONGEST_WAIT)
            query = {"timeout": round(once, 3), "min_token": token}
            try:
                waited = await self._calls.get(f"{path_of(id)}/wait", Waited, query, once)
            except CallFailed as error:
                if error.code == "READ_MODEL_BEHIND" and (deadline is None or loop.time() < deadline):
                    continue
                raise
            if waited.ended or (deadline is not None and loop.time() >= deadline):
                return waited.execution
