"""What is measured: three trivial tasks in sequence (W3), and ten in parallel with a join (P10)."""

from __future__ import annotations

from typing import Any

W3: dict[str, Any] = {
    "id": "w3",
    "version": "1.0.0",
    "steps": {
        "s0": {"task": "add", "next": "s1"},
        "s1": {"task": "add", "next": "s2"},
        "s2": {"task": "add"},
    },
}

P10: dict[str, Any] = {
    "id": "p10",
    "version": "1.0.0",
    "steps": {
        "fork": {"parallel": [f"b{i}" for i in range(10)]},
        **{f"b{i}": {"task": "add", "next": "join"} for i in range(10)},
        "join": {"pass": True, "join": "all"},
    },
}
