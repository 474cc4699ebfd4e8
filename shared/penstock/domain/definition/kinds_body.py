"""Steps with a body (``do``): blocks, loops and copies. Their bodies are read in ``bodies``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

from penstock.domain.definition.draft import Fields
from penstock.domain.definition.findings import Path
from penstock.domain.definition.kinds_task import read_await, read_timeout, read_undo
from penstock.domain.definition.limits import ALL_AT_ONCE, COPY_NAMES, MAX_COPIES, MAX_ROUNDS
from penstock.domain.definition.model import BlockStep, EachStep, Rest, Step
from penstock.domain.definition.reading import Reading

COUNTED: Final = ("results", "done", "total")
"""What the condition in ``enough`` sees."""


def read_block(step_id: str, fields: Fields, path: Path, reading: Reading) -> BlockStep:
    _needs_body("do", fields, path, reading)
    return _block(step_id, fields, path, reading, None)


def read_while(step_id: str, fields: Fields, path: Path, reading: Reading) -> BlockStep:
    _needs_body("while", fields, path, reading)
    return _block(step_id, fields, path, reading, "while")


def read_until(step_id: str, fields: Fields, path: Path, reading: Reading) -> BlockStep:
    _needs_body("until", fields, path, reading)
    return _block(step_id, fields, path, reading, "until")


def locals_of(step: Step) -> frozenset[str]:
    """The names that only the body of ``step`` sees."""
    match step:
        case BlockStep():
            return frozenset(step.variables)
        case EachStep():
            return frozenset((*step.variables, step.item, *COPY_NAMES))
        case _:
            return frozenset()


def _block(
    step_id: str, fields: Fields, path: Path, reading: Reading, loop: Literal["while", "until"] | None
) -> BlockStep:
    variables = _variables(fields, path, reading)
    condition = None
    if loop:
        # `until` is asked after a round, whose variables it sees; `while` before there are any
        with reading.seeing(variables if loop == "until" else ()):
            condition = reading.condition(fields[loop], (*path, loop), f"`{loop}`")
    at_most = 10_000
    if "at_most" in fields:
        at_most = reading.whole(fields["at_most"], (*path, "at_most"), "`at_most`", 1, MAX_ROUNDS) or at_most
    single = False
    if "one_at_a_time" in fields:
        single = reading.flag(fields["one_at_a_time"], (*path, "one_at_a_time"), "`one_at_a_time`", default=False)
    return BlockStep(
        id=step_id,
        start=(),
        variables=variables,
        loop=loop,
        condition=condition,
        at_most=at_most,
        one_at_a_time=single,
        timeout=read_timeout(fields, path, reading),
        undo=read_undo(fields, path, reading),
    )


def read_each(step_id: str, fields: Fields, path: Path, reading: Reading) -> EachStep:
    _needs_body("each", fields, path, reading)
    item = _item(fields, path, reading)
    variables = _variables(fields, path, reading, (item, *COPY_NAMES))
    collect = fields.get("collect")
    with reading.seeing((*variables, item, *COPY_NAMES)):
        reading.template(collect, (*path, "collect"))
    into = None
    if "into" in fields:
        into = reading.text(fields["into"], (*path, "into"), "`into`", 100)
        reading.variable(into, (*path, "into"))
        if "collect" not in fields:
            reading.missing("collect", path, "a for-each with `into`", 'write what a copy gives: `collect: "{{ … }}"`')
    enough, done_when = _enough(fields, path, reading)
    rest: Rest = "ignore"
    if "rest" in fields:
        rest = "cancel" if _rest(fields, path, reading) == "cancel" else "ignore"
    return EachStep(
        id=step_id,
        start=(),
        items=_items(fields["each"], (*path, "each"), reading),
        item=item,
        at_once=_at_once(fields, path, reading),
        variables=variables,
        collect=collect,
        into=into,
        done_when=done_when,
        waits=read_await(fields, path, reading),
        enough=enough,
        rest=rest,
        timeout=read_timeout(fields, path, reading),
    )


def _needs_body(kind: str, fields: Fields, path: Path, reading: Reading) -> None:
    if "do" not in fields:
        what = {"while": "a loop", "until": "a loop", "each": "a for-each"}.get(kind, "a block")
        reading.missing("do", path, what, "write its steps below `do`, by their ids")


def _variables(fields: Fields, path: Path, reading: Reading, seen: tuple[str, ...] = ()) -> dict[str, Any]:
    """Local variables: seen by the body, so that they are no variables of the execution; their values see ``seen``."""
    if "variables" not in fields:
        return {}
    value, here = fields["variables"], (*path, "variables")
    known = frozenset(value) if isinstance(value, Mapping) else frozenset()
    with reading.seeing(known):
        variables = reading.names_set(value, here, "`variables`") or {}
    with reading.seeing(seen):
        reading.template(variables, here)
    return variables


def _item(fields: Fields, path: Path, reading: Reading) -> str:
    item = reading.text(fields.get("as", "item"), (*path, "as"), "`as`", 100) or "item"
    if item in COPY_NAMES:
        message = f"{item!r} is the number of the copy"
        reading.report.error("RESERVED_NAME", message, (*path, "as"), "give the item another name")
        return "item"
    with reading.seeing((item,)):
        reading.variable(item, (*path, "as"))
    return item


def _items(value: Any, path: Path, reading: Reading) -> Any:
    if isinstance(value, str) and "{{" not in value:
        advice = f'write `each: "{{{{ {value} }}}}"`' if value.isidentifier() else 'write `each: "{{ items }}"`'
        reading.wrong_type(value, path, "`each` to be a list, a number, or a template of either", advice)
    elif isinstance(value, str | list):
        reading.template(value, path)
    elif isinstance(value, bool) or not isinstance(value, int | float):
        reading.wrong_type(value, path, "`each` to be a list, a number, or a template of either")
    else:
        reading.whole(value, path, "`each`", 0, MAX_COPIES)
    return value


def _at_once(fields: Fields, path: Path, reading: Reading) -> int:
    value, here = fields.get("at_once", 100), (*path, "at_once")
    if value == "all":
        return ALL_AT_ONCE
    if isinstance(value, str):
        reading.wrong_type(value, here, "`at_once` to be a number or `all`", "write `at_once: all`")
        return 100
    return reading.whole(value, here, "`at_once`", 1, ALL_AT_ONCE) or 100


def _enough(fields: Fields, path: Path, reading: Reading) -> tuple[int, str | None]:
    """How many copies are enough, or the condition that says so."""
    if "enough" not in fields:
        return 0, None
    value, here = fields["enough"], (*path, "enough")
    if isinstance(value, str):
        with reading.seeing(COUNTED):
            return 0, reading.condition(value, here, "`enough`")
    return reading.whole(value, here, "`enough`", 1, ALL_AT_ONCE) or 0, None


def _rest(fields: Fields, path: Path, reading: Reading) -> str:
    here = (*path, "rest")
    if "enough" not in fields:
        reading.report.at_key("CONFLICT", "'rest' belongs to `enough`", here, "say how many copies are enough")
    return reading.one_of(fields["rest"], here, "`rest`", ("ignore", "cancel"))
