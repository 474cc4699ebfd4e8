"""The JSON Schema of each kind of step."""

from __future__ import annotations

from typing import Final

from penstock.domain.definition.limits import (
    ALL_AT_ONCE,
    DEFINITION_ID,
    MAX_BRANCHES,
    MAX_COPIES,
    MAX_NAME,
    MAX_ROUNDS,
    MAX_STEPS,
    MAX_THREADS,
    MAX_VERSION,
    STEP_ID,
    TASK_TYPE,
    VARIABLE,
    VERSION,
)
from penstock.domain.definition.schema_parts import (
    CONDITION,
    NAMES,
    QUEUE_NAME,
    RETRY_OF_TASK,
    STEP_NAMES,
    TIMES,
    Schema,
    flag,
    obj,
    ref,
    text,
    whole,
)

_NEXT: Final[Schema] = {"next": ref("next")}
_TIMEOUT: Final[Schema] = {"timeout": ref("period", "How long the step may be open.")}
_UNDO: Final[Schema] = {"undo": ref("undo")}
_OUTPUT: Final[Schema] = {"output": ref("assignments", "Variables set from `output`.")}
STEPS: Final[Schema] = {
    "type": "object",
    "propertyNames": {"pattern": STEP_ID, "not": {"const": "end"}},
    "additionalProperties": ref("step"),
    "minProperties": 1,
    "maxProperties": MAX_STEPS,
    "description": "The steps by their ids.",
}
START: Final[Schema] = {
    "anyOf": [ref("stepId"), ref("steps")],
    "description": "Where it starts; absent: the first step.",
}
_TASK: Final[Schema] = {
    "task": {"type": "string", "pattern": TASK_TYPE, "description": "The type of task that a worker handles."},
    "input": {"description": "A template of what the worker gets; absent: all variables."},
    "output": ref("assignments", "Variables set from `output`; absent: kept as steps.<id>."),
    "retry": RETRY_OF_TASK,
    "timeout": ref("period", "From start to end; 10s unless given."),
    "heartbeat": ref("duration", "How often the worker has to show that it is alive."),
    "start_within": ref("period", "How soon a worker has to take the task."),
    "queue": QUEUE_NAME,
    "undo": ref("undo"),
    "next": ref("next"),
}
_WAIT: Final[Schema] = {
    "wait": {
        "anyOf": [
            ref("period"),
            obj({"until": TIMES["until"]}, "until"),
            obj({"cron": TIMES["cron"], "timezone": TIMES["timezone"]}, "cron"),
            obj({"message": NAMES["message"], "key": NAMES["key"]}, "message", "key"),
            obj({"signal": NAMES["signal"]}, "signal"),
        ],
        "description": "A while (5m), a moment, the next tick of a cron expression, a message, or a signal.",
    },
    **_OUTPUT,
    **_TIMEOUT,
    **_NEXT,
}
_FIRST: Final[Schema] = {
    "first": {
        "type": "array",
        "minItems": 1,
        "maxItems": MAX_BRANCHES,
        "description": "The event that happens first is taken.",
        "items": obj(
            {
                **NAMES,
                **TIMES,
                "set": ref("assignments", "Variables set from `output`, what the message or signal brought."),
                "next": ref("stepId", "Absent: the `next` of the step."),
            },
            one_of=("message", "signal", "after", "until", "cron"),
        ),
    },
    **_TIMEOUT,
    **_NEXT,
}
_SEND: Final[Schema] = {
    "send": {
        **obj(
            {
                **NAMES,
                "payload": {"description": "A template of what it brings."},
                "keep": ref("period", "How long a message is kept for those who come later."),
            },
            one_of=("message", "signal"),
        ),
        "description": "A message to the mailbox of its key, or a signal to all who wait for it now.",
    },
    **_NEXT,
}
_THROWN: Final[Schema] = {
    "anyOf": [
        text(MAX_NAME, "A code."),
        obj({"code": text(MAX_NAME, "What catches match."), "message": {"type": "string"}}, "code"),
    ]
}
_BODY: Final[Schema] = {
    "do": STEPS,
    "start": START,
    "variables": ref("assignments", "Variables that only the body sees; they begin anew with each round or copy."),
}
_BLOCK: Final[Schema] = {
    **_BODY,
    "one_at_a_time": flag("Whether only one step of the body may be open at any moment."),
    **_TIMEOUT,
    **_UNDO,
    **_NEXT,
}
_LOOP: Final[Schema] = {"at_most": whole(1, MAX_ROUNDS, "Rounds; 10,000 unless given."), **_BLOCK}
_EACH: Final[Schema] = {
    "each": {
        "anyOf": [
            {"type": "array"},
            {"type": "integer", "minimum": 0, "maximum": MAX_COPIES},
            {"type": "string", "pattern": "\\{\\{"},
        ],
        "description": "A list, a number of copies, or a template of either.",
    },
    "as": {"type": "string", "pattern": VARIABLE, "default": "item", "description": "What a copy calls its item."},
    "at_once": {
        "anyOf": [{"const": "all"}, {"type": "integer", "minimum": 1, "maximum": ALL_AT_ONCE}],
        "default": 100,
        "description": "How many copies are open together.",
    },
    "collect": {"description": "A template of what a copy gives."},
    "into": {"type": "string", "pattern": VARIABLE, "description": "The variable that gets the list of results."},
    "enough": {
        "anyOf": [{"type": "integer", "minimum": 1}, {"type": "string"}],
        "description": "So many copies are enough, or a condition that sees results, done and total.",
    },
    "rest": {"enum": ["ignore", "cancel"], "default": "ignore", "description": "What becomes of the other copies."},
    "await": flag("Whether the step is left when the copies have ended.", default=True),
    **_BODY,
    **_TIMEOUT,
    **_NEXT,
}
_DEFINITION_REF: Final[Schema] = {"type": "string", "pattern": DEFINITION_ID, "description": "The id of a definition."}
_VERSION: Final[Schema] = {
    "anyOf": [{"type": "string", "pattern": VERSION, "maxLength": MAX_VERSION}, {"type": "string", "pattern": "\\{\\{"}]
}
_WORKFLOW: Final[Schema] = {
    "workflow": {"anyOf": [_DEFINITION_REF, obj({"id": _DEFINITION_REF, "version": _VERSION}, "id")]},
    "version": {**_VERSION, "description": "Absent: the latest when it starts."},
    "input": {"description": "A template of its input; absent: all variables."},
    **_OUTPUT,
    "await": flag("Whether the step is left when it has ended.", default=True),
    **_TIMEOUT,
    **_UNDO,
    **_NEXT,
}
_THREADS: Final[Schema] = {
    "threads": {
        "anyOf": [{"type": "integer", "minimum": 1, "maximum": MAX_THREADS}, {"type": "string", "pattern": "\\{\\{"}],
        "description": "So many tokens go on.",
    },
    **_NEXT,
}
_COMPENSATE: Final[Schema] = {
    "compensate": {
        "anyOf": [{"const": "all"}, STEP_NAMES],
        "description": "All that was completed, or these steps and what is in them, is undone.",
    },
    "order": {"enum": ["reverse", "parallel"], "default": "reverse"},
    **_NEXT,
}
KINDS: Final[dict[str, Schema]] = {
    "task": _TASK,
    "wait": _WAIT,
    "first": _FIRST,
    "choose": {"choose": ref("branches")},
    "include": {"include": {**ref("branches"), "description": "Every branch whose condition holds is taken."}},
    "parallel": {"parallel": ref("steps")},
    "threads": _THREADS,
    "set": {"set": ref("assignments", "Variables and their new values."), **_NEXT},
    "pass": {"pass": {"const": True, "description": "Does nothing."}, **_NEXT},
    "send": _SEND,
    "cancel": {"cancel": {**STEP_NAMES, "description": "Withdraws these steps of the same body."}, **_NEXT},
    "fail": {"fail": {**_THROWN, "description": "Fails with this code."}},
    "escalate": {"escalate": {**_THROWN, "description": "Tells the nearest step around it that catches it."}, **_NEXT},
    "finish": {"finish": {"const": True, "description": "Ends the whole execution as completed."}},
    "compensate": _COMPENSATE,
    "do": _BLOCK,
    "while": {"while": {**CONDITION, "description": "Asked before each round."}, **_LOOP},
    "until": {"until": {**CONDITION, "description": "Asked after each round."}, **_LOOP},
    "each": _EACH,
    "workflow": _WORKFLOW,
}
