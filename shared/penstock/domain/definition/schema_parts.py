"""The parts of which the JSON Schema of a definition is made."""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from penstock.domain.definition.limits import (
    MAX_ATTEMPTS,
    MAX_BRANCHES,
    MAX_CATCHES,
    MAX_CODES,
    MAX_NAME,
    QUEUE,
    STEP_ID,
    SUBJECT,
    TASK_TYPE,
    VARIABLE,
)
from penstock.domain.errors import FAILURE_KINDS

Schema: TypeAlias = dict[str, Any]


def obj(properties: Schema, *required: str, one_of: tuple[str, ...] = ()) -> Schema:
    """A mapping with these keys and no others; exactly one of the keys in ``one_of`` is there."""
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        schema["required"] = list(required)
    if one_of:
        schema["oneOf"] = [{"required": [key]} for key in one_of]
    return schema


def ref(name: str, description: str = "") -> Schema:
    return {"$ref": f"#/$defs/{name}", **({"description": description} if description else {})}


def text(most: int, description: str) -> Schema:
    return {"type": "string", "maxLength": most, "description": description}


def flag(description: str, *, default: bool = False) -> Schema:
    return {"type": "boolean", "default": default, "description": description}


def whole(least: int, most: int, description: str) -> Schema:
    return {"type": "integer", "minimum": least, "maximum": most, "description": description}


DURATION: Final[Schema] = {
    "description": "A length of time: 90s, 5m, 1h30m, 2d, PT1M30S, or a number of seconds.",
    "anyOf": [{"type": "string", "minLength": 1}, {"type": "number", "minimum": 0}],
    "examples": ["30s", "5m", "1h30m", "2d", "PT1M30S"],
}
PERIOD: Final[Schema] = {
    **DURATION,
    "description": "A length of time (90s, 5m, PT1M30S, a number of seconds), or a template that gives one.",
}
STEP_REF: Final[Schema] = {
    "type": "string",
    "pattern": STEP_ID,
    "description": "The id of a step, or `end` where the path ends.",
}
STEP_LIST: Final[Schema] = {
    "type": "array",
    "items": {"$ref": "#/$defs/stepId"},
    "minItems": 1,
    "maxItems": MAX_BRANCHES,
    "description": "All of these steps, in parallel.",
}
BRANCH: Final[Schema] = {
    "oneOf": [
        obj(
            {
                "when": {"type": ["string", "boolean"], "description": "A condition, like amount > 10000."},
                "next": ref("stepId", "The step that is entered when the condition holds."),
            },
            "when",
            "next",
        ),
        obj({"otherwise": ref("stepId", "The step that is entered when no condition holds.")}, "otherwise"),
    ]
}
BRANCHES: Final[Schema] = {
    "type": "array",
    "items": {"$ref": "#/$defs/branch"},
    "minItems": 1,
    "maxItems": MAX_BRANCHES,
    "description": "The first branch whose condition holds is taken.",
}
NEXT: Final[Schema] = {
    "anyOf": [{"$ref": "#/$defs/stepId"}, {"$ref": "#/$defs/steps"}, {"$ref": "#/$defs/branches"}],
    "description": "A step, a list of steps (all, in parallel), or branches. Absent: the path ends here.",
}
ASSIGNMENTS: Final[Schema] = {"type": "object", "propertyNames": {"pattern": VARIABLE}}
STEP_NAMES: Final[Schema] = {
    "anyOf": [ref("stepId"), ref("steps")],
    "description": "A step or a list of steps.",
}
CONDITION: Final[Schema] = {"type": ["string", "boolean"], "description": "A condition, like amount > 10000."}
RETRY: Final[Schema] = {
    "description": "How a failed task is tried again.",
    **obj(
        {
            "attempts": {
                "type": "integer",
                "minimum": 1,
                "maximum": MAX_ATTEMPTS,
                "default": 3,
                "description": "How often it is tried in all.",
            },
            "backoff": ref("duration", "The first pause; 1s unless given."),
            "factor": {"type": "number", "minimum": 1, "maximum": 100, "default": 2, "description": "How pauses grow."},
            "cap": ref("duration", "The longest pause; 1m unless given."),
            "jitter": {
                "type": "number",
                "minimum": 0,
                "maximum": 1,
                "default": 0,
                "description": "The share of a pause that is left to chance.",
            },
            "never": {
                "type": "array",
                "maxItems": MAX_CODES,
                "items": text(MAX_NAME, "An error code."),
                "description": "Codes of errors that are not tried again.",
            },
        }
    ),
}
NAMES: Final[Schema] = {
    "message": {"type": "string", "pattern": SUBJECT, "description": "The name of a message."},
    "signal": {"type": "string", "pattern": SUBJECT, "description": "The name of a signal."},
    "key": {"type": "string", "minLength": 1, "description": "The correlation key of a message: a template."},
}
TIMES: Final[Schema] = {
    "after": ref("period", "A length of time from the moment when the step is entered."),
    "until": {"type": "string", "description": "A date-time (ISO 8601 or a template)."},
    "cron": {"type": "string", "description": "The next tick of a cron expression: 0 9 * * 1-5."},
    "timezone": {"type": "string", "default": "UTC", "description": "Where `cron` counts, like Europe/Berlin."},
}
RETRY_OF_TASK: Final[Schema] = {
    **RETRY,
    "properties": {**RETRY["properties"], "undo_first": flag("Whether a failed attempt is undone before the next.")},
}
QUEUE_NAME: Final[Schema] = {
    "type": "string",
    "pattern": QUEUE,
    "default": "default",
    "description": "Where workers look for it.",
}
UNDO: Final[Schema] = {
    "description": "The task that undoes the step once it was completed.",
    **obj(
        {
            "task": {"type": "string", "pattern": TASK_TYPE, "description": "The type of task."},
            "queue": QUEUE_NAME,
            "input": {"description": "A template of what the worker gets; it sees the `output` of the step."},
            "retry": RETRY,
            "timeout": ref("period", "From start to end."),
        },
        "task",
    ),
}
_CODES: Final[Schema] = {
    "anyOf": [
        text(MAX_NAME, "A code, or `any`."),
        {"type": "array", "items": text(MAX_NAME, "A code."), "minItems": 1, "maxItems": MAX_CODES},
    ]
}
_CLASS: Final[Schema] = {"enum": list(FAILURE_KINDS)}
_CLASSES: Final[Schema] = {"anyOf": [_CLASS, {"type": "array", "items": _CLASS, "minItems": 1, "maxItems": MAX_CODES}]}
CATCH: Final[Schema] = {
    "type": "array",
    "maxItems": MAX_CATCHES,
    "description": "Ways out beside the ordinary one: failures, escalations, moments, messages, signals.",
    "items": obj(
        {
            "error": {**_CODES, "description": "Failures with this code, or `any`."},
            "class": {**_CLASSES, "description": "Of the failures of `error`, only those of this class."},
            "escalation": {**_CODES, "description": "Escalations with this code, or `any`."},
            "after": TIMES["after"],
            "until": TIMES["until"],
            **NAMES,
            "cancel": {"type": "boolean", "description": "Whether the step is withdrawn."},
            "set": ref("assignments", "Variables set from `error` or `output`."),
            "next": ref("stepId", "Absent: the path ends."),
        },
        one_of=("error", "escalation", "after", "until", "message", "signal"),
    ),
}
JOIN: Final[Schema] = {
    "anyOf": [
        {"enum": ["any", "all", "taken"]},
        obj(
            {
                "enough": whole(1, MAX_BRANCHES, "So many ways in have to arrive."),
                "rest": {"enum": ["ignore", "cancel", "hold"], "default": "ignore"},
            },
            "enough",
        ),
        obj({"threads": whole(1, MAX_BRANCHES, "So many tokens, whichever way they come.")}, "threads"),
    ],
    "default": "any",
    "description": "any: entered by each arrival; all: waits for every incoming transition; taken: for those taken.",
}
LOCK: Final[Schema] = {
    "anyOf": [
        {"type": "string", "pattern": SUBJECT},
        obj(
            {
                "name": {"type": "string", "pattern": SUBJECT},
                "shared": flag("Whether it excludes other executions too."),
            },
            "name",
        ),
    ],
    "description": "Only one step with this lock is open at a time.",
}
STEP: Final[Schema] = {
    "name": text(MAX_NAME, "What people see; may be a template."),
    "join": ref("join"),
    "catch": ref("catch"),
    "lock": ref("lock"),
    "offers": ref("steps", "Steps of the same body that may be started while this one is open."),
}
