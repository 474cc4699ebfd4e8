"""The for-each: a copy of a body for each item."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from penstock.domain.definition.model import EachStep
from penstock.domain.errors import ErrorCode, StepFailure
from penstock.domain.execution.events import EachLeft, EachStarted, ExecutionEvent, ItemsAdded, StepPassed
from penstock.domain.execution.names import render
from penstock.domain.steps.entry import Entry
from penstock.domain.steps.leaving import leave

MAX_ITEMS: Final = 1_000_000
PAGE_BYTES: Final = 64 << 10


def enter(step: EachStep, entry: Entry) -> tuple[ExecutionEvent, ...]:
    """
    The items, in pages, each an event of its own; none: the step is passed at once.

    Raises:
        StepFailure: the items are neither a list nor a count.

    """
    items = _items(step, entry)
    if not items:
        taken, evaluations = leave(step, entry.names)
        passed = StepPassed(
            visit=entry.visit,
            step=step.id,
            scope=entry.scope,
            consumed=entry.consumed,
            set={step.into: []} if step.into else {},
            taken=taken,
            evaluations=evaluations,
        )
        return (passed,)
    first, *more = pages(items)
    started = EachStarted(
        visit=entry.visit,
        step=step.id,
        scope=entry.scope,
        consumed=entry.consumed,
        items=first,
        item=step.item,
        at_once=step.at_once,
        into=step.into,
    )
    added = (ItemsAdded(visit=entry.visit, step=step.id, items=page) for page in more)
    if step.waits:
        return (started, *added)
    taken, evaluations = leave(step, entry.names)
    return (started, *added, EachLeft(visit=entry.visit, step=step.id, taken=taken, evaluations=evaluations))


def pages(items: list[Any]) -> Iterator[list[Any]]:
    """The items in lists that fit into an event each (an item that is larger alone has one of its own)."""
    page: list[Any] = []
    size = 0
    for item in items:
        length = len(msgspec.json.encode(item)) + 1
        if page and size + length > PAGE_BYTES:
            yield page
            page, size = [], 0
        page.append(item)
        size += length
    if page:
        yield page


def _items(step: EachStep, entry: Entry) -> list[Any]:
    value = render(step.items, entry.names, step.id)
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_ITEMS:
        return list(range(value))
    if isinstance(value, list) and len(value) <= MAX_ITEMS:
        return value
    raise StepFailure(
        ErrorCode.EXPRESSION_FAILED,
        f"step {step.id!r}: expected a list, or a number from 0 to {MAX_ITEMS:,}, but got {value!r:.60}",
    )
