"""A feed that says what it is told, in this process and behind HTTP with the worker protocol."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import uvicorn

from penstock.domain.errors import Failure
from penstock.domain.rejected import Rejected, RejectionCode
from penstock.messages.offers import Offer
from penstock.messages.records import Task
from penstock.runtime.ids import new_id
from penstock.sdk.errors import TransportUnavailable


class ScriptedFeed:
    """
    Remembers what it was asked. ``answers`` are used up, one per call of a verb (``poll`` apart): an error is raised.
    """

    def __init__(self, lease: float = 30.0) -> None:
        self.lease = timedelta(seconds=lease)
        self.calls: list[tuple[str, str, Any]] = []
        self.polls: list[tuple[str, str, Any, int]] = []
        self.answers: dict[str, deque[Exception]] = {}
        self._offers: deque[Offer] = deque()
        self._news = asyncio.Event()

    def offer(self, kind: str, value: Any = None, **fields: Any) -> Task:
        execution = new_id()
        named = {"id": f"{execution}/s/1/1", "execution_id": execution, "visit": 1, "attempt": 1, "queue": "default"}
        task = Task(step="s", task=kind, input=value, **{**named, **fields})
        self._offers.append(Offer(task=task, token=f"token-{execution}", lease_until=datetime.now(UTC) + self.lease))
        self._news.set()
        return task

    def wake(self) -> None:
        """Answer the polls that wait."""
        self._news.set()

    def of(self, verb: str) -> list[tuple[str, Any]]:
        """(task id, what came with it) of each call."""
        return [(task_id, more) for called, task_id, more in self.calls if called == verb]

    async def until(self, verb: str, count: int = 1) -> list[tuple[str, Any]]:
        async with asyncio.timeout(20):
            while len(self.of(verb)) < count:
                await asyncio.sleep(0.001)
        return self.of(verb)

    async def poll(
        self, queue: str, worker: str, types: Sequence[str] | None, limit: int, wait: float
    ) -> Sequence[Offer]:
        self.polls.append((queue, worker, types, limit))
        self._raise("poll")
        if not self._offers:
            self._news.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), wait)
        return [self._offers.popleft() for _ in range(min(limit, len(self._offers)))]

    async def complete(self, task_id: str, token: str, output: object, worker: str) -> None:
        self._called("complete", task_id, (token, output, worker))

    async def fail(self, task_id: str, token: str, failure: Failure, worker: str) -> None:
        self._called("fail", task_id, (token, failure, worker))

    async def heartbeat(self, task_id: str, token: str) -> datetime:
        self._called("heartbeat", task_id, token)
        return datetime.now(UTC) + self.lease

    async def release(self, task_id: str, token: str) -> None:
        self._called("release", task_id, token)

    def _called(self, verb: str, task_id: str, more: Any) -> None:
        self.calls.append((verb, task_id, more))
        self._raise(verb)

    def _raise(self, verb: str) -> None:
        if self.answers.get(verb):
            raise self.answers[verb].popleft()


class ScriptedGateway:
    """The worker protocol over a ``ScriptedFeed``, as an ASGI application."""

    def __init__(self, feed: ScriptedFeed, token: str = "") -> None:
        self.feed, self._token = feed, token

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        raw = b""
        while (message := await receive())["type"] == "http.request":
            raw += message.get("body", b"")
            if not message.get("more_body"):
                break
        status, value = await self._answer(scope, msgspec.json.decode(raw))
        body = msgspec.json.encode(value)
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Any, asked: dict[str, Any]) -> tuple[int, Any]:
        if self._token and dict(scope["headers"]).get(b"authorization") != f"Bearer {self._token}".encode():
            return 401, {"code": "UNAUTHORIZED", "detail": "expected a token"}
        try:
            return 200, await self._do(scope["path"], asked)
        except Rejected as refusal:
            return 409, {"code": refusal.code, "detail": refusal.detail}
        except TransportUnavailable as error:
            return 503, {"code": "UNAVAILABLE", "detail": str(error)}

    async def _do(self, path: str, asked: dict[str, Any]) -> Any:
        match path.split("/")[3:]:
            case ["queues", queue, "poll"]:
                polled = await self.feed.poll(queue, asked["worker"], asked["types"], asked["limit"], asked["wait"])
                return {"tasks": polled}
            case ["tasks", "complete"]:
                await self.feed.complete(asked["task_id"], asked["token"], asked["output"], asked["worker"])
            case ["tasks", "fail"]:
                failure = msgspec.convert(asked["failure"], Failure)
                await self.feed.fail(asked["task_id"], asked["token"], failure, asked["worker"])
            case ["tasks", "heartbeat"]:
                return {"lease_until": await self.feed.heartbeat(asked["task_id"], asked["token"])}
            case ["tasks", "release"]:
                await self.feed.release(asked["task_id"], asked["token"])
            case _:
                raise AssertionError(path)
        return {"token": "e0.0"}


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def served(feed: ScriptedFeed, token: str = "") -> AsyncIterator[str]:
    """The URL of a scripted gateway on a free port."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(ScriptedGateway(feed, token), log_config=None, lifespan="off", timeout_graceful_shutdown=1)
    server = _Server(config)
    task = asyncio.create_task(server.serve([listening]))
    while not server.started:
        await asyncio.sleep(0.001)
    yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    server.should_exit = True
    feed.wake()
    await task


def refused(code: RejectionCode) -> deque[Exception]:
    return deque([Rejected(code, "as the script says")])
