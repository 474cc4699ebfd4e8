"""The steps of a definition in one flat table: those of a body follow the step that has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from penstock.domain.definition.draft import Draft
from penstock.domain.definition.findings import Path, path_text
from penstock.domain.definition.kinds import read_step
from penstock.domain.definition.kinds_body import locals_of
from penstock.domain.definition.limits import END, MAX_STEPS, STEP_ID
from penstock.domain.definition.model import BlockStep, EachStep
from penstock.domain.definition.reading import Reading, matches
from penstock.domain.definition.routes import Exit, Routes, read_start


class Read(NamedTuple):
    """The steps in the order of the text; of those that are ``repeated``, the first."""

    drafts: dict[str, Draft]
    repeated: frozenset[str]


def read_all(fields: Mapping[str, Any], reading: Reading) -> Read:
    """Every step below ``steps``."""
    table = _Table(reading)
    if "steps" in fields:
        table.read_steps(fields["steps"], ("steps",), "")
    return Read(table.drafts, frozenset(table.repeated))


def begin_of(holder: Mapping[str, Any], key: str, path: Path, reading: Reading) -> Routes:
    """Where the steps below ``key`` start: with the first of them unless ``start`` says otherwise."""
    if "start" in holder:
        return read_start(holder["start"], (*path, "start"), reading)
    steps = holder.get(key)
    if not isinstance(steps, Mapping) or not steps:
        return Routes(sound=False)
    first = next(iter(steps))
    return Routes(exits=(Exit(first, (*path, key, first)),))


class _Table:
    """Fills ``drafts``, body by body."""

    def __init__(self, reading: Reading) -> None:
        self.drafts: dict[str, Draft] = {}
        self.repeated: set[str] = set()
        self._reading = reading

    def read_steps(self, steps: Any, path: Path, within: str) -> None:
        what, reading = path[-1], self._reading
        if not isinstance(steps, Mapping):
            reading.wrong_type(steps, path, f"`{what}` to be a mapping from ids to steps", "write each as `step_id:`")
            return
        if not steps:
            reading.report.error("NO_START", "expected at least one step, but there is none", path, level="graph")
            return
        count = len(self.drafts) + len(steps)
        if count > MAX_STEPS:
            reading.report.error("TOO_MANY", f"expected at most {MAX_STEPS:,} steps, but got {count:,}", path)
            return
        for name, value in steps.items():
            self._read_one(name, value, (*path, name), within)

    def _read_one(self, name: str, value: Any, path: Path, within: str) -> None:
        self._check_id(name, path)
        draft = read_step(name, value, path, self._reading)
        if within:
            draft = draft._replace(step=msgspec.structs.replace(draft.step, within=within))
        if not isinstance(draft.step, BlockStep | EachStep):
            self.drafts.setdefault(name, draft)
            return
        has_body = "do" in value
        begin = begin_of(value, "do", path, self._reading) if has_body else Routes(sound=False)
        self.drafts.setdefault(name, draft._replace(begin=begin))
        if has_body:
            with self._reading.seeing(locals_of(draft.step)):
                self.read_steps(value["do"], (*path, "do"), name)

    def _check_id(self, name: str, path: Path) -> None:
        report = self._reading.report
        if name == END:
            advice = "call it finish, for instance"
            report.at_key("RESERVED_NAME", "`end` says where a path ends", path, advice)
        elif not matches(STEP_ID, name):
            message = f"expected the id of a step to be a letter, then letters, digits, _ or -, but got {name!r:.80}"
            report.at_key("BAD_ID", message, path)
        elif name in self.drafts:
            self.repeated.add(name)
            place = path_text(self.drafts[name].path)
            message = f"there is another step {name!r} at {place}: ids are unique in the definition"
            report.at_key("DUPLICATE", message, path, f"call it {name}_2, for instance")
