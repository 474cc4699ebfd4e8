"""JSON that people give on the command line: as it is, in a file, or on standard input."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from penstock.cli.execute import Code, Failed


def json_of(text: str, option: str, what: str = "JSON") -> Any:
    """
    The value that ``text`` is, or that stands in the file which it names (``@FILE``, or ``-``).

    Raises:
        Failed: it is not ``what`` is expected after ``option``.

    """
    import orjson

    try:
        if text == "-":
            text = sys.stdin.read()
        elif text.startswith("@"):
            text = Path(text[1:]).expanduser().read_text(encoding="utf-8")
        return orjson.loads(text)
    except (OSError, ValueError) as error:
        raise Failed(f"{option}: expected {what}, but {error}", Code.USAGE) from error
