"""From the canonical form to the graph that the engine walks, and the digest by which executions pin it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
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
    """SHA-256 in hex over the graph's canonical bytes, in which neither the order of keys nor a default counts."""
    return sha256(_encode(_canonical(graph))).hexdigest()


def _canonical(value: Any) -> Any:
    """
    Structs as mappings without their defaults.

    ``omit_defaults`` would not do: msgspec tells a default by identity, so that equal graphs could differ in bytes.
    """
    if isinstance(value, msgspec.Struct):
        config = value.__struct_config__
        fields = {
            field.name: _canonical(getattr(value, field.name))
            for field in _fields(type(value))
            if not (config.omit_defaults and _is_default(getattr(value, field.name), field))
        }
        return fields if config.tag is None else {str(config.tag_field): config.tag, **fields}
    if isinstance(value, tuple):
        return [_canonical(item) for item in value]
    if isinstance(value, dict):
        return {key: _canonical(item) for key, item in value.items()}
    return value


@cache
def _fields(struct: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(struct)


def _is_default(value: Any, field: msgspec.structs.FieldInfo) -> bool:
    default = field.default
    if field.default_factory is not msgspec.NODEFAULT:
        default = field.default_factory()
    return type(value) is type(default) and bool(value == default)
