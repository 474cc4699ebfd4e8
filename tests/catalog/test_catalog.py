"""The rules of publishing, and what the catalog answers to those who use it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.catalog.commands import ActivateDefinition, CatalogCommand, DeactivateDefinition, PublishDefinition
from penstock.catalog.decide import decide
from penstock.catalog.events import CatalogEvent, DefinitionActivated, DefinitionDeactivated, DefinitionPublished
from penstock.catalog.precedence import precedence
from penstock.catalog.react import EnsureQueues, react
from penstock.catalog.state import Catalog, Unpublished, latest
from penstock.domain.definition.compile import compile_definition, digest_of
from penstock.domain.partition import PositionAdvanced
from penstock.domain.rejected import Rejected, RejectionCode


def source(version: str = "1.0.0", *, definition: str = "order", **more: Any) -> dict[str, Any]:
    return {"id": definition, "version": version, "steps": {"a": {"task": "t"}}, **more}


class Shop:
    """A catalog with its commands; checks that whatever is done twice adds nothing the second time."""

    def __init__(self, *published: dict[str, Any], catalog: Catalog | None = None) -> None:
        self.catalog = catalog or Catalog()
        for each in published:
            self.publish(each)

    def publish(self, wanted: dict[str, Any], *, subject: str | None = None) -> tuple[CatalogEvent, ...]:
        return self.send(PublishDefinition(source=wanted, by="ann"), subject or wanted["id"])

    def send(self, command: CatalogCommand, subject: str = "order") -> tuple[CatalogEvent, ...]:
        events = decide(self.catalog.state(subject), command, subject, self.catalog.queues)
        for event in events:
            self.catalog = self.catalog.after(
                subject, msgspec.json.decode(msgspec.json.encode(event), type=type(event))
            )
        assert decide(self.catalog.state(subject), command, subject, self.catalog.queues) == ()
        return events


def refused(code: RejectionCode, send: Any, *args: Any, **more: Any) -> str:
    with pytest.raises(Rejected) as caught:
        send(*args, **more)
    assert caught.value.code == code
    return caught.value.detail


def test_publishing_records_the_source_the_graph_and_its_digest() -> None:
    graph = compile_definition(source())
    assert Shop().publish(source()) == (
        DefinitionPublished(version="1.0.0", source=source(), graph=graph, digest=digest_of(graph), by="ann"),
    )


def test_publishing_the_same_again_is_harmless_however_it_is_written() -> None:
    shop = Shop(source(timeout="60s"))
    assert shop.publish(source(timeout="1m")) == ()
    assert shop.publish(dict(reversed(source(timeout="60s").items()))) == ()


def test_publishing_the_same_source_again_is_harmless_even_if_it_compiles_otherwise_today() -> None:
    event = Shop().publish(source())[0]
    assert isinstance(event, DefinitionPublished)
    older = msgspec.structs.replace(event, digest="0" * 64)
    assert Shop(catalog=Catalog().after("order", older)).publish(source()) == ()


def test_a_published_version_never_changes() -> None:
    shop = Shop(source())
    detail = refused(RejectionCode.VERSION_EXISTS, shop.publish, source(timeout="1m"))
    assert "1.0.0" in detail
    assert len(shop.publish(source("1.0.1", timeout="1m"))) == 1


def test_an_unsound_definition_is_refused_with_every_error_in_a_line_of_its_own() -> None:
    bad = source(
        steps={"a": {"task": "t", "next": "b", "timeout": "x"}, "c": {"choose": [{"when": "x", "next": "end"}]}}
    )
    detail = refused(RejectionCode.DEFINITION_INVALID, Shop().publish, bad).splitlines()
    assert detail[0] == "expected a sound definition, but found 3 errors:"
    assert sorted(line.split(":")[0] for line in detail[1:]) == ["steps.a.next", "steps.a.timeout", "steps.c"]


def test_a_definition_is_published_under_its_own_id() -> None:
    assert "'order'" in refused(RejectionCode.DEFINITION_INVALID, Shop().publish, source(), subject="offer")


def test_switching_off_and_on_is_idempotent() -> None:
    shop = Shop(source())
    assert shop.send(ActivateDefinition(version="1.0.0")) == ()
    assert shop.send(DeactivateDefinition(version="1.0.0", by="b")) == (DefinitionDeactivated(version="1.0.0", by="b"),)
    assert shop.publish(source()) == ()
    refused(RejectionCode.DEFINITION_INACTIVE, shop.catalog.resolve, "order", "1.0.0")
    assert shop.send(ActivateDefinition(version="1.0.0")) == (DefinitionActivated(version="1.0.0"),)
    assert shop.catalog.resolve("order", "1.0.0").version == "1.0.0"


@pytest.mark.parametrize("command", [ActivateDefinition(version="2.0.0"), DeactivateDefinition(version="2.0.0")])
def test_what_was_never_published_cannot_be_switched(command: CatalogCommand) -> None:
    refused(RejectionCode.DEFINITION_UNKNOWN, Shop().send, command)
    refused(RejectionCode.DEFINITION_UNKNOWN, Shop(source()).send, command)


def test_the_latest_is_the_highest_active_version() -> None:
    shop = Shop(source("1.10.0"), source("1.9.0"), source("2.0.0-rc.1"))
    assert shop.catalog.resolve("order").version == "2.0.0-rc.1"
    shop.send(DeactivateDefinition(version="2.0.0-rc.1"))
    assert shop.catalog.resolve("order").version == "1.10.0"
    shop.publish(source("2.0.0"))
    assert latest(shop.catalog.state("order")) == "2.0.0"
    assert latest(Unpublished()) is None


def test_a_running_execution_finds_its_version_active_or_not() -> None:
    shop = Shop(source())
    shop.send(DeactivateDefinition(version="1.0.0"))
    found = shop.catalog.pinned("order", "1.0.0")
    assert found.digest == digest_of(compile_definition(source()))
    assert shop.catalog.has("order", "1.0.0")
    assert not shop.catalog.has("order", "1.0.1")
    refused(RejectionCode.DEFINITION_INACTIVE, shop.catalog.resolve, "order")


def test_what_is_not_there_is_unknown_with_a_hint() -> None:
    catalog = Shop(source()).catalog
    assert "`order`" in refused(RejectionCode.DEFINITION_UNKNOWN, catalog.resolve, "ordre")
    assert "1.0.0" in refused(RejectionCode.DEFINITION_UNKNOWN, catalog.resolve, "order", "3.0.0")
    refused(RejectionCode.DEFINITION_UNKNOWN, catalog.pinned, "nothing", "1.0.0")


def test_a_queue_keeps_the_transport_that_was_declared_first() -> None:
    shop = Shop(source(queues={"default": {"transport": "http"}}))
    log = source(definition="other", queues={"default": {"transport": "log"}})
    assert "http" in refused(RejectionCode.QUEUE_TRANSPORT_CONFLICT, shop.publish, log)
    assert len(shop.publish(source(definition="other"))) == 1
    assert shop.catalog.queues == {"default": "http"}


def test_a_queue_that_is_used_undeclared_keeps_the_default_of_the_deployment() -> None:
    http = source(definition="other", queues={"default": {"transport": "http"}})
    refused(RejectionCode.QUEUE_TRANSPORT_CONFLICT, Shop(source()).publish, http)
    assert len(Shop(source(), catalog=Catalog(default="http")).publish(http)) == 1


def test_a_refused_definition_fixes_no_queue() -> None:
    shop = Shop(source())
    refused(RejectionCode.VERSION_EXISTS, shop.publish, source(queues={"gpu": {"transport": "http"}}))
    assert "gpu" not in shop.catalog.queues


def test_publishing_obliges_the_engine_to_make_the_queues() -> None:
    steps = {"a": {"task": "t", "queue": "gpu", "next": "b"}, "b": {"task": "t"}}
    (event,) = Shop().publish(source(steps=steps, queues={"spare": {"transport": "http"}}))
    assert react("d", event) == (EnsureQueues(("default", "gpu", "spare")),)
    (silent,) = Shop().publish(source(steps={"a": {"pass": True}}))
    assert react("d", silent) == ()
    assert react("d", DefinitionActivated(version="1.0.0")) == ()
    assert react("d", DefinitionDeactivated(version="1.0.0")) == ()


def test_events_of_the_partition_change_nothing() -> None:
    catalog = Shop(source()).catalog
    assert catalog.after("partition/0", PositionAdvanced()) is catalog


def test_a_catalog_is_a_value() -> None:
    before = Shop(source()).catalog
    after = before.after("order", DefinitionDeactivated(version="1.0.0"))
    assert before.resolve("order").version == "1.0.0"
    assert before != after


ORDERED = [
    "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",
    "1.0.0", "1.0.0+build", "1.0.1-1", "1.0.1-2", "1.0.1-10", "1.0.1", "1.2.0", "1.10.0", "2.0.0-0", "2.0.0",
]  # fmt: skip


@given(st.permutations(ORDERED))
def test_versions_sort_as_semver_says(versions: list[str]) -> None:
    assert sorted(versions, key=precedence) == ORDERED
