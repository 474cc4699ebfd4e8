"""From the canonical form to the graph that the engine walks, and the digest by which executions pin it."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

import msgspec

from penstock.domain.definition.examine import examine
from penstock.domain.definition.findings import DefinitionInvalid, Places
from penstock.domain.definition.model import Graph

_encode: Final = msgspec.json.Encoder(order="deterministic").encode


def compile_definition(source: Mapping[str, Any], places: Places | None = None) -> Graph:
    """
    The graph that ``source`` means; the same source gives the same graph for ever.

    Raises:
        DefinitionInvalid: it means none; the findings say why, all at once.

    """
    examined = examine(source, places)
    if examined.graph is None:
        raise DefinitionInvalid(examined.findings)
    return examined.graph


def digest_of(graph: Graph) -> str:
    """SHA-256 in hex over the graph's canonical bytes, in which the order of keys does not count."""
    return sha256(_encode(graph)).hexdigest()
