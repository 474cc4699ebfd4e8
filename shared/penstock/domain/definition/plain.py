"""That a source is plain JSON within the bounds, so that the readers after it need not be careful."""

from __future__ import annotations

import re
from typing import Any, Final

from penstock.domain.definition.findings import Path, Report
from penstock.domain.definition.limits import MAX_DEPTH, MAX_INTEGER, MAX_NODES, MAX_SOURCE

_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


def check_plain(source: Any, report: Report) -> bool:
    """Whether ``source`` is a JSON value that every store downstream can hold; the first flaw of a kind is reported."""
    pending: list[tuple[Any, Path]] = [(source, ())]
    nodes = size = 0
    while pending:
        value, path = pending.pop()
        nodes += 1
        if isinstance(value, str):
            size += len(value)
        if nodes > MAX_NODES or size > MAX_SOURCE:
            report.error("TOO_LARGE", f"expected at most {MAX_NODES:,} values and {MAX_SOURCE:,} characters", ())
            return False
        if isinstance(value, dict):
            for key in value:
                if isinstance(key, str):
                    size += len(key)
                    _check_text(key, (*path, key), report)
                else:
                    report.error("WRONG_TYPE", f"expected every key to be a text, but got {type(key).__name__}", path)
            pending.extend((item, (*path, key)) for key, item in value.items() if isinstance(key, str))
        elif isinstance(value, list):
            pending.extend((item, (*path, index)) for index, item in enumerate(value))
        else:
            _check_scalar(value, path, report)
        if len(path) > MAX_DEPTH:
            report.error("TOO_DEEP", f"expected at most {MAX_DEPTH} levels, but there are more", path[:MAX_DEPTH])
            return False
    return not report.failed


def _check_scalar(value: Any, path: Path, report: Report) -> None:
    match value:
        case None | bool():
            pass
        case str():
            _check_text(value, path, report)
        case int():
            if not -MAX_INTEGER <= value <= MAX_INTEGER:
                report.error("OUT_OF_RANGE", "expected an integer between -2^53 and 2^53", path, "write it as a text")
        case float():
            if value - value != 0:
                report.error("OUT_OF_RANGE", "expected a finite number", path)
        case _:
            report.error("WRONG_TYPE", f"expected a JSON value, but got {type(value).__name__}", path)


def _check_text(text: str, path: Path, report: Report) -> None:
    if _UNSTORABLE.search(text):
        report.error("BAD_TEXT", "expected a text without NUL and lone surrogates", path)
