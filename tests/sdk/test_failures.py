"""What handlers raise, as the failures that are recorded, and the catches that ask for their class."""

from __future__ import annotations

import pytest

from penstock.domain.errors import Failure, FailureKind
from penstock.sdk import BusinessRuleBroken, InputRejected, IntegrationFailed, TaskFailed
from penstock.sdk.builder import on_error
from penstock.sdk.failures import failure_of
from penstock.sdk.steps import Steps
from penstock.sdk.testing import run

CATCHING = """
id: pay
version: 1.0.0
variables: {why: ""}
output: "{{ why }}"
steps:
  pay:
    task: pay
    retry: {attempts: 2}
    catch:
      - {error: any, class: integration, set: {why: "{{ error.class }}: {{ error.code }}"}, next: later}
      - {error: any, class: [validation, business], set: {why: "{{ error.class }}"}, next: ask}
  later: {pass: true}
  ask: {pass: true}
"""


@pytest.mark.parametrize(
    ("raised", "kind", "retryable"),
    [
        (IntegrationFailed("BANK_DOWN", "no answer", details={"status": 503}), "integration", True),
        (InputRejected("BANK_DOWN", "no answer", details={"status": 503}), "validation", False),
        (BusinessRuleBroken("BANK_DOWN", "no answer", details={"status": 503}), "business", False),
        (TaskFailed("BANK_DOWN", "no answer", details={"status": 503}, kind="system"), "system", True),
        (TaskFailed("BANK_DOWN", "no answer", details={"status": 503}), None, True),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_class_of_failure_has_its_exception_which_says_whether_to_try_again(
    raised: TaskFailed, kind: FailureKind | None, retryable: bool
) -> None:
    expected = Failure(code="BANK_DOWN", message="no answer", details={"status": 503}, retryable=retryable, kind=kind)
    assert failure_of(raised) == expected


def test_who_raises_knows_better_whether_to_try_again() -> None:
    assert not failure_of(IntegrationFailed("GONE", retryable=False)).retryable
    assert failure_of(InputRejected("NOT_YET", retryable=True)).retryable
    assert failure_of(BusinessRuleBroken("CLOSED_TODAY", retryable=True)).retryable


def test_a_class_that_does_not_exist_is_not_recorded() -> None:
    assert failure_of(TaskFailed("X", kind="weather")).kind is None  # type: ignore[arg-type]


def test_any_other_exception_has_no_class() -> None:
    assert failure_of(ConnectionError("reset")).kind is None


def pay_failing_with(raised: TaskFailed) -> tuple[int, object]:
    def pay() -> None:
        raise raised

    result = run(CATCHING, {"pay": pay})
    assert result.status == "completed"
    return len(result.attempts), result.output


def test_what_a_handler_raises_is_caught_by_its_class() -> None:
    assert pay_failing_with(IntegrationFailed("BANK_DOWN")) == (2, "integration: BANK_DOWN")
    assert pay_failing_with(InputRejected("NO_IBAN")) == (1, "validation")
    assert pay_failing_with(BusinessRuleBroken("LIMIT")) == (1, "business")


def test_an_input_that_does_not_fit_the_handler_and_an_output_that_is_none_are_failures_of_validation() -> None:
    def pay(amount: int) -> int:
        return amount

    result = run(CATCHING, {"pay": pay})
    assert (result.status, result.output) == ("completed", "validation")
    result = run(CATCHING, {"pay": lambda: {1, object()}})
    assert (result.status, result.output) == ("completed", "validation")


def test_on_error_asks_for_classes_beside_codes() -> None:
    steps = Steps("pay")
    assert on_error(kind="business").to_dict(steps) == {"error": "any", "class": "business"}
    assert on_error("A", kind=("integration", "system")).to_dict(steps) == {
        "error": "A",
        "class": ["integration", "system"],
    }
    assert on_error("A", "B").to_dict(steps) == {"error": ["A", "B"]}
