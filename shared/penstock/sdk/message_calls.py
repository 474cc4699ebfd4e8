"""What a ``Client`` can ask without knowing an execution: messages to one that waits, signals to all that do."""

from __future__ import annotations

from typing import Any

from penstock.runtime.ids import new_id
from penstock.sdk.executions import Receipt
from penstock.sdk.gateway_calls import Calls


class MessageCalls:
    """The part of a ``Client`` that is about messages and signals."""

    _calls: Calls
    _by: str

    async def send_message(
        self,
        name: str,
        key: str,
        payload: Any = None,
        *,
        ttl: float | None = None,
        id: str | None = None,  # noqa: A002 - what callers call it
    ) -> Receipt:
        """
        Send a message to one execution: the first that waits for ``name`` and ``key``, or the next one that will within
        ``ttl`` seconds (7 days unless given). The same ``id`` again is the same message.
        """
        command_id = new_id()
        body = {"name": name, "key": key, "payload": payload, "ttl": ttl, "id": id or command_id, "by": self._by}
        return await self._calls.command("/messages", Receipt, body, command_id=command_id)

    async def broadcast_signal(self, name: str, payload: Any = None) -> Receipt:
        """Reach every execution that waits for the signal ``name`` now; for all others it is lost."""
        return await self._calls.command("/signals", Receipt, {"name": name, "payload": payload, "by": self._by})
