"""Everything there is to say about a definition, for the person who writes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from penstock.domain.definition.examine import examine
from penstock.domain.definition.findings import Finding, Places


def validate(source: Mapping[str, Any], places: Places | None = None) -> tuple[Finding, ...]:
    """
    All errors, warnings and advice at once, in the order of the text.

    ``places`` (from ``read_definition``) gives the findings their lines and columns.
    """
    return examine(source, places).findings
