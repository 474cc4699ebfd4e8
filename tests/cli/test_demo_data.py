from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from penstock.cli.definitions import definition_files, examine_file
from penstock.cli.demo import handlers
from penstock.cli.demo.sources import DEFINITIONS, starts
from penstock.cli.demo.tally import Tally, percentile
from penstock.domain.definition.compile import compile_definition
from penstock.domain.definition.model import Graph, TaskStep
from penstock.domain.errors import Failure
from penstock.domain.execution import events as e
from penstock.sdk import TaskFailed
from penstock.sdk.task import handlers_of
from penstock.sdk.testing import run

STARTED = datetime(2026, 3, 1, tzinfo=UTC)


def graphs() -> list[Graph]:
    sources = [examine_file(path) for path in definition_files([DEFINITIONS])]
    assert [findings for _, findings in sources] == [()] * 3, "not even advice"
    return [compile_definition(source) for source, _ in sources if source is not None]


def test_every_task_of_every_definition_has_a_handler_and_every_handler_is_used() -> None:
    used = {step.task for graph in graphs() for step in graph.steps.values() if isinstance(step, TaskStep)}
    assert used == {handler.type for handler in handlers_of(handlers)}


def test_there_are_at_least_a_thousand_of_three_kinds_in_turn() -> None:
    every = starts()
    assert len(every) >= 1000
    assert Counter(start.definition for start in every).keys() == {graph.id for graph in graphs()}
    assert min(Counter(start.definition for start in every).values()) >= 400
    assert len({start.business_key for start in every}) == len(every)
    assert Counter(start.definition for start in starts(30)) == dict.fromkeys((g.id for g in graphs()), 10)


def test_the_data_go_beyond_plain_letters() -> None:
    text = "".join(str(start.input) for start in starts())
    assert all(sample in text for sample in ("札幌", "محمد", "🎉", "Łódź", "e\u0301"))


LINE = {"sku": "A", "quantity": 3, "unit_cents": 3333}


def test_an_order_is_priced_in_whole_cents() -> None:
    assert handlers.price_order([LINE], 33.3)["amount"] == 66.69
    assert handlers.price_order([{**LINE, "quantity": 1, "unit_cents": 1}], 50)["amount"] == 0.01


@pytest.mark.parametrize(
    ("lines", "discount", "code"),
    [([], 0, "EMPTY_ORDER"), ([{**LINE, "quantity": 0}], 0, "BAD_QUANTITY"), ([LINE], 51, "BAD_DISCOUNT")],
)
def test_an_order_that_makes_no_sense_fails_for_good(lines: list[dict[str, Any]], discount: float, code: str) -> None:
    with pytest.raises(TaskFailed) as error:
        handlers.price_order(lines, discount)
    assert (error.value.code, error.value.retryable) == (code, False)


def test_a_scan_is_read_without_its_dirt_unless_it_is_nothing_but_dirt() -> None:
    assert handlers.read_text("D1", ["Very▒ good scan, indeed"])["text"] == "Very good scan, indeed"
    with pytest.raises(TaskFailed, match="UNREADABLE"):
        handlers.read_text("D1", ["▒▒▒▒a"])
    with pytest.raises(TaskFailed, match="UNREADABLE"):
        handlers.read_text("D1", [" "])


def test_a_document_is_of_the_kind_whose_words_it_uses() -> None:
    assert handlers.classify_document("Rechnung 7", ["Betrag: 5 EUR"])["kind"] == "invoice"
    assert handlers.classify_document("Untitled", ["lorem ipsum"]) == {"kind": "other", "confidence": 0.0}


def test_a_tally_counts_outcomes_times_and_retries() -> None:
    tally = Tally()
    later = STARTED + timedelta(seconds=2)
    failure = Failure(code="WHY")
    tally.see("x1", e.ExecutionStarted(definition="d", version="1.0.0", digest="", status="running"), STARTED)
    tally.see("x1", e.TaskFailed(visit=1, step="s", attempt=1, failure=failure, retry_at=later), STARTED)
    tally.see("x1", e.TaskFailed(visit=1, step="s", attempt=2, failure=failure), later)
    tally.see("x1", e.ExecutionFailed(failure=failure, purge_at=later, status="failed"), later)
    assert tally.by_outcome("d") == {"failed": 1}
    assert (tally.retries, tally.events, tally.durations["d"], tally.reasons) == (1, 4, [2.0], {"WHY": 1})


def test_a_percentile_is_one_of_the_values() -> None:
    assert (percentile([], 0.5), percentile([7.0], 0.99)) == (0.0, 7.0)
    assert (percentile([3.0, 1.0, 2.0, 4.0], 0.5), percentile([3.0, 1.0, 2.0, 4.0], 0.99)) == (2.0, 4.0)


def given(key: str) -> dict[str, Any]:
    return next(start.input for start in starts() if start.business_key == key)


def outcome(key: str, definition: str) -> tuple[str, Any]:
    result = run(DEFINITIONS / f"{definition}.yaml", handlers, given(key))
    return result.status, result.output if result.status == "completed" else result.failure and result.failure.code


@pytest.mark.parametrize(
    ("order", "decided_by"), [("SO-2026-00007", "rules"), ("SO-2026-00018", "manager"), ("SO-2026-00029", "manager")]
)
def test_who_decides_about_an_order_depends_on_its_amount_to_the_cent(order: str, decided_by: str) -> None:
    status, output = outcome(order, "order-approval")
    assert (status, output["decided_by"]) == ("completed", decided_by)


@pytest.mark.parametrize(
    ("release", "expected"),
    [("REL-00091", "promoted"), ("REL-00092", "rolled back")],
)
def test_a_release_above_one_percent_of_errors_is_rolled_back(release: str, expected: str) -> None:
    status, output = outcome(release, "deployment")
    assert (status, output["outcome"]) == ("completed", expected)


def test_a_release_that_never_warms_up_fails_after_its_attempts() -> None:
    assert outcome("REL-00201", "deployment") == ("failed", "NOT_READY")


def test_an_empty_page_fails_the_document() -> None:
    assert outcome("DOC-00010", "document-pipeline") == ("failed", "UNREADABLE")


def test_a_document_is_filed_under_its_words() -> None:
    status, output = outcome("DOC-00223", "document-pipeline")
    assert (status, output["words"], output["terms"]) == ("completed", 900, ["word"])
