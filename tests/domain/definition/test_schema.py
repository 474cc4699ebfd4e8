"""The JSON Schema for editors agrees with the compiler wherever a schema can tell."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from penstock.domain.definition.examine import DEFINITION_KEYS
from penstock.domain.definition.kinds import KINDS, RETRY_KEYS, SHARED_KEYS
from penstock.domain.definition.schema import definition_schema
from penstock.domain.definition.validate import validate
from tests.domain.definition.strategies import definitions

SCHEMA = definition_schema()
CHECK = Draft202012Validator(SCHEMA)


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_it_knows_the_same_keys_as_the_compiler() -> None:
    assert set(SCHEMA["properties"]) == set(DEFINITION_KEYS)
    assert [ref["$ref"] for ref in SCHEMA["$defs"]["step"]["oneOf"]] == [f"#/$defs/{name}_step" for name in KINDS]
    for name, kind in KINDS.items():
        assert set(SCHEMA["$defs"][f"{name}_step"]["properties"]) == {*kind.keys, *SHARED_KEYS}
    assert set(SCHEMA["$defs"]["task_step"]["properties"]["retry"]["properties"]) == set(RETRY_KEYS)


@given(definitions())
def test_it_accepts_every_sound_definition(source: dict[str, Any]) -> None:
    assert [error.message for error in CHECK.iter_errors(source)] == []


@pytest.mark.parametrize(
    "change",
    [
        {"version": "1"}, {"id": "X"}, {"stesp": {}}, {"tags": "a"}, {"steps": {}}, {"steps": {"end": {"pass": True}}},
        {"steps": {"a": {"tsk": "t"}}}, {"steps": {"a": {"task": "t", "wait": 1}}}, {"steps": {"a": {"pass": False}}},
        {"steps": {"a": {"task": "t", "retry": {"attempts": 0}}}}, {"steps": {"a": {"choose": [{"when": "x"}]}}},
        {"steps": {"a": {"choose": []}}}, {"steps": {"a": {"task": "t", "join": "some"}}},
        {"input": {"type": "objekt"}},
        {"steps": {"a": {"do": {}}}}, {"steps": {"a": {"while": "x"}}}, {"steps": {"a": {"each": 3}}},
        {"steps": {"a": {"each": "x", "do": {"b": {"pass": True}}}}}, {"steps": {"a": {"first": []}}},
        {"steps": {"a": {"do": {"b": {"tsk": "t"}}}}}, {"steps": {"a": {"wait": {"message": "m"}}}},
        {"steps": {"a": {"send": {"message": "m", "signal": "s", "key": "k"}}}}, {"steps": {"a": {"threads": 0}}},
        {"steps": {"a": {"pass": True, "catch": [{"next": "end"}]}}}, {"steps": {"a": {"pass": True, "offers": []}}},
        {"steps": {"a": {"pass": True, "join": {"enough": 0}}}}, {"steps": {"a": {"finish": True, "next": "a"}}},
        {"steps": {"a": {"task": "t", "undo": {"input": 1}}}}, {"steps": {"a": {"workflow": "W"}}},
        {"triggers": {"t": {"cron": "* * * * *", "every": 5}}}, {"on_failure": "undo"}, {"max_visits": 0},
        {"variables": {"a.b": 1}}, {"queues": {"q": {"transport": "pigeon"}}}, {"start": []},
    ],
)  # fmt: skip
def test_what_it_refuses_the_compiler_refuses_too(change: dict[str, Any]) -> None:
    source = {"id": "x", "version": "1.0.0", "steps": {"a": {"pass": True}}, **change}
    assert not CHECK.is_valid(source)
    assert any(finding.severity == "error" for finding in validate(source))
