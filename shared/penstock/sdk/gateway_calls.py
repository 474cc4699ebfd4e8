"""Single calls to the gateway: sends, repeats where that is safe, and turns problems into exceptions."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final, Generic, TypeVar

import httpx
import msgspec

from penstock.runtime.ids import new_id
from penstock.sdk.refusals import CallFailed, NotFound, Rejected, TimedOut, Unauthorized, Unavailable

_T = TypeVar("_T")
_AGAIN: Final = frozenset({429, 502, 503, 504})
_NAMES: Final[dict[int, type[CallFailed]]] = {401: Unauthorized, 403: Unauthorized, 404: NotFound, 504: TimedOut}
LONGEST_PAUSE: Final = 2.0


class Page(msgspec.Struct, Generic[_T], frozen=True):
    items: list[_T]
    cursor: str | None = None


class Calls:
    """
    Every call may be repeated: queries change nothing, and a command carries an id under which it is done once.

    ``attempts`` is how often one is tried while nobody answers; ``pause`` is the first pause in seconds, then it grows.
    """

    def __init__(
        self,
        url: str,
        token: str | None,
        client: httpx.AsyncClient | None,
        *,
        attempts: int,
        pause: float,
        patience: float,
    ) -> None:
        self._url = url.rstrip("/") + "/api/v1"
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._client = client or httpx.AsyncClient(trust_env=False)
        self._ours = client is None
        self._attempts, self._pause, self._patience = attempts, pause, patience

    async def get(self, path: str, kind: type[_T], query: Mapping[str, Any] | None = None, wait: float = 0.0) -> _T:
        return await self._call("GET", path, kind, query=query, wait=wait)

    async def command(
        self,
        path: str,
        kind: type[_T],
        body: object = None,
        *,
        command_id: str | None = None,
        content: tuple[bytes, str] | None = None,
        query: Mapping[str, Any] | None = None,
        wait: float = 0.0,
        method: str = "POST",
    ) -> _T:
        """``content`` (bytes and their media type) goes instead of the JSON of ``body``."""
        data, media = content or (msgspec.json.encode(body if body is not None else {}), "application/json")
        headers = {"Idempotency-Key": command_id or new_id(), "Content-Type": media}
        return await self._call(method, path, kind, query=query, wait=wait, headers=headers, content=data)

    async def pages(self, path: str, kind: type[Page[_T]], query: Mapping[str, Any]) -> AsyncIterator[_T]:
        """The items of all pages, fetched as they are asked for."""
        cursor: str | None = None
        while True:
            page = await self.get(path, kind, {**query, "cursor": cursor})
            for item in page.items:
                yield item
            cursor = page.cursor
            if cursor is None:
                return

    async def close(self) -> None:
        if self._ours:
            await self._client.aclose()

    async def _call(
        self,
        method: str,
        path: str,
        kind: type[_T],
        *,
        query: Mapping[str, Any] | None,
        wait: float,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
    ) -> _T:
        given = {name: value for name, value in (query or {}).items() if value is not None}
        request = self._client.build_request(
            method,
            self._url + path,
            params=given or None,
            headers={**self._headers, **(headers or {})},
            content=content,
            timeout=httpx.Timeout(self._patience + wait, connect=min(5.0, self._patience)),
        )
        for attempt in range(1, self._attempts + 1):
            failure, after = CallFailed("", ""), 0.0
            try:
                response = await self._client.send(request)
            except httpx.TransportError as error:
                failure = Unavailable("UNREACHABLE", f"expected an answer from {self._url}, but {error!r}")
            else:
                if response.is_success:
                    return _decoded(response, kind)
                failure = _failure(response)
                if response.status_code not in _AGAIN:
                    raise failure
                after = _after(response)
            if attempt == self._attempts:
                break
            grown = min(self._pause * 2.0 ** (attempt - 1), LONGEST_PAUSE)
            await asyncio.sleep(max(after, grown * random.uniform(0.5, 1.0)))  # noqa: S311 - spreads callers out
        raise failure


def _decoded(response: httpx.Response, kind: type[_T]) -> _T:
    try:
        return msgspec.json.decode(response.content, type=kind)
    except msgspec.DecodeError as error:
        raise Unavailable("ANSWER_UNREADABLE", f"expected an answer of a Penstock gateway, but {error}") from error


def _failure(response: httpx.Response) -> CallFailed:
    try:
        body = msgspec.json.decode(response.content, type=dict[str, Any])
    except msgspec.DecodeError:
        body = {}
    code = str(body.get("code") or f"HTTP_{response.status_code}")
    detail = str(body.get("detail") or response.reason_phrase)
    otherwise = Unavailable if response.status_code == 429 or response.status_code >= 500 else Rejected
    return _NAMES.get(response.status_code, otherwise)(code, detail, body)


def _after(response: httpx.Response) -> float:
    text = response.headers.get("retry-after", "")
    return min(float(text), 30.0) if text.isdecimal() else 0.0
