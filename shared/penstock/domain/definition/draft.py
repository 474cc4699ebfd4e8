"""A step as far as it could be read, before it is joined to the others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeAlias

from penstock.domain.definition.findings import Path
from penstock.domain.definition.model import Step
from penstock.domain.definition.routes import Exit, Routes

Fields: TypeAlias = Mapping[str, Any]


class Draft(NamedTuple):
    """
    A step that gets its transitions when all steps are known.

    ``sides`` are the exits of its catches and then of its options, ``offers`` the steps that it lets start, ``begin``
    the start of its body; ``named`` are the steps that it does something to.
    """

    step: Step
    routes: Routes
    path: Path
    sides: tuple[Exit, ...] = ()
    offers: tuple[Exit, ...] = ()
    begin: Routes | None = None
    named: tuple[Exit, ...] = ()
