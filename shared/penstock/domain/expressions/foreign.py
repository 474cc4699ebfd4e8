"""What people write from habit in other languages, and how it is written here."""

from __future__ import annotations

from typing import Final

from penstock.domain.expressions.failures import did_you_mean

FOREIGN_LITERALS: Final = {
    "TRUE": "true", "FALSE": "false", "NULL": "null", "none": "null", "nil": "null", "undefined": "null",
}  # fmt: skip
FOREIGN_OPERATORS: Final = {
    "is": "to compare, write `==`",
    "eq": "to compare, write `==`",
    "equals": "to compare, write `==`",
    "ne": "write `!=`",
    "gt": "write `>`",
    "gte": "write `>=`",
    "ge": "write `>=`",
    "lt": "write `<`",
    "lte": "write `<=`",
    "le": "write `<=`",
    "mod": "write `%`",
    "div": "write `/`",
    "xor": "write `!a != !b`",
    "contains": "write `contains(a, b)` or `b in a`",
    "startswith": "write `starts_with(a, b)`",
    "endswith": "write `ends_with(a, b)`",
    "like": "write `contains(a, b)` or `starts_with(a, b)`",
    "matches": "there are no patterns: write `contains`, `starts_with` or `ends_with`",
    "between": "write `a >= low AND a <= high`",
    "if": "write `condition ? a : b`",
    "then": "write `condition ? a : b`",
    "else": "write `condition ? a : b`",
    "for": "there are no loops in an expression",
    "instanceof": "there are no types to ask for",
}
_FOREIGN_FUNCTIONS: Final = {
    "length": "len", "count": "len", "tolowercase": "lower", "lowercase": "lower", "lcase": "lower",
    "touppercase": "upper", "uppercase": "upper", "ucase": "upper", "strip": "trim", "includes": "contains",
    "has": "contains", "startswith": "starts_with", "endswith": "ends_with", "replaceall": "replace",
    "concat": "a + b", "substring": "slice", "substr": "slice", "str": "string", "tostring": "string",
    "int": "number", "float": "number", "parseint": "number", "parsefloat": "number", "tonumber": "number",
    "boolean": "bool", "ifnull": "default", "nvl": "default", "isnull": "x == null", "exists": "x? != null",
    "defined": "x? != null", "some": "any", "every": "all", "distinct": "unique", "sorted": "sort",
    "ceiling": "ceil", "if": "condition ? a : b", "map": "a step of its own", "filter": "a step of its own",
    "range": "a step of its own", "now": "now, which is a name and not a function", "indexof": "contains",
    "dateadd": "date_add", "datediff": "date_diff", "datepart": "date_part", "not": "NOT x", "get": "x.get('key')",
}  # fmt: skip


def function_advice(name: str, known: tuple[str, ...]) -> str:
    """What to write instead of a function that does not exist."""
    instead = _FOREIGN_FUNCTIONS.get(name.lower().replace("_", ""))
    if instead is None:
        return did_you_mean(name, known) or f"known are {', '.join(known)}"
    return f"write `{instead}`" if " " not in instead else f"use {instead}"


def method_advice(name: str, known: tuple[str, ...]) -> str:
    """What to write instead of calling a method."""
    instead = name if name in known else _FOREIGN_FUNCTIONS.get(name.lower().replace("_", ""), "")
    if name == "length":
        return "write `.length` without parentheses"
    if instead in known:
        return f"write `{instead}(value, …)`"
    return "functions stand in front of their values, as in `lower(name)`"
