"""Writes the schemas beside this file from the types (``make schemas``); with ``--check`` only says what differs."""

from __future__ import annotations

import sys
from pathlib import Path

from penstock.messages.asyncapi import asyncapi_text
from penstock.messages.schemas import schema_files

HERE = Path(__file__).parent


def main() -> int:
    wanted = {**schema_files(), **_definition_schema(), "asyncapi.yaml": asyncapi_text()}
    found = {
        str(path.relative_to(HERE)): path.read_text() for path in HERE.rglob("*") if path.suffix in {".json", ".yaml"}
    }
    different = sorted(path for path in wanted.keys() | found.keys() if wanted.get(path) != found.get(path))
    if "--check" in sys.argv[1:]:
        for path in different:
            print(f"schemas/{path} is not what the types say: run `make schemas`", file=sys.stderr)
        return 1 if different else 0
    for path in different:
        if path not in wanted:
            (HERE / path).unlink()
            continue
        (HERE / path).parent.mkdir(parents=True, exist_ok=True)
        (HERE / path).write_text(wanted[path])
    print(f"{len(different)} of {len(wanted)} schemas changed")
    return 0


def _definition_schema() -> dict[str, str]:
    import msgspec  # noqa: PLC0415

    from penstock.domain.definition.schema import definition_schema  # noqa: PLC0415

    encoded = msgspec.json.encode(definition_schema())
    return {"definition.json": msgspec.json.format(encoded, indent=2).decode() + "\n"}


if __name__ == "__main__":
    sys.exit(main())
