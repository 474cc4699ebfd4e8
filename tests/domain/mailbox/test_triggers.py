"""Messages that nobody waits for start what they trigger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from penstock.domain.definition.compile import compile_definition
from penstock.domain.definition.model import Definition
from penstock.domain.execution.commands import StartExecution
from penstock.domain.mailbox.commands import ReturnMessage, SendMessage
from penstock.domain.mailbox.decide import decide
from penstock.domain.mailbox.events import (
    MessageDelivered,
    MessageKept,
    MessageReturned,
    MessageTriggered,
    TriggerFailed,
)
from penstock.domain.mailbox.evolve import evolve
from penstock.domain.mailbox.react import react
from penstock.domain.mailbox.state import EMPTY, due_at
from penstock.domain.starts import ReportOutcome, StartRefused
from penstock.domain.subjects import mailbox_of
from tests.domain.shared_story import Story, opens

SUBJECT = mailbox_of("paid", "order/7")


def definition(id_: str, schema: dict[str, Any] | None = None, **triggers: Any) -> Definition:
    source = {"id": id_, "version": "1.2.0", "triggers": triggers, "steps": {"p": {"pass": True}}}
    if schema is not None:
        source["input"] = schema
    return Definition(compile_definition(source), "digest")


def given(*definitions: Definition, subject: str = SUBJECT) -> Story:
    def triggered(name: str) -> Sequence[Definition]:
        return definitions if name == "paid" else ()

    return Story(
        decide=lambda state, command, now: decide(state, command, subject, now, triggered),
        evolve=evolve,
        react=lambda event: react(subject, event),
        due_at=due_at,
        nothing=EMPTY,
    )


SHIP = definition("ship", on={"message": "paid", "input": {"n": "{{ payload.n }}"}, "business_key": "{{ key }}"})
THANK = definition("thank", on={"message": "paid"}, other={"message": "sent"})


def send(id_: str = "m1", payload: Any = None) -> SendMessage:
    return SendMessage(message_id=id_, payload=payload, by="ann")


def test_each_definition_starts_one_execution_and_the_message_is_consumed() -> None:
    story = given(SHIP, THANK).when(send(payload={"n": 1}))
    ship, thank = story.events
    assert isinstance(ship, MessageTriggered)
    assert (ship.definition, ship.version, ship.trigger, ship.by) == ("ship", "1.2.0", "on", "ann")
    assert ship.execution != thank.execution
    starts = [
        StartExecution(
            definition="ship", version="1.2.0", input={"n": 1}, business_key="order/7", initiated_by=SUBJECT
        ),
        StartExecution(definition="thank", version="1.2.0", input={"n": 1}, initiated_by=SUBJECT),
    ]
    story.then_sends((ship.execution, starts[0]), (thank.execution, starts[1]))
    assert story.state.kept == {}
    story.again(send(payload={"n": 1}))


def test_a_wait_comes_first() -> None:
    story = given(SHIP).when(opens()).when(send(payload={"n": 1}))
    assert [type(event) for event in story.events] == [MessageDelivered]


def test_a_trigger_that_can_make_no_input_is_recorded_and_the_others_start() -> None:
    strict = definition("strict", {"properties": {"n": {"type": "string"}}}, on={"message": "paid"})
    story = given(SHIP, strict).when(send(payload={"n": 1}))
    failed, started = story.events
    assert (failed.definition, failed.code) == ("strict", "INPUT_INVALID")
    assert started.definition == "ship"


def test_a_message_whose_triggers_all_fail_is_kept() -> None:
    story = given(SHIP).when(send(payload={"m": 1}))
    assert [type(event) for event in story.events] == [TriggerFailed, MessageKept]
    assert list(story.state.kept) == ["m1"]


def test_a_message_that_comes_back_starts_what_it_triggers() -> None:
    story = given(SHIP).when(opens()).when(send(payload={"n": 1}))
    back = ReturnMessage(message=story.events[0].message)
    story.when(back)
    assert [type(event) for event in story.events] == [MessageTriggered]
    plain = given().when(opens()).when(send(payload={"n": 1})).when(back)
    assert [type(event) for event in plain.events] == [MessageReturned]


def test_a_start_that_is_refused_is_recorded_where_the_name_is_short_enough_to_be_told() -> None:
    story = given(SHIP).when(send(payload={"n": 1}))
    execution = story.events[0].execution
    refusal = ReportOutcome(execution=execution, code="DEFINITION_INACTIVE")
    story.when(refusal).then(StartRefused(execution=execution, code="DEFINITION_INACTIVE"))
    long = mailbox_of("paid", "k" * 200)
    story = given(SHIP, subject=long).when(send(payload={"n": 1}))
    (effect,) = react(long, story.events[0])
    assert isinstance(effect.command, StartExecution)
    assert effect.command.initiated_by == "mailbox"
