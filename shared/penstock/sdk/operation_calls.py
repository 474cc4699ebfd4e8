"""What a ``Client`` can ask about operations: the changes of many executions at once."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

import msgspec

from penstock.sdk.executions import Receipt
from penstock.sdk.gateway_calls import Calls, Page


class DryRun(msgspec.Struct, frozen=True, kw_only=True):
    """What a filter finds: how many, and the first hundred, up to where ``tokens`` say."""

    count: int
    executions: list[str]
    tokens: str


class OperationReceipt(Receipt, frozen=True, kw_only=True):
    count: int


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """An operation as the read model shows it. ``codes`` and ``refusals`` are empty in lists."""

    id: str
    action: str
    arguments: dict[str, Any]
    expected: list[str]
    status: str
    total: int
    sent: int
    accepted: int
    refused: int
    skipped: int
    reason: str | None = None
    codes: dict[str, int] = {}
    refusals: list[dict[str, str]] = []
    started_by: str
    started_at: datetime
    updated_at: datetime
    ended_at: datetime | None = None

    @property
    def ended(self) -> bool:
        return self.status in ("completed", "cancelled")


class OperationCalls:
    """
    The part of a ``Client`` that changes many executions. ``filter`` has the names of the arguments of ``list``: status
    (absent: all that have not ended), definition, version, business_key, tag, initiated_by, started_after,
    started_before.
    """

    _calls: Calls
    _by: str

    async def try_operation(
        self,
        action: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        min_token: str | None = None,
        **filter: Any,  # noqa: A002 - the word of the API
    ) -> DryRun:
        """Which executions ``start_operation`` would change; nothing is changed."""
        body = self._body(action, arguments, filter) | {"dry_run": True}
        return await self._calls.command("/operations", DryRun, body, query={"min_token": min_token})

    async def start_operation(
        self,
        action: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        id: str | None = None,  # noqa: A002 - what callers call it
        min_token: str | None = None,
        **filter: Any,  # noqa: A002
    ) -> OperationReceipt:
        """Give the command ``action`` to all executions that the filter finds. The same ``id`` is the same one."""
        body = self._body(action, arguments, filter)
        query = {"min_token": min_token}
        return await self._calls.command("/operations", OperationReceipt, body, command_id=id, query=query)

    async def operation(self, id: str, *, min_token: str | None = None) -> Operation:  # noqa: A002
        return await self._calls.get(_path(id), Operation, {"min_token": min_token})

    async def operations(self, *, status: str | None = None, min_token: str | None = None) -> AsyncIterator[Operation]:
        """All operations, the latest first."""
        query = {"status": status, "min_token": min_token, "limit": 100}
        async for item in self._calls.pages("/operations", Page[Operation], query):
            yield item

    async def pause_operation(self, id: str) -> Receipt:  # noqa: A002
        return await self._calls.command(f"{_path(id)}/pause", Receipt, {"by": self._by})

    async def resume_operation(self, id: str) -> Receipt:  # noqa: A002
        return await self._calls.command(f"{_path(id)}/resume", Receipt, {"by": self._by})

    async def cancel_operation(self, id: str, reason: str = "") -> Receipt:  # noqa: A002
        """Ask nobody more. What was asked stays done."""
        return await self._calls.command(f"{_path(id)}/cancel", Receipt, {"reason": reason, "by": self._by})

    def _body(self, action: str, arguments: Mapping[str, Any] | None, wanted: Mapping[str, Any]) -> dict[str, Any]:
        given = {name: _plain(name, value) for name, value in wanted.items() if value is not None}
        return {"action": action, "arguments": arguments or {}, "filter": given, "by": self._by}


def _plain(name: str, value: Any) -> Any:
    if name == "status":
        texts: Sequence[str] = [value] if isinstance(value, str) else list(value)
        return texts
    return value


def _path(operation: str) -> str:
    return f"/operations/{quote(operation, safe='')}"
