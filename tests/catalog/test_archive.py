"""The rules of archiving: for ever, and never in the way of what runs."""

from __future__ import annotations

import pytest

from penstock.catalog.commands import ActivateDefinition, ArchiveDefinition, CatalogCommand, DeactivateDefinition
from penstock.catalog.events import DefinitionArchived
from penstock.catalog.react import react
from penstock.catalog.state import Published
from penstock.domain.rejected import RejectionCode
from tests.catalog.test_catalog import Shop, refused, source


def archived(*others: str) -> Shop:
    """A shop in which ``order`` 1.0.0 is archived."""
    shop = Shop(source(), *(source(version) for version in others))
    shop.send(ArchiveDefinition(version="1.0.0"))
    return shop


def test_archiving_is_recorded_with_who_did_it() -> None:
    (event,) = Shop(source()).send(ArchiveDefinition(version="1.0.0", by="ann"))
    assert event == DefinitionArchived(version="1.0.0", by="ann")
    assert react("d", event) == ()


def test_an_archived_version_takes_no_new_executions() -> None:
    detail = refused(RejectionCode.DEFINITION_INACTIVE, archived().catalog.resolve, "order", "1.0.0")
    assert "1.0.0 is archived" in detail
    refused(RejectionCode.DEFINITION_INACTIVE, archived().catalog.resolve, "order")


def test_running_executions_of_an_archived_version_go_on() -> None:
    assert archived().catalog.pinned("order", "1.0.0").version == "1.0.0"


def test_the_latest_version_passes_over_what_is_archived() -> None:
    assert archived("0.9.0").catalog.resolve("order").version == "0.9.0"


@pytest.mark.parametrize("command", [ActivateDefinition(version="1.0.0"), DeactivateDefinition(version="1.0.0")])
def test_what_is_archived_stays_so_and_the_refusal_names_both_states(command: CatalogCommand) -> None:
    detail = refused(RejectionCode.INVALID_STATE_TRANSITION, archived().send, command)
    assert "to be published or inactive" in detail
    assert "archived" in detail


def test_an_inactive_version_is_archived_too() -> None:
    shop = Shop(source())
    shop.send(DeactivateDefinition(version="1.0.0"))
    assert len(shop.send(ArchiveDefinition(version="1.0.0"))) == 1


def test_publishing_an_archived_version_again_does_not_bring_it_back() -> None:
    shop = archived()
    assert shop.publish(source()) == ()
    refused(RejectionCode.DEFINITION_INACTIVE, shop.catalog.resolve, "order")
    refused(RejectionCode.VERSION_EXISTS, shop.publish, source(timeout="1m"))


def test_what_was_never_published_cannot_be_archived() -> None:
    refused(RejectionCode.DEFINITION_UNKNOWN, Shop(source()).send, ArchiveDefinition(version="2.0.0"))


def test_every_version_has_one_of_three_states() -> None:
    shop = archived("1.1.0", "1.2.0")
    shop.send(DeactivateDefinition(version="1.1.0"))
    state = shop.catalog.state("order")
    assert isinstance(state, Published)
    assert {name: version.status for name, version in state.versions.items()} == {
        "1.0.0": "archived",
        "1.1.0": "inactive",
        "1.2.0": "published",
    }
