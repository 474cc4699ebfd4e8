"""The page about the wire is held against the code: every example is a real message, nothing is left out or made up."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator

from penstock.domain.errors import ErrorCode, Failure, kind_of_failure
from penstock.domain.execution.events import Status
from penstock.domain.rejected import RejectionCode
from penstock.engine.outbox import Outbox, Topics
from penstock.log.kafka_driver import Names
from penstock.log.port import Record
from penstock.log.topics import DAY, murmur2, partition_of, product_topics
from penstock.messages.envelope import decode_command, decode_event, encode_event
from penstock.messages.records import Token, decode_answer, decode_task, decode_withdrawn
from penstock.messages.registry import COMMANDS, EVENTS
from penstock.messages.wellformed import Malformed

NAMES_ON_KAFKA = Names("penstock")

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "wire-format.md").read_text(encoding="utf-8")
ENVELOPE = {
    "specversion": "1.0",
    "id": "x/1",
    "source": "penstock",
    "type": "",
    "subject": "x",
    "time": "2026-01-01T12:00:00Z",
    "datacontenttype": "application/json",
    "sequence": "1",
    "inputposition": "0",
}
KEPT = {"for ever": None, "compacted": None, "1 day": DAY, "7 days": 7 * DAY, "30 days": 30 * DAY}
N = 17
"""A number of partitions that no topic has by itself."""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def examples(kind: str) -> list[Any]:
    found = [json.loads(text) for text in blocks(f"json {kind}")]
    return [pytest.param(value, id=value.get("type", kind)) for value in found]


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table after ``heading``."""
    lines = PAGE[PAGE.index(heading) :].splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("| ---")) + 1
    found = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in line.strip("|").split("|")])
    return found


def validate(path: str, value: Any) -> None:
    schema = json.loads((ROOT / "schemas" / f"{path}.json").read_text(encoding="utf-8"))
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(value)


def short(name: str) -> str:
    return name.removeprefix("penstock.")


@pytest.mark.parametrize("example", examples("command"))
def test_every_command_of_the_page_is_one(example: dict[str, Any]) -> None:
    validate(f"commands/{short(example['type'])}", example)
    received = decode_command(json.dumps(example).encode())
    known = set(received.command.__struct_fields__)
    assert set(example["data"]) <= known, "a field that nobody reads"


@pytest.mark.parametrize("example", examples("event"))
def test_every_event_of_the_page_is_written_so(example: dict[str, Any]) -> None:
    whole = ENVELOPE | example
    validate(f"events/{short(example['type'])}", whole)
    recorded = decode_event(json.dumps(whole).encode())
    assert json.loads(encode_event(recorded)) == whole, "what has its default value is left out"


@pytest.mark.parametrize("name", [*COMMANDS, *EVENTS])
def test_every_message_has_an_example(name: str) -> None:
    shown = re.findall(r'^\s*(?:\{)?\s*"type": "([^"]+)"', PAGE, re.MULTILINE)
    assert name in shown


@pytest.mark.parametrize(
    ("kind", "decode"), [("answer", decode_answer), ("task", decode_task), ("task_withdrawn", decode_withdrawn)]
)
def test_every_record_of_the_page_is_one(kind: str, decode: Any) -> None:
    texts = blocks(f"json {kind}")
    assert texts
    for text in texts:
        validate(f"records/{kind}", json.loads(text))
        assert set(json.loads(text)) <= set(decode(text.encode()).__struct_fields__)


def test_the_table_of_topics_is_what_topics_apply_makes() -> None:
    wanted = {
        f"`{NAMES_ON_KAFKA.outer(spec.name)}`": (
            "N" if spec.partitions == N else str(spec.partitions),
            spec.cleanup.value == "compact",
            spec.retention,
        )
        for spec in product_topics(N)
    }
    shown = {topic: (count, kept == "compacted", KEPT[kept]) for topic, _, count, kept, _ in rows("## Topics")}
    assert shown == wanted


def test_the_partitions_of_the_page_are_right() -> None:
    for key, hashed, of_4, of_7 in rows("### Which partition"):
        text = key.strip("`").encode()
        assert (murmur2(text), partition_of(text, 4), partition_of(text, 7)) == (int(hashed), int(of_4), int(of_7))


def test_the_page_lists_exactly_the_codes_that_exist() -> None:
    assert [row[0].strip("`") for row in rows("| code | the command was refused")] == list(RejectionCode)
    classes = {row[0].strip("`"): row[2] for row in rows("| code | what happened")}
    assert classes == {code.value: kind_of_failure(Failure(code=code)) for code in ErrorCode}


def test_the_envelopes_of_the_page_have_every_field() -> None:
    for heading, path in (("## Commands", "commands/pause_execution.v1"), ("## Events", "events/step_passed.v1")):
        schema = json.loads((ROOT / "schemas" / f"{path}.json").read_text(encoding="utf-8"))
        named = {name for row in rows(heading) for name in re.findall(r"`(\w+)`", row[0])}
        assert named | {"data"} == set(schema["properties"]) | {"data"}


def test_the_two_events_of_the_chain_are_chained_as_the_page_says() -> None:
    first, second = (text.encode() for text in blocks("jsonl")[0].splitlines())
    assert decode_event(second).previous_hash == sha256(first).hexdigest()
    program = next(text for text in blocks("python") if "def verify" in text)
    names: dict[str, Any] = {}
    exec(program, names)
    names["verify"]([first, second])
    with pytest.raises(AssertionError):
        names["verify"]([first.replace(b"paused", b"passed"), second])
    with pytest.raises(AssertionError):
        names["verify"]([second])


def test_a_dead_letter_has_the_headers_of_the_page() -> None:
    value = b'{"type": "penstock.pause_execution.v1"}'
    with pytest.raises(Malformed) as refused:
        decode_command(value)
    outbox = Outbox(Topics("commands", "events", "answers"), 0, datetime(2026, 1, 1, tzinfo=UTC), 1, 10_000)
    record = Record("commands", 0, 1234, b"k", value, (("own", b"1"),), 0)
    outbox.dead_letter(record, RejectionCode.MALFORMED, str(refused.value))
    ((topic, partition, (message,)),) = outbox.batches()
    shown = {
        name.strip("`"): re.split("``:|`:|`$", example.lstrip("`"))[0].strip() for name, example in rows("## Dead")
    }
    assert (f"`{NAMES_ON_KAFKA.outer(topic)}`" in PAGE, partition) == (True, 0)
    assert {name: text.decode() for name, text in message.headers} == shown | {"own": "1"}
    assert (message.key, message.value) == (record.key, value)


def test_the_token_of_the_page_is_one() -> None:
    assert Token.parse("e0.1234") == Token("events", 0, 1234)
    assert "`e0.1234`" in PAGE


@pytest.mark.parametrize("status", get_args(Status))
def test_the_page_names_every_kind_of_status(status: str) -> None:
    assert f"`{status}`" in PAGE[PAGE.index("**`status`**") :].partition("\n\n")[0]


def test_the_console_tools_of_the_page_are_called_as_the_outside_test_calls_them() -> None:
    console = (ROOT / "tests" / "integration" / "outside" / "console.py").read_text(encoding="utf-8")
    options = {option for text in blocks("console") for option in re.findall(r"--[a-z-]+", text)}
    assert len(options) > 4
    assert all(f'"{option}"' in console for option in options)
    properties = {p for text in blocks("console") for p in re.findall(r"--property (\S+)", text)}
    assert all(f'"{p}"' in console for p in properties)
