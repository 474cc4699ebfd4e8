"""The ways out of a step as they are written: ``next`` in its three forms, ``choose``, ``parallel``, and ``start``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from penstock.domain.definition.findings import Path
from penstock.domain.definition.limits import END, MAX_BRANCHES
from penstock.domain.definition.model import Split
from penstock.domain.definition.reading import Reading

BRANCH_KEYS = ("when", "next", "otherwise")


class Exit(NamedTuple):
    """One way out. ``target`` is empty where the path ends; ``path`` is where the target is named."""

    target: str
    path: Path
    when: str | None = None
    otherwise: bool = False


class Routes(NamedTuple):
    """``sound`` is False where a part could not be read, so that nothing should be concluded from what is absent."""

    split: Split = "exclusive"
    exits: tuple[Exit, ...] = ()
    sound: bool = True


def read_next(value: Any, path: Path, reading: Reading) -> Routes:
    """``next``: a step, a list of steps (all of them, in parallel), or a list of branches (the first that holds)."""
    if isinstance(value, str):
        return Routes(exits=()) if value == END else Routes(exits=(Exit(value, path),))
    if isinstance(value, list):
        if any(isinstance(item, Mapping) for item in value):
            return read_branches(value, path, reading)
        return read_parallel(value, path, reading)
    advice = "write the id of a step, a list of ids, or a list of branches with `when` and `next`"
    reading.wrong_type(value, path, "a step, a list of steps or a list of branches", advice)
    return Routes(sound=False)


def read_include(value: Any, path: Path, reading: Reading) -> Routes:
    """Branches of which all are taken that hold, else the one with ``otherwise``."""
    routes = read_branches(value, path, reading)
    return routes._replace(split="inclusive" if len(routes.exits) > 1 else "exclusive")


def read_parallel(value: Any, path: Path, reading: Reading) -> Routes:
    """A list of steps that all get a token; a single one is a plain sequence."""
    exits = read_steps(value, path, reading)
    if exits is None:
        return Routes(sound=False)
    return Routes("parallel" if len(exits) > 1 else "exclusive", exits)


def read_start(value: Any, path: Path, reading: Reading) -> Routes:
    """One step or a list of steps."""
    if isinstance(value, str):
        value_path = path
        if value == END:
            reading.report.error("NO_START", "expected a step to start with, but the path ends at once", path)
            return Routes(sound=False)
        return Routes(exits=(Exit(value, value_path),))
    return read_parallel(value, path, reading)


def read_branches(value: Any, path: Path, reading: Reading) -> Routes:
    """Branches in the order in which they are tried; ``otherwise`` comes last wherever it is written."""
    if not isinstance(value, list):
        reading.wrong_type(value, path, "a list of branches", "write `- when: …` and `next: …` below one another")
        return Routes(sound=False)
    if not value:
        reading.report.error("EMPTY", "expected at least one branch, but the list is empty", path)
        return Routes(sound=False)
    if len(value) > MAX_BRANCHES:
        reading.report.error("TOO_MANY", f"expected at most {MAX_BRANCHES:,} branches, but got {len(value):,}", path)
        return Routes(sound=False)
    read = [_branch(item, (*path, index), reading) for index, item in enumerate(value)]
    exits = [exit_ for exit_ in read if exit_ is not None]
    last = [exit_ for exit_ in exits if exit_.otherwise]
    for extra in last[1:]:
        reading.report.error("DUPLICATE", "expected one `otherwise`, but there is another before it", extra.path)
    ordered = [exit_ for exit_ in exits if not exit_.otherwise] + last[:1]
    return Routes("exclusive", tuple(ordered), sound=len(ordered) == len(value))


def _branch(value: Any, path: Path, reading: Reading) -> Exit | None:
    branch = reading.fields(value, path, BRANCH_KEYS, "a branch")
    if branch is None:
        return None
    if "otherwise" in branch:
        for key in ("when", "next"):
            if key in branch:
                advice = "write `- otherwise: step` for the branch that is taken when no condition holds"
                reading.report.at_key("CONFLICT", f"a branch with `otherwise` has no {key!r}", (*path, key), advice)
        target = read_target(branch["otherwise"], (*path, "otherwise"), reading)
        return None if target is None else Exit(target, (*path, "otherwise"), otherwise=True)
    if "when" not in branch:
        reading.missing("when", path, "a branch", "write `when: <condition>`, or `otherwise: <step>`")
    if "next" not in branch:
        reading.missing("next", path, "a branch", "write `next: end` where the path ends here")
    when = reading.condition(branch["when"], (*path, "when")) if "when" in branch else None
    target = read_target(branch["next"], (*path, "next"), reading) if "next" in branch else None
    if target is None:
        return None
    # a broken condition still leads somewhere: what lies behind it is not unreachable
    return Exit(target, (*path, "next"), when=when or "false")


def read_target(value: Any, path: Path, reading: Reading) -> str | None:
    """One step; empty where the path ends."""
    if not isinstance(value, str):
        advice = "point to a step with `parallel` to take several" if isinstance(value, list) else ""
        reading.wrong_type(value, path, "the id of one step", advice)
        return None
    return "" if value == END else value


def read_steps(value: Any, path: Path, reading: Reading) -> tuple[Exit, ...] | None:
    """A list of steps, none of which is the end."""
    if not isinstance(value, list):
        reading.wrong_type(value, path, "a list of steps")
        return None
    if not value:
        reading.report.error("EMPTY", "expected at least one step, but the list is empty", path)
        return None
    if len(value) > MAX_BRANCHES:
        reading.report.error("TOO_MANY", f"expected at most {MAX_BRANCHES:,} steps, but got {len(value):,}", path)
        return None
    exits = []
    for index, item in enumerate(value):
        target = read_target(item, (*path, index), reading)
        if target:
            exits.append(Exit(target, (*path, index)))
        elif target == "":
            reading.report.error("CONFLICT", "an end beside other steps does nothing", (*path, index), "leave it out")
    return tuple(exits) if len(exits) == len(value) else None
