"""The SQLite log among processes: killed ones, competing ones, foreign and newer files."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import stat
import sys
from collections import Counter
from pathlib import Path

import pytest
from tests.contract.logs import batch, collect, everything, marks, spec

from penstock.log.port import Fenced, LogUnavailable, TopicPartition
from penstock.log.sqlite import SqliteLog
from penstock.log.sqlite_file import FORMAT, FormatTooNew, NotALog

pytestmark = pytest.mark.anyio

COMMITTER = Path(__file__).with_name("sqlite_committer.py")
COMMANDS = TopicPartition("commands", 0)
TOPICS = [spec("commands"), spec("events"), spec("tasks")]


async def _committer(path: Path, start: int) -> asyncio.subprocess.Process:
    roots = [folder for folder in sys.path if folder]
    return await asyncio.create_subprocess_exec(
        sys.executable,
        str(COMMITTER),
        str(path),
        str(start),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(roots)},
    )


async def _acknowledged(process: asyncio.subprocess.Process, count: int) -> list[bytes]:
    assert process.stdout is not None
    return [(await process.stdout.readline()).strip() for _ in range(count)]


async def _rest(process: asyncio.subprocess.Process) -> list[bytes]:
    """What the process had still said when it ended; a last line that is not whole was no acknowledgement."""
    assert process.stdout is not None
    return [line.strip() for line in (await process.stdout.read()).splitlines(keepends=True) if line.endswith(b"\n")]


async def test_every_acknowledged_commit_outlives_a_killed_process_whole_and_once(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    log = await SqliteLog.open(path)
    await log.apply(TOPICS)
    await log.close()
    acknowledged: list[bytes] = []
    for life, at_least in enumerate((1, 40, 7)):
        process = await _committer(path, life * 1_000_000)
        acknowledged += await _acknowledged(process, at_least)
        process.send_signal(signal.SIGKILL)
        acknowledged += await _rest(process)
        assert await process.wait() == -signal.SIGKILL

    log = await SqliteLog.open(path)
    async with await log.reader({TopicPartition("events", 0): 0}) as reader:
        events = Counter(record.value for record in await _all(reader) if record.key == b"event")
    async with await log.reader({TopicPartition("tasks", 0): 0}) as reader:
        tasks = Counter(record.value for record in await _all(reader))
    assert set(tasks.values()) == {1}
    assert events == dict.fromkeys(tasks, 2), "a commit is there in part"
    assert set(acknowledged) <= set(tasks)
    assert len(tasks) <= len(acknowledged) + 3  # one a life may be there without its acknowledgement
    commands = await everything(log, "commands")
    assert set(acknowledged) <= set(commands)
    assert len(set(commands)) == len(commands)
    await log.close()


async def _all(reader: object) -> list:  # type: ignore[type-arg]
    found, part = [], await reader.read()  # type: ignore[attr-defined]
    while part:
        found += part
        part = await reader.read()  # type: ignore[attr-defined]
    return found


async def test_a_take_over_fences_an_owner_in_another_process(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    log = await SqliteLog.open(path)
    await log.apply(TOPICS)
    process = await _committer(path, 0)
    acknowledged = await _acknowledged(process, 20)
    owner = await log.take(COMMANDS, marks("events"))
    seen = await everything(log, "tasks")
    acknowledged += await _rest(process)
    assert await process.wait() != 0  # it met Fenced
    await owner.commit([batch("tasks", b"mine")])
    assert await everything(log, "tasks") == [*acknowledged, b"mine"]
    assert seen == acknowledged
    await log.close()


async def test_an_owner_is_fenced_by_another_process_while_it_waits(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    log = await SqliteLog.open(path)
    await log.apply(TOPICS)
    owner = await log.take(COMMANDS, marks("events"))
    await owner.commit([batch("tasks", b"mine")])
    process = await _committer(path, 0)
    await _acknowledged(process, 1)
    with pytest.raises(Fenced):
        await owner.commit([batch("tasks", b"zombie")])
    process.kill()
    await _rest(process)
    await process.wait()
    assert b"zombie" not in await everything(log, "tasks")
    await log.close()


async def test_a_reader_sees_what_another_process_writes(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    log = await SqliteLog.open(path)
    await log.apply(TOPICS)
    async with await log.reader({TopicPartition("tasks", 0): 0}) as reader:
        process = await _committer(path, 0)
        found = await collect(reader, 30)
        process.kill()
        await _rest(process)
        await process.wait()
    assert [record.value for record in found] == [b"%d" % number for number in range(len(found))]
    await log.close()


async def test_the_file_is_private_and_its_folder_is_made(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "down" / "log.db"
    log = await SqliteLog.open(path)
    await log.apply(TOPICS)
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert len(list(path.parent.iterdir())) == 3
    await log.close()
    assert [file.name for file in path.parent.iterdir()] == ["log.db"]


async def test_a_file_that_is_not_ours_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    text, other = tmp_path / "text", tmp_path / "other.db"
    text.write_bytes(b"not a database at all, but long enough to be looked at\n" * 20)
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE theirs (a)")
    connection.close()
    for file in (text, other):
        before = file.read_bytes()
        with pytest.raises(NotALog, match=file.name):
            await SqliteLog.open(file)
        assert file.read_bytes() == before


async def test_a_file_of_a_later_release_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "log.db"
    await (await SqliteLog.open(path)).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {FORMAT + 1}")
    connection.close()
    with pytest.raises(FormatTooNew, match=str(FORMAT + 1)):
        await SqliteLog.open(path)


async def test_a_path_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file" / "log.db"):
        with pytest.raises(LogUnavailable):
            await SqliteLog.open(path)


async def test_many_processes_may_create_the_file_at_once(tmp_path: Path) -> None:
    logs = await asyncio.gather(*(SqliteLog.open(tmp_path / "log.db") for _ in range(8)))
    created = await asyncio.gather(*(log.apply([spec("one"), spec("two")]) for log in logs))
    assert sorted(name for names in created for name in names) == ["one", "two"]
    await asyncio.gather(*(log.close() for log in logs))
