"""The demo's data: what each execution of which definition starts with."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from itertools import chain, islice, zip_longest
from pathlib import Path
from typing import Any, Final, NamedTuple

HERE: Final = Path(__file__).parent
DEFINITIONS: Final = HERE / "definitions"
DATA: Final = HERE / "data"
_NUMBERS: Final = {"tests": int, "failed_tests": int, "warm_up_checks": int, "error_percent": float, "latency_ms": int}


class Start(NamedTuple):
    definition: str
    business_key: str
    input: dict[str, Any]


def starts(limit: int | None = None) -> list[Start]:
    """What is started, the three kinds in turn; ``limit`` of them, or all."""
    in_turn = zip_longest(_orders(), _documents(), _releases())
    return list(islice((start for start in chain.from_iterable(in_turn) if start is not None), limit))


def _orders() -> Iterator[Start]:
    for order in _lines("orders.jsonl"):
        yield Start("order-approval", order["order_id"], order)


def _documents() -> Iterator[Start]:
    for document in _lines("documents.jsonl"):
        yield Start("document-pipeline", document["document_id"], document)


def _releases() -> Iterator[Start]:
    with (DATA / "releases.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            release = {name: _NUMBERS.get(name, str)(text) for name, text in row.items()}
            yield Start("deployment", row["release_id"], release)


def _lines(name: str) -> Iterator[dict[str, Any]]:
    with (DATA / name).open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
