"""Stories of the spine: tasks, branches, joins, waits, and what people can do to an execution as a whole."""

from __future__ import annotations

from penstock.domain.errors import Failure
from penstock.domain.execution import commands as c
from tests.histories.world import Stories, World, one

SEQUENCE = """
variables: {currency: EUR}
output: {charged: "{{ steps.charge.id }}", city: "{{ city }}"}
steps:
  charge: {task: charge, input: {amount: "{{ amount }}", in: "{{ currency }}"}, next: pack}
  pack: {task: pack, output: {boxes: "{{ output.boxes }}"}, next: ship}
  ship: {task: ship}
"""
BRANCHES = """
steps:
  score: {task: score, output: {score: "{{ output.score }}"}, next: decide}
  decide:
    choose:
      - {when: score >= 80, next: approve}
      - {when: score >= 50 and amount < 1000, next: review}
      - {otherwise: refuse}
  approve: {set: {approved: true}, next: tell}
  review: {task: review, next: tell}
  refuse: {set: {approved: false}, next: tell}
  tell: {task: tell}
"""
PARALLEL = """
steps:
  fork: {parallel: [ocr, classify, cool]}
  ocr: {task: ocr, next: joined}
  classify: {task: classify, next: joined}
  cool: {wait: 90s, next: joined}
  joined: {pass: true, join: all, next: file}
  file: {task: file}
"""
RETRIED = """
steps:
  charge: {task: charge, retry: {attempts: 2, backoff: 2s, never: [CARD_STOLEN]}, next: ship}
  ship: {task: ship}
"""
PAUSED = """
start: [left, right]
steps:
  left: {task: left, next: joined}
  right: {wait: 10s, next: joined}
  joined: {pass: true, join: all, next: last}
  last: {task: last}
"""
CANCELLED = """
timeout: 1d
start: [one, two, later]
steps:
  one: {task: work, timeout: 5m}
  two: {task: work, queue: gpu}
  later: {wait: 1h}
"""
CLAIMED = """
steps:
  train: {task: train, timeout: 5m, heartbeat: 10s, start_within: 1m, retry: {attempts: 3, backoff: 1s}}
"""
UNENTERABLE = """
steps:
  cool: {wait: "{{ pause }}", next: ship}
  ship: {task: ship}
"""


def sequence(world: World) -> None:
    world.start("sequence", amount=12.5, city="Zürich").complete("charge", {"id": "c-1"}).complete("pack", {"boxes": 2})
    world.complete("ship", {"at": "2026-01-02T00:00:00Z"})


def branches(world: World) -> None:
    world.start("branches", amount=900).complete("score", {"score": 61}).complete("review", "fine").complete("tell")


def parallel(world: World) -> None:
    world.start("parallel-join", pages=[1, 2, 3]).complete("classify", "invoice").clock().complete("ocr", {"text": "Σ"})
    world.complete("file", {"folder": "in"})


def retried(world: World) -> None:
    busy = Failure(code="BUSY", message="try later", details={"after": 3})
    world.start("failed-and-retried", card="4111").fail("charge", busy).clock().fail(
        "charge", Failure(code="CARD_STOLEN")
    )
    world.do(c.RetryExecution(by="ann")).complete("charge", {"ok": True}).complete("ship")


def paused(world: World) -> None:
    world.start("paused-and-resumed").do(c.PauseExecution(reason="stock-taking", by="ann")).complete("left", 1)
    world.do(c.ResumeExecution(by="ann"), after=60).clock()


def cancelled(world: World) -> None:
    world.start("cancelled", n=1).complete("one", "done").do(c.CancelExecution(reason="too dear", by="ann"))


def claimed(world: World) -> None:
    world.start("claimed-and-terminated").claim("train", "t1").clock().clock().claim("train", "t2")
    world.do(c.TerminateExecution(reason="power cut", by="ann"))


def unenterable(world: World) -> None:
    world.start("step-that-cannot-be-entered", pause="soon").do(c.RetryExecution(by="ann"), after=5)


STORIES: Stories = {
    "sequence": (one("sequence", SEQUENCE), sequence),
    "branches": (one("branches", BRANCHES), branches),
    "parallel-join": (one("parallel-join", PARALLEL), parallel),
    "failed-and-retried": (one("failed-and-retried", RETRIED), retried),
    "paused-and-resumed": (one("paused-and-resumed", PAUSED), paused),
    "cancelled": (one("cancelled", CANCELLED), cancelled),
    "claimed-and-terminated": (one("claimed-and-terminated", CLAIMED), claimed),
    "step-that-cannot-be-entered": (one("step-that-cannot-be-entered", UNENTERABLE), unenterable),
}
