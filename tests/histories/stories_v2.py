"""Stories of the language: together they hold every kind of event of executions and of what executions share."""

from __future__ import annotations

from datetime import timedelta

from penstock.domain.errors import Failure
from penstock.domain.execution import commands as c
from penstock.domain.mailbox.commands import SendMessage
from penstock.domain.operation import commands as o
from penstock.domain.schedule import commands as s
from penstock.domain.schedule.plan import Plan
from penstock.domain.signal.commands import BroadcastSignal
from penstock.domain.subjects import child_of, mailbox_of, operation_of, schedule_of, signal_of
from tests.histories.world import Stories, World, one

HOUR = 3600.0
DAY = 24 * HOUR

ENOUGH = """
start: [ask, note]
steps:
  ask: {parallel: [a, b, c]}
  a: {task: ask-bidder, next: decide}
  b: {task: ask-bidder, next: decide}
  c: {task: ask-bidder, next: decide}
  decide: {task: decide, join: {enough: 2, rest: cancel}, next: stop}
  note: {parallel: [early, late]}
  early: {task: write, next: both}
  late: {task: write, next: both}
  both: {task: file, join: all}
  stop: {cancel: [late, both], next: close}
  close: {task: close}
"""
MESSAGES = """
variables: {order: o-1, amount: 0}
steps:
  paid:
    first:
      - {message: paid, key: "{{ order }}", set: {amount: "{{ output.amount }}"}, next: again}
      - {signal: closed, next: end}
      - {after: 3d, next: end}
  again:
    first:
      - {message: paid, key: "{{ order }}", next: end}
      - {after: 1h, next: open}
  open: {wait: {signal: opened}, output: {gate: "{{ output.gate }}"}, next: tell}
  tell: {send: {message: ready, key: "{{ order }}", payload: {amount: "{{ amount }}"}, keep: 1d}, next: shout}
  shout: {send: {signal: closed, payload: {by: "{{ order }}"}}}
"""
TRIGGERED = """
id: report
version: 1.0.0
triggers:
  on_demand: {message: report-wanted, input: {day: "{{ payload.day }}"}, business_key: "{{ key }}"}
  with_pages: {message: report-wanted, input: {pages: "{{ payload.pages }}"}}
  by_day: {message: report-wanted, input: {day: "{{ payload.day }}"}}
steps:
  report: {task: report}
"""
CAUGHT = """
variables: {reason: "", told: false}
steps:
  order:
    do:
      check: {task: check, next: tell}
      tell: {escalate: {code: LARGE_ORDER, message: "look at it"}, next: ship}
      ship:
        task: ship
        retry: {attempts: 1}
        catch:
          - {after: 1h, cancel: false, next: remind}
      remind: {task: remind}
    catch:
      - {escalation: LARGE_ORDER, next: inform}
      - {error: SOLD_OUT, set: {reason: "{{ error.message }}"}, next: apologise}
  inform: {task: inform}
  apologise: {task: apologise}
"""
LOOPS = """
variables: {ready: false}
steps:
  poll:
    until: ready
    at_most: 5
    variables: {tries: 0}
    do:
      ask: {task: ask, output: {ready: "{{ output.ready }}"}, next: count}
      count: {set: {tries: "{{ tries + 1 }}"}}
    next: both
  both:
    do:
      left: {task: work}
      right: {task: work}
    start: [left, right]
    one_at_a_time: true
"""
COPIES = """
variables: {votes: []}
steps:
  reviews:
    each: "{{ reviewers }}"
    as: reviewer
    at_once: 2
    do:
      ask: {task: review, input: {who: "{{ reviewer }}"}}
    collect: "{{ steps.ask.vote }}"
    into: votes
    enough: len(results) >= 3
    rest: ignore
    next: publish
  publish: {task: publish, input: {votes: "{{ votes }}"}}
"""
PARENT = """
id: parent
version: 1.0.0
steps:
  pay:
    workflow: payment
    input: {order: "{{ order }}"}
    output: {receipt: "{{ output.receipt }}"}
    next: newsletter
  newsletter: {workflow: newsletter, await: false, next: wait}
  wait: {workflow: payment, input: {order: second}}
"""
PAYMENT = """
id: payment
version: 1.0.0
output: {receipt: "{{ steps.charge.id }}"}
steps:
  charge: {task: charge, retry: {attempts: 1}}
"""
NEWSLETTER = """
id: newsletter
version: 1.0.0
steps:
  mail: {task: mail}
"""
UNDONE = """
on_cancel: compensate
steps:
  flight: {task: book-flight, undo: {task: cancel-flight, input: {id: "{{ output.id }}"}}, next: hotel}
  hotel: {task: book-hotel, undo: {task: cancel-hotel}, next: change_of_mind}
  change_of_mind: {compensate: [hotel], next: train}
  train: {task: book-train, undo: {task: cancel-train}, next: go}
  go: {task: go}
"""
LOCKED = """
start: [accept, hand_out, cash_up]
steps:
  accept: {task: accept, lock: desk}
  hand_out: {task: hand-out, lock: {name: till, shared: true}, next: inform}
  cash_up: {task: cash-up, lock: {name: till, shared: true}}
  inform: {task: inform, lock: desk}
"""
STEERED = """
version: 1.0.0
id: steered
variables: {speed: slow}
steps:
  pick: {task: pick, offers: [change_address], next: pack}
  change_address: {task: change-address}
  pack: {task: pack, next: ship}
  ship: {task: ship}
"""
STEERED_BETTER = STEERED.replace("version: 1.0.0", "version: 1.1.0").replace(
    "ship: {task: ship}", "ship: {task: ship-fast}"
)
COUNTED = """
id: counted
version: 1.0.0
steps:
  work: {task: work}
"""


def enough(world: World) -> None:
    world.start("enough").complete("early").complete("b", {"price": 7}).complete("c", {"price": 9})
    world.complete("decide", "b").complete("close")


def messages(world: World) -> None:
    box, opened = mailbox_of("paid", "o-1"), signal_of("opened")
    world.do(SendMessage(message_id="m-1", payload={"amount": 5}, by="bank"), to=box)
    world.start("messages")
    # The second message and the moment at which nobody waits for it any more cross.
    late = SendMessage(message_id="m-2", payload={"amount": 6}, ttl=DAY, by="bank")
    world.do((box, late), (world.subject, c.FireTimers()), after=HOUR)
    world.do(BroadcastSignal(payload={"gate": 3}, by="ann"), to=opened)
    world.do(SendMessage(message_id="m-3", ttl=60.0), to=box).clock()


def triggered(world: World) -> None:
    box = mailbox_of("report-wanted", "o-7")
    world.subject = box
    world.do(SendMessage(message_id="m-1", payload={"day": "monday"}, by="ann"))
    # The definition is retired while the starts are on their way.
    world.do(SendMessage(message_id="m-2", payload={"day": "tuesday"}, by="ann"), lambda: world.retire("report"))


def caught(world: World) -> None:
    world.start("caught").complete("check").clock()
    world.fail("ship", Failure(code="SOLD_OUT", message="none is left", retryable=False))
    world.complete("inform").complete("apologise")


def loops(world: World) -> None:
    world.start("loops").complete("ask", {"ready": False}).complete("ask", {"ready": True})
    world.complete("left", 1).complete("right", 2)


def copies(world: World) -> None:
    world.start("copies", reviewers=["ann", "ben"]).do(c.AddItems(step="reviews", items=["cyd", "dan"], by="ann"))
    for vote in ("yes", "no", "yes"):
        world.complete("ask", {"vote": vote})
    world.complete("publish").complete("ask", {"vote": "late"})


def children(world: World) -> None:
    world.start("parent", order="o-1")
    first = child_of(world.subject, 1)
    world.fail("charge", Failure(code="NO_FUNDS", retryable=False), to=first).do(c.RetryExecution(by="ann"))
    world.do(c.PauseExecution(reason="lunch", by="ann")).complete("charge", {"id": "r-1"}, to=first)
    world.do(c.ResumeExecution(by="ann")).do(c.CancelExecution(reason="enough", by="ann"))


def undone(world: World) -> None:
    world.start("undone").complete("flight", {"id": "f-1"}).complete("hotel", {"id": "h-1"})
    world.complete("hotel").complete("train", {"id": "t-1"})
    world.do(c.CancelExecution(reason="ill", by="ann")).complete("train").complete("flight")


def locked(world: World) -> None:
    world.start("locked").complete("hand_out").complete("accept")
    world.do(c.SkipStep(step="cash_up", reason="no cash", by="ann")).complete("inform")
    other = f"{world.subject[:-12]}{0xFFF:012x}"
    # One holds the till, one stands in line for it and leaves the line.
    world.do(c.StartExecution(definition="locked"), to=other).do(c.CancelStep(step="cash_up", by="ann"), to=other)
    world.do(c.TerminateExecution(reason="done", by="ann"), to=other)


def steered(world: World) -> None:
    world.do(c.StartExecution(definition="steered", version="1.0.0")).do(
        c.SetVariables(values={"speed": "fast"}, by="ann")
    )
    world.do(c.StartStep(step="change_address", by="ann")).complete("change_address", {"street": "new"})
    world.do(c.CompleteStep(step="pick", output={"boxes": 2}, by="ann"))
    world.do(c.AddTask(name="weigh", task="weigh", input={"scale": 1}, by="ann")).complete("weigh", {"kg": 3})
    world.do(c.SkipStep(step="pack", reason="packed already", by="ann"))
    world.do(c.MigrateExecution(version="1.1.0", by="ann"))
    world.do(c.RerunStep(step="pack", reason="badly packed", by="ann")).complete("pack").complete("ship")


def schedule(world: World) -> None:
    world.subject = schedule_of("nightly")
    plan = Plan(definition="counted", cron="0 3 * * *", timezone="Europe/Berlin", input={"day": "{{ due }}"})
    world.do(s.CreateSchedule(plan=plan, by="ann")).clock()
    world.do(s.TriggerSchedule(by="ann")).do(s.PauseSchedule(by="ann"))
    world.do(s.ResumeSchedule(by="ben"), after=3 * DAY).clock()
    world.do(s.CreateSchedule(plan=Plan(definition="counted", every=HOUR, catch_up="none"), by="ann"))
    world.do(c.FireTimers(), after=5.5 * HOUR)
    world.retire("counted")
    world.clock()
    # It can be worked out at any hour but one, and that is the second to come.
    hour = (world.now + timedelta(hours=2)).hour
    broken = Plan(definition="counted", every=HOUR, input={"n": f"{{{{ 1 / (date_part(due, 'hour') - {hour}) }}}}"})
    world.do(s.CreateSchedule(plan=broken, by="ann")).clock().clock().do(s.DeleteSchedule(by="ann"))


def operation(world: World) -> None:
    ids = [f"{world.subject[:-12]}{0xA00 + number:012x}" for number in range(3)]
    for id_ in ids:
        world.do(c.StartExecution(definition="counted"), to=id_)
    world.do(c.TerminateExecution(by="ann"), to=ids[1])
    world.subject = operation_of("stock-taking")
    order = o.StartOperation(action="pause", arguments={"reason": "stock-taking"}, total=3, targets=(ids[0],), by="ann")
    world.do(order).do(o.PauseOperation(by="ann")).do(o.AddTargets(start=1, targets=(ids[1], ids[2])))
    world.do(o.ResumeOperation(by="ben")).clock()
    second = operation_of("called-off")
    world.do(o.StartOperation(action="resume", targets=tuple(ids), by="ann"), to=second)
    world.do(o.CancelOperation(reason="not yet", by="ann"), to=second)


STORIES: Stories = {
    "enough": (one("enough", ENOUGH), enough),
    "messages": (one("messages", MESSAGES), messages),
    "triggered": ((TRIGGERED,), triggered),
    "caught": (one("caught", CAUGHT), caught),
    "loops": (one("loops", LOOPS), loops),
    "copies": (one("copies", COPIES), copies),
    "children": ((PARENT, PAYMENT, NEWSLETTER), children),
    "undone": (one("undone", UNDONE), undone),
    "locked": (one("locked", LOCKED), locked),
    "steered": ((STEERED, STEERED_BETTER), steered),
    "schedule": ((COUNTED,), schedule),
    "operation": ((COUNTED,), operation),
}
