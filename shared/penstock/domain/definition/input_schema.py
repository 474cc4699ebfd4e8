"""The JSON Schema of an execution's input: that it is one, that it stands alone, and that following it always ends."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from penstock.domain.definition.findings import Path
from penstock.domain.definition.flow import cycles
from penstock.domain.definition.limits import MAX_SCHEMA_PARTS, RESERVED_VARIABLES
from penstock.domain.definition.reading import Reading

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_NAMED: Final = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_LISTED: Final = ("allOf", "anyOf", "oneOf", "prefixItems")
_SINGLE: Final = (
    "not", "if", "then", "else", "items", "contains", "additionalProperties", "propertyNames",
    "unevaluatedItems", "unevaluatedProperties", "additionalItems", "contentSchema",
)  # fmt: skip
_IN_PLACE: Final = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas")
_UNSUPPORTED: Final = ("$dynamicRef", "$dynamicAnchor", "$anchor", "$recursiveRef", "$recursiveAnchor", "$vocabulary")


def read_input_schema(value: Any, path: Path, reading: Reading) -> dict[str, Any] | None:
    """``value`` if inputs can be checked with it; every flaw is reported."""
    if not isinstance(value, dict):
        reading.wrong_type(
            value, path, "`input` to be a JSON Schema", "write `type: object` and `properties:` below it"
        )
        return None
    sound = _is_schema(value, path, reading)
    if sound:
        sound = _check_references(value, path, reading)
    kind = value.get("type", "object")
    if sound and kind != "object" and not (isinstance(kind, list) and "object" in kind):
        message = f"the input of an execution is an object, but its schema asks for {kind!r}"
        reading.report.error("BAD_SCHEMA", message, (*path, "type"), "write `type: object`")
    properties = value.get("properties")
    for name in properties if isinstance(properties, dict) else ():
        if name in RESERVED_VARIABLES:
            message = f"{name!r} has a meaning of its own, so this input can be read only as variables.{name}"
            reading.report.warn("RESERVED_NAME", message, (*path, "properties", name), level="advice", at_key=True)
    return value if sound else None


def _is_schema(value: dict[str, Any], path: Path, reading: Reading) -> bool:
    if sum(1 for _ in islice(_parts(value), MAX_SCHEMA_PARTS + 1)) > MAX_SCHEMA_PARTS:
        message = f"expected a JSON Schema of at most {MAX_SCHEMA_PARTS:,} parts, but there are more"
        reading.report.error("TOO_MANY", message, path)
        return False
    dialect = value.get("$schema", _DIALECT)
    if not isinstance(dialect, str) or dialect.rstrip("#") != _DIALECT:
        reading.report.error(
            "BAD_SCHEMA", f"expected the dialect {_DIALECT}", (*path, "$schema"), "leave `$schema` out"
        )
        return False
    try:
        Draft202012Validator.check_schema(value)
    except SchemaError as error:
        message = f"expected a JSON Schema, but {error.message:.300}"
        reading.report.error("BAD_SCHEMA", message, (*path, *error.absolute_path))
        return False
    except RecursionError:
        reading.report.error("BAD_SCHEMA", "expected a JSON Schema that is less deep", path)
        return False
    return True


def _check_references(schema: dict[str, Any], path: Path, reading: Reading) -> bool:
    """Every reference is local and leads somewhere; none leads back to itself without going into the input."""
    parts = dict(_parts(schema))
    number = {place: index for index, place in enumerate(parts)}
    edges: list[tuple[int, ...]] = []
    sound = True
    for place, part in parts.items():
        targets = [number[inner] for inner in _in_place(part, place) if inner in number]
        for key in _UNSUPPORTED:
            if key in part:
                reading.report.at_key(
                    "BAD_SCHEMA", f"{key} is not supported", (*path, *place, key), "use $ref and $defs"
                )
                sound = False
        reference = part.get("$ref")
        if isinstance(reference, str):
            here = (*path, *place, "$ref")
            target = _pointed(reference, schema)
            if not reference.startswith("#") or ("$id" in part and place):
                advice = "copy what it points to under $defs: `$ref: '#/$defs/name'`"
                reading.report.error(
                    "REMOTE_REF", f"expected a reference within the schema, but got {reference!r:.120}", here, advice
                )
                sound = False
            elif target not in number:
                reading.report.error("BAD_SCHEMA", f"nothing stands at {reference!r:.120}", here)
                sound = False
            else:
                targets.append(number[target])
        edges.append(tuple(targets))
    for loop in cycles(edges) if sound else ():
        place = list(parts)[loop[0]]
        reading.report.error("BAD_SCHEMA", "the schema leads back to itself without end", (*path, *place))
        sound = False
    return sound


def _parts(schema: dict[str, Any]) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Every subschema with its place."""
    pending: list[tuple[Path, Any]] = [((), schema)]
    while pending:
        place, part = pending.pop()
        if not isinstance(part, dict):
            continue
        yield place, part
        for key in _NAMED:
            if isinstance(part.get(key), dict):
                pending.extend(((*place, key, name), inner) for name, inner in part[key].items())
        for key in _LISTED:
            if isinstance(part.get(key), list):
                pending.extend(((*place, key, index), inner) for index, inner in enumerate(part[key]))
        pending.extend(((*place, key), part[key]) for key in _SINGLE if key in part)


def _in_place(part: dict[str, Any], place: Path) -> Iterator[Path]:
    """The subschemas that look at the same value as ``part``."""
    for key in _IN_PLACE:
        inner = part.get(key)
        if isinstance(inner, list):
            yield from ((*place, key, index) for index in range(len(inner)))
        elif key == "dependentSchemas" and isinstance(inner, dict):
            yield from ((*place, key, name) for name in inner)
        elif isinstance(inner, dict):
            yield (*place, key)


def _pointed(reference: str, schema: dict[str, Any]) -> Path | None:
    """Where a JSON pointer leads."""
    if reference in ("#", "#/"):
        return ()
    place: list[str | int] = []
    value: Any = schema
    for token in reference.removeprefix("#").split("/")[1:]:
        part = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and part in value:
            place.append(part)
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            place.append(int(part))
            value = value[int(part)]
        else:
            return None
    return tuple(place) if place else None
