"""The rules of drafts: at most one, possibly unsound, never overwritten or published unseen."""

from __future__ import annotations

import pytest

from penstock.catalog.commands import DiscardDraft, PublishDraft, SaveDraft
from penstock.catalog.events import DefinitionPublished, DraftDiscarded, DraftFinding, DraftSaved
from penstock.catalog.react import EnsureQueues, react
from penstock.catalog.state import Catalog
from penstock.domain.definition.compile import compile_definition, digest_of
from penstock.domain.rejected import RejectionCode
from tests.catalog.test_catalog import Shop, refused, source


def drafted(*published: str) -> Shop:
    """A shop in which ``order`` 1.0.0 is a draft at revision 1, beside the versions that are published."""
    shop = Shop(*(source(version) for version in published))
    shop.send(SaveDraft(source=source()))
    return shop


def test_a_draft_is_kept_with_its_revision_and_who_saved_it() -> None:
    events = Shop().send(SaveDraft(source=source(), by="ann"))
    assert events == (DraftSaved(revision=1, source=source(), by="ann"),)


def test_a_draft_may_have_errors_which_are_recorded() -> None:
    (event,) = Shop().send(SaveDraft(source={"id": "order", "steps": {"a": {"task": "t", "next": "b"}}}))
    assert isinstance(event, DraftSaved)
    assert [(finding.severity, finding.code, finding.path) for finding in event.findings] == [
        ("error", "MISSING", "version"),
        ("error", "DANGLING_REFERENCE", "steps.a.next"),
    ]
    assert all(isinstance(finding, DraftFinding) for finding in event.findings)


def test_there_is_at_most_one_draft_and_its_revision_counts_up() -> None:
    shop = drafted()
    (event,) = shop.send(SaveDraft(source=source("1.1.0")))
    assert isinstance(event, DraftSaved)
    assert event.revision == 2
    draft = shop.catalog.state("order").draft
    assert draft is not None
    assert draft.source["version"] == "1.1.0"


def test_saving_the_same_again_is_harmless_save_where_the_steps_stand_in_another_order() -> None:
    steps = {"a": {"task": "t", "next": "b"}, "b": {"task": "t"}}
    shop = Shop()
    shop.send(SaveDraft(source=source(steps=steps)))
    assert shop.send(SaveDraft(source=dict(reversed(source(steps=steps).items())))) == ()
    assert len(shop.send(SaveDraft(source=source(steps=dict(reversed(steps.items())))))) == 1


@pytest.mark.parametrize("expected", [0, 2, 7])
def test_a_draft_that_has_changed_is_not_overwritten(expected: int) -> None:
    save = SaveDraft(source=source("1.1.0"), expected_revision=expected)
    assert "revision 1" in refused(RejectionCode.DRAFT_CHANGED, drafted().send, save)
    refused(RejectionCode.DRAFT_CHANGED, drafted().send, DiscardDraft(expected_revision=expected))


def test_a_draft_that_is_as_expected_is_overwritten() -> None:
    assert len(drafted().send(SaveDraft(source=source("1.1.0"), expected_revision=1))) == 1
    assert len(Shop().send(SaveDraft(source=source(), expected_revision=0))) == 1


def test_a_revision_is_never_used_twice() -> None:
    shop = drafted()
    assert shop.send(DiscardDraft(expected_revision=1, by="bob")) == (DraftDiscarded(revision=1, by="bob"),)
    refused(RejectionCode.DRAFT_CHANGED, shop.send, SaveDraft(source=source(), expected_revision=1))
    (event,) = shop.send(SaveDraft(source=source(), expected_revision=0))
    assert isinstance(event, DraftSaved)
    assert event.revision == 2


def test_without_a_draft_there_is_nothing_to_discard() -> None:
    assert Shop().send(DiscardDraft()) == ()


def test_a_draft_belongs_to_its_definition() -> None:
    shop = Shop()
    assert "'offer'" in refused(RejectionCode.DEFINITION_INVALID, shop.send, SaveDraft(source=source()), "offer")
    for subject in ("partition/0", "Order", ""):
        refused(RejectionCode.DEFINITION_INVALID, shop.send, SaveDraft(source={}), subject)
    assert len(shop.send(SaveDraft(source={"steps": {}}))) == 1


def test_a_published_draft_becomes_a_version_and_is_gone() -> None:
    shop = drafted("0.9.0")
    graph = compile_definition(source())
    (event,) = shop.send(PublishDraft(revision=1, by="ann"))
    assert event == DefinitionPublished(
        version="1.0.0", source=source(), graph=graph, digest=digest_of(graph), by="ann", draft=1
    )
    assert react("d", event) == (EnsureQueues(("default",)),)
    assert shop.catalog.state("order").draft is None
    assert shop.catalog.resolve("order").version == "1.0.0"
    assert shop.send(PublishDraft(revision=1)) == ()


def test_what_was_published_beside_a_draft_leaves_it_alone() -> None:
    shop = drafted()
    shop.publish(source("0.9.0"))
    assert shop.catalog.state("order").draft is not None


def test_only_the_draft_that_was_seen_is_published() -> None:
    shop = drafted()
    assert "revision 1" in refused(RejectionCode.DRAFT_CHANGED, shop.send, PublishDraft(revision=2))
    refused(RejectionCode.DRAFT_CHANGED, Shop(source()).send, PublishDraft(revision=1))
    shop.send(DiscardDraft())
    assert "there is none" in refused(RejectionCode.DRAFT_CHANGED, shop.send, PublishDraft(revision=1))


def test_a_draft_with_errors_is_not_published() -> None:
    shop = Shop()
    shop.send(SaveDraft(source={"id": "order"}))
    assert "`version" in refused(RejectionCode.DEFINITION_INVALID, shop.send, PublishDraft(revision=1))
    shop.send(SaveDraft(source={"version": "1.0.0", "steps": {"a": {"pass": True}}}))
    assert "'id'" in refused(RejectionCode.DEFINITION_INVALID, shop.send, PublishDraft(revision=2)).replace("`", "'")


def test_a_draft_of_a_version_that_exists_is_not_published() -> None:
    shop = drafted("1.0.0")
    assert "discard" in refused(RejectionCode.VERSION_EXISTS, shop.send, PublishDraft(revision=1))
    shop.send(SaveDraft(source=source(timeout="1m")))
    assert "raise `version`" in refused(RejectionCode.VERSION_EXISTS, shop.send, PublishDraft(revision=2))


def test_a_draft_keeps_to_the_transports_that_are_fixed() -> None:
    shop = Shop(source(definition="other", queues={"default": {"transport": "http"}}))
    shop.send(SaveDraft(source=source(queues={"default": {"transport": "log"}})))
    refused(RejectionCode.QUEUE_TRANSPORT_CONFLICT, shop.send, PublishDraft(revision=1))


def test_a_draft_is_nothing_that_could_be_executed() -> None:
    catalog: Catalog = drafted().catalog
    refused(RejectionCode.DEFINITION_UNKNOWN, catalog.resolve, "order")
    assert not catalog.has("order", "1.0.0")
