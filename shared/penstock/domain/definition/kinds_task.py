"""Steps in which others work: tasks and sub-workflows, and the tasks that undo them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from penstock.domain.definition.draft import Fields
from penstock.domain.definition.findings import Path
from penstock.domain.definition.limits import (
    DEFINITION_ID,
    MAX_ATTEMPTS,
    MAX_CODES,
    MAX_NAME,
    MAX_VERSION,
    QUEUE,
    RESERVED_QUEUES,
    TASK_TYPE,
    VERSION,
)
from penstock.domain.definition.model import Period, Retry, TaskStep, Undo, WorkflowStep
from penstock.domain.definition.reading import Reading, matches

RETRY_KEYS: Final = ("attempts", "backoff", "factor", "cap", "jitter", "never", "undo_first")
UNDO_KEYS: Final = ("task", "queue", "input", "retry", "timeout")
CALLED_KEYS: Final = ("id", "version")
_VERSION_ADVICE: Final = "write three numbers, like 1.0.0"


def read_task(step_id: str, fields: Fields, path: Path, reading: Reading) -> TaskStep:
    task = reading.word(fields["task"], (*path, "task"), "a type of task", TASK_TYPE)
    if "input" in fields:
        reading.template(fields["input"], (*path, "input"))
    timeout = read_timeout(fields, path, reading)
    heartbeat = None
    if "heartbeat" in fields:
        heartbeat = reading.duration(fields["heartbeat"], (*path, "heartbeat"), "`heartbeat`")
    within = None
    if "start_within" in fields:
        within = reading.period(fields["start_within"], (*path, "start_within"), "`start_within`")
    if isinstance(timeout, float) and heartbeat is not None and heartbeat >= timeout:
        message = f"a heartbeat every {heartbeat:g} s is of no use to a task that may take {timeout:g} s"
        reading.report.warn("HEARTBEAT_TOO_LONG", message, (*path, "heartbeat"), level="advice")
    return TaskStep(
        id=step_id,
        task=task or "",
        queue=queue_name(fields["queue"], (*path, "queue"), reading) if "queue" in fields else "default",
        input=fields.get("input"),
        output=read_output(fields, path, reading),
        retry=read_retry(fields, path, reading),
        timeout=timeout,
        heartbeat=heartbeat,
        start_within=within,
        undo=read_undo(fields, path, reading),
        undo_first=_undo_first(fields, path, reading),
    )


def read_workflow(step_id: str, fields: Fields, path: Path, reading: Reading) -> WorkflowStep:
    called, version, here = fields["workflow"], fields.get("version"), (*path, "workflow")
    version_at: Path = (*path, "version")
    if isinstance(called, Mapping):
        inner = reading.fields(called, here, CALLED_KEYS, "`workflow`") or {}
        if "id" not in inner:
            reading.missing("id", here, "`workflow`", "write `workflow: other`, or `workflow: {id: other, version: …}`")
        if "version" in inner:
            if version is not None:
                reading.report.at_key("CONFLICT", "the version is given twice", version_at, "leave one out")
            version, version_at = inner["version"], (*here, "version")
        called, here = inner.get("id", ""), (*here, "id")
    known = ""
    if called != "" or here[-1] == "workflow":
        known = reading.word(called, here, "the id of a definition", DEFINITION_ID, code="BAD_ID") or ""
    if isinstance(version, str) and "{{" in version:
        reading.template(version, version_at)
    elif version is not None:
        version = read_version(version, version_at, reading)
    if "input" in fields:
        reading.template(fields["input"], (*path, "input"))
    waits = read_await(fields, path, reading)
    if not waits and "output" in fields:
        message = "a sub-workflow that is not waited for gives nothing back"
        reading.report.at_key("CONFLICT", message, (*path, "output"), "leave `output` or `await: false` out")
    return WorkflowStep(
        id=step_id,
        workflow=known,
        version=version,
        input=fields.get("input"),
        output=read_output(fields, path, reading),
        waits=waits,
        timeout=read_timeout(fields, path, reading),
        undo=read_undo(fields, path, reading),
    )


def read_await(fields: Fields, path: Path, reading: Reading) -> bool:
    return "await" not in fields or reading.flag(fields["await"], (*path, "await"), "`await`", default=True)


def read_timeout(fields: Fields, path: Path, reading: Reading) -> Period | None:
    return reading.period(fields["timeout"], (*path, "timeout"), "`timeout`") if "timeout" in fields else None


def read_output(fields: Fields, path: Path, reading: Reading) -> dict[str, Any] | None:
    """The variables that a step sets from what it gave."""
    if "output" not in fields:
        return None
    with reading.seeing(("output",)):
        return reading.assignments(fields["output"], (*path, "output"), "`output`")


def read_version(value: Any, path: Path, reading: Reading) -> str | None:
    """A semantic version."""
    if not isinstance(value, str):
        reading.wrong_type(value, path, "`version` to be a text", _VERSION_ADVICE)
        return None
    if len(value) > MAX_VERSION or not matches(VERSION, value):
        reading.report.error(
            "BAD_VERSION", f"expected a semantic version, but got {value!r:.60}", path, _VERSION_ADVICE
        )
        return None
    return value


def queue_name(value: Any, path: Path, reading: Reading) -> str:
    """The name of a queue, which becomes part of a topic's name."""
    name = reading.word(value, path, "the name of a queue", QUEUE)
    if name in RESERVED_QUEUES or (name and name.endswith(".dlq")):
        reading.report.error(
            "RESERVED_NAME", f"expected the name of a queue, but {name!r} is taken by the product", path
        )
    return name or "default"


def read_undo(fields: Fields, path: Path, reading: Reading) -> Undo | None:
    """The task that undoes the step; its input sees what the step gave."""
    if "undo" not in fields:
        return None
    here = (*path, "undo")
    undo = reading.fields(fields["undo"], here, UNDO_KEYS, "`undo`")
    if undo is None:
        return None
    if "task" not in undo:
        reading.missing("task", here, "`undo`", "write `undo: {task: refund}`")
    with reading.seeing(("output",)):
        reading.template(undo.get("input"), (*here, "input"))
    task = reading.word(undo["task"], (*here, "task"), "a type of task", TASK_TYPE) if "task" in undo else None
    retry = undo.get("retry")
    if isinstance(retry, Mapping) and "undo_first" in retry:
        reading.report.at_key("CONFLICT", "what undoes is not undone", (*here, "retry", "undo_first"), "leave it out")
    return Undo(
        task=task or "",
        queue=queue_name(undo["queue"], (*here, "queue"), reading) if "queue" in undo else "default",
        input=undo.get("input"),
        retry=read_retry(undo, here, reading),
        timeout=read_timeout(undo, here, reading),
    )


def _undo_first(fields: Fields, path: Path, reading: Reading) -> bool:
    retry = fields.get("retry")
    if not isinstance(retry, Mapping) or "undo_first" not in retry:
        return False
    first = reading.flag(retry["undo_first"], (*path, "retry", "undo_first"), "`undo_first`", default=False)
    if first and "undo" not in fields:
        reading.missing("undo", path, "a step that is undone before each retry", "write `undo: {task: …}`")
    return first


def read_retry(holder: Fields, outer: Path, reading: Reading) -> Retry:
    plain = Retry()
    path: Path = (*outer, "retry")
    fields = reading.fields(holder["retry"], path, RETRY_KEYS, "`retry`") if "retry" in holder else None
    if fields is None:
        return plain
    attempts, backoff, cap = None, None, None
    if "attempts" in fields:
        attempts = reading.whole(fields["attempts"], (*path, "attempts"), "`attempts`", 1, MAX_ATTEMPTS)
    if "backoff" in fields:
        backoff = reading.duration(fields["backoff"], (*path, "backoff"), "`backoff`", zero=True)
    if "cap" in fields:
        cap = reading.duration(fields["cap"], (*path, "cap"), "`cap`", zero=True)
    first = plain.backoff if backoff is None else backoff
    if cap is not None and cap < first:
        message = f"expected `cap` to be at least the first pause of {first:g} s, but got {cap:g} s"
        reading.report.error("OUT_OF_RANGE", message, (*path, "cap"))
    factor, jitter = plain.factor, plain.jitter
    if "factor" in fields:
        factor = reading.number(fields["factor"], (*path, "factor"), "`factor`", 1, 100) or factor
    if "jitter" in fields:
        jitter = reading.number(fields["jitter"], (*path, "jitter"), "`jitter`", 0, 1) or 0.0
    return Retry(
        attempts=plain.attempts if attempts is None else attempts,
        backoff=first,
        factor=factor,
        cap=max(plain.cap, first) if cap is None else cap,
        jitter=jitter,
        never=reading.texts(fields.get("never", []), (*path, "never"), "error codes", MAX_CODES, MAX_NAME),
    )
