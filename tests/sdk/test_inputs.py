"""The input of a task as the arguments of a function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict

import msgspec
import pytest
from pydantic import BaseModel, Field, field_validator

from penstock.sdk import HandlerInvalid, TaskContext, task
from penstock.sdk.inputs import InputInvalid
from penstock.sdk.task import Handler, handler_of


class Line(msgspec.Struct):
    sku: str
    count: int = 1


@dataclass
class Order:
    id: str
    lines: list[Line]


class Customer(BaseModel):
    name: str = Field(min_length=2)
    since: datetime | None = None


class Address(TypedDict):
    city: str


def arguments(function: Callable[..., Any], value: Any) -> dict[str, Any]:
    return handler_of(function).inputs.arguments(value)


def refusal(function: Callable[..., Any], value: Any) -> str:
    with pytest.raises(InputInvalid) as caught:
        arguments(function, value)
    assert (caught.value.failure.code, caught.value.failure.retryable) == ("INPUT_INVALID", False)
    return caught.value.failure.message


def test_parameters_are_taken_by_name() -> None:
    def handle(amount: int, note: str, at: datetime) -> None: ...

    value = {"amount": 3, "note": "n", "at": "2026-01-01T12:00:00Z", "more": True}
    given = arguments(handle, value)
    assert (given["amount"], given["note"], given["at"].year) == (3, "n", 2026)
    assert given.keys() == {"amount", "note", "at"}


def test_a_parameter_with_a_default_may_be_missing_and_may_have_any_default() -> None:
    marker = object()

    def handle(amount: int, mode: Any = marker, *, tags: list[str] = [], limit: int | None = 7) -> None: ...  # noqa: B006

    assert arguments(handle, {"amount": 1}) == {"amount": 1}
    assert arguments(handle, {"amount": 1, "limit": None, "tags": ["a"]}) == {"amount": 1, "limit": None, "tags": ["a"]}


def test_what_is_left_goes_to_a_parameter_for_the_rest() -> None:
    def handle(amount: int, **rest: Any) -> None: ...

    assert arguments(handle, {"amount": 1, "b": 2}) == {"amount": 1, "b": 2}


def test_parameters_without_annotations_take_what_comes() -> None:
    def handle(a, b): ...  # type: ignore[no-untyped-def]

    assert arguments(handle, {"a": [1], "b": None}) == {"a": [1], "b": None}


def test_the_one_parameter_of_an_object_type_takes_the_whole_input() -> None:
    def by_dataclass(order: Order) -> None: ...
    def by_struct(line: Line) -> None: ...
    def by_model(customer: Customer) -> None: ...
    def by_typed_dict(address: Address) -> None: ...
    def by_dict(everything: dict[str, int]) -> None: ...

    order = {"id": "o1", "lines": [{"sku": "x"}, {"sku": "y", "count": 2}]}
    assert arguments(by_dataclass, order) == {"order": Order("o1", [Line("x"), Line("y", 2)])}
    assert arguments(by_struct, {"sku": "x"}) == {"line": Line("x")}
    assert arguments(by_model, {"name": "Ada"}) == {"customer": Customer(name="Ada")}
    assert arguments(by_typed_dict, {"city": "Rome"}) == {"address": {"city": "Rome"}}
    assert arguments(by_dict, {"a": 1}) == {"everything": {"a": 1}}


def test_among_others_an_object_type_takes_its_own_field() -> None:
    def handle(customer: Customer, order: Order) -> None: ...

    given = arguments(handle, {"customer": {"name": "Ada"}, "order": {"id": "o", "lines": []}})
    assert given == {"customer": Customer(name="Ada"), "order": Order("o", [])}


def test_the_context_is_not_looked_for_in_the_input() -> None:
    def whole(order: Order, context: TaskContext) -> None: ...
    def named(ctx: TaskContext, amount: int) -> None: ...

    assert handler_of(whole).inputs.context == "context"
    assert arguments(whole, {"id": "o", "lines": []}) == {"order": Order("o", [])}
    assert arguments(named, {"amount": 1}) == {"amount": 1}


def test_a_handler_without_parameters_takes_any_input() -> None:
    def handle() -> None: ...

    assert arguments(handle, {"a": 1}) == arguments(handle, None) == arguments(handle, [1]) == {}


def test_a_wrong_input_names_the_field() -> None:
    def handle(amount: int, order: Order | None = None, customer: Customer | None = None) -> None: ...
    def whole(order: Order) -> None: ...

    assert refusal(handle, {"amount": "3"}) == "amount: expected `int`, got `str`"
    assert refusal(handle, {}) == "Object missing required field `amount`"
    assert refusal(handle, None) == "Object missing required field `amount`"
    assert refusal(handle, [1]).startswith("Expected `object`")
    lines = {"id": "o", "lines": [{"sku": "x", "count": "y"}]}
    assert refusal(whole, lines) == "lines[0].count: expected `int`, got `str`"
    assert refusal(handle, {"amount": 1, "customer": {"name": "A"}}).startswith("customer: name: String should have")


def test_a_model_that_fails_in_its_own_way_is_not_taken_for_a_wrong_input() -> None:
    class Broken(BaseModel):
        name: str

        @field_validator("name")
        @classmethod
        def _check(cls, _: str) -> str:
            raise LookupError("the database is down")

    @task
    def handle(broken: Broken) -> None: ...

    with pytest.raises(LookupError):
        arguments(handle, {"name": "x"})


def test_a_function_that_json_cannot_call_is_refused_when_it_is_decorated() -> None:
    class Connection: ...

    def positional(a: int, /) -> None: ...
    def many(*values: int) -> None: ...
    def strange(connection: Connection) -> None: ...
    def contexts(a: TaskContext, b: TaskContext) -> None: ...
    def unknown(a: "Missing") -> None: ...  # type: ignore[name-defined] # noqa: F821, UP037

    for function in (positional, many, strange, contexts, unknown):
        with pytest.raises(HandlerInvalid, match=function.__name__):
            task(function)


def test_types_that_are_defined_beside_the_function_are_found() -> None:
    class Local(msgspec.Struct):
        n: int

    @task("local")
    def handle(local: Local) -> None: ...

    marked = handle.__penstock_task__  # type: ignore[attr-defined]
    assert isinstance(marked, Handler)
    assert marked.inputs.arguments({"n": 1}) == {"local": Local(1)}
