"""Which kinds of entities an owner serves on which topics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from penstock.domain.definition.model import Transport
from penstock.engine.by_kind import ByKind
from penstock.engine.definitions import Definitions
from penstock.engine.executions import PublishedDefinitions
from penstock.engine.outbox import Topics
from penstock.engine.owner import Owner, Pace
from penstock.log import topics as t
from penstock.log.port import Log
from penstock.runtime.clock import Clock

ENTITIES: Final = Topics(t.COMMANDS, t.EVENTS, t.ANSWERS)
DEFINITIONS: Final = Topics(t.CATALOG_COMMANDS, t.CATALOG, t.CATALOG_ANSWERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """What all owners of a process have in common; ``partitions`` is the number of each input topic."""

    log: Log
    partitions: int
    name: str
    clock: Clock
    pace: Pace
    default_transport: Transport = "log"

    def entity_owner(self, partition: int, definitions: PublishedDefinitions) -> Owner:
        return Owner(
            self.log,
            ENTITIES,
            partition,
            self.partitions,
            lambda: ByKind(definitions),
            name=self.name,
            clock=self.clock,
            pace=self.pace,
        )

    def catalog_owner(self, partition: int) -> Owner:
        """The catalog is small: its state is made anew from its events, without snapshots."""
        return Owner(
            self.log,
            DEFINITIONS,
            partition,
            1,
            lambda: Definitions(self.log, self.default_transport),
            name=self.name,
            clock=self.clock,
            pace=self.pace,
            snapshots=False,
            reach=self.partitions,
        )
