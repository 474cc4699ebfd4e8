"""Which triggers of a definition count, and what its schedules are told."""

from __future__ import annotations

from typing import Any

import pytest

from penstock.catalog.commands import (
    ActivateDefinition,
    ArchiveDefinition,
    CatalogCommand,
    DeactivateDefinition,
    PublishDefinition,
)
from penstock.catalog.decide import decide
from penstock.catalog.events import CatalogEvent, TriggersChanged
from penstock.catalog.evolve import evolve
from penstock.catalog.react import react
from penstock.catalog.state import Catalog
from penstock.catalog.versions import DefinitionState, Unpublished
from penstock.domain.execution.effects import SendCommand
from penstock.domain.rejected import Rejected, RejectionCode
from penstock.domain.schedule.commands import CreateSchedule, DeleteSchedule
from penstock.domain.schedule.plan import MAX_INPUT, Plan

ID = "d"
NIGHTLY: dict[str, Any] = {"cron": "0 3 * * *", "catch_up": "all", "input": {"day": "{{ due }}"}}


class History:
    """A definition and everything that happened to it."""

    def __init__(self) -> None:
        self.state: DefinitionState = Unpublished()
        self.catalog = Catalog()
        self.events: tuple[CatalogEvent, ...] = ()

    def when(self, command: CatalogCommand) -> History:
        self.events = decide(self.state, command, ID, {})
        for event in self.events:
            self.state = evolve(self.state, event)
            self.catalog = self.catalog.after(ID, event)
        return self

    def publish(self, version: str, **triggers: Any) -> History:
        source = {"id": ID, "version": version, "triggers": triggers, "steps": {"p": {"pass": True}}}
        return self.when(PublishDefinition(source={k: v for k, v in source.items() if v}))

    def changed(self) -> tuple[str | None, list[str], tuple[str, ...]] | None:
        """The version whose triggers count from here on, their ids, and the schedules that are no more."""
        found = [event for event in self.events if isinstance(event, TriggersChanged)]
        if not found:
            return None
        (event,) = found
        return event.version, [trigger.id for trigger in event.triggers], event.removed

    def told(self) -> list[tuple[str, Any]]:
        effects = [effect for event in self.events for effect in react(ID, event) if isinstance(effect, SendCommand)]
        return [(effect.subject, effect.command) for effect in effects]


def test_a_definition_without_triggers_says_nothing_about_them() -> None:
    history = History().publish("1.0.0").publish("1.1.0")
    assert history.changed() is None
    assert history.when(DeactivateDefinition(version="1.1.0")).changed() is None


def test_a_published_schedule_is_made() -> None:
    history = History().publish("1.0.0", night=NIGHTLY, call={"hook": "h"})
    assert history.changed() == ("1.0.0", ["night", "call"], ())
    plan = Plan(definition=ID, cron="0 3 * * *", catch_up="all", input={"day": "{{ due }}"})
    assert history.told() == [("schedule/d.night", CreateSchedule(plan=plan, by=ID))]


def test_the_latest_active_version_decides_whatever_is_published_after_it() -> None:
    history = History().publish("2.0.0", a=NIGHTLY).publish("1.9.0", b=NIGHTLY)
    assert history.changed() is None
    history.publish("2.1.0", a=NIGHTLY)
    assert history.changed() is None
    history.publish("2.2.0", b={"every": "1h"})
    assert history.changed() == ("2.2.0", ["b"], ("a",))
    assert [(subject, type(command)) for subject, command in history.told()] == [
        ("schedule/d.a", DeleteSchedule),
        ("schedule/d.b", CreateSchedule),
    ]


def test_switching_versions_off_falls_back_to_the_one_before_and_then_to_none() -> None:
    history = History().publish("1.0.0", a=NIGHTLY).publish("2.0.0", b=NIGHTLY)
    history.when(ArchiveDefinition(version="2.0.0"))
    assert history.changed() == ("1.0.0", ["a"], ("b",))
    history.when(DeactivateDefinition(version="1.0.0"))
    assert history.changed() == (None, [], ("a",))
    history.when(ActivateDefinition(version="1.0.0"))
    assert history.changed() == ("1.0.0", ["a"], ())


def test_a_trigger_that_is_no_schedule_any_more_is_taken_away() -> None:
    history = History().publish("1.0.0", a=NIGHTLY).publish("1.1.0", a={"message": "paid"})
    assert history.changed() == ("1.1.0", ["a"], ("a",))
    assert [command for _, command in history.told()] == [DeleteSchedule(by=ID)]


def test_a_version_whose_schedule_could_not_be_made_is_refused() -> None:
    history = History()
    for wrong in (
        {"every": "100ms"},
        {**NIGHTLY, "input": {"text": "x" * MAX_INPUT}},
        {**NIGHTLY, "input": "{{ due }}"},
    ):
        with pytest.raises(Rejected, match="trigger 'a': expected") as refused:
            history.publish("1.0.0", a=wrong)
        assert refused.value.code == RejectionCode.DEFINITION_INVALID


def test_messages_start_what_the_latest_active_version_triggers_on() -> None:
    history = (
        History().publish("1.0.0", a={"message": "paid"}, b={"message": "paid"}).publish("1.1.0", a={"message": "sent"})
    )
    assert history.catalog.on_message("paid") == ()
    (found,) = history.catalog.on_message("sent")
    assert (found.id, found.version) == (ID, "1.1.0")
    history.when(DeactivateDefinition(version="1.1.0"))
    (found,) = history.catalog.on_message("paid")
    assert found.version == "1.0.0"
    history.when(DeactivateDefinition(version="1.0.0"))
    assert history.catalog.on_message("paid") == history.catalog.on_message("sent") == ()
