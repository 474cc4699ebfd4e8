"""What a definition says of itself as a whole: everything but its steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from penstock.domain.definition.findings import Path
from penstock.domain.definition.input_schema import read_input_schema
from penstock.domain.definition.kinds_task import queue_name, read_version
from penstock.domain.definition.limits import DEFINITION_ID, MAX_DESCRIPTION, MAX_NAME, MAX_TAGS, MAX_VISITS
from penstock.domain.definition.model import Graph, Transport
from penstock.domain.definition.reading import Reading
from penstock.domain.definition.triggers import read_triggers

DEFINITION_KEYS: Final = (
    "id", "version", "name", "description", "tags", "input", "variables", "timeout", "queues", "triggers", "output",
    "on_failure", "on_cancel", "undo_order", "max_visits", "start", "steps",
)  # fmt: skip
QUEUE_KEYS: Final = ("transport",)
_EXAMPLES: Final = {"id": "id: order-approval", "version": "version: 1.0.0", "steps": "steps: {first: {task: do-it}}"}


def read_head(fields: Mapping[str, Any], reading: Reading) -> Graph:
    """A graph without steps."""
    for key in ("id", "version", "steps"):
        if key not in fields:
            reading.missing(key, (), "a definition", f"write `{_EXAMPLES[key]}`")
    own_id = version = None
    if "id" in fields:
        own_id = reading.word(
            fields["id"], ("id",), "an id", DEFINITION_ID, code="BAD_ID", suggestion="lower case letters, digits, . _ -"
        )
    if "version" in fields:
        version = read_version(fields["version"], ("version",), reading)
    reading.template(fields.get("output"), ("output",))
    timeout = reading.duration(fields["timeout"], ("timeout",), "`timeout`") if "timeout" in fields else None
    visits = None
    if "max_visits" in fields:
        visits = reading.whole(fields["max_visits"], ("max_visits",), "`max_visits`", 1, MAX_VISITS)
    return Graph(
        id=own_id or "",
        version=version or "",
        name=reading.text(fields.get("name", ""), ("name",), "the name", MAX_NAME),
        description=reading.text(fields.get("description", ""), ("description",), "the description", MAX_DESCRIPTION),
        tags=reading.texts(fields.get("tags", []), ("tags",), "tags", MAX_TAGS, MAX_NAME),
        start=(),
        steps={},
        variables=_variables(fields.get("variables", {}), reading),
        input_schema=read_input_schema(fields["input"], ("input",), reading) if "input" in fields else None,
        output=fields.get("output"),
        timeout=timeout,
        queues=_queues(fields.get("queues", {}), reading),
        triggers=read_triggers(fields.get("triggers", {}), ("triggers",), reading),
        on_failure="compensate" if _chosen("on_failure", "park", fields, reading) else "park",
        on_cancel="compensate" if _chosen("on_cancel", "withdraw", fields, reading) else "withdraw",
        undo_order=_undo_order(fields, reading),
        max_visits=visits or 1_000_000,
    )


def _variables(value: Any, reading: Reading) -> dict[str, Any]:
    variables = reading.names_set(value, ("variables",), "`variables`") or {}
    for variable, default in variables.items():
        if isinstance(default, str) and "{{" in default:
            message = f"the default of {variable!r} is taken as it stands: templates are not filled in here"
            path = ("variables", variable)
            reading.report.warn("TEMPLATE_NOT_FILLED", message, path, "set it in a `set` step", level="advice")
    return variables


def _chosen(key: str, otherwise: str, fields: Mapping[str, Any], reading: Reading) -> bool:
    """Whether it is to compensate."""
    if key not in fields:
        return False
    return reading.one_of(fields[key], (key,), f"`{key}`", (otherwise, "compensate")) == "compensate"


def _undo_order(fields: Mapping[str, Any], reading: Reading) -> Any:
    if "undo_order" not in fields:
        return "reverse"
    return reading.one_of(fields["undo_order"], ("undo_order",), "`undo_order`", ("reverse", "parallel"))


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
