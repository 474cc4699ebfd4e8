"""What an event says, in one line, for people: the fields that matter, whatever its type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from penstock.domain.errors import Failure

_PLAIN: Final = ("definition", "version", "step", "name", "key", "task", "child", "lock", "cause")
_NOBODY: Final = ("", "system", None)


def told(data: Mapping[str, Any]) -> str:
    """The event ``data`` in one line; a field that says nothing is left out."""
    parts = [str(data[name]) for name in _PLAIN if data.get(name)]
    parts += [said for name, say in _SAID.items() if data.get(name) not in (None, "", [], {}) and (said := say(data))]
    return "  ".join(parts)


def _failure(failure: Mapping[str, Any]) -> str:
    import msgspec

    from penstock.domain.errors import Failure

    return f"{told_code(msgspec.convert(failure, Failure))}: {failure.get('message', '')}"


def told_code(failure: Failure) -> str:
    """The code, and the class of the failure where it has one."""
    from penstock.domain.errors import kind_of_failure

    kind = kind_of_failure(failure)
    return failure.code if kind is None else f"{failure.code} ({kind})"


def _waits(data: Mapping[str, Any]) -> str:
    return "for " + ", ".join(wait["source"] for wait in data["waits"])


def _timers(data: Mapping[str, Any]) -> str:
    return f"until {min(data['timers'].values())}"


def _by(data: Mapping[str, Any]) -> str:
    return f"by {data['by']}" if data["by"] not in _NOBODY else ""


def _count(name: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda data: f"{len(data[name])} {name}"


_SAID: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "attempt": lambda data: f"attempt {data['attempt']}" if data["attempt"] > 1 else "",
    "undoes": lambda data: f"undoes visit {data['undoes']}",
    "adhoc": lambda data: f"added by {data['adhoc']}",
    "worker": lambda data: f"worker {data['worker']}",
    "round": lambda data: f"round {data['round']}",
    "index": lambda data: f"copy {data['index']}",
    "items": _count("items"),
    "visits": _count("visits"),
    "children": _count("children"),
    "waits": _waits,
    "timers": _timers,
    "due_at": lambda data: f"until {data['due_at']}",
    "retry_at": lambda data: f"again at {data['retry_at']}",
    "set": lambda data: f"sets {', '.join(data['set'])}",
    "fence": lambda data: f"fence {data['fence']}",
    "ends": lambda data: "the wave is over" if data["ends"] else "",
    "closed": lambda data: "no further copy is started" if data["closed"] else "",
    "escalation": lambda data: _failure(data["escalation"]),
    "failure": lambda data: _failure(data["failure"]),
    "reason": lambda data: str(data["reason"]),
    "by": _by,
    "status": lambda data: str(data["status"]),
}
"""By field, in this order, after what needs no words around it."""
