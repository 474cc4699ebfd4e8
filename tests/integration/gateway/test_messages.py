"""Messages and signals by HTTP and by the client, with the real engine and the real projector."""

from __future__ import annotations

import pytest

from penstock.domain.mailbox.events import MessageKept
from penstock.domain.signal.events import SignalBroadcast
from penstock.domain.subjects import mailbox_of, signal_of
from penstock.engine.replay import history
from penstock.log.port import Log
from penstock.runtime.ids import new_id
from penstock.sdk.client import Client
from penstock.tables.pool import Pool
from tests.integration.gateway.rig import whole

pytestmark = pytest.mark.anyio
API = "/api/v1"


async def events(log: Log, subject: str) -> list[object]:
    return [recorded.event async for recorded in history(log, subject)]


async def test_a_message_is_kept_and_a_query_can_wait_for_it(log: Log, pool: Pool) -> None:
    async with whole(log, pool) as (_, client):
        body = {"name": "paid", "key": "order/7", "payload": {"n": 1}, "ttl": 60, "id": "m1", "by": "ann"}
        answer = await client.post(f"{API}/messages", json=body, headers={"Idempotency-Key": "send-1"})
        assert answer.status_code == 202, answer.text
        said = answer.json()
        assert (said["id"], said["command_id"], said["token"][0]) == ("m1", "send-1", "e")
        shown = await client.get(f"{API}/executions", params={"min_token": said["token"]})
        assert shown.json()["items"] == []
        again = await client.post(f"{API}/messages", json=body, headers={"Idempotency-Key": "send-1"})
        assert {**again.json(), "token": said["token"]} == said
        assert (await client.post(f"{API}/messages", json=body)).status_code == 202
    (kept,) = await events(log, mailbox_of("paid", "order/7"))
    assert isinstance(kept, MessageKept)
    assert (kept.message.payload, kept.by) == ({"n": 1}, "ann")


async def test_without_an_id_the_idempotency_key_is_that_of_the_message(log: Log, pool: Pool) -> None:
    async with whole(log, pool) as (_, client):
        body = {"name": "paid", "key": "k"}
        answer = await client.post(f"{API}/messages", json=body, headers={"Idempotency-Key": "key-1"})
        assert answer.json()["id"] == "key-1"


async def test_what_can_be_no_message_is_refused_with_the_place(log: Log, pool: Pool) -> None:
    async with whole(log, pool) as (_, client):
        for wrong in ({"name": "a/b"}, {"key": ""}, {"key": "k" * 201}, {"ttl": 0}, {"ttl": 1e9}, {"colour": 1}):
            answer = await client.post(f"{API}/messages", json={"name": "paid", "key": "k", **wrong})
            assert (answer.status_code, answer.json()["code"]) == (422, "REQUEST_INVALID"), wrong
            assert next(iter(wrong)) in answer.json()["detail"]
        large = await client.post(f"{API}/messages", json={"name": "paid", "key": "k", "payload": "x" * 300_000})
        assert (large.status_code, large.json()["code"]) == (413, "PAYLOAD_TOO_LARGE")
        nul = await client.post(f"{API}/messages", json={"name": "paid", "key": "a\0b"})
        assert (nul.status_code, nul.json()["code"]) == (422, "MALFORMED")


async def test_a_signal_is_broadcast_once(log: Log, pool: Pool) -> None:
    async with whole(log, pool) as (_, client):
        for _ in range(2):
            body = {"name": "stock", "payload": [1]}
            answer = await client.post(f"{API}/signals", json=body, headers={"Idempotency-Key": "cast-1"})
            assert answer.status_code == 202, answer.text
            assert answer.json()["id"] == "stock"
        refused = await client.post(f"{API}/signals", json={"name": "a b"})
        assert refused.status_code == 422
    assert await events(log, signal_of("stock")) == [SignalBroadcast(payload=[1], by="api")]


async def test_the_client_sends_both(log: Log, pool: Pool) -> None:
    async with whole(log, pool) as (gateway, _), Client(gateway.url, by="ann") as client:
        receipt = await client.send_message("paid", "k", {"n": 1}, ttl=5, id="m1")
        assert receipt.id == "m1"
        unnamed = await client.send_message("paid", "k")
        assert unnamed.id == unnamed.command_id
        assert (await client.broadcast_signal("stock", 7)).id == "stock"
    kept = await events(log, mailbox_of("paid", "k"))
    assert [event.message.id for event in kept if isinstance(event, MessageKept)] == ["m1", unnamed.id]
    assert await events(log, signal_of("stock")) == [SignalBroadcast(payload=7, by="ann")]


async def test_a_child_is_not_started_by_a_caller(log: Log, pool: Pool) -> None:
    async with whole(log, pool) as (_, client):
        answer = await client.post(f"{API}/executions", json={"definition": "order", "id": f"{new_id()}:1"})
        assert (answer.status_code, answer.json()["code"]) == (422, "ID_INVALID")
