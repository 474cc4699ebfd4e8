"""Everything that a gateway says no to, and how it says it."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from penstock.domain.execution.commands import CancelExecution, StartExecution
from penstock.gateway.service import Gateway
from penstock.gateway.settings import GatewaySettings, Unprotected
from penstock.log.memory import MemoryLog
from penstock.log.memory_faults import Fault
from penstock.log.port import Log
from penstock.projector.service import Projector
from penstock.runtime.ids import new_id
from penstock.tables.pool import Pool
from tests.integration.gateway.rig import running, serving, until
from tests.integration.gateway.scripted_engine import scripted

pytestmark = pytest.mark.anyio
API = "/api/v1"
START = {"definition": "order"}


def problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """The members of a problem, which has to be the one expected."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    body: dict[str, Any] = response.json()
    assert (response.status_code, body["code"]) == (status, code), body
    assert body["status"] == status
    assert body["type"] == f"urn:penstock:problem:{code}"
    assert body["detail"]
    assert body["instance"] == response.request.url.path
    return body


async def test_a_refusal_of_the_engine_has_its_code_and_its_status(log: Log, pool: Pool) -> None:
    async with scripted(log, 2) as engine, serving(log, pool) as (_, client):
        expected = {
            "EXECUTION_ENDED": 409,
            "INVALID_STATE_TRANSITION": 409,
            "EXECUTION_UNKNOWN": 404,
            "DEFINITION_UNKNOWN": 404,
            "INPUT_INVALID": 422,
            "START_TOO_OLD": 409,
            "PAYLOAD_TOO_LARGE": 413,
        }
        for code, status in expected.items():
            engine.script = lambda _, code=code: code  # type: ignore[misc]
            body = problem(await client.post(f"{API}/executions", json=START), status, code)
            assert body["detail"] == f"told to say {code}"
        engine.script = lambda _: "CODE_OF_A_LATER_RELEASE"
        body = problem(await client.post(f"{API}/executions", json=START), 409, "INVALID_STATE_TRANSITION")
        assert "CODE_OF_A_LATER_RELEASE" in body["detail"]


async def test_an_answer_that_does_not_come_is_a_504_that_says_how_to_go_on(log: Log, pool: Pool) -> None:
    async with scripted(log, 2) as engine, serving(log, pool, answer_timeout=0.2) as (_, client):
        engine.script = lambda _: None
        key = new_id()
        late = await client.post(f"{API}/executions", json=START, headers={"Idempotency-Key": key})
        body = problem(late, 504, "ANSWER_LATE")
        assert body["command_id"] == late.headers["idempotency-key"] == key
        assert body["token"].startswith("e")
        engine.script = lambda _: ""
        again = await client.post(f"{API}/executions", json=START, headers={"Idempotency-Key": key})
        assert (again.status_code, again.json()["id"]) == (201, key)
        first, second = engine.of(StartExecution)
        assert (first.id, first.subject) == (second.id, second.subject) == (key, key)


async def test_answers_to_other_gateways_and_other_commands_are_not_ours(log: Log, pool: Pool) -> None:
    async with (
        scripted(log, 2) as engine,
        serving(log, pool) as (_, client),
        serving(log, pool) as (_, other),
    ):
        engine.script = lambda received: "EXECUTION_ENDED" if isinstance(received.command, CancelExecution) else ""
        key = {"Idempotency-Key": "the-same-key"}
        id_ = new_id()
        ended, resumed = await asyncio.gather(
            client.post(f"{API}/executions/{id_}/cancel", headers=key),
            other.post(f"{API}/executions/{id_}/resume", headers=key),
        )
        problem(ended, 409, "EXECUTION_ENDED")
        assert resumed.status_code == 200


async def test_concurrent_commands_share_writes_and_each_gets_its_own_token(pool: Pool) -> None:
    from penstock.log.topics import product_topics

    class Counting(MemoryLog):
        writes = 0

        async def send(self, batches: Any) -> Any:
            if any(batch.topic == "commands" for batch in batches):
                self.writes += 1
            return await super().send(batches)

    log = Counting()
    await log.apply(product_topics(1))
    async with scripted(log), serving(log, pool) as (_, client):
        answers = await asyncio.gather(*(client.post(f"{API}/executions", json=START) for _ in range(50)))
        tokens = [answer.json()["token"] for answer in answers]
        assert sorted(tokens, key=lambda t: int(t[3:])) == [f"e0.{n}" for n in range(50)]
        assert log.writes < 50


async def test_a_query_that_the_tables_cannot_answer_yet_is_a_503(log: Log, pool: Pool) -> None:
    async with serving(log, pool, fresh_timeout=0.1) as (_, client):
        missing = await client.get(f"{API}/executions")
        problem(missing, 503, "TABLES_UNAVAILABLE")
        async with running(Projector(log, pool, idle=0.05)):
            assert (await client.get(f"{API}/executions")).json() == {"items": [], "cursor": None}
            behind = await client.get(f"{API}/executions", params={"min_token": "e0.99"})
            problem(behind, 503, "READ_MODEL_BEHIND")
            assert behind.headers["retry-after"] == "1"
            problem(await client.get(f"{API}/executions", params={"min_token": "x0.9"}), 422, "MALFORMED")
            problem(await client.get(f"{API}/executions/{new_id()}"), 404, "EXECUTION_UNKNOWN")
            for part in ("tasks", "timeline", "events", "wait?timeout=0"):
                problem(await client.get(f"{API}/executions/{new_id()}/{part}"), 404, "EXECUTION_UNKNOWN")
            problem(await client.get(f"{API}/definitions/none"), 404, "DEFINITION_UNKNOWN")


async def test_a_log_that_does_not_answer_is_a_503(log: MemoryLog, pool: Pool) -> None:
    async with scripted(log, 2), serving(log, pool) as (_, client):
        log.faults.sends.append(Fault.LOST)
        problem(await client.post(f"{API}/executions", json=START), 503, "LOG_UNAVAILABLE")
        assert (await client.post(f"{API}/executions", json=START)).status_code == 201


async def test_a_partition_that_lags_takes_no_new_commands_but_results(log: Log, pool: Pool) -> None:
    settings = {"max_lag": 3, "answer_timeout": 0.1, "lag_interval": 60}
    async with serving(log, pool, **settings) as (gateway, client), running(Projector(log, pool, idle=0.05)):
        pause = f"{API}/executions/{new_id()}/pause"
        for _ in range(4):
            problem(await client.post(pause), 504, "ANSWER_LATE")
        await gateway.context.lag.measure()
        busy = await client.post(pause)
        problem(busy, 429, "TOO_BUSY")
        assert int(busy.headers["retry-after"]) > 0
        result = {"task_id": pause.split("/")[4] + "/s/1/1", "token": "t", "output": 1}
        assert (await client.post(f"{API}/tasks/complete", json=result)).status_code == 200
        async with scripted(log, 2) as engine:
            await until(lambda: len(engine.received) == 5 and gateway.commander.decided)
            await gateway.context.lag.measure()
            assert (await client.get("/metrics")).text.count("penstock_commands_lag{") == 2
            assert (await client.post(pause)).status_code == 200


async def test_what_is_not_there_or_not_well_said_is_a_problem_too(log: Log, pool: Pool) -> None:
    async with serving(log, pool, max_body=1000) as (_, client):
        json_ = {"content-type": "application/json"}
        problem(await client.get("/nothing"), 404, "NOT_FOUND")
        wrong = await client.delete(f"{API}/executions")
        problem(wrong, 405, "METHOD_NOT_ALLOWED")
        assert "POST" in wrong.headers["allow"] or "GET" in wrong.headers["allow"]
        body = problem(await client.post(f"{API}/executions", json={"input": 3}), 422, "REQUEST_INVALID")
        assert [error["where"][-1] for error in body["errors"]] == ["definition", "input"]
        problem(await client.post(f"{API}/executions", json={**START, "extra": 1}), 422, "REQUEST_INVALID")
        problem(await client.post(f"{API}/executions", content=b"{", headers=json_), 422, "MALFORMED")
        for text in (b'{"definition": "\\u0000"}', b'{"input": {"n": 9007199254740993}}', b'{"input": NaN}', b'"\xff"'):
            problem(await client.post(f"{API}/executions", content=text, headers=json_), 422, "MALFORMED")
        big = await client.post(f"{API}/executions", json={"definition": "x" * 2000})
        problem(big, 413, "PAYLOAD_TOO_LARGE")
        problem(
            await client.post(f"{API}/executions", json=START, headers={"Idempotency-Key": "mine"}), 422, "ID_INVALID"
        )
        problem(await client.get(f"{API}/executions", params={"limit": 5000}), 422, "REQUEST_INVALID")


async def test_a_body_without_a_length_is_bounded_as_well(log: Log, pool: Pool) -> None:
    async def endless() -> Any:
        for _ in range(100):
            yield b"x" * 100

    async with serving(log, pool, max_body=1000) as (_, client):
        problem(await client.post(f"{API}/executions", content=endless()), 413, "PAYLOAD_TOO_LARGE")


async def test_a_definition_that_is_not_sound_is_refused_by_line_and_column(log: Log, pool: Pool) -> None:
    async with serving(log, pool) as (_, client):
        yaml = {"content-type": "application/yaml"}
        text = "id: order\nversion: 1.0.0\nsteps:\n  one:\n    task: t\n    next: nowhere\n"
        refused = await client.post(f"{API}/definitions", content=text, headers=yaml)
        body = problem(refused, 422, "DEFINITION_INVALID")
        (finding,) = [f for f in body["findings"] if f["severity"] == "error"]
        assert (finding["line"], finding["column"]) == (6, 11)
        broken = await client.post(f"{API}/definitions", content="id: [", headers=yaml)
        assert problem(broken, 422, "DEFINITION_INVALID")["findings"][0]["line"] >= 1
        text_type = {"content-type": "text/plain"}
        problem(await client.post(f"{API}/definitions", content=text, headers=text_type), 415, "MEDIA_TYPE_UNKNOWN")
        problem(await client.post(f"{API}/definitions", content=b"\xff\xfe", headers=yaml), 422, "MALFORMED")


async def test_with_a_token_nobody_comes_in_without_it(log: Log, pool: Pool) -> None:
    async with scripted(log, 2), serving(log, pool, token="s3cret") as (_, client):
        bodies = []
        for header in ({}, {"Authorization": "Bearer s3cre"}, {"Authorization": "Basic s3cret"}):
            refused = await client.post(f"{API}/executions", json=START, headers=header)
            assert refused.headers["www-authenticate"] == "Bearer"
            bodies.append(problem(refused, 401, "UNAUTHORIZED"))
        assert bodies[0] == bodies[1] == bodies[2]
        good = {"Authorization": "Bearer s3cret"}
        assert (await client.post(f"{API}/executions", json=START, headers=good)).status_code == 201
        problem(await client.get(f"{API}/nothing"), 401, "UNAUTHORIZED")
        assert (await client.get("/healthz")).status_code == 200
        schema = (await client.get("/openapi.json")).json()
        assert schema["security"] == [{"token": []}]


async def test_a_page_from_elsewhere_changes_nothing(log: Log, pool: Pool) -> None:
    async with scripted(log, 2) as engine, serving(log, pool) as (_, client):
        path = f"{API}/executions/{new_id()}/cancel"
        problem(await client.post(path, headers={"Origin": "https://evil.example"}), 403, "ORIGIN_REFUSED")
        problem(await client.post(path, headers={"Origin": "null"}), 403, "ORIGIN_REFUSED")
        problem(await client.get(f"{API}/executions", headers={"Host": "evil.example"}), 421, "HOST_REFUSED")
        assert engine.received == []
        own = {"Origin": str(client.base_url).rstrip("/")}
        assert (await client.post(path, headers=own)).status_code == 200


async def test_every_answer_has_strict_headers(log: Log, pool: Pool) -> None:
    async with serving(log, pool, token="t") as (_, client):
        for path in ("/healthz", "/docs", "/nothing", f"{API}/executions"):
            headers = (await client.get(path)).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["content-security-policy"].startswith("default-src 'none'")
            assert headers["cache-control"] == "no-store"
            assert "server" not in headers


async def test_an_address_that_others_reach_needs_a_token(log: Log, pool: Pool) -> None:
    with pytest.raises(Unprotected, match=r"0\.0\.0\.0"):
        Gateway(log, pool, partitions=2, settings=GatewaySettings(host="0.0.0.0"))
    Gateway(log, pool, partitions=2, settings=GatewaySettings(host="0.0.0.0", token="t"))
    Gateway(log, pool, partitions=2, settings=GatewaySettings(host="0.0.0.0", allow_unprotected=True))
    Gateway(log, pool, partitions=2, settings=GatewaySettings(host="::1"))
    with pytest.raises(ValueError, match="blank"):
        Gateway(log, pool, partitions=2, settings=GatewaySettings(token=" "))
