"""The JSON Schema of the canonical form, for editors: completion, and a first check before anything is compiled."""

from __future__ import annotations

from typing import Any, Final

from penstock.domain.definition.limits import (
    DEFINITION_ID,
    MAX_ATTEMPTS,
    MAX_BRANCHES,
    MAX_CODES,
    MAX_DESCRIPTION,
    MAX_NAME,
    MAX_STEPS,
    MAX_TAGS,
    MAX_VERSION,
    QUEUE,
    STEP_ID,
    TASK_TYPE,
    VARIABLE,
    VERSION,
)

_Schema = dict[str, Any]


def definition_schema() -> _Schema:
    """JSON Schema 2020-12. What it refuses is refused at publishing too; the reverse needs ``validate``."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Penstock definition",
        "description": "A workflow: a graph of typed steps.",
        **_object(_DEFINITION, "id", "version", "steps"),
        "$defs": {
            "duration": _DURATION,
            "period": _PERIOD,
            "step": {
                "oneOf": [{"$ref": f"#/$defs/{name}_step"} for name in _KINDS],
                "description": "Exactly one of task, wait, choose, parallel, set, pass decides the kind of the step.",
            },
            **{f"{name}_step": _object({**own, **_STEP}, name) for name, own in _KINDS.items()},
            "next": _NEXT,
            "branches": _BRANCHES,
            "branch": _BRANCH,
            "stepId": _STEP_REF,
            "steps": _STEP_LIST,
            "assignments": _ASSIGNMENTS,
        },
    }


def _object(properties: _Schema, *required: str) -> _Schema:
    schema: _Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**schema, "required": list(required)} if required else schema


def _ref(name: str, description: str) -> _Schema:
    return {"$ref": f"#/$defs/{name}", "description": description}


def _text(most: int, description: str) -> _Schema:
    return {"type": "string", "maxLength": most, "description": description}


_DURATION: Final[_Schema] = {
    "description": "A length of time: 90s, 5m, 1h30m, 2d, PT1M30S, or a number of seconds.",
    "anyOf": [{"type": "string", "minLength": 1}, {"type": "number", "minimum": 0}],
    "examples": ["30s", "5m", "1h30m", "2d", "PT1M30S"],
}
_PERIOD: Final[_Schema] = {
    **_DURATION,
    "description": "A length of time (90s, 5m, PT1M30S, a number of seconds), or a template that gives one.",
}
_STEP_REF: Final[_Schema] = {
    "type": "string",
    "pattern": STEP_ID,
    "description": "The id of a step, or `end` where the path ends.",
}
_STEP_LIST: Final[_Schema] = {
    "type": "array",
    "items": {"$ref": "#/$defs/stepId"},
    "minItems": 1,
    "maxItems": MAX_BRANCHES,
    "description": "All of these steps, in parallel.",
}
_BRANCH: Final[_Schema] = {
    "oneOf": [
        _object(
            {
                "when": {"type": ["string", "boolean"], "description": "A condition, like amount > 10000."},
                "next": _ref("stepId", "The step that is entered when the condition holds."),
            },
            "when",
            "next",
        ),
        _object({"otherwise": _ref("stepId", "The step that is entered when no condition holds.")}, "otherwise"),
    ]
}
_BRANCHES: Final[_Schema] = {
    "type": "array",
    "items": {"$ref": "#/$defs/branch"},
    "minItems": 1,
    "maxItems": MAX_BRANCHES,
    "description": "The first branch whose condition holds is taken.",
}
_NEXT: Final[_Schema] = {
    "anyOf": [{"$ref": "#/$defs/stepId"}, {"$ref": "#/$defs/steps"}, {"$ref": "#/$defs/branches"}],
    "description": "A step, a list of steps (all, in parallel), or branches. Absent: the path ends here.",
}
_ASSIGNMENTS: Final[_Schema] = {"type": "object", "propertyNames": {"pattern": VARIABLE}}
_STEP: Final[_Schema] = {
    "name": _text(MAX_NAME, "What people see; may be a template."),
    "join": {
        "enum": ["any", "all"],
        "default": "any",
        "description": "any: entered by each arrival; all: waits for every incoming transition.",
    },
}
_RETRY: Final[_Schema] = {
    "description": "How a failed task is tried again.",
    **_object(
        {
            "attempts": {
                "type": "integer",
                "minimum": 1,
                "maximum": MAX_ATTEMPTS,
                "default": 3,
                "description": "How often it is tried in all.",
            },
            "backoff": _ref("duration", "The first pause; 1s unless given."),
            "factor": {"type": "number", "minimum": 1, "maximum": 100, "default": 2, "description": "How pauses grow."},
            "cap": _ref("duration", "The longest pause; 1m unless given."),
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
                "items": _text(MAX_NAME, "An error code."),
                "description": "Codes of errors that are not tried again.",
            },
        }
    ),
}
_TASK: Final[_Schema] = {
    "task": {"type": "string", "pattern": TASK_TYPE, "description": "The type of task that a worker handles."},
    "input": {"description": "A template of what the worker gets; absent: all variables."},
    "output": _ref("assignments", "Variables set from `output`; absent: kept as steps.<id>."),
    "retry": _RETRY,
    "timeout": _ref("period", "From start to end; 10s unless given."),
    "heartbeat": _ref("duration", "How often the worker has to show that it is alive."),
    "start_within": _ref("period", "How soon a worker has to take the task."),
    "queue": {"type": "string", "pattern": QUEUE, "default": "default", "description": "Where workers look for it."},
    "next": {"$ref": "#/$defs/next"},
}
_WAIT: Final[_Schema] = {
    "wait": {
        "anyOf": [{"$ref": "#/$defs/period"}, _object({"until": {"type": "string"}}, "until")],
        "description": "A while (5m), or `until` a date-time (ISO 8601 or a template).",
    },
    "next": {"$ref": "#/$defs/next"},
}
_KINDS: Final[dict[str, _Schema]] = {
    "task": _TASK,
    "wait": _WAIT,
    "choose": {"choose": {"$ref": "#/$defs/branches"}},
    "parallel": {"parallel": {"$ref": "#/$defs/steps"}},
    "set": {"set": _ref("assignments", "Variables and their new values."), "next": {"$ref": "#/$defs/next"}},
    "pass": {"pass": {"const": True, "description": "Does nothing."}, "next": {"$ref": "#/$defs/next"}},
}
_DEFINITION: Final[_Schema] = {
    "id": {"type": "string", "pattern": DEFINITION_ID, "description": "The same for all versions."},
    "version": {
        "type": "string",
        "pattern": VERSION,
        "maxLength": MAX_VERSION,
        "description": "A semantic version, like 1.0.0.",
    },
    "name": _text(MAX_NAME, "What people see."),
    "description": _text(MAX_DESCRIPTION, "What it is for."),
    "tags": {"type": "array", "maxItems": MAX_TAGS, "items": _text(MAX_NAME, "A tag.")},
    "input": {
        "$ref": "https://json-schema.org/draft/2020-12/schema",
        "description": "JSON Schema of the input of an execution.",
    },
    "variables": _ref("assignments", "Defaults; the input is merged over them."),
    "timeout": _ref("duration", "How long an execution may take."),
    "queues": {
        "type": "object",
        "propertyNames": {"pattern": QUEUE},
        "additionalProperties": _object({"transport": {"enum": ["log", "http"]}}, "transport"),
        "description": "How workers are reached on each queue.",
    },
    "output": {"description": "A template of the result; absent: the output of the task that ended the execution."},
    "start": {
        "anyOf": [{"$ref": "#/$defs/stepId"}, {"$ref": "#/$defs/steps"}],
        "description": "Where it starts; absent: the first step.",
    },
    "steps": {
        "type": "object",
        "propertyNames": {"pattern": STEP_ID, "not": {"const": "end"}},
        "additionalProperties": {"$ref": "#/$defs/step"},
        "minProperties": 1,
        "maxProperties": MAX_STEPS,
        "description": "The steps by their ids.",
    },
}
