"""Schedules, hooks and operations by HTTP, by the client and by the command line, with real parts."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from penstock.engine.replay import verify
from penstock.log.port import Log
from penstock.runtime.ids import new_id
from penstock.sdk.client import Client
from penstock.sdk.operation_calls import Operation
from penstock.tables.pool import Pool
from tests.integration.gateway.rig import PATIENCE, whole

pytestmark = pytest.mark.anyio
API = "/api/v1"
WAITS: dict[str, Any] = {"id": "waits", "version": "1.0.0", "steps": {"w": {"wait": "1h"}}}
HOOKED: dict[str, Any] = {
    "id": "hooked",
    "version": "1.0.0",
    "triggers": {
        "call": {"hook": "reports", "input": {"n": "{{ payload.n }}", "at": "{{ now }}"}, "business_key": "k"},
        "tick": {"every": "1h"},
    },
    "steps": {"w": {"wait": "1h"}},
}


async def publish(client: httpx.AsyncClient, source: dict[str, Any]) -> str:
    answer = await client.post(f"{API}/definitions", json=source)
    assert answer.status_code == 201, answer.text
    token: str = answer.json()["token"]
    return token


async def shown(client: httpx.AsyncClient, path: str, token: str) -> dict[str, Any]:
    answer = await client.get(f"{API}{path}", params={"min_token": token})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_a_schedule_is_made_shown_changed_paused_triggered_and_deleted(log: Log, pool: Pool) -> None:
    async with whole(log, pool) as (_, client):
        await publish(client, WAITS)
        path = "/schedules/nightly"
        body = {"definition": "waits", "cron": "0 3 * * *", "timezone": "Europe/Berlin", "by": "ann"}
        made = await client.put(f"{API}{path}", json=body)
        assert made.status_code == 200, made.text
        first = await shown(client, path, made.json()["token"])
        assert (first["status"], first["cron"], first["fired"]) == ("active", "0 3 * * *", 0)
        assert first["next_due_at"][11:16] in ("01:00", "02:00")
        changed = await client.put(f"{API}{path}", json={**body, "cron": None, "every": 60, "input": {"n": 1}})
        assert (await shown(client, path, changed.json()["token"]))["every"] == 60
        paused = await client.post(f"{API}{path}/pause")
        assert (await shown(client, path, paused.json()["token"]))["status"] == "paused"
        triggered = await client.post(f"{API}{path}/trigger", json={"by": "bob"})
        row = await shown(client, path, triggered.json()["token"])
        assert (row["fired"], len(row["last_execution"])) == (1, 36)
        await _until(client, f"/executions/{row['last_execution']}", lambda found: found["input"] == {"n": 1})
        resumed = await client.post(f"{API}{path}/resume", json={"by": "bob"})
        assert (await shown(client, "/schedules", resumed.json()["token"]))["items"][0]["updated_by"] == "bob"
        deleted = await client.delete(f"{API}{path}", params={"by": "ann"})
        gone = await client.get(f"{API}{path}", params={"min_token": deleted.json()["token"]})
        assert (gone.status_code, gone.json()["code"]) == (404, "SCHEDULE_UNKNOWN")
        unknown = await client.post(f"{API}{path}/pause")
        assert (unknown.status_code, unknown.json()["code"]) == (404, "SCHEDULE_UNKNOWN")
        wrong = await client.put(f"{API}{path}", json={**body, "cron": "whenever"})
        assert (wrong.status_code, wrong.json()["code"]) == (422, "SCHEDULE_INVALID")


async def test_the_schedule_of_a_trigger_is_shown_like_any_other(log: Log, pool: Pool) -> None:
    async with whole(log, pool) as (_, client):
        await publish(client, HOOKED)
        row = await _until(client, "/schedules/hooked.tick", lambda found: found["status"] == "active")
        assert (row["definition"], row["every"], row["updated_by"]) == ("hooked", 3600.0, "hooked")


async def test_a_hook_starts_an_execution_once_for_each_key(log: Log, pool: Pool) -> None:
    async with whole(log, pool) as (_, client):
        nobody = await client.post(f"{API}/hooks/reports", json={"n": 1})
        assert (nobody.status_code, nobody.json()["code"]) == (404, "HOOK_UNKNOWN")
        await shown(client, "/definitions", await publish(client, HOOKED))
        answers = [
            await client.post(f"{API}/hooks/reports", json={"n": 5}, headers={"Idempotency-Key": "call 1"})
            for _ in range(3)
        ]
        assert [answer.status_code for answer in answers] == [201] * 3, answers[-1].text
        (id_,) = {answer.json()["id"] for answer in answers}
        row = await shown(client, f"/executions/{id_}", answers[-1].json()["token"])
        assert (row["definition"], row["input"]["n"], row["business_key"]) == ("hooked", 5, "k")
        other = await client.post(f"{API}/hooks/reports", json={"n": 5}, headers={"Idempotency-Key": "call 2"})
        free = await client.post(f"{API}/hooks/reports", json={"n": 5})
        assert len({id_, other.json()["id"], free.json()["id"]}) == 3
        bad = await client.post(f"{API}/hooks/reports", json=[1])
        assert (bad.status_code, bad.json()["code"]) == (422, "INPUT_INVALID")
        broken = await client.post(f"{API}/hooks/reports", content=b"{", headers={"Content-Type": "application/json"})
        assert broken.status_code == 422


async def test_an_operation_changes_all_that_fit_and_counts_who_refused(log: Log, pool: Pool) -> None:
    async with whole(log, pool) as (gateway, http), Client(gateway.url, by="ann") as client:
        await publish(http, WAITS)
        handles = [await client.start("waits", business_key=f"k{n % 2}") for n in range(7)]
        tokens = ",".join(str(handle.token) for handle in handles)
        found = await client.try_operation("pause", definition="waits", status=["running", "waiting"], min_token=tokens)
        assert (found.count, sorted(found.executions)) == (7, sorted(handle.id for handle in handles))
        narrow = await client.try_operation("pause", definition="waits", business_key="k1", min_token=tokens)
        assert narrow.count == 3
        receipt = await client.start_operation(
            "pause", {"reason": "stock-taking"}, id="o-1", definition="waits", min_token=tokens
        )
        assert (receipt.id, receipt.count) == ("o-1", 7)
        ended = await _ended(client, receipt.id, receipt.token)
        assert (ended.status, ended.total, ended.accepted, ended.refused) == ("completed", 7, 7, 0)
        rows = [await client.get(handle.id) for handle in handles]
        assert {(row.status, row.reason) for row in rows} == {("paused", "stock-taking")}
        again = await client.start_operation("pause", {"reason": "stock-taking"}, id="o-1", definition="waits")
        assert (again.id, (await client.operation("o-1", min_token=again.token)).total) == ("o-1", 7)
        cancelled = await client.cancel(handles[0].id)
        second = await client.start_operation("retry", definition="waits", min_token=cancelled.token)
        ended = await _ended(client, second.id, second.token)
        assert (ended.accepted, ended.codes) == (0, {"INVALID_STATE_TRANSITION": 6})
        assert {refusal["code"] for refusal in ended.refusals} == {"INVALID_STATE_TRANSITION"}
        assert [item.id async for item in client.operations()] == [second.id, "o-1"]
    assert all(verdict.ok for verdict in await verify(log))


async def test_what_no_operation_can_be_is_refused_before_anything_happens(log: Log, pool: Pool) -> None:
    async with whole(log, pool) as (_, client):
        for body, status, code in (
            ({"action": "explode", "filter": {}}, 422, "REQUEST_INVALID"),
            ({"action": "pause", "filter": {"colour": 1}}, 422, "REQUEST_INVALID"),
            ({"action": "migrate", "filter": {}}, 422, "INPUT_INVALID"),
            ({"action": "pause", "arguments": {"by": "x"}, "filter": {}}, 422, "INPUT_INVALID"),
        ):
            answer = await client.post(f"{API}/operations", json=body)
            assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        slash = {"action": "pause", "filter": {}}
        answer = await client.post(f"{API}/operations", json=slash, headers={"Idempotency-Key": "a/b"})
        assert (answer.status_code, answer.json()["code"]) == (422, "ID_INVALID")
        answer = await client.get(f"{API}/operations/{new_id()}")
        assert (answer.status_code, answer.json()["code"]) == (404, "OPERATION_UNKNOWN")
        answer = await client.post(f"{API}/operations/nobody/cancel")
        assert (answer.status_code, answer.json()["code"]) == (404, "OPERATION_UNKNOWN")


async def test_the_command_line_does_all_of_it(log: Log, pool: Pool) -> None:
    async with whole(log, pool) as (gateway, http), Client(gateway.url) as client:
        await publish(http, WAITS)
        handles = [await client.start("waits") for _ in range(3)]
        for handle in handles:
            await handle.get()

        async def penstock(*arguments: str, code: int = 0) -> str:
            return await _run((*arguments, "--url", gateway.url), code)

        assert "created: n" in await penstock("schedule", "create", "n", "-d", "waits", "--every", "60", "--paused")
        await penstock("schedule", "trigger", "n")
        shown_ = json.loads(await penstock("schedule", "show", "n", "--json"))
        assert shown_["status"] == "paused"
        assert "every 60 s" in await penstock("schedule", "list")
        assert "resume: n" in await penstock("schedule", "resume", "n")
        assert "delete: n" in await penstock("schedule", "delete", "n")
        await penstock("schedule", "pause", "n", code=1)
        dry = await penstock("operation", "start", "cancel", "-d", "waits", "--dry-run", "--json")
        assert json.loads(dry)["count"] >= 3
        said = await penstock("operation", "start", "cancel", "-d", "waits", "--id", "o-1", "--json")
        assert json.loads(said)["status"] == "completed"
        assert "o-1" in await penstock("operation", "list")
        assert "completed" in await penstock("operation", "show", "o-1")
        await penstock("operation", "pause", "o-1", code=4)
        assert "o-1" in await penstock("operation", "cancel", "o-1")
        assert {(await handle.get()).status for handle in handles} == {"cancelled"}


async def _run(arguments: Sequence[str], code: int) -> str:
    program = ("-m", "penstock.cli.main", *arguments)
    process = await asyncio.create_subprocess_exec(
        sys.executable, *program, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, error = await process.communicate()
    assert process.returncode == code, (arguments, out.decode(), error.decode())
    return out.decode()


async def _ended(client: Client, id_: str, token: str) -> Operation:
    async with asyncio.timeout(PATIENCE):
        while not (found := await client.operation(id_, min_token=token)).ended:
            await asyncio.sleep(0.01)
    return found


async def _until(client: httpx.AsyncClient, path: str, holds: Any) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE):
        while True:
            answer = await client.get(f"{API}{path}")
            if answer.status_code == 200 and holds(answer.json()):
                found: dict[str, Any] = answer.json()
                return found
            await asyncio.sleep(0.01)
