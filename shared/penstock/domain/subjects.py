"""
The ids of entities, and the root that is the key of their records: what has one root shares a partition.

An execution's id is a UUIDv7; a child that its parent waits for adds a path to it (``root:path``). Every other entity
says its kind first: ``mailbox/<name>/<key>``, ``signal/<name>``, ``lock/<name>``, ``schedule/<id>`` and
``operation/<id>``.
"""

from __future__ import annotations

import re
from typing import Final, Literal, TypeAlias, get_args

KindName: TypeAlias = Literal["execution", "mailbox", "signal", "lock", "schedule", "operation"]
_KINDS = frozenset(get_args(KindName)) - {"execution"}
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}")
MAX_KEY: Final = 200
"""Characters of a correlation key, and of the whole subject of a schedule or an operation: others name them by it."""


def root_of(subject: str) -> str:
    """The record key of everything about ``subject``."""
    return subject if "/" in subject else subject.partition(":")[0]


def kind_of(subject: str) -> KindName:
    """What ``subject`` is the id of; an execution where it does not say."""
    if "/" not in subject:
        return "execution"  # by far the most
    kind = subject.partition("/")[0]
    return kind if kind in _KINDS else "execution"  # type: ignore[return-value]


def is_wellformed(subject: str) -> bool:
    """Whether what follows the kind is a name, and a key where the kind has one; an execution's id is not looked at."""
    _, _, rest = subject.partition("/")
    match kind_of(subject):
        case "execution":
            return True
        case "mailbox":
            name, _, key = rest.partition("/")
            return _NAME.fullmatch(name) is not None and 0 < len(key) <= MAX_KEY
        case "signal" | "lock":
            return _NAME.fullmatch(rest) is not None
        case _:
            return bool(rest) and len(subject) <= MAX_KEY


def mailbox_of(name: str, key: str) -> str:
    return f"mailbox/{name}/{key}"


def signal_of(name: str) -> str:
    return f"signal/{name}"


def lock_of(name: str) -> str:
    return f"lock/{name}"


def schedule_of(schedule: str) -> str:
    return f"schedule/{schedule}"


def operation_of(operation: str) -> str:
    return f"operation/{operation}"


def child_of(parent: str, visit: int) -> str:
    """The execution that ``parent`` starts under its number ``visit`` and waits for."""
    return f"{parent}{'.' if ':' in parent else ':'}{visit}"


def parent_of(execution: str) -> tuple[str, int] | None:
    """The execution that waits for this one, and its visit; None where nobody does."""
    root, colon, path = execution.partition(":")
    if not colon:
        return None
    above, dot, visit = path.rpartition(".")
    return (f"{root}:{above}" if dot else root, int(visit)) if visit.isdecimal() else None
