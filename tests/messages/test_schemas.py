"""The schemas are those of the types, are valid themselves, and fit what is really written."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from penstock.messages.envelope import Received, Recorded, encode_command, encode_event
from penstock.messages.records import Answer, Task, TaskWithdrawn, encode_record
from penstock.messages.registry import COMMANDS, EVENTS
from tests.messages.strategies import INTEGERS, MOMENTS, TEXTS, smallest, struct

SCHEMAS = Path(__file__).parents[2] / "schemas"
quick = settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("schemas_generate", SCHEMAS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def validator(path: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((SCHEMAS / path).read_text()))


def short(name: str) -> str:
    return name.removeprefix("penstock.")


def test_the_schemas_are_what_the_types_say(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["generate.py", "--check"])
    assert generator().main() == 0, capsys.readouterr().err


def test_there_is_one_schema_for_each_name_and_no_other() -> None:
    assert {p.stem for p in (SCHEMAS / "events").iterdir()} == {short(name) for name in EVENTS}
    assert {p.stem for p in (SCHEMAS / "commands").iterdir()} == {short(name) for name in COMMANDS}
    assert {p.stem for p in (SCHEMAS / "records").iterdir()} == {"task", "answer", "task_withdrawn"}


@pytest.mark.parametrize("path", sorted(SCHEMAS.rglob("*.json")), ids=lambda path: path.stem)
def test_every_schema_is_one(path: Path) -> None:
    Draft202012Validator.check_schema(json.loads(path.read_text()))


@pytest.mark.parametrize("name", EVENTS)
@quick
@given(data=st.data())
def test_every_event_that_can_be_written_fits_its_schema(name: str, data: st.DataObject) -> None:
    value = encode_event(
        Recorded(
            event=data.draw(struct(EVENTS[name])),
            id=data.draw(TEXTS),
            type=name,
            subject=data.draw(TEXTS),
            time=data.draw(MOMENTS),
            sequence=data.draw(INTEGERS),
            input_position=data.draw(INTEGERS),
            causation_id=data.draw(TEXTS),
            correlation_id=data.draw(TEXTS),
            traceparent=data.draw(TEXTS),
            previous_hash=data.draw(st.just("") | st.text("0123456789abcdef", min_size=64, max_size=64)),
        )
    )
    validator(f"events/{short(name)}.json").validate(json.loads(value))


@pytest.mark.parametrize("name", COMMANDS)
@quick
@given(data=st.data())
def test_every_command_that_can_be_written_fits_its_schema(name: str, data: st.DataObject) -> None:
    command = data.draw(struct(COMMANDS[name]))
    value = encode_command(Received(command=command, id="1", type=name, subject="s", reply_to=data.draw(TEXTS)))
    validator(f"commands/{short(name)}.json").validate(json.loads(value))


@quick
@given(task=struct(Task), answer=struct(Answer), withdrawn=struct(TaskWithdrawn))
def test_every_record_that_can_be_written_fits_its_schema(task: Task, answer: Answer, withdrawn: TaskWithdrawn) -> None:
    for name, record in (("task", task), ("answer", answer), ("task_withdrawn", withdrawn)):
        validator(f"records/{name}.json").validate(json.loads(encode_record(record)))


@pytest.mark.parametrize("name", [*EVENTS, *COMMANDS])
def test_a_schema_refuses_another_type_and_a_missing_field(name: str) -> None:
    folder, table = ("events", EVENTS) if name in EVENTS else ("commands", COMMANDS)
    check = validator(f"{folder}/{short(name)}.json")
    good = _smallest(name, table[name])
    check.validate(good)
    assert not check.is_valid(good | {"type": "penstock.other.v1"})
    assert not check.is_valid({field: value for field, value in good.items() if field != "data"})
    assert not check.is_valid(good | {"data": None})


def _smallest(name: str, cls: type[msgspec.Struct]) -> dict[str, Any]:
    data = json.loads(msgspec.json.encode(smallest(cls)))
    envelope = {"specversion": "1.0", "id": "1", "source": "s", "type": name, "subject": "s", "data": data}
    if name in EVENTS:
        envelope |= {"time": "2026-01-01T00:00:00Z", "sequence": "1", "inputposition": "1"}
    return envelope


def test_the_asyncapi_document_names_every_message_once_and_its_references_exist() -> None:
    document = yaml.safe_load((SCHEMAS / "asyncapi.yaml").read_text())
    messages = [message for channel in document["channels"].values() for message in channel["messages"].values()]
    references = [message["payload"]["$ref"] for message in messages]
    assert all((SCHEMAS / reference).is_file() for reference in references)
    assert {Path(r).stem for r in references} == {
        *(short(name) for name in (*EVENTS, *COMMANDS)),
        "task",
        "answer",
        "task_withdrawn",
    }
