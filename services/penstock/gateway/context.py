"""What all routes share, and how they answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

import msgspec
from fastapi import Depends, Header, Query, Request, Response

from penstock.domain.subjects import root_of
from penstock.gateway.commander import Accepted, Commander, Order
from penstock.gateway.event_reader import EventReader
from penstock.gateway.feed import TaskFeed
from penstock.gateway.freshness import Freshness
from penstock.gateway.lag import Lag
from penstock.gateway.metrics import Metrics
from penstock.gateway.outcome import Outcomes
from penstock.gateway.settings import GatewaySettings
from penstock.log.port import Log
from penstock.log.topics import EVENTS, partition_of
from penstock.messages.envelope import MAX_ID
from penstock.messages.records import Token
from penstock.messages.wellformed import Malformed
from penstock.runtime.clock import Clock, system_clock
from penstock.runtime.ids import new_id
from penstock.tables.pool import Pool

_encode = msgspec.json.Encoder().encode
PREFIX: Final = "/api/v1"


@dataclass(slots=True, kw_only=True)
class Context:
    """The parts of one gateway."""

    settings: GatewaySettings
    log: Log
    pool: Pool
    commander: Commander
    feed: TaskFeed
    clock: Clock = system_clock
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    freshness: Freshness = field(init=False)
    lag: Lag = field(init=False)
    outcomes: Outcomes = field(init=False)
    events: EventReader = field(init=False)
    metrics: Metrics = field(init=False)

    def __post_init__(self) -> None:
        settings = self.settings
        self.freshness = Freshness(self.pool, self.clock, settings.fresh_timeout)
        self.lag = Lag(self.log, self.commander, self.freshness, most=settings.max_lag, interval=settings.lag_interval)
        self.outcomes = Outcomes(self.pool)
        self.events = EventReader(self.log)
        self.metrics = Metrics(self.commander, self.feed, self.lag)

    def close(self) -> None:
        """Answer those who wait for something: the gateway is going to stop."""
        self.closing.set()
        self.outcomes.close()

    async def ask(self, order: Order) -> Accepted:
        """Have a command of a caller decided; results of workers do not come this way."""
        if order.topic == "commands":
            self.lag.admit(order.subject)
        return await self.commander.ask(order, self.settings.answer_timeout)

    def partition(self, execution_id: str) -> int:
        return partition_of(root_of(execution_id).encode(), self.commander.partitions)

    async def about(self, execution_id: str) -> dict[str, str]:
        """The headers of an answer about one execution."""
        return await self.freshness.headers(EVENTS, self.partition(execution_id))


def context(request: Request) -> Context:
    found: Context = request.app.state.context
    return found


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(_encode(value), status, headers, "application/json")


async def fresh(
    gateway: Annotated[Context, Depends(context)],
    min_token: Annotated[
        list[str],
        Query(
            description="A token of a command's answer: the answer shows at least its effect, or is a 503 "
            "`READ_MODEL_BEHIND`. May be repeated, or hold several with commas."
        ),
    ] = [],  # noqa: B006 - FastAPI copies it
) -> None:
    """Wait until the tables show everything up to ``min_token``."""
    tokens = tokens_of(min_token)
    if tokens:
        await gateway.freshness.reach(tokens)


def tokens_of(texts: Sequence[str]) -> list[Token]:
    parts = [part.strip() for text in texts for part in text.split(",") if part.strip()]
    if len(parts) > 100:
        raise Malformed(f"expected at most 100 tokens, but got {len(parts)}")
    return [Token.parse(part) for part in parts]


def command_id(
    key: Annotated[
        str | None,
        Header(
            alias="Idempotency-Key",
            description="The id of the command. The same command with the same key is done once, and gets the same "
            "answer for 24 hours.",
            max_length=MAX_ID,
            min_length=1,
        ),
    ] = None,
) -> str:
    return key or new_id()


Gateway = Annotated[Context, Depends(context)]
CommandId = Annotated[str, Depends(command_id)]
Fresh = Depends(fresh)
Limit = Annotated[int, Query(ge=1, le=1000)]
Cursor = Annotated[str | None, Query(description="From the answer before.", max_length=1000)]

_HEADERS: Final = {
    "Penstock-Age": {
        "description": "Seconds since the moment up to which the read model is known to be complete.",
        "schema": {"type": "number"},
    },
    "Penstock-Token": {
        "description": "The answer shows everything up to these tokens (one per partition that it draws on).",
        "schema": {"type": "string"},
    },
}


def documented(status: int, model: Any, *problems: int, query: bool = False, text: str = "") -> dict[int | str, Any]:
    """What OpenAPI says about the answers of a route."""
    said: dict[int | str, Any] = {status: {"model": model, "description": text or "As asked."}}
    if query:
        said[status]["headers"] = _HEADERS
    texts = {
        401: "The API token is missing or wrong.",
        404: "There is no such thing.",
        409: "Refused: `code` says why, and it will be refused again.",
        413: "Too large.",
        422: "The request is not valid.",
        429: "Too many commands wait: come back after `Retry-After` seconds.",
        503: "Log or tables do not answer, or the read model is behind: ask again after `Retry-After` seconds.",
        504: "Nobody knows yet: ask again with the same `Idempotency-Key`.",
    }
    for code in (401, *problems):
        schema = {"$ref": "#/components/schemas/Problem"}
        said[code] = {"description": texts[code], "content": {"application/problem+json": {"schema": schema}}}
    return said


COMMAND: Final = (404, 409, 413, 422, 429, 503, 504)
QUERY: Final = (422, 503)
