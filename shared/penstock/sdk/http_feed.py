"""The gateway's task feed as seen over HTTP: long polls, and results (the worker protocol)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from penstock.domain.errors import Failure
from penstock.domain.rejected import Rejected, RejectionCode
from penstock.messages.offers import Offer
from penstock.sdk.errors import TransportUnavailable

LONGEST_WAIT: Final = 30.0
TIMEOUT: Final = 15.0

T = TypeVar("T")


class _Offers(msgspec.Struct):
    tasks: list[Offer]


class _Lease(msgspec.Struct):
    lease_until: datetime


class _Problem(msgspec.Struct):
    code: str = ""
    detail: str = ""
    title: str = ""


class HttpFeed:
    """Fulfils ``TaskFeed``."""

    def __init__(self, url: str, api_token: str | None, client: httpx.AsyncClient | None) -> None:
        self._url = url.rstrip("/")
        self._headers = {"content-type": "application/json"}
        if api_token:
            self._headers["authorization"] = f"Bearer {api_token}"
        self._client = client or httpx.AsyncClient(trust_env=False)
        self._ours = client is None

    async def poll(
        self, queue: str, worker: str, types: Sequence[str] | None, limit: int, wait: float
    ) -> Sequence[Offer]:
        wait = min(wait, LONGEST_WAIT)
        body = {"worker": worker, "types": types, "limit": limit, "wait": wait}
        answer = await self._post(f"/api/v1/queues/{quote(queue, safe='')}/poll", body, wait + TIMEOUT)
        return _decoded(answer, _Offers).tasks

    async def complete(self, task_id: str, token: str, output: object, worker: str) -> None:
        await self._post(
            "/api/v1/tasks/complete", {"task_id": task_id, "token": token, "output": output, "worker": worker}
        )

    async def fail(self, task_id: str, token: str, failure: Failure, worker: str) -> None:
        await self._post(
            "/api/v1/tasks/fail", {"task_id": task_id, "token": token, "failure": failure, "worker": worker}
        )

    async def heartbeat(self, task_id: str, token: str) -> datetime:
        answer = await self._post("/api/v1/tasks/heartbeat", {"task_id": task_id, "token": token})
        return _decoded(answer, _Lease).lease_until

    async def release(self, task_id: str, token: str) -> None:
        await self._post("/api/v1/tasks/release", {"task_id": task_id, "token": token})

    async def close(self) -> None:
        if self._ours:
            await self._client.aclose()

    async def _post(self, path: str, body: dict[str, Any], patience: float = TIMEOUT) -> bytes:
        try:
            response = await self._client.post(
                self._url + path, content=msgspec.json.encode(body), headers=self._headers, timeout=patience
            )
        except httpx.TransportError as error:
            raise TransportUnavailable(f"expected {self._url} to answer, but {error!r}") from error
        if response.is_success:
            return response.content
        raise _refusal(response, self._url + path)


def _refusal(response: httpx.Response, url: str) -> Exception:
    try:
        problem = msgspec.json.decode(response.content, type=_Problem)
    except msgspec.DecodeError:
        problem = _Problem()
    said = problem.detail or problem.title or response.reason_phrase
    if response.is_client_error and response.status_code != httpx.codes.TOO_MANY_REQUESTS:
        if problem.code in RejectionCode.__members__.values():
            return Rejected(RejectionCode(problem.code), said)
        if response.status_code in (httpx.codes.CONFLICT, httpx.codes.GONE):
            return Rejected(RejectionCode.TASK_NOT_OPEN, said)
        if response.status_code == httpx.codes.REQUEST_ENTITY_TOO_LARGE:
            return Rejected(RejectionCode.PAYLOAD_TOO_LARGE, said)
    return TransportUnavailable(f"expected {url} to do it, but it says {response.status_code}: {said:.500}")


def _decoded(content: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.DecodeError as error:
        raise TransportUnavailable(f"expected the gateway's answer to be one of this protocol, but {error}") from error
