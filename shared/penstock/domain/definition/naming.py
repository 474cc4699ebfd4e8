"""Advice about names: those that are read but that nothing sets, and those that stand for something else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from penstock.domain.definition.draft import Draft
from penstock.domain.definition.findings import Report
from penstock.domain.definition.limits import RESERVED_VARIABLES
from penstock.domain.definition.model import TaskStep, WorkflowStep
from penstock.domain.definition.reading import Read, Reading

_STEP: Final = re.compile(r"(?<![\w.'\"])steps(?:\??\.(?!get\b)([A-Za-z_]\w*)|\[\s*['\"]([^'\"]*)['\"]\s*\])")

_PLACED: Final = {
    "error": "`error` is there in the `set` of a `catch`",
    "index": "`index` is there in the body of a for-each",
    "item": "`item` is there in the body of a for-each",
    "payload": "`payload` is there in the `input` of a trigger; what a message brings is `output`",
    "results": "`results` is there in the condition in `enough`",
}
"""Names that stand for something at some places, and so probably for nothing else at others."""


def advise_names(reading: Reading, schema: Any, drafts: Mapping[str, Draft]) -> None:
    """
    Report the names that nothing sets, and the steps whose output is read but not kept.

    Where the definition does not say what its input holds, any name may come from there: then only those are
    reported that look like a slip of a name which is set.
    """
    declared = _declared(schema)
    known = sorted(reading.writes | set(declared or ()))
    told = {*known, *RESERVED_VARIABLES}
    for read in reading.reads:
        if "output" in read.names and "output" not in read.seen:
            advice = "read what a step gave as steps.<id>, or set a variable in its `output`"
            _warn(reading.report, read, "`output` stands for what a step gave only where it is taken over", advice)
        if read.closed:
            _advise_closed(reading.report, read)
            continue
        if "steps" in read.names:
            _advise_steps(reading.report, read, drafts)
        for name in sorted(read.names - told - read.seen):
            advice = reading.report.nearest(name, [*known, *sorted(read.seen)])
            if declared is not None or advice or name in _PLACED:
                told.add(name)
                advice = advice or _PLACED.get(name, "")
                advice = advice or f"give {name!r} a default in `variables`, or declare it in `input`"
                _warn(reading.report, read, f"nothing sets {name!r}", advice)


def _advise_closed(report: Report, read: Read) -> None:
    for name in sorted(read.names - read.seen - {"output"}):
        advice = report.nearest(name, sorted(read.seen)) or f"it sees {', '.join(sorted(read.seen))}"
        _warn(report, read, f"a trigger does not see {name!r}", advice)


def _advise_steps(report: Report, read: Read, drafts: Mapping[str, Draft]) -> None:
    for dotted, quoted in _STEP.findall(read.text):
        name = dotted or quoted
        draft = drafts.get(name)
        if draft is None:
            _warn(report, read, f"there is no step {name!r}", report.nearest(name, drafts))
        elif not isinstance(draft.step, TaskStep | WorkflowStep):
            _warn(report, read, f"step {name!r} keeps no output", "read a variable that it sets")
        elif draft.step.output is not None:
            advice = f"read the variables that the `output` of {name!r} sets"
            _warn(report, read, f"the output of step {name!r} is mapped to variables, so it is not kept", advice)


def _warn(report: Report, read: Read, message: str, advice: str) -> None:
    report.warn("NAME_NOT_SET", message, read.path, advice, level="advice")


def _declared(schema: Any) -> frozenset[str] | None:
    """The properties of the input, if the definition lists them."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(properties, dict):
        return None
    required = schema.get("required")
    names = [*properties, *(required if isinstance(required, list) else ())]
    return frozenset(name for name in names if isinstance(name, str))
