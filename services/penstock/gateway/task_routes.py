"""Routes of tasks: lists for people, and the protocol by which workers in any language get and finish them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response

from penstock.domain.errors import Failure
from penstock.gateway import schemas as s
from penstock.gateway.context import PREFIX, QUERY, Context, Cursor, Fresh, Gateway, Limit, answer, documented
from penstock.log.topics import EVENTS
from penstock.messages.offers import Offer
from penstock.projections import tasks
from penstock.projections.tasks import TaskFilter

router = APIRouter(prefix=PREFIX)

QueueName = Annotated[str, Path(max_length=100, examples=["default"])]
_RESULT = documented(200, s.ResultTaken, 409, 413, 422, 503, text="Recorded.")
_LEASE = documented(200, s.Lease, 409, 422, 503)


@router.get("/tasks", tags=["tasks"], dependencies=[Fresh], responses=documented(200, s.Tasks, *QUERY, query=True))
async def list_tasks(  # noqa: PLR0917 - one per query parameter
    gateway: Gateway,
    status: Annotated[list[Literal["scheduled", "claimed", "completed", "failed", "cancelled"]] | None, Query()] = None,
    queue: str | None = None,
    task: Annotated[str | None, Query(description="The type of task.")] = None,
    execution_id: str | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """Attempts of task steps without input and output, the latest first."""
    wanted = TaskFilter(status=status, queue=queue, task=task, execution_id=execution_id)
    headers = await gateway.freshness.headers(EVENTS)
    return answer(await tasks.find(gateway.pool, wanted, limit=limit, cursor=cursor), headers=headers)


@router.post("/queues/{queue}/poll", tags=["workers"], responses=documented(200, s.Polled, 409, 422, 503))
async def poll_queue(gateway: Gateway, request: Request, queue: QueueName, asked: s.PollRequest) -> Response:
    """Get work from a queue with transport `http`. Each task comes with a token, under which it can be finished."""
    polling = asyncio.create_task(gateway.feed.poll(queue, asked.worker, asked.types, asked.limit, asked.wait))
    reasons = {asyncio.create_task(_gone(request)), asyncio.create_task(gateway.closing.wait())}
    try:
        await asyncio.wait({polling, *reasons}, return_when=asyncio.FIRST_COMPLETED)
        if any(reason.done() for reason in reasons):
            await _hand_back(gateway, polling)
            return answer({"tasks": []})
        return answer({"tasks": polling.result()})
    finally:
        for task in (polling, *reasons):
            task.cancel()


@router.post("/tasks/complete", tags=["workers"], responses=_RESULT)
async def complete_task(gateway: Gateway, done: s.CompleteRequest) -> Response:
    """A task went well. A late or repeated completion is refused by name and changes nothing."""
    token = await gateway.feed.complete(done.task_id, done.token, done.output, done.worker)
    return answer({"token": str(token)})


@router.post("/tasks/fail", tags=["workers"], responses=_RESULT)
async def fail_task(gateway: Gateway, failed: s.FailRequest) -> Response:
    """A task failed; the retry policy of its step says what comes next."""
    failure = Failure(
        code=failed.failure.code,
        message=failed.failure.message,
        retryable=failed.failure.retryable,
        details=failed.failure.details,
        kind=failed.failure.kind,
    )
    token = await gateway.feed.fail(failed.task_id, failed.token, failure, failed.worker)
    return answer({"token": str(token)})


@router.post("/tasks/heartbeat", tags=["workers"], responses=_LEASE)
async def beat_task(gateway: Gateway, lease: s.LeaseRequest) -> Response:
    """Still at work. A refusal means: stop, the task is withdrawn or somebody else's."""
    return answer({"lease_until": await gateway.feed.heartbeat(lease.task_id, lease.token)})


@router.post("/tasks/release", tags=["workers"], responses=documented(200, s.Health, 422, 503))
async def release_task(gateway: Gateway, lease: s.LeaseRequest) -> Response:
    """Hand a task back undone: a worker that stops is polite to those who go on."""
    await gateway.feed.release(lease.task_id, lease.token)
    return answer({"status": "ok"})


async def _gone(request: Request) -> None:
    """Return when the caller has hung up."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _hand_back(gateway: Context, polling: asyncio.Task[Sequence[Offer]]) -> None:
    """Nobody is there to do the work: let the next worker have it at once, not after the lease."""
    polling.cancel()
    await asyncio.wait({polling})
    if not polling.cancelled() and polling.exception() is None:
        for offer in polling.result():
            await gateway.feed.release(offer.task.id, offer.token)
