"""Rules of waiting for moments, messages and signals (docs/semantics.md, 5)."""

from datetime import UTC, datetime, timedelta

import pytest

from penstock.domain.errors import ErrorCode
from penstock.domain.execution import commands as c
from penstock.domain.execution import events as e
from penstock.domain.execution.effects import SendCommand
from penstock.domain.execution.react import react
from penstock.domain.execution.state import Execution
from penstock.domain.mailbox.commands import ReturnMessage
from penstock.domain.mailbox.message import Message
from penstock.domain.rejected import RejectionCode
from penstock.domain.steps.listen import CATCHES
from tests.domain.execution.deliveries import confirm, message, signal
from tests.domain.execution.story import ID, NOON, complete, event, given

FIRST = """
steps:
  answer:
    first:
      - {message: accepted, key: "{{ offer }}", set: {by: "{{ output.by }}"}, next: book}
      - {signal: closed, next: archive}
      - {after: 2s, set: {by: nobody}}
    next: remind
  book: {task: t, input: "{{ by }}"}
  archive: {task: t}
  remind: {task: t, input: "{{ by }}"}
"""


def wait_for(what: str) -> str:
    return f"steps: {{w: {{wait: {what}, next: z}}, z: {{task: t}}}}"


def test_a_duration_is_waited_for_and_never_fires_early() -> None:
    story = given(wait_for("5m")).started()
    assert story.status == "waiting"
    story.passes(299.999).then_nothing()
    story.passes(0.001).then(event(e.TimerFired, step="w"), event(e.TaskScheduled, step="z"))
    story.passes(300).then_nothing()


def test_a_moment_is_waited_for_and_one_that_has_passed_is_due_at_once() -> None:
    text = wait_for('{until: "{{ due }}"}')
    assert given(text).started(due="2026-01-01T13:00:00+01:00").passes(0).open_tasks() == ["z"]
    assert given(text).started(due="2020-01-01T00:00:00").passes(0).open_tasks() == ["z"]
    story = given(text).started(due="2026-01-01T12:00:10Z")
    assert story.passes(9).open_tasks() == []
    assert story.passes(1).open_tasks() == ["z"]


def test_a_moment_that_is_none_fails_the_step() -> None:
    story = given(wait_for('{until: "{{ due }}"}')).started(due="soon")
    failed = story.events[1]
    assert isinstance(failed, e.StepFailed)
    assert failed.failure.code == ErrorCode.EXPRESSION_FAILED
    assert "soon" in failed.failure.message


def test_the_next_tick_is_waited_for_in_its_zone() -> None:
    story = given(wait_for('{cron: "0 9 * * 1-5", timezone: Europe/Berlin}')).started()  # a Thursday, at noon
    started = story.events[1]
    assert isinstance(started, e.TimerStarted)
    assert started.due_at == datetime(2026, 1, 2, 8, tzinfo=UTC)


def test_a_wait_for_a_message_is_opened_confirmed_and_served() -> None:
    text = """
    steps:
      paid: {wait: {message: payment, key: "{{ order }}"}, output: {amount: "{{ output.amount }}"}, next: receipt}
      receipt: {task: t, input: "{{ amount }}"}
    """
    story = given(text).started(order=7)
    story.then(
        event(e.ExecutionStarted), event(e.ListeningStarted, step="paid"), event(e.WaitsOpened, status="waiting")
    )
    (wait,) = story.events[2].waits  # type: ignore[union-attr]
    assert wait.source == "mailbox/payment/7"
    story.when(confirm("paid")).then(event(e.WaitConfirmed, visit=1, option=0))
    story.when(message("paid", {"amount": 5})).then(
        event(e.MessageReceived, step="paid", message="m1", payload={"amount": 5}, set={"amount": 5}),
        event(e.TaskScheduled, step="receipt", input=5),
        event(e.WaitsClosed, waits=(), status="running"),
    )


def test_a_message_may_come_before_its_wait_is_confirmed() -> None:
    story = given(wait_for("{message: m, key: k}")).started()
    confirmation = confirm("w")(story.state)
    assert story.when(message("w")).open_tasks() == ["z"]
    story.when(confirmation).then_nothing()


def test_a_wait_is_confirmed_once() -> None:
    story = given(wait_for("{signal: s}")).started().when(confirm("w"))
    story.when(confirm("w")).then_nothing()
    story.when(confirm("w", option=7)).then_nothing()


def test_the_same_message_again_is_refused_and_goes_back() -> None:
    story = given(wait_for("{message: m, key: k}")).started()
    delivery = message("w")(story.state)
    story.when(delivery).when(delivery).then_rejected(RejectionCode.WAIT_NOT_OPEN)


def test_a_signal_is_waited_for() -> None:
    story = given(wait_for("{signal: s}")).started()
    story.when(signal("w", 3)).then(
        event(e.SignalReceived, name="s", payload=3), event(e.TaskScheduled, step="z"), event(e.WaitsClosed)
    )


@pytest.mark.parametrize("key", ["{{ missing? }}", "{{ [1] }}", "{{ long }}"])
def test_a_key_that_is_no_text_fails_the_step(key: str) -> None:
    story = given(wait_for(f'{{message: m, key: "{key}"}}')).started(long="x" * 201)
    assert story.status == "failed"
    assert any(isinstance(event, e.StepFailed) for event in story.events)


def test_of_several_events_the_first_wins_and_the_others_are_closed_in_the_same_decision() -> None:
    story = given(FIRST).started(offer="o")
    story.when(message("answer", {"by": "ann"})).then(
        event(e.MessageReceived, option=0, set={"by": "ann"}, taken=("answer->book",)),
        event(e.TaskScheduled, step="book", input="ann"),
        event(e.WaitsClosed, visit=1),
    )
    (closed,) = story.events[2].waits  # type: ignore[union-attr]
    assert (closed.option, closed.source) == (1, "signal/closed")
    assert isinstance(story.state, Execution)
    assert story.state.waits == {}
    story.passes(2).then_nothing()


def test_a_signal_that_comes_first_wins_and_the_message_is_refused() -> None:
    story = given(FIRST).started(offer="o")
    late = message("answer", {"by": "ann"})(story.state)
    assert story.when(signal("answer", option=1)).open_tasks() == ["archive"]
    story.when(late).then_rejected(RejectionCode.WAIT_NOT_OPEN)
    story.passes(2).then_nothing()


def test_a_moment_that_comes_first_wins_and_goes_the_ordinary_way_where_it_has_none_of_its_own() -> None:
    story = given(FIRST).started(offer="o").passes(1.9).then_nothing().passes(0.1)
    story.then(
        event(e.TimerFired, option=2, set={"by": "nobody"}, taken=("answer->remind",)),
        event(e.TaskScheduled, step="remind", input="nobody"),
        event(e.WaitsClosed, visit=1),
    )
    assert len(story.events[2].waits) == 2  # type: ignore[union-attr]


def test_what_comes_later_than_a_moment_that_is_due_but_has_not_fired_yet_wins_all_the_same() -> None:
    story = given(FIRST).started(offer="o").when(message("answer", {"by": "ann"}), after=3)
    assert story.open_tasks() == ["book"]
    story.passes(0).then_nothing()


def test_each_copy_waits_for_itself() -> None:
    text = """
    steps:
      all: {each: [a, b], do: {w: {wait: {message: m, key: "{{ item }}"}, next: z}, z: {task: t, input: "{{ item }}"}}}
    """
    story = given(text).started()
    opened = [event for event in story.events if isinstance(event, e.WaitsOpened)]
    assert [wait.source for one in opened for wait in one.waits] == ["mailbox/m/a", "mailbox/m/b"]
    story.when(lambda _: message("w")(story.state))
    scheduled = story.events[1]
    assert isinstance(scheduled, e.TaskScheduled)
    assert scheduled.input == "a"


def test_a_step_that_is_entered_again_waits_again() -> None:
    text = """
    steps:
      w: {wait: {message: m, key: k}, next: x}
      x: {task: t, next: [{when: steps.x, next: w}, {otherwise: end}]}
    """
    story = given(text).started().when(message("w")).when(complete("x", True))
    story.then(event(e.TaskCompleted), event(e.ListeningStarted), event(e.WaitsOpened))
    assert story.when(message("w", id_="m2")).open_tasks() == ["x"]


def test_a_payload_that_does_not_fit_fails_the_step() -> None:
    story = given(FIRST).started(offer="o").when(message("answer", {}))
    story.then(event(e.StepFailed, step="answer"), event(e.WaitsClosed), event(e.ExecutionFailed))
    story.when(c.RetryExecution()).then(event(e.ExecutionRetried), event(e.ListeningStarted), event(e.WaitsOpened))
    assert story.when(message("answer", {"by": "ann"}, id_="m2")).open_tasks() == ["book"]


def test_a_message_that_comes_while_paused_is_recorded_and_its_token_moves_on_resuming() -> None:
    story = given(FIRST).started(offer="o").when(c.PauseExecution())
    story.when(message("answer", {"by": "ann"})).then(
        event(e.MessageReceived, taken=("answer->book",)), event(e.WaitsClosed)
    )
    assert (story.status, story.open_tasks()) == ("paused", [])
    story.when(signal_late := c.DeliverSignal(visit=1, option=1, name="s")).then_rejected(RejectionCode.WAIT_NOT_OPEN)
    story.when(c.ResumeExecution()).then(event(e.ExecutionResumed), event(e.TaskScheduled, step="book"))
    story.when(signal_late).then_rejected(RejectionCode.WAIT_NOT_OPEN)


def test_moments_that_come_while_paused_fire_on_resuming_in_their_order_and_once() -> None:
    text = "start: [a, b, c]\nsteps: {a: {wait: 3s}, b: {wait: 1s}, c: {wait: 2s}}"
    story = given(text).started().when(c.PauseExecution()).passes(60).then_nothing()
    story.when(c.ResumeExecution()).passes(0)
    assert [event.step for event in story.events[:3]] == ["b", "c", "a"]  # type: ignore[union-attr]
    assert story.status == "completed"


def test_cancelling_the_execution_withdraws_its_waits() -> None:
    story = given(FIRST).started(offer="o").when(c.CancelExecution())
    story.then(event(e.StepCancelled, step="answer"), event(e.WaitsClosed), event(e.ExecutionCancelled))
    assert len(story.events[1].waits) == 2  # type: ignore[union-attr]
    story.when(c.DeliverMessage(visit=1, option=0, message=_any())).then_rejected(RejectionCode.EXECUTION_ENDED)


def test_a_wait_can_be_skipped_completed_and_cancelled_by_hand() -> None:
    for command in (c.SkipStep(step="w"), c.CompleteStep(step="w", output={"x": 1})):
        story = given(wait_for("{message: m, key: k}")).started().when(command)
        assert story.open_tasks() == ["z"]
        assert isinstance(story.events[-1], e.WaitsClosed)
        assert len(story.events[-1].waits) == 1
    text = "steps: {w: {wait: 1h, catch: [{error: STEP_CANCELLED, next: z}]}, z: {task: t}}"
    assert given(text).started().when(c.CancelStep(step="w")).open_tasks() == ["z"]


def test_sending_is_recorded_and_goes_on() -> None:
    text = """
    steps:
      tell: {send: {message: paid, key: "{{ order }}", payload: {amount: 5}, keep: 1d}, next: shout}
      shout: {send: {signal: stop-all, payload: "{{ order }}"}, next: z}
      z: {task: t}
    """
    story = given(text).started(order="o")
    story.then(
        event(e.ExecutionStarted),
        event(e.MessageSent, name="paid", key="o", payload={"amount": 5}, keep=86400.0),
        event(e.SignalSent, name="stop-all", payload="o"),
        event(e.TaskScheduled, step="z"),
    )


def _any() -> Message:
    return Message(id="m1", name="m", key="k", payload=None, sent_at=NOON, expires_at=NOON + timedelta(days=1))


@pytest.mark.parametrize(
    "text",
    [
        'steps: {w: {wait: {message: m, key: k}, output: {by: "{{ output.by }}"}}}',
        'steps: {w: {task: t, catch: [{message: m, key: k, set: {by: "{{ output.by }}"}, next: end}]}}',
    ],
)
def test_a_message_whose_payload_cannot_be_used_fails_the_step_and_goes_back_to_its_mailbox(text: str) -> None:
    option = CATCHES if "catch" in text else 0
    story = given(text).started().when(message("w", {"other": 1}, option=option, id_="m7"))
    (failed,) = [found for found in story.events if isinstance(found, e.StepFailed)]
    assert failed.returns is not None
    commands = [effect.command for effect in react(ID, failed) if isinstance(effect, SendCommand)]
    assert [command.message.id for command in commands if isinstance(command, ReturnMessage)] == ["m7"]
    assert (story.status, failed.failure.code) == ("failed", ErrorCode.EXPRESSION_FAILED)
