"""Functions that become handlers, and where workers find them."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from penstock.sdk import HandlerInvalid, Worker, task
from penstock.sdk.task import handlers_of


@task
def charge_card(amount: int) -> int:
    return amount * 2


@task("ship", queue="warehouse", inline=True)
def dispatch() -> None: ...


@task()
async def pack() -> None: ...


def test_a_handler_stays_the_function_that_it_was() -> None:
    assert charge_card(2) == 4
    assert charge_card.__name__ == "charge_card"


def test_a_type_is_a_name_or_the_functions_own_with_hyphens() -> None:
    charging, shipping, packing = handlers_of([charge_card, dispatch, pack])
    assert (charging.type, charging.queue, charging.inline, charging.is_async) == (
        "charge-card",
        "default",
        False,
        False,
    )
    assert (shipping.type, shipping.queue, shipping.inline) == ("ship", "warehouse", True)
    assert (packing.type, packing.is_async) == ("pack", True)


def test_a_module_gives_all_of_its_handlers_once() -> None:
    module = ModuleType("shop")
    vars(module).update(charge=charge_card, again=charge_card, ship=dispatch, other=len)
    assert [handler.type for handler in handlers_of(module)] == ["charge-card", "ship"]
    assert [handler.type for handler in handlers_of([module, pack])] == ["charge-card", "ship", "pack"]


def test_plain_functions_can_be_given_by_type() -> None:
    def double() -> None: ...

    (handler,) = handlers_of({"charge-card": double})
    assert (handler.type, handler.function) == ("charge-card", double)


def test_two_handlers_of_one_type_are_refused() -> None:
    @task("charge-card")
    def other() -> None: ...

    with pytest.raises(HandlerInvalid, match=r"charge-card.*charge_card.*other"):
        handlers_of([charge_card, other])


def test_what_is_no_handler_is_refused() -> None:
    def generator() -> Any:
        yield 1

    for wrong in (generator, 7):
        with pytest.raises(HandlerInvalid):
            task("name")(wrong)  # type: ignore[type-var]
    with pytest.raises(HandlerInvalid, match="has none"):
        handlers_of([len])
    with pytest.raises(HandlerInvalid, match="type of task"):
        task("not a name")(dispatch)
    with pytest.raises(HandlerInvalid, match="inline"):
        task("pack", inline=True)(pack)
    with pytest.raises(HandlerInvalid, match="at least one"):
        Worker(ModuleType("empty"), "http://127.0.0.1:1")


def test_every_type_that_a_definition_may_name_can_have_a_handler() -> None:
    @task("mail:send/v1.2")
    def send() -> None: ...

    assert [handler.type for handler in handlers_of([send])] == ["mail:send/v1.2"]
