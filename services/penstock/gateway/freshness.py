"""How fresh the tables are: waits for a consistency token, and says how old an answer may be (decisions 20)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from penstock.log.port import TopicPartition
from penstock.log.topics import CATALOG, EVENTS
from penstock.messages.records import Token
from penstock.projections import positions
from penstock.projections.positions import Standing
from penstock.runtime.clock import Clock
from penstock.tables.pool import Pool, TablesUnavailable

AGE_HEADER: Final = "Penstock-Age"
TOKEN_HEADER: Final = "Penstock-Token"  # noqa: S105 - the name of a header
_KEPT: Final = 0.05
"""Seconds for which the standings of the tables are asked once for all queries: tokens are lower bounds anyway."""


class ReadModelBehind(Exception):
    """The tables have not reached a token in time."""

    def __init__(self, token: Token, seconds: float) -> None:
        super().__init__(f"expected the read model to reach {token} within {seconds:g} s, but it is behind; ask again")


class ReadModelMissing(TablesUnavailable):
    """No projector has ever filled these tables."""

    def __init__(self) -> None:
        super().__init__("expected read models in the tables, but no projector has filled them yet: run one")


class Freshness:
    """One for all queries of a gateway."""

    def __init__(self, pool: Pool, clock: Clock, patience: float) -> None:
        self._pool, self._clock, self._patience = pool, clock, patience
        self._watch = positions.watch(pool)
        self._exists = False
        self._standings: Sequence[Standing] = ()
        self._asked_at = float("-inf")

    async def reach(self, tokens: Sequence[Token]) -> None:
        """
        Return as soon as the tables show everything up to ``tokens``.

        Raises:
            ReadModelBehind: they did not come so far in time.
            TablesUnavailable: nobody can tell.

        """
        await self._ensure_exists()
        deadline = asyncio.get_running_loop().time() + self._patience
        for token in tokens:
            if not await self._watch.wait_for(token, max(deadline - asyncio.get_running_loop().time(), 0)):
                raise ReadModelBehind(token, self._patience)
        self._asked_at = float("-inf")  # what was asked before may not show the tokens yet

    async def headers(self, topic: str, partition: int | None = None) -> dict[str, str]:
        """What an answer says of itself. Ask before the query: what it finds is then at least as fresh."""
        meant = [
            s for s in await self.standings() if s.partition.topic == topic and partition in (None, s[0].partition)
        ]
        age = positions.oldest(meant, self._clock(), topic)
        kind = "catalog" if topic == CATALOG else "events"
        tokens = [Token(kind, s.partition.partition, s.input_position) for s in meant if s.input_position >= 0]  # type: ignore[arg-type]
        headers = {TOKEN_HEADER: ",".join(map(str, sorted(tokens)))}
        if age is not None:
            headers[AGE_HEADER] = f"{age.total_seconds():.3f}"
        return headers

    async def standings(self) -> Sequence[Standing]:
        await self._ensure_exists()
        now = asyncio.get_running_loop().time()
        if now - self._asked_at > _KEPT:
            self._standings = await positions.standings(self._pool)
            self._asked_at = now
        return self._standings

    async def age(self) -> timedelta | None:
        return positions.oldest(await self.standings(), self._clock(), EVENTS)

    async def applied(self) -> Mapping[TopicPartition, int]:
        """The input position that the tables show, by partition."""
        return {standing.partition: standing.input_position for standing in await self.standings()}

    async def _ensure_exists(self) -> None:
        if not self._exists:
            self._exists = await self._pool.fetchval("select to_regclass('applied_positions') is not null") is True
            if not self._exists:
                raise ReadModelMissing
