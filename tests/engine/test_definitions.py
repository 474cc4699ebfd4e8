"""Definitions as entities of the engine: what is made sure of before a batch with drafts is decided."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from penstock.catalog.commands import CatalogCommand, PublishDraft, SaveDraft
from penstock.catalog.events import DefinitionPublished
from penstock.domain.rejected import Rejected, RejectionCode
from penstock.engine.arrival import Arrival
from penstock.engine.definitions import Definitions
from penstock.log.memory import MemoryLog
from penstock.log.port import Record, TopicSpec
from penstock.log.topics import product_topics
from penstock.messages.envelope import Received
from penstock.messages.registry import NAMES

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def source(queue: str) -> dict[str, Any]:
    return {"id": "order", "version": "1.0.0", "steps": {"a": {"task": "t", "queue": queue}}}


def arrival(command: CatalogCommand) -> Arrival:
    received = Received(command=command, id="c-1", type=NAMES[type(command)], subject="order")
    return Arrival(Record("catalog-commands", 0, 0, b"order", b"", (), 0), received)


class Desk:
    """Definitions with a log in memory, given batches of commands."""

    def __init__(self) -> None:
        self.log = MemoryLog()
        self.definitions = Definitions(self.log)
        self.state: Any = None

    async def decide(self, *commands: CatalogCommand) -> list[Any]:
        """The events of a batch, decided in its order after one look at the world."""
        await self.definitions.prepare([arrival(command) for command in commands])
        decided: list[Any] = []
        for command in commands:
            events, self.state = self.definitions.turn("order", self.state, command, NOW)
            decided += events
        return decided


@pytest.fixture
async def desk() -> Desk:
    made = Desk()
    await made.log.apply(product_topics(2))
    return made


async def test_the_queues_of_a_draft_are_made_before_it_is_published(desk: Desk) -> None:
    await desk.decide(SaveDraft(source=source("hall")))
    assert "tasks.hall" not in await desk.log.topics()
    (event,) = await desk.decide(PublishDraft(revision=1))
    assert isinstance(event, DefinitionPublished)
    assert (await desk.log.topics())["tasks.hall"] == 2


async def test_a_draft_that_is_saved_and_published_in_one_batch_has_its_queues_too(desk: Desk) -> None:
    events = await desk.decide(SaveDraft(source=source("hall")), PublishDraft(revision=1))
    assert isinstance(events[-1], DefinitionPublished)
    assert (await desk.log.topics())["tasks.hall"] == 2


async def test_a_draft_whose_queue_is_unfit_is_not_published(desk: Desk) -> None:
    await desk.log.apply([TopicSpec("tasks.hall", 3, None)])
    with pytest.raises(Rejected) as refused:
        await desk.decide(SaveDraft(source=source("hall")), PublishDraft(revision=1))
    assert refused.value.code == RejectionCode.QUEUE_MISSING
