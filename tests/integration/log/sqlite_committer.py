"""A process that commits to a SQLite log until somebody kills it; acknowledges each commit on its standard output."""

from __future__ import annotations

import asyncio
import os
import sys

from penstock.log.port import Batch, Message, TopicPartition
from penstock.log.sqlite import SqliteLog


async def main(path: str, start: int) -> None:
    log = await SqliteLog.open(path)
    source = TopicPartition("commands", 0)
    owner = await log.take(source, lambda epoch, turn: Batch("events", 0, [Message(b"mark", b"%d" % turn)]))
    number = start
    while True:
        value = b"%d" % number
        events = Batch("events", 0, [Message(b"event", value), Message(b"event", value)])
        tasks = Batch("tasks", 0, [Message(b"task", value)])
        sent = log.send([Batch("commands", 0, [Message(b"command", value)])])
        await asyncio.gather(owner.commit([events, tasks]), sent)
        os.write(1, b"%d\n" % number)
        number += 1


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
