"""The JSON Schema of the canonical form, for editors: completion, and a first check before anything is compiled."""

from __future__ import annotations

from typing import Final

from penstock.domain.definition.limits import (
    DEFINITION_ID,
    MAX_DESCRIPTION,
    MAX_NAME,
    MAX_TAGS,
    MAX_TRIGGERS,
    MAX_VERSION,
    MAX_VISITS,
    QUEUE,
    STEP_ID,
    SUBJECT,
    VERSION,
)
from penstock.domain.definition.schema_parts import (
    ASSIGNMENTS,
    BRANCH,
    BRANCHES,
    CATCH,
    DURATION,
    JOIN,
    LOCK,
    NEXT,
    PERIOD,
    STEP,
    STEP_LIST,
    STEP_REF,
    TIMES,
    UNDO,
    Schema,
    obj,
    ref,
    text,
    whole,
)
from penstock.domain.definition.schema_steps import KINDS, START, STEPS


def definition_schema() -> Schema:
    """JSON Schema 2020-12. What it refuses is refused at publishing too; the reverse needs ``validate``."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Penstock definition",
        "description": "A workflow: a graph of typed steps.",
        **obj(_DEFINITION, "id", "version", "steps"),
        "$defs": {
            "duration": DURATION,
            "period": PERIOD,
            "step": {
                "oneOf": [ref(f"{name}_step") for name in KINDS],
                "description": f"Exactly one of {', '.join(KINDS)} decides the kind of the step.",
            },
            **{f"{name}_step": _step(name, own) for name, own in KINDS.items()},
            "next": NEXT,
            "branches": BRANCHES,
            "branch": BRANCH,
            "stepId": STEP_REF,
            "steps": STEP_LIST,
            "assignments": ASSIGNMENTS,
            "join": JOIN,
            "catch": CATCH,
            "lock": LOCK,
            "undo": UNDO,
        },
    }


def _step(name: str, own: Schema) -> Schema:
    required = (name, "do") if name in ("while", "until", "each") else (name,)
    return obj({**own, **STEP}, *required)


_TRIGGER: Final[Schema] = obj(
    {
        "message": {"type": "string", "pattern": SUBJECT, "description": "Each message of this name starts one."},
        "cron": {"type": "string", "description": "A cron expression: 0 9 * * 1-5."},
        "every": ref("duration", "A length of time."),
        "hook": {"type": "string", "pattern": SUBJECT, "description": "The name of an HTTP hook."},
        "timezone": TIMES["timezone"],
        "catch_up": {
            "enum": ["none", "one", "all"],
            "default": "one",
            "description": "Missed ticks made good.",
        },
        "input": {"description": "A template of the input; it sees payload, key and due."},
        "business_key": {"type": "string", "description": "A template of the business key."},
    },
    one_of=("message", "cron", "every", "hook"),
)
_DEFINITION: Final[Schema] = {
    "id": {"type": "string", "pattern": DEFINITION_ID, "description": "The same for all versions."},
    "version": {
        "type": "string",
        "pattern": VERSION,
        "maxLength": MAX_VERSION,
        "description": "A semantic version, like 1.0.0.",
    },
    "name": text(MAX_NAME, "What people see."),
    "description": text(MAX_DESCRIPTION, "What it is for."),
    "tags": {"type": "array", "maxItems": MAX_TAGS, "items": text(MAX_NAME, "A tag.")},
    "input": {
        "$ref": "https://json-schema.org/draft/2020-12/schema",
        "description": "JSON Schema of the input of an execution; its defaults stand for what is not given.",
    },
    "variables": ref("assignments", "Defaults; the input is merged over them."),
    "timeout": ref("duration", "How long an execution may take."),
    "queues": {
        "type": "object",
        "propertyNames": {"pattern": QUEUE},
        "additionalProperties": obj({"transport": {"enum": ["log", "http"]}}, "transport"),
        "description": "How workers are reached on each queue.",
    },
    "output": {"description": "A template of the result; absent: the output of the task that ended the execution."},
    "start": START,
    "steps": STEPS,
    "triggers": {
        "type": "object",
        "propertyNames": {"pattern": STEP_ID},
        "maxProperties": MAX_TRIGGERS,
        "additionalProperties": _TRIGGER,
        "description": "What starts executions by itself, by ids.",
    },
    "on_failure": {
        "enum": ["park", "compensate"],
        "default": "park",
        "description": "Whether a failed execution waits to be retried, or undoes what was completed and ends.",
    },
    "on_cancel": {
        "enum": ["withdraw", "compensate"],
        "default": "withdraw",
        "description": "Whether a cancelled execution undoes what was completed first.",
    },
    "undo_order": {
        "enum": ["reverse", "parallel"],
        "default": "reverse",
        "description": "Whether that happens the latest first, or all at once.",
    },
    "max_visits": whole(1, MAX_VISITS, "How many steps an execution may enter; 1,000,000 unless given."),
}
