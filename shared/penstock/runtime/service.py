"""What a service is to whoever runs it: something that runs until it is asked to stop, and then stops cleanly."""

from __future__ import annotations

from typing import Protocol


class Service(Protocol):
    """A part of the product that can stand alone in a process or beside others."""

    @property
    def name(self) -> str: ...

    async def run(self) -> None:
        """Work until ``stop`` is called; return when everything begun is finished or safely left to others."""
        ...

    async def stop(self) -> None:
        """Ask ``run`` to return. Idempotent; returns at once."""
        ...

    def ready(self) -> bool:
        """Whether it does its work now (an engine that has restored its partitions, a projector that follows)."""
        ...
