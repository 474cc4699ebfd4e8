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
from penstock.domain.definition.kinds_event import SEND_KEYS, WAIT_KEYS
from penstock.domain.definition.kinds_task import UNDO_KEYS
from penstock.domain.definition.read import read_definition
from penstock.domain.definition.triggers import TRIGGER_KEYS
from penstock.domain.definition.validate import validate
from penstock.domain.expressions.duration import parse_duration
from penstock.sdk import HandlerInvalid, task
from penstock.sdk.body import Body
from penstock.sdk.builder import (
    END,
    Branch,
    Definition,
    DefinitionInvalid,
    Enough,
    On,
    Retry,
    SharedLock,
    StepWithNext,
    Threads,
    Trigger,
    Undo,
    on_error,
    on_escalation,
    on_message,
    on_signal,
    on_timer,
    otherwise,
    when,
)
from penstock.sdk.clauses import Shared
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
    head = {key: value for key, value in source.items() if key not in ("start", "steps", "queues", "triggers")}
    queues = {name: settings["transport"] for name, settings in source.get("queues", {}).items()}
    triggers = {name: Trigger(**trigger) for name, trigger in source.get("triggers", {}).items()}
    definition = Definition(
        head.pop("id"), head.pop("version"), **head, queues=queues or None, triggers=triggers or None
    )
    _fill(definition, source, "steps")
    return definition


def _fill(body: Body, source: dict[str, Any], key: str) -> None:
    for name, step in source[key].items():
        _add(body, name, dict(step))
    if "start" in source:
        body.start_with(*_several(source["start"]))


def _add(body: Body, name: str, step: dict[str, Any]) -> None:
    following = step.pop("next", None)
    kinds = [kind for kind in KINDS if kind in step]
    kind = kinds[0] if len(kinds) == 1 else next(kind for kind in kinds if kind != "do")
    value = step.pop(kind)
    inside: dict[str, Any] = {key: step.pop(key) for key in ("do", "start") if key in step}
    settings = {_AS_PYTHON.get(key, key): _WRITTEN.get(key, _same)(item) for key, item in step.items()}
    made: Any
    match kind:
        case "wait" | "send" if isinstance(value, dict):
            made = getattr(body, kind)(name, **value, **settings)
        case "choose" | "include":
            made = getattr(body, kind)(name, *_branches(value), **settings)
        case "parallel" | "cancel" | "compensate":
            made = getattr(body, kind)(name, *([] if value == "all" else _several(value)), **settings)
        case "first":
            made = body.first(name, *(_on(event) for event in value), **settings)
        case "fail" | "escalate":
            made = getattr(body, kind)(name, *(value.values() if isinstance(value, dict) else [value]), **settings)
        case "pass" | "finish":
            made = getattr(body, _METHODS.get(kind, kind))(name, **settings)
        case "do":
            made = body.block(name, **settings)
            inside["do"] = value
        case "workflow" if isinstance(value, dict):
            made = body.workflow(name, value["id"], version=value.get("version"), **settings)
        case _:
            made = getattr(body, _METHODS.get(kind, kind))(name, value, **settings)
    if inside:
        _fill(made.body, inside, "do")
    if isinstance(following, list) and isinstance(following[0], dict):
        made.choose(*_branches(following))
    elif following is not None:
        made.then(*_several(following))


_METHODS = {"pass": "pass_", "do": "block", "while": "while_"}
_AS_PYTHON = {"as": "as_", "await": "await_"}


def _same(value: Any) -> Any:
    return value


def _written_join(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return Threads(value["threads"]) if "threads" in value else Enough(value["enough"], value.get("rest"))


def _written_lock(value: Any) -> Any:
    return SharedLock(value["name"]) if isinstance(value, dict) and value.get("shared") else value


def _written_undo(value: dict[str, Any]) -> Undo:
    retry = Retry(**value["retry"]) if "retry" in value else None
    return Undo(**{**value, "retry": retry})


_WRITTEN: dict[str, Callable[[Any], Any]] = {
    "retry": lambda value: Retry(**value),
    "undo": _written_undo,
    "join": _written_join,
    "lock": _written_lock,
    "catch": lambda value: [_on(one) for one in value],
}


def _on(event: dict[str, Any]) -> On:
    rest: dict[str, Any] = {key: event[key] for key in ("next", "set", "cancel") if key in event}
    if "message" in event:
        return on_message(event["message"], event["key"], **rest)
    if "signal" in event:
        return on_signal(event["signal"], **rest)
    for kind, make in (("error", on_error), ("escalation", on_escalation)):
        if kind in event:
            codes = [] if event[kind] == "any" else _several(event[kind])
            if "class" in event:
                rest["kind"] = event["class"]
            return make(*codes, **rest)
    return on_timer(**event)


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
        names = {name.rstrip("_") for name in inspect.signature(function).parameters} - {"self"}
        return names - {"shared"} | set(SHARED_KEYS) if "shared" in names else names

    assert set(Shared.__annotations__) == set(SHARED_KEYS)
    assert parameters(Definition) == {*DEFINITION_KEYS} - {"start", "steps"}
    assert {field.name for field in dataclasses.fields(Retry)} == {*RETRY_KEYS}
    assert {field.name for field in dataclasses.fields(Undo)} == {*UNDO_KEYS}
    assert {field.name for field in dataclasses.fields(Trigger)} == {*TRIGGER_KEYS}
    for kind, settings in KINDS.items():
        given = parameters(getattr(Definition, _METHODS.get(kind, kind)))
        own = {*settings.keys[1:], *_POSITIONAL.get(kind, {kind}), *SHARED_KEYS, "id"} - {"next", "do", "start"}
        assert given == own, kind


_POSITIONAL: dict[str, set[str]] = {
    "task": {"work"},
    "wait": {"duration", *WAIT_KEYS},
    "first": {"event", "more"},
    "choose": {"branch", "more"},
    "include": {"branch", "more"},
    "parallel": {"step", "more"},
    "threads": {"count"},
    "set": {"variables"},
    "pass": set(),
    "send": {*SEND_KEYS},
    "cancel": {"step", "more"},
    "fail": {"code", "message"},
    "escalate": {"code", "message"},
    "finish": set(),
    "compensate": {"steps"},
    "do": set(),
    "while": {"condition"},
    "until": {"condition"},
    "each": {"items"},
}


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
