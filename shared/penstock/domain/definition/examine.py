"""One pass over the canonical form: what it means as a graph, and everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import msgspec

from penstock.domain.definition.checks import check_flow, plan_of
from penstock.domain.definition.findings import Finding, Path, Places, Report, suggest
from penstock.domain.definition.input_schema import read_input_schema
from penstock.domain.definition.kinds import Draft, queue_name, read_step
from penstock.domain.definition.limits import (
    DEFINITION_ID,
    END,
    MAX_DESCRIPTION,
    MAX_NAME,
    MAX_STEPS,
    MAX_TAGS,
    MAX_TRANSITIONS,
    MAX_VERSION,
    STEP_ID,
    VERSION,
)
from penstock.domain.definition.model import Graph, Step, TaskStep, Transition, Transport
from penstock.domain.definition.naming import advise_names
from penstock.domain.definition.plain import check_plain
from penstock.domain.definition.reading import Reading, matches
from penstock.domain.definition.routes import Exit, Routes, read_start

DEFINITION_KEYS: Final = (
    "id", "version", "name", "description", "tags", "input", "variables", "timeout", "queues", "output",
    "start", "steps",
)  # fmt: skip
QUEUE_KEYS: Final = ("transport",)


class Examined(NamedTuple):
    """``graph`` is None where a finding is an error."""

    graph: Graph | None
    findings: tuple[Finding, ...]


def examine(source: Mapping[str, Any], places: Places | None = None) -> Examined:
    """The graph that ``source`` means, and all findings at once."""
    report = Report(places)
    if not isinstance(source, Mapping):
        Reading(report).wrong_type(source, (), "a definition to be a mapping")
        return Examined(None, report.findings())
    plain = dict(source)
    if not check_plain(plain, report):
        return Examined(None, report.findings())
    reading = Reading(report)
    fields = reading.fields(plain, (), DEFINITION_KEYS, "a definition") or {}
    drafts = _drafts(fields, reading)
    start = _start(fields, drafts, reading)
    head = _head(fields, reading)
    start, drafts = _resolved(start, drafts, report)
    _check_size(start, drafts, report)
    check_flow(plan_of(drafts, start), report)
    _check_queues(head, drafts, report)
    advise_names(reading, fields.get("input"), drafts)
    graph = None if report.failed else _assemble(head, start, drafts)
    return Examined(graph, report.findings())


def _head(fields: Mapping[str, Any], reading: Reading) -> Graph:
    """Everything but the steps."""
    for key in ("id", "version", "steps"):
        if key not in fields:
            reading.missing(key, (), "a definition", f"write `{_EXAMPLES[key]}`")
    own_id = version = None
    if "id" in fields:
        own_id = reading.word(
            fields["id"], ("id",), "an id", DEFINITION_ID, code="BAD_ID", suggestion="lower case letters, digits, . _ -"
        )
    if "version" in fields:
        version = _version(fields["version"], reading)
    variables = reading.names_set(fields.get("variables", {}), ("variables",), "`variables`") or {}
    for variable, value in variables.items():
        if isinstance(value, str) and "{{" in value:
            message = f"the default of {variable!r} is taken as it stands: templates are not filled in here"
            path = ("variables", variable)
            reading.report.warn("TEMPLATE_NOT_FILLED", message, path, "set it in a `set` step", level="advice")
    reading.template(fields.get("output"), ("output",))
    timeout = reading.duration(fields["timeout"], ("timeout",), "`timeout`") if "timeout" in fields else None
    return Graph(
        id=own_id or "",
        version=version or "",
        name=reading.text(fields.get("name", ""), ("name",), "the name", MAX_NAME),
        description=reading.text(fields.get("description", ""), ("description",), "the description", MAX_DESCRIPTION),
        tags=reading.texts(fields.get("tags", []), ("tags",), "tags", MAX_TAGS, MAX_NAME),
        start=(),
        steps={},
        variables=variables,
        input_schema=read_input_schema(fields["input"], ("input",), reading) if "input" in fields else None,
        output=fields.get("output"),
        timeout=timeout,
        queues=_queues(fields.get("queues", {}), reading),
    )


_EXAMPLES: Final = {"id": "id: order-approval", "version": "version: 1.0.0", "steps": "steps: {first: {task: do-it}}"}


def _version(value: Any, reading: Reading) -> str | None:
    advice = "write three numbers, like 1.0.0"
    if not isinstance(value, str):
        reading.wrong_type(value, ("version",), "`version` to be a text", advice)
    elif len(value) > MAX_VERSION or not matches(VERSION, value):
        reading.report.error("BAD_VERSION", f"expected a semantic version, but got {value!r:.60}", ("version",), advice)
    else:
        return value
    return None


def _queues(value: Any, reading: Reading) -> dict[str, Transport]:
    if not isinstance(value, dict):
        reading.wrong_type(value, ("queues",), "`queues` to be a mapping from names to settings")
        return {}
    queues: dict[str, Transport] = {}
    for name, settings in value.items():
        path: Path = ("queues", name)
        queue_name(name, path, reading)
        fields = reading.fields(settings, path, QUEUE_KEYS, "a queue")
        if fields is None:
            continue
        match fields.get("transport"):
            case "log":
                queues[name] = "log"
            case "http":
                queues[name] = "http"
            case None:
                reading.missing("transport", path, "a queue", "write `transport: log` or `transport: http`")
            case other:
                message = f"expected `transport` to be log or http, but got {other!r:.60}"
                reading.report.error("BAD_VALUE", message, (*path, "transport"))
    return queues


def _drafts(fields: Mapping[str, Any], reading: Reading) -> dict[str, Draft]:
    steps = fields.get("steps")
    if "steps" not in fields:
        return {}
    if not isinstance(steps, dict):
        reading.wrong_type(steps, ("steps",), "`steps` to be a mapping from ids to steps", "write each as `step_id:`")
        return {}
    if not steps:
        reading.report.error("NO_START", "expected at least one step, but there is none", ("steps",), level="graph")
        return {}
    if len(steps) > MAX_STEPS:
        reading.report.error("TOO_MANY", f"expected at most {MAX_STEPS:,} steps, but got {len(steps):,}", ("steps",))
        return {}
    for name in steps:
        if name == END:
            advice = "call it finish, for instance"
            reading.report.at_key("RESERVED_NAME", "`end` says where a path ends", ("steps", name), advice)
        elif not matches(STEP_ID, name):
            message = f"expected the id of a step to be a letter, then letters, digits, _ or -, but got {name!r:.80}"
            reading.report.at_key("BAD_ID", message, ("steps", name))
    return {name: read_step(name, step, ("steps", name), reading) for name, step in steps.items()}


def _start(fields: Mapping[str, Any], drafts: Mapping[str, Draft], reading: Reading) -> Routes:
    if "start" in fields:
        return read_start(fields["start"], ("start",), reading)
    if not drafts:
        return Routes(sound=False)
    first = next(iter(drafts))
    return Routes(exits=(Exit(first, ("steps", first)),))


def _resolved(start: Routes, drafts: dict[str, Draft], report: Report) -> tuple[Routes, dict[str, Draft]]:
    """Report references that lead nowhere; for the checks that follow they lead to the step that was probably meant."""
    if not drafts:
        return start, drafts
    resolved = {name: draft._replace(routes=_repaired(draft.routes, drafts, report)) for name, draft in drafts.items()}
    return _repaired(start, drafts, report), resolved


def _repaired(routes: Routes, drafts: Mapping[str, Draft], report: Report) -> Routes:
    if all(not exit_.target or exit_.target in drafts for exit_ in routes.exits):
        return routes
    exits = []
    for exit_ in routes.exits:
        repaired = exit_
        if exit_.target and exit_.target not in drafts:
            meant = report.similar(exit_.target, drafts)
            message = f"there is no step {exit_.target!r:.80}"
            report.error("DANGLING_REFERENCE", message, exit_.path, suggest(meant), level="graph")
            repaired = exit_._replace(target=meant[0] if meant else "")
        exits.append(repaired)
    return routes._replace(exits=tuple(exits))


def _check_size(start: Routes, drafts: Mapping[str, Draft], report: Report) -> None:
    transitions = len(start.exits) + sum(len(draft.routes.exits) for draft in drafts.values())
    if transitions > MAX_TRANSITIONS:
        report.error(
            "TOO_MANY", f"expected at most {MAX_TRANSITIONS:,} transitions, but got {transitions:,}", ("steps",)
        )


def _check_queues(head: Graph, drafts: Mapping[str, Draft], report: Report) -> None:
    used = {draft.step.queue for draft in drafts.values() if isinstance(draft.step, TaskStep)}
    for name in head.queues:
        if name not in used:
            message = f"no task uses the queue {name!r}"
            report.warn(
                "QUEUE_NOT_USED",
                message,
                ("queues", name),
                report.nearest(name, sorted(used)),
                level="advice",
                at_key=True,
            )


def _assemble(head: Graph, start: Routes, drafts: Mapping[str, Draft]) -> Graph:
    incoming: dict[str, list[str]] = {name: [] for name in drafts}
    begin = _transitions("", start, incoming)
    leaving = {name: _transitions(name, draft.routes, incoming) for name, draft in drafts.items()}
    steps: dict[str, Step] = {
        name: msgspec.structs.replace(
            draft.step, split=draft.routes.split, incoming=tuple(incoming[name]), outgoing=leaving[name]
        )
        for name, draft in drafts.items()
    }
    return msgspec.structs.replace(head, start=begin, steps=steps)


def _transitions(source: str, routes: Routes, incoming: Mapping[str, list[str]]) -> tuple[Transition, ...]:
    """Ids are ``source->target``, and ``#2``, ``#3`` for more of the same."""
    made: list[Transition] = []
    twins: dict[str, int] = {}
    for exit_ in routes.exits:
        plain = f"{source}->{exit_.target}"
        twins[plain] = twins.get(plain, 0) + 1
        own_id = plain if twins[plain] == 1 else f"{plain}#{twins[plain]}"
        made.append(Transition(id=own_id, target=exit_.target, when=exit_.when, otherwise=exit_.otherwise))
        if exit_.target:
            incoming[exit_.target].append(own_id)
    return tuple(made)
