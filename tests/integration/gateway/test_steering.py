"""What people do to executions by HTTP and by the client, with the real engine and the real projector."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from penstock.gateway.steering_routes import WAYS
from penstock.log.port import Log
from penstock.sdk.client import Client, Handle
from penstock.sdk.refusals import NotFound, Rejected
from penstock.tables.pool import Pool
from tests.integration.gateway.rig import whole, work

pytestmark = pytest.mark.anyio
API = "/api/v1"

DESK: dict[str, Any] = {
    "id": "desk",
    "version": "1.0.0",
    "queues": {"shop": {"transport": "http"}},
    "variables": {"limit": 5},
    "start": "ask",
    "steps": {
        "ask": {
            "task": "ask",
            "queue": "shop",
            "offers": ["change"],
            "catch": [{"error": "STEP_CANCELLED", "next": "sorry"}],
            "next": "reviews",
        },
        "change": {"task": "change", "queue": "shop"},
        "sorry": {"task": "sorry", "queue": "shop"},
        "reviews": {
            "each": [1],
            "variables": {"seen": 0},
            "do": {"review": {"task": "review", "queue": "shop"}},
            "next": "done",
        },
        "done": {"task": "done", "queue": "shop"},
    },
}


async def begun(client: Client, source: dict[str, Any] = DESK) -> Handle:
    await client.publish(source)
    return await client.start(source["id"])


async def steps(handle: Handle) -> dict[str, str]:
    return {task.step: task.status for task in await handle.tasks()}


async def test_a_step_is_cancelled_and_its_catch_goes_on(log: Log, pool: Pool) -> None:
    async with whole(log, pool) as (gateway, _), Client(gateway.url, by="ann") as client:
        desk = await begun(client)
        await desk.cancel_step("ask", "nobody is there")
        assert await steps(desk) == {"ask": "cancelled", "sorry": "scheduled"}
        told = [event.data async for event in desk.timeline() if event.type == "penstock.step_failed.v1"]
        assert [(data["failure"]["code"], data["by"]) for data in told] == [("STEP_CANCELLED", "ann")]


async def test_steps_are_completed_skipped_started_and_run_again_by_hand(log: Log, pool: Pool) -> None:
    async with whole(log, pool) as (gateway, _), Client(gateway.url, by="ann") as client:
        desk = await begun(client)
        await desk.start_step("change")
        await desk.skip_step("change", "not needed")
        await desk.complete_step("ask", {"said": "yes"})
        tasks = {task.step: task for task in await desk.tasks()}
        assert (tasks["ask"].status, tasks["ask"].output, tasks["ask"].worker) == ("completed", {"said": "yes"}, "ann")
        assert (tasks["change"].status, tasks["review"].status) == ("cancelled", "scheduled")
        await desk.add_items("reviews", [2, 3])
        assert [task.step for task in await desk.tasks()].count("review") == 3
        await desk.rerun_step("ask")
        assert sorted(task.step for task in await desk.tasks() if task.status == "scheduled") == ["ask"]


async def test_a_task_is_added_to_a_running_execution_which_waits_for_it(log: Log, pool: Pool) -> None:
    async with whole(log, pool) as (gateway, http), Client(gateway.url, by="ann") as client:
        desk = await begun(client)
        await desk.add_task("call-them", "call", {"tel": "110"}, queue="shop")
        added = next(task for task in await desk.tasks() if task.step == "call-them")
        assert (added.task, added.queue, added.status, added.added_by) == ("call", "shop", "scheduled", "ann")
        for _ in range(4):
            await work(http)
        assert (await client.result(desk.id, 10)) == {"score": 7}
        with pytest.raises(Rejected, match="EXECUTION_ENDED"):
            await desk.add_task("late", "call", queue="shop")


async def test_a_task_for_a_queue_that_nobody_declared_is_refused(log: Log, pool: Pool) -> None:
    async with whole(log, pool) as (gateway, http), Client(gateway.url) as client:
        desk = await begun(client)
        with pytest.raises(Rejected, match="QUEUE_MISSING"):
            await desk.add_task("call-them", "call", queue="nowhere")
        assert [offer["task"]["task"] for offer in await work(http)] == ["ask"]


async def test_variables_are_changed_and_shown_with_type_scope_and_time(log: Log, pool: Pool) -> None:
    async with whole(log, pool) as (gateway, _), Client(gateway.url, by="ann") as client:
        desk = await begun(client)
        await desk.set_variables({"limit": 500, "name": "Ann"})
        await desk.complete_step("ask")
        shown = {(v.scope, v.name): v for v in await desk.variables()}
        limit = shown["global", "limit"]
        assert (limit.value, limit.type, limit.visit, limit.step) == (500, "number", 0, None)
        assert (shown["global", "name"].type, shown["step", "seen"].step) == ("string", "reviews")
        assert shown["step", "index"].visit > 0
        started = (await desk.get()).started_at
        assert started < limit.updated_at <= shown["step", "seen"].updated_at


async def test_progress_is_an_estimate_until_everything_is_done(log: Log, pool: Pool) -> None:
    async with whole(log, pool) as (gateway, http), Client(gateway.url) as client:
        desk = await begun(client)
        first = await desk.progress()
        assert (first.status, first.progress, first.done, first.known) == ("running", 0, 0, 6)
        assert first.estimated_completion is None
        await desk.complete_step("ask")
        second = await desk.progress()
        assert 0 < second.progress < 100
        assert second.estimated_completion is not None
        assert second.estimated_completion > second.started_at
        for _ in range(2):
            await work(http)
        await client.result(desk.id, 10)
        assert (await desk.progress()).progress == 100
        with pytest.raises(NotFound, match="EXECUTION_UNKNOWN"):
            await client.progress("nobody")
        with pytest.raises(NotFound, match="EXECUTION_UNKNOWN"):
            await client.variables("nobody")


async def test_an_execution_migrates_and_a_dry_run_says_what_the_engine_would(log: Log, pool: Pool) -> None:
    added = {"task": "tell", "queue": "shop"}
    fits = DESK | {"version": "1.1.0", "steps": DESK["steps"] | {"sorry": added}}
    gone = DESK | {"version": "2.0.0", "start": "done", "steps": {"done": DESK["steps"]["done"]}}
    async with whole(log, pool) as (gateway, _), Client(gateway.url, by="ann") as client:
        desk = await begun(client)
        for source in (fits, gone):
            published = await client.publish(source)
            await client.definition("desk", source["version"], min_token=published.token)
        await desk.get()
        refused = await desk.migrate("2.0.0", dry_run=True)
        assert (refused.compatible, [problem.code for problem in refused.problems]) == (False, ["STEP_REMOVED"])
        assert refused.token is None
        with pytest.raises(Rejected, match="MIGRATION_IMPOSSIBLE"):
            await desk.migrate("2.0.0")
        assert (await desk.migrate("1.1.0", dry_run=True)).compatible
        assert (await desk.get()).version == "1.0.0"
        assert (await desk.migrate("1.1.0")).token
        assert (await desk.get()).version == "1.1.0"
        await desk.cancel_step("ask")
        assert [task.task for task in await desk.tasks() if task.status == "scheduled"] == ["tell"]
        with pytest.raises(NotFound, match="DEFINITION_UNKNOWN"):
            await desk.migrate("9.9.9", dry_run=True)
        with pytest.raises(NotFound, match="DEFINITION_UNKNOWN"):
            await desk.migrate("9.9.9")


async def test_a_migrated_execution_goes_on_by_its_version_after_a_restart(log: Log, pool: Pool) -> None:
    added = {"task": "tell", "queue": "shop"}
    newer = DESK | {"version": "1.1.0", "steps": DESK["steps"] | {"sorry": added}}
    async with whole(log, pool) as (gateway, _), Client(gateway.url) as client:
        desk = (await begun(client)).id
        await client.publish(newer)
        await client.migrate(desk, "1.1.0")
    async with whole(log, pool) as (gateway, _), Client(gateway.url) as client:
        again = await client.cancel_step(desk, "ask")
        tasks = await client.tasks(desk, min_token=again.token)
        assert [task.task for task in tasks if task.status == "scheduled"] == ["tell"]


async def test_the_same_command_id_is_done_once(log: Log, pool: Pool) -> None:
    async with whole(log, pool) as (gateway, _), Client(gateway.url) as client:
        desk = await begun(client)
        first = await client.add_task(desk.id, "call", "call", queue="shop", command_id="ticket-1")
        again = await client.add_task(desk.id, "call", "call", queue="shop", command_id="ticket-1")
        assert (first.id, first.command_id) == (again.id, again.command_id)
        tasks = await client.tasks(desk.id, min_token=again.token)
        assert [task.step for task in tasks].count("call") == 1


def body(way: str) -> dict[str, Any]:
    needed: dict[str, dict[str, Any]] = {
        "variables": {"values": {"a": 1}},
        "tasks": {"name": "x", "task": "x", "queue": "shop"},
        "steps/{step}/items": {"items": [1]},
    }
    return needed.get(way, {})


async def test_every_way_refuses_a_status_that_the_caller_did_not_expect(log: Log, pool: Pool) -> None:
    async with whole(log, pool) as (gateway, http), Client(gateway.url) as client:
        desk = await begun(client)
        for way in WAYS:
            path = f"{API}/executions/{desk.id}/{way.path.format(step='ask')}"
            answer = await http.request(way.method, path, json={**body(way.path), "expected": ["paused"]})
            assert (answer.status_code, answer.json()["code"]) == (409, "STATUS_NOT_EXPECTED"), way.path


async def test_what_cannot_be_is_refused_by_name(log: Log, pool: Pool) -> None:
    async with whole(log, pool) as (gateway, http), Client(gateway.url) as client:
        desk = await begun(client)

        async def said(path: str, given: dict[str, Any], method: str = "POST") -> tuple[int, str]:
            answer: httpx.Response = await http.request(method, f"{API}/executions/{desk.id}/{path}", json=given)
            return answer.status_code, answer.json()["code"]

        assert await said("steps/nothing/cancel", {}) == (409, "STEP_UNKNOWN")
        assert await said("steps/done/complete", {}) == (409, "STEP_NOT_OPEN")
        assert await said("steps/done/start", {}) == (409, "STEP_NOT_OFFERED")
        assert await said("steps/reviews/items", {"items": [1]}) == (409, "ITEMS_CLOSED")
        assert await said("steps/reviews/items", {"items": []}) == (422, "REQUEST_INVALID")
        assert await said("variables", {"values": {"not a name": 1}}, "PATCH") == (422, "REQUEST_INVALID")
        assert await said("variables", {}, "PATCH") == (422, "REQUEST_INVALID")
        assert await said("tasks", {"name": "ask", "task": "t"}) == (409, "STEP_EXISTS")
        assert await said("steps/ask/skip", {"colour": "red"}) == (422, "REQUEST_INVALID")
