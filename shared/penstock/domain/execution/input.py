"""Holds the input of an execution against the JSON Schema of its definition (DEF-05, INS-19)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from penstock.domain.definition.model import Definition
from penstock.domain.rejected import Rejected, RejectionCode

_SHOWN = 5


def checked_input(definition: Definition, given: dict[str, Any]) -> dict[str, Any]:
    """
    Let pass an input that fits; returns the defaults of the properties that it does not give (DEF-06).

    Raises:
        Rejected: INPUT_INVALID, with each place that does not fit.

    """
    schema = definition.graph.input_schema
    if schema is None:
        return {}
    properties = schema.get("properties", {})
    defaults = {
        name: described["default"]
        for name, described in properties.items()
        if isinstance(described, dict) and "default" in described and name not in given
    }
    value = {**defaults, **given}
    problems = sorted(_validator(msgspec.json.encode(schema)).iter_errors(value), key=lambda p: list(map(str, p.path)))
    if problems:
        shown = "; ".join(_sentence(problem) for problem in problems[:_SHOWN])
        more = f"; and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise Rejected(
            RejectionCode.INPUT_INVALID,
            f"expected an input that fits {definition.id} {definition.version}, but {shown}{more}",
        )
    return defaults


def _sentence(problem: ValidationError) -> str:
    place = ".".join(map(str, problem.path)) or "the input"
    return f"{place}: {problem.message[:200]}"


@lru_cache(maxsize=256)
def _validator(schema: bytes) -> Draft202012Validator:
    return Draft202012Validator(msgspec.json.decode(schema))
