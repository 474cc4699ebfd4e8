"""What is built in Python is what stands in YAML, and what is wrong with it is told in the same words."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from penstock.domain.definition.compile import compile_definition, digest_of
from penstock.domain.definition.examine import DEFINITION_KEYS
from penstock.domain.definition.kinds import KINDS, RETRY_KEYS, SHARED_KEYS
from penstock.domain.definition.read import read_definition
from penstock.domain.definition.validate import validate
from penstock.domain.expressions.duration import parse_duration
from penstock.sdk import HandlerInvalid, task
from penstock.sdk.builder import END, Branch, Definition, DefinitionInvalid, Retry, StepWithNext, otherwise, when
from penstock.sdk.plain import duration_text
from penstock.sdk.testing import run
from tests.docs import pages
from tests.domain.definition import strategies

LANGUAGE = pages.DOCS / "reference" / "definition-language.md"
EXAMPLES = [block.text for block in pages.blocks(LANGUAGE) if block.language == "yaml"]


@task("render-page", queue="gpu")
def render(page: int) -> str:
    return f"page {page}"


def rebuilt(source: dict[str, Any]) -> Definition:
    """The definition of ``source``, by the calls that a person would write for it."""
    head = {key: value for key, value in source.items() if key not in ("start", "steps", "queues")}
    queues = {name: settings["transport"] for name, settings in source.get("queues", {}).items()}
    definition = Definition(head.pop("id"), head.pop("version"), **head, queues=queues or None)
    for name, step in source["steps"].items():
        _add(definition, name, dict(step))
    if "start" in source:
        definition.start_with(*_several(source["start"]))
    return definition


def _add(definition: Definition, name: str, step: dict[str, Any]) -> None:
    following = step.pop("next", None)
    kind = next(kind for kind in KINDS if kind in step)
    value = step.pop(kind)
    match kind:
        case "task":
            retry = Retry(**step.pop("retry")) if "retry" in step else None
            made = definition.task(name, value, retry=retry, **step)
        case "wait":
            moment = value["until"] if isinstance(value, dict) else None
            made = definition.wait(name, until=moment, **step) if moment else definition.wait(name, value, **step)
        case "choose":
            definition.choose(name, *_branches(value), **step)
            return
        case "parallel":
            definition.parallel(name, *value, **step)
            return
        case "set":
            made = definition.set(name, value, **step)
        case _:
            made = definition.pass_(name, **step)
    if isinstance(following, list) and isinstance(following[0], dict):
        made.choose(*_branches(following))
    elif following is not None:
        made.then(*_several(following))


def _several(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _branches(value: list[dict[str, Any]]) -> list[Branch]:
    return [when(item["when"], item["next"]) if "when" in item else otherwise(item["otherwise"]) for item in value]


def codes(build: Callable[[], object]) -> list[str]:
    with pytest.raises(DefinitionInvalid) as caught:
        build()
    return [finding.code for finding in caught.value.findings if finding.severity == "error"]


@given(strategies.definitions())
def test_any_definition_can_be_built_and_is_the_same_as_its_source_and_as_its_text(source: dict[str, Any]) -> None:
    definition, expected = rebuilt(source), digest_of(compile_definition(source))
    assert digest_of(definition.graph()) == expected
    assert digest_of(compile_definition(definition.to_dict())) == expected
    assert digest_of(compile_definition(read_definition(definition.to_yaml()).value)) == expected


@pytest.mark.parametrize("text", EXAMPLES, ids=[text.splitlines()[0] for text in EXAMPLES])
def test_every_example_of_the_language_can_be_built(text: str) -> None:
    source = read_definition(text).value
    definition = rebuilt(source)
    assert digest_of(definition.graph()) == digest_of(compile_definition(source))
    assert read_definition(definition.to_yaml()).value == definition.to_dict()


def test_every_key_of_the_language_can_be_given_and_nothing_else() -> None:
    def parameters(function: Callable[..., Any]) -> set[str]:
        return set(inspect.signature(function).parameters) - {"self"}

    assert parameters(Definition) == {*DEFINITION_KEYS} - {"start", "steps"}
    assert {field.name for field in dataclasses.fields(Retry)} == {*RETRY_KEYS}
    methods = {kind: getattr(Definition, "pass_" if kind == "pass" else kind) for kind in KINDS}
    assert parameters(methods["task"]) == {"id", "work", *KINDS["task"].keys, *SHARED_KEYS} - {"task", "next"}
    assert all({*SHARED_KEYS} <= parameters(method) for method in methods.values())


def order() -> Definition:
    definition = Definition(
        "order",
        "1.0.0",
        variables={"score": 0, "currency": "EUR"},
        timeout=timedelta(days=30),
        queues={"gpu": "http"},
    )
    check = definition.task(
        "check",
        "check-credit",
        output={"score": "{{ output.score }}"},
        retry=Retry(attempts=5, backoff=timedelta(seconds=2), never=("UNKNOWN_CUSTOMER",)),
    )
    ship = definition.task("ship", "ship", timeout=timedelta(minutes=90))
    review = definition.wait("review", timedelta(hours=1)).then("check")
    check.choose(when("score >= 600", ship), when("score >= 300", review), otherwise(END))
    ship.then(definition.task("label", render, input={"page": 1}))
    return definition


ORDER = """\
id: order
version: 1.0.0
variables: {score: 0, currency: EUR}
timeout: 30d
queues: {gpu: {transport: http}}
steps:
  check:
    task: check-credit
    output: {score: "{{ output.score }}"}
    retry: {attempts: 5, backoff: 2s, never: [UNKNOWN_CUSTOMER]}
    next:
      - when: score >= 600
        next: ship
      - when: score >= 300
        next: review
      - otherwise: end
  ship: {task: ship, timeout: 1h30m, next: label}
  review: {wait: 1h, next: check}
  label: {task: render-page, input: {page: 1}, queue: gpu}
"""


def test_the_text_is_what_a_person_would_write() -> None:
    assert order().to_yaml() == ORDER
    assert order().findings() == ()


def test_a_handler_gives_its_type_and_its_queue_unless_another_is_given() -> None:
    definition = Definition("pages", "1.0.0")
    definition.task("one", render).then(definition.task("two", render, queue="slow"))
    steps = definition.to_dict()["steps"]
    assert steps["one"] == {"task": "render-page", "queue": "gpu", "next": "two"}
    assert steps["two"] == {"task": "render-page", "queue": "slow"}


def test_a_function_that_is_no_handler_is_refused() -> None:
    with pytest.raises(HandlerInvalid, match="has none"):
        Definition("pages", "1.0.0").task("one", lambda: 1)


def test_ways_may_lead_to_several_steps_and_begin_at_several() -> None:
    definition = Definition("fork", "1.0.0")
    join = definition.pass_("joined", join="all")
    a, b = definition.task("a", "work").then(join), definition.task("b", "work").then(join)
    fork = definition.parallel("fork", a, b)
    definition.start_with(fork, definition.set("note", {"noted": True}))
    source = definition.to_dict()
    assert source["start"] == ["fork", "note"]
    assert source["steps"]["fork"] == {"parallel": ["a", "b"]}
    assert list(source) == ["id", "version", "start", "steps"]


def test_a_moment_is_written_with_its_zone() -> None:
    definition = Definition("party", "1.0.0")
    definition.wait("holidays", until=datetime(2027, 1, 2, 8, tzinfo=UTC))
    assert definition.to_dict()["steps"]["holidays"] == {"wait": {"until": "2027-01-02T08:00:00+00:00"}}


def test_mistakes_are_told_as_by_validate_and_all_at_once() -> None:
    definition = Definition("Order", "1", variables={"score": 0})
    definition.task("check", "check-credit", timeout=timedelta(0)).choose(when("score >", "chekc"), otherwise("chekc"))
    source = {
        "id": "Order",
        "version": "1",
        "variables": {"score": 0},
        "steps": {
            "check": {
                "task": "check-credit",
                "timeout": "0s",
                "next": [{"when": "score >", "next": "chekc"}, {"otherwise": "chekc"}],
            }
        },
    }
    for build in (definition.to_dict, definition.to_yaml, definition.graph):
        with pytest.raises(DefinitionInvalid) as caught:
            build()
        assert caught.value.findings == validate(source) == definition.findings()
    assert {"BAD_ID", "BAD_VERSION", "OUT_OF_RANGE", "BAD_EXPRESSION", "DANGLING_REFERENCE"} <= {
        finding.code for finding in definition.findings()
    }
    assert "did you mean `check`?" in str(caught.value)


def test_what_no_source_could_hold_is_told_where_it_is_written() -> None:
    definition, other = Definition("one", "1.0.0"), Definition("other", "1.0.0")
    a, stranger = definition.task("a", "work").then(END), other.task("b", "work")
    assert codes(lambda: definition.task("a", "work")) == ["DUPLICATE_KEY"]
    assert codes(lambda: a.then("a")) == ["CONFLICT"]
    assert codes(lambda: definition.pass_("p").then(stranger)) == ["DANGLING_REFERENCE"]
    definition.start_with(a)
    assert codes(lambda: definition.start_with(a)) == ["CONFLICT"]
    both: dict[str, Any] = {"until": "2027-01-02"}
    assert codes(lambda: definition.wait("w", "1h", **both)) == ["CONFLICT"]


def test_a_definition_without_steps_and_one_that_is_no_json_are_refused() -> None:
    assert codes(Definition("empty", "1.0.0").to_yaml) == ["NO_START"]
    definition = Definition("odd", "1.0.0", variables={"when": datetime(2027, 1, 2, tzinfo=UTC)})
    definition.pass_("a")
    assert codes(definition.to_dict) == ["WRONG_TYPE"]


def test_nothing_that_is_done_to_a_value_afterwards_changes_the_definition() -> None:
    variables = {"items": [1]}
    definition = Definition("frozen", "1.0.0", variables=variables)
    step = definition.set("a", {"b": variables["items"]})
    first = definition.to_dict()
    variables["items"].append(2)
    definition.to_dict()["steps"]["a"]["set"]["b"].append(3)
    assert definition.to_dict() == first
    with pytest.raises(dataclasses.FrozenInstanceError):
        step.id = "c"  # type: ignore[misc]


def test_a_step_whose_kind_is_its_ways_leads_nowhere_else() -> None:
    definition = Definition("ways", "1.0.0")
    assert not isinstance(definition.choose("a", otherwise(END)), StepWithNext)
    assert not isinstance(definition.parallel("b", "a", "c"), StepWithNext)


@given(st.timedeltas(timedelta(0), timedelta(days=36_525)))
def test_a_length_of_time_is_written_exactly(length: timedelta) -> None:
    assert parse_duration(duration_text(length)) == length


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(days=2, hours=1), "2d1h"),
        (timedelta(milliseconds=1_500), "1s500ms"),
        (timedelta(microseconds=1), "0.000001s"),
        (timedelta(0), "0s"),
        (timedelta(minutes=-5), "-5m"),
    ],
)
def test_a_length_of_time_is_written_shortly(length: timedelta, text: str) -> None:
    assert duration_text(length) == text


def test_a_built_definition_can_be_run_in_a_test() -> None:
    handlers: dict[str, Callable[..., Any]] = {
        "check-credit": lambda: {"score": 700},
        "ship": lambda: None,
        "render-page": render,
    }
    result = run(order(), handlers)
    assert (result.status, result.output) == ("completed", "page 1")
