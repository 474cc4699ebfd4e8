"""What a ``Client`` can do to an execution that runs (semantics §13)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from penstock.sdk.executions import Migration, Receipt
from penstock.sdk.gateway_calls import Calls


class SteeringCalls:
    """
    The part of a ``Client`` that steers executions. ``command_id`` is for callers who repeat a call in another process:
    the same command under the same id is done once, and gets the same answer for 24 hours.
    """

    _calls: Calls
    _by: str

    async def pause(self, id: str, reason: str = "", *, command_id: str | None = None) -> Receipt:  # noqa: A002
        """Nothing new begins; results of running tasks are kept and wait for the resume."""
        return await self._steer(id, "pause", command_id, reason=reason)

    async def resume(self, id: str, *, command_id: str | None = None) -> Receipt:  # noqa: A002
        return await self._steer(id, "resume", command_id)

    async def cancel(self, id: str, reason: str = "", *, command_id: str | None = None) -> Receipt:  # noqa: A002
        return await self._steer(id, "cancel", command_id, reason=reason)

    async def terminate(self, id: str, reason: str = "", *, command_id: str | None = None) -> Receipt:  # noqa: A002
        return await self._steer(id, "terminate", command_id, reason=reason)

    async def retry(self, id: str, *, command_id: str | None = None) -> Receipt:  # noqa: A002
        """Try the failed steps of a failed execution again, each with a fresh budget of attempts."""
        return await self._steer(id, "retry", command_id)

    async def cancel_step(
        self,
        id: str,  # noqa: A002
        step: str,
        reason: str = "",
        *,
        visit: int | None = None,
        command_id: str | None = None,
    ) -> Receipt:
        """Withdraw the open visits of a step, or this one: each fails with STEP_CANCELLED, which can be caught."""
        return await self._steer(id, _step(step, "cancel"), command_id, reason=reason, visit=visit)

    async def complete_step(
        self,
        id: str,  # noqa: A002
        step: str,
        output: Any = None,
        *,
        visit: int | None = None,
        command_id: str | None = None,
    ) -> Receipt:
        """Complete an open or failed step by hand, with the output that a worker would have given."""
        return await self._steer(id, _step(step, "complete"), command_id, output=output, visit=visit)

    async def skip_step(
        self,
        id: str,  # noqa: A002
        step: str,
        reason: str = "",
        *,
        visit: int | None = None,
        command_id: str | None = None,
    ) -> Receipt:
        """Leave an open or failed step without an output, by its ordinary way out."""
        return await self._steer(id, _step(step, "skip"), command_id, reason=reason, visit=visit)

    async def rerun_step(self, id: str, step: str, reason: str = "", *, command_id: str | None = None) -> Receipt:  # noqa: A002
        """Withdraw everything in the scope of a step, and enter that step."""
        return await self._steer(id, _step(step, "rerun"), command_id, reason=reason)

    async def start_step(self, id: str, step: str, *, command_id: str | None = None) -> Receipt:  # noqa: A002
        """Start a step that an open one offers at this moment."""
        return await self._steer(id, _step(step, "start"), command_id)

    async def add_items(self, id: str, step: str, items: Sequence[Any], *, command_id: str | None = None) -> Receipt:  # noqa: A002
        """Add items to a for-each that has not been left."""
        return await self._steer(id, _step(step, "items"), command_id, items=list(items))

    async def set_variables(self, id: str, values: Mapping[str, Any], *, command_id: str | None = None) -> Receipt:  # noqa: A002
        return await self._steer(id, "variables", command_id, method="PATCH", values=dict(values))

    async def add_task(
        self,
        id: str,  # noqa: A002
        name: str,
        task: str,
        input: Any = None,  # noqa: A002
        *,
        queue: str = "default",
        command_id: str | None = None,
    ) -> Receipt:
        """Offer a task that the definition does not know; its output is kept as ``steps.<name>``."""
        return await self._steer(id, "tasks", command_id, name=name, task=task, queue=queue, input=input)

    async def migrate(
        self,
        id: str,  # noqa: A002
        version: str,
        *,
        dry_run: bool = False,
        command_id: str | None = None,
    ) -> Migration:
        """
        Go on by another version of the definition. With ``dry_run`` nothing is done: the answer says what would
        stand in the way.

        Raises:
            Rejected: MIGRATION_IMPOSSIBLE: something open has no place there.

        """
        body = {"version": version, "dry_run": dry_run, "by": self._by}
        return await self._calls.command(f"{path_of(id)}/migrate", Migration, body, command_id=command_id)

    async def _steer(
        self,
        id: str,  # noqa: A002
        way: str,
        command_id: str | None,
        *,
        method: str = "POST",
        **said: Any,
    ) -> Receipt:
        body = {**said, "by": self._by}
        return await self._calls.command(f"{path_of(id)}/{way}", Receipt, body, command_id=command_id, method=method)


def path_of(execution_id: str) -> str:
    return f"/executions/{quote(execution_id, safe='')}"


def _step(step: str, verb: str) -> str:
    return f"steps/{quote(step, safe='')}/{verb}"
