"""The topics as an AsyncAPI 3.0 document: which messages stand on which, under which key, and how long."""

from __future__ import annotations

from typing import Any, Final

import yaml

from penstock.messages.registry import COMMANDS, EVENTS

_CATALOG_MARKS: Final = ("definition_",)
_CATALOG_VERBS: Final = ("publish_definition", "activate_definition", "deactivate_definition")
_PARTITION: Final = ("ownership_taken", "position_advanced")


def asyncapi_text() -> str:
    """The whole document as YAML."""
    return yaml.safe_dump(_document(), sort_keys=False, allow_unicode=True, width=110)


def _document() -> dict[str, Any]:
    events = [name for name in EVENTS if not _short(name).startswith(_CATALOG_MARKS)]
    catalog = [name for name in EVENTS if _short(name).startswith((*_CATALOG_MARKS, *_PARTITION))]
    commands = [name for name in COMMANDS if not _short(name).startswith(_CATALOG_VERBS)]
    catalog_commands = [name for name in COMMANDS if _short(name).startswith(_CATALOG_VERBS)]
    channels = {
        "commands": _channel(
            "commands", "What callers, workers and the engine itself ask. Kept 7 days.", "commands", commands
        ),
        "events": _channel(
            "events", "What has happened to executions and to what they share. Kept for ever.", "events", events
        ),
        "catalogCommands": _channel("catalog-commands", "What is asked of definitions.", "commands", catalog_commands),
        "catalog": _channel("catalog", "What has happened to definitions. Kept for ever.", "events", catalog),
        "answers": _records("answers", "Accepted or rejected, with code and position. Kept 1 day.", "answer"),
        "catalogAnswers": _records("catalog-answers", "The same for the catalog. Kept 1 day.", "answer"),
        "tasks": _records("tasks.{queue}", "Attempts offered to workers. Kept 7 days.", "task"),
        "tasksControl": _records("tasks.control", "Attempts that are no longer wanted.", "task_withdrawn"),
    }
    channels["tasks"]["parameters"] = {"queue": {"description": "the queue of the step", "default": "default"}}
    receives = {"commands", "catalogCommands"}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Penstock",
            "version": "1",
            "description": "Every record's key is the root id of its entity; partition = murmur2(key) mod N. "
            "Events and commands are CloudEvents 1.0 in structured JSON mode. The prefix `penstock` is a setting.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": channels,
        "operations": {
            f"{'receive' if name in receives else 'send'}{name[0].upper()}{name[1:]}": {
                "action": "receive" if name in receives else "send",
                "channel": {"$ref": f"#/channels/{name}"},
            }
            for name in channels
        },
    }


def _channel(topic: str, description: str, folder: str, names: list[str]) -> dict[str, Any]:
    messages = {_short(name): {"name": name, "payload": {"$ref": f"./{folder}/{_short(name)}.json"}} for name in names}
    return {"address": f"penstock.{topic}.v1", "description": description, "messages": messages}


def _records(topic: str, description: str, record: str) -> dict[str, Any]:
    message = {"contentType": "application/json", "payload": {"$ref": f"./records/{record}.json"}}
    return {"address": f"penstock.{topic}.v1", "description": description, "messages": {record: message}}


def _short(name: str) -> str:
    return name.removeprefix("penstock.")
