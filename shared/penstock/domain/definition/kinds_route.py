"""Steps that take no time: they do something, or divide and join the ways; and the one that undoes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from penstock.domain.definition.draft import Fields
from penstock.domain.definition.findings import Path
from penstock.domain.definition.limits import MAX_NAME, MAX_THREADS
from penstock.domain.definition.model import CompensateStep, RouteStep, Throw
from penstock.domain.definition.reading import Reading
from penstock.domain.definition.routes import Exit, read_steps

THROW_KEYS: Final = ("code", "message")


def read_route(step_id: str, fields: Fields, path: Path, reading: Reading) -> RouteStep:
    return RouteStep(id=step_id)


def read_set(step_id: str, fields: Fields, path: Path, reading: Reading) -> RouteStep:
    return RouteStep(id=step_id, set=reading.assignments(fields["set"], (*path, "set"), "`set`"))


def read_pass(step_id: str, fields: Fields, path: Path, reading: Reading) -> RouteStep:
    _is_true("pass", fields, path, reading)
    return RouteStep(id=step_id)


def read_finish(step_id: str, fields: Fields, path: Path, reading: Reading) -> RouteStep:
    _is_true("finish", fields, path, reading)
    return RouteStep(id=step_id, finish=True)


def read_fail(step_id: str, fields: Fields, path: Path, reading: Reading) -> RouteStep:
    return RouteStep(id=step_id, fail=_throw("fail", fields, path, reading))


def read_escalate(step_id: str, fields: Fields, path: Path, reading: Reading) -> RouteStep:
    return RouteStep(id=step_id, escalate=_throw("escalate", fields, path, reading))


def read_threads(step_id: str, fields: Fields, path: Path, reading: Reading) -> RouteStep:
    value, here = fields["threads"], (*path, "threads")
    if isinstance(value, str) and "{{" in value:
        return RouteStep(id=step_id, threads=value if reading.template(value, here) else 1)
    return RouteStep(id=step_id, threads=reading.whole(value, here, "`threads`", 1, MAX_THREADS))


def read_cancel(step_id: str, fields: Fields, path: Path, reading: Reading) -> tuple[RouteStep, tuple[Exit, ...]]:
    """The step, and those that it withdraws."""
    named = _named(fields["cancel"], (*path, "cancel"), reading)
    return RouteStep(id=step_id, cancels=tuple(exit_.target for exit_ in named)), named


def read_compensate(
    step_id: str, fields: Fields, path: Path, reading: Reading
) -> tuple[CompensateStep, tuple[Exit, ...]]:
    """The step, and those that it undoes: none for all."""
    value, here = fields["compensate"], (*path, "compensate")
    named = () if value == "all" else _named(value, here, reading)
    order = "reverse"
    if "order" in fields:
        order = reading.one_of(fields["order"], (*path, "order"), "`order`", ("reverse", "parallel"))
    return CompensateStep(
        id=step_id,
        steps=tuple(exit_.target for exit_ in named),
        order="parallel" if order == "parallel" else "reverse",
    ), named


def _named(value: Any, path: Path, reading: Reading) -> tuple[Exit, ...]:
    """A step or a list of steps."""
    if isinstance(value, str):
        return (Exit(value, path),)
    return read_steps(value, path, reading) or ()


def _throw(key: str, fields: Fields, path: Path, reading: Reading) -> Throw:
    value, here = fields[key], (*path, key)
    if not isinstance(value, Mapping):
        return Throw(code=_code(value, here, reading))
    thrown = reading.fields(value, here, THROW_KEYS, f"`{key}`") or {}
    if "code" not in thrown:
        reading.missing("code", here, f"`{key}`", f"write `{key}: CODE`, or `{key}: {{code: CODE, message: …}}`")
    message = thrown.get("message", "")
    if not isinstance(message, str):
        reading.wrong_type(message, (*here, "message"), "`message` to be a text or a template")
        message = ""
    reading.template(message, (*here, "message"))
    return Throw(code=_code(thrown["code"], (*here, "code"), reading) if "code" in thrown else "", message=message)


def _code(value: Any, path: Path, reading: Reading) -> str:
    code = reading.text(value, path, "a code", MAX_NAME)
    if isinstance(value, str) and not value:
        reading.report.error("EMPTY", "expected a code, but it is empty", path)
    elif "{{" in code:
        reading.report.error("BAD_NAME", "expected a fixed code, but got a template", path, "put it into `message`")
    return code


def _is_true(key: str, fields: Fields, path: Path, reading: Reading) -> None:
    if fields[key] is not True:
        reading.wrong_type(fields[key], (*path, key), f"`{key}` to be true")
