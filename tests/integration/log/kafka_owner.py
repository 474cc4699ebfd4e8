"""
An owner in a process of its own, for tests that freeze it: joins, takes partition 0, commits without end.

It prints ``owning`` when it has committed a while, and the name of the error that ended it.
"""

from __future__ import annotations

import asyncio
import itertools
import sys

from tests.integration.log.kafka_scene import QUICK, SOURCE, batch, owning

from penstock.log.kafka import KafkaLog
from penstock.log.port import LogError


class Served:
    """Tells when we are to serve."""

    def __init__(self) -> None:
        self.assigned = asyncio.Event()

    async def assign(self, partitions: frozenset[int]) -> None:
        self.assigned.set()

    async def revoke(self) -> None: ...


async def main(bootstrap: str, prefix: str) -> None:
    log = await KafkaLog.open(bootstrap, prefix=prefix, settings=QUICK)
    served = Served()
    await log.join("owners", SOURCE.topic, served)
    await served.assigned.wait()
    async with owning(log) as owner:
        for number in itertools.count():
            try:
                await owner.commit([batch(b"old %d" % number)])
            except LogError as error:
                print(type(error).__name__, flush=True)
                break
            if number == 50:
                print("owning", flush=True)
    await log.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
