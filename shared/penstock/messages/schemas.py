"""JSON Schemas of everything on the wire, made from the types: what a foreign producer or consumer holds itself to."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from penstock.messages.envelope import MAX_ID
from penstock.messages.records import Answer, Task, TaskWithdrawn
from penstock.messages.registry import COMMANDS, EVENTS

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_TEXT: Final = {"type": "string"}
_NUMBER: Final = {"type": "string", "pattern": "^-?[0-9]+$"}

_EVENT_FIELDS: Final[dict[str, Any]] = {
    "specversion": {"const": "1.0"},
    "id": {"type": "string", "description": "subject/sequence; unique for ever"},
    "source": _TEXT,
    "subject": {
        "type": "string",
        "description": "the entity: an execution, a definition, mailbox/..., ..., or partition/N",
    },
    "time": {"type": "string", "format": "date-time"},
    "datacontenttype": {"const": "application/json"},
    "sequence": {**_NUMBER, "description": "1..n without gap per subject; 0 on events about a partition"},
    "inputposition": {**_NUMBER, "description": "every command of the partition up to here is decided"},
    "causationid": {"type": "string", "description": "id of the command that caused it, or `clock`"},
    "correlationid": _TEXT,
    "traceparent": _TEXT,
    "prevhash": {
        "type": "string",
        "pattern": "^([0-9a-f]{64})?$",
        "description": "SHA-256 of the subject's previous event as it stands in the log; absent on the first",
    },
}
_EVENT_REQUIRED: Final = ("specversion", "id", "source", "type", "subject", "time", "sequence", "inputposition", "data")
_COMMAND_FIELDS: Final[dict[str, Any]] = {
    "specversion": {"const": "1.0"},
    "id": {"type": "string", "minLength": 1, "maxLength": MAX_ID, "description": "the same id is decided once"},
    "source": _TEXT,
    "subject": {
        "type": "string",
        "minLength": 1,
        "maxLength": MAX_ID,
        "description": "an execution (UUIDv7), a definition, mailbox/NAME/KEY, signal/NAME or lock/NAME",
    },
    "datacontenttype": {"const": "application/json"},
    "replyto": {"type": "string", "description": "who wants the answer; it stands in the answer's `to`"},
    "correlationid": _TEXT,
    "traceparent": _TEXT,
}
_COMMAND_REQUIRED: Final = ("id", "type", "subject", "data")


def schema_files() -> dict[str, str]:
    """Text by path below ``schemas/``."""
    files: dict[str, Any] = {}
    for name, cls in EVENTS.items():
        files[f"events/{_short(name)}.json"] = _envelope(name, cls, _EVENT_FIELDS, _EVENT_REQUIRED)
    for name, command in COMMANDS.items():
        files[f"commands/{_short(name)}.json"] = _envelope(name, command, _COMMAND_FIELDS, _COMMAND_REQUIRED)
    for record in (Task, Answer, TaskWithdrawn):
        files[f"records/{_snake(record.__name__)}.json"] = _titled(record.__name__, *_schema_of(record))
    return {path: _text(schema) for path, schema in sorted(files.items())}


def _envelope(name: str, cls: type, fields: dict[str, Any], required: tuple[str, ...]) -> dict[str, Any]:
    data, definitions = _schema_of(cls)
    properties = {**fields, "type": {"const": name}, "data": data}
    return _titled(
        name,
        {"type": "object", "description": _sentence(cls), "properties": properties, "required": list(required)},
        definitions,
    )


def _schema_of(cls: type) -> tuple[dict[str, Any], dict[str, Any]]:
    schema = msgspec.json.schema(cls)
    definitions = schema.pop("$defs", {})
    if "$ref" in schema:
        schema = definitions.pop(schema["$ref"].rpartition("/")[2])
    return schema, definitions


def _titled(title: str, schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    whole = {"$schema": DIALECT, "title": title, **{k: v for k, v in schema.items() if k != "title"}}
    return {**whole, "$defs": definitions} if definitions else whole


def _sentence(cls: type) -> str:
    text = (cls.__doc__ or "").strip()
    return re.sub(r"\s+", " ", text.replace("``", "`")) if not text.startswith(cls.__name__ + "(") else ""


def _short(name: str) -> str:
    return name.removeprefix("penstock.")


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


def _text(schema: dict[str, Any]) -> str:
    return msgspec.json.format(msgspec.json.encode(schema, order="deterministic"), indent=2).decode() + "\n"
