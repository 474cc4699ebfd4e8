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

ROUND = 50
"""Tasks in one round of ``fan``."""

LOOP: dict[str, Any] = {
    "id": "loop",
    "version": "1.0.0",
    "variables": {"n": 0},
    "steps": {
        "again": {
            "while": "n < 12500",
            "at_most": 100_000,
            "do": {
                "a": {"task": "add", "next": "b"},
                "b": {"task": "add", "output": {"seen": "{{ output.n }}"}, "next": "c"},
                "c": {"task": "add", "input": {"n": "{{ n }}"}, "next": "d"},
                "d": {"task": "add", "next": [{"when": "n >= 0", "next": "plus"}, {"otherwise": "end"}]},
                "plus": {"set": {"n": "{{ n + 1 }}"}},
            },
        }
    },
}
"""50,000 tasks, four in each round."""


def fan(tasks: int) -> dict[str, Any]:
    """A loop of which each round does many tasks at once."""
    inner = {
        "fork": {"parallel": [f"b{i}" for i in range(ROUND)]},
        **{f"b{i}": {"task": "add", "next": "plus"} for i in range(ROUND)},
        "plus": {"set": {"n": "{{ n + 1 }}"}, "join": "all"},
    }
    again = {"while": f"n < {tasks // ROUND}", "at_most": 100_000, "do": inner}
    return {"id": "fan", "version": "1.0.0", "variables": {"n": 0}, "steps": {"again": again}}


def sequence(steps: int) -> dict[str, Any]:
    def following(i: int) -> dict[str, Any]:
        return {"next": f"s{i + 1}"} if i + 1 < steps else {}

    return {
        "id": "sequence",
        "version": "1.0.0",
        "steps": {f"s{i}": {"task": "add", **following(i)} for i in range(steps)},
    }


def diamonds(steps: int) -> dict[str, Any]:
    """One after another: some of three tasks, joined as they were taken, and another task; six steps each."""
    made: dict[str, Any] = {}
    for i in range(steps // 6):
        branches = [{"when": f"n > {k}", "next": f"t{i}_{k}"} for k in range(3)]
        made[f"f{i}"] = {"include": [*branches, {"otherwise": f"j{i}"}]}
        for k in range(3):
            made[f"t{i}_{k}"] = {"task": "add", "input": {"n": "{{ n + 1 }}"}, "next": f"j{i}"}
        made[f"j{i}"] = {"pass": True, "join": "taken", "next": f"w{i}"}
        made[f"w{i}"] = {"task": "add", **({"next": f"f{i + 1}"} if i + 1 < steps // 6 else {})}
    return {"id": "diamonds", "version": "1.0.0", "variables": {"n": 2}, "steps": made}


def copies(*, automatic: bool = False, **more: Any) -> dict[str, Any]:
    """A for-each over the variable ``items``, a hundred at once."""
    work = {"pass": True} if automatic else {"task": "add", "input": {"of": "{{ item }}"}}
    each = {"each": "{{ items }}", "at_once": 100, "do": {"work": work}, **more}
    return {"id": "copies", "version": "1.0.0", "steps": {"all_of_them": each}}
