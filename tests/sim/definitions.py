"""What the simulation plays: definitions by hand that together have every construct, and drawn ones."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings

from tests.domain.definition.strategies import definitions

DRAWN = 150
"""Different ones; each seed takes two."""

SHORTER = {"1h": "90s", "10m": "40s", "PT5M": "25s", "30s": "15s", "gpu": "default"}
"""The longer the story, the more idle rounds of the engine there are in it; and there is one queue."""

SPINE: Sequence[dict[str, Any]] = (
    {
        "id": "sequence",
        "version": "1.0.0",
        "steps": {
            "a": {"task": "t", "retry": {"attempts": 3, "backoff": "2s"}, "next": "b"},
            "b": {"wait": "5s", "next": "c"},
            "c": {"task": "t", "timeout": "1m", "retry": {"attempts": 2, "backoff": "1s"}},
        },
    },
    {
        "id": "branches",
        "version": "1.0.0",
        "timeout": "5m",
        "steps": {
            "fork": {"parallel": ["x", "y", "z"]},
            "x": {"task": "t", "next": "join"},
            "y": {"wait": "3s", "next": "join"},
            "z": {"task": "t", "heartbeat": "5s", "next": "join"},
            "join": {"join": "all", "choose": [{"when": "n > 5", "next": "big"}, {"otherwise": "end"}]},
            "big": {"task": "t"},
        },
    },
)

CHILD: dict[str, Any] = {
    "id": "child",
    "version": "1.0.0",
    "steps": {"work": {"task": "t", "retry": {"attempts": 2, "backoff": "1s"}, "next": "doze"}, "doze": {"wait": "2s"}},
}

SAGA: dict[str, Any] = {
    "id": "saga",
    "version": "1.0.0",
    "on_failure": "compensate",
    "on_cancel": "compensate",
    "steps": {
        "book": {"task": "t", "undo": {"task": "t", "input": {"of": "{{ output }}"}}, "next": "each_way"},
        "each_way": {
            "each": 2,
            "do": {"seat": {"task": "t", "undo": {"task": "t"}, "next": "rest"}, "rest": {"wait": "2s"}},
            "next": "region",
        },
        "region": {"do": {"visa": {"task": "t", "undo": {"task": "t"}}}, "undo": {"task": "t"}, "next": "back"},
        "back": {"compensate": ["seat"], "order": "parallel", "next": "pay"},
        "pay": {
            "task": "t",
            "undo": {"task": "t"},
            "retry": {"attempts": 2, "backoff": "1s", "undo_first": True},
            "next": "thanks",
        },
        "thanks": {"wait": "4s", "next": "sign"},
        "sign": {"task": "t", "offers": ["extra"], "heartbeat": "4s"},
        "extra": {"task": "t"},
    },
}

INBOX: dict[str, Any] = {
    "id": "inbox",
    "version": "1.0.0",
    "variables": {"got": None},
    "steps": {
        "fork": {"parallel": ["ask", "take", "tell"]},
        "ask": {
            "first": [
                {"message": "paid", "key": "k", "set": {"got": "{{ output }}"}, "next": "meet"},
                {"signal": "stop", "next": "meet"},
                {"after": "15s", "next": "meet"},
            ]
        },
        "take": {
            "wait": {"message": "paid", "key": "n"},
            "timeout": "20s",
            "catch": [{"error": "any", "next": "meet"}, {"signal": "stop", "next": "meet"}],
            "output": {"got": "{{ output }}"},
            "next": "meet",
        },
        "tell": {"send": {"message": "paid", "key": "n", "payload": {"from": "{{ execution.id }}"}}, "next": "watch"},
        "watch": {
            "task": "t",
            "catch": [
                {"message": "paid", "key": "k", "cancel": False, "next": "heard"},
                {"signal": "stop", "cancel": False, "set": {"got": "{{ output }}"}, "next": "heard"},
                {"after": "2s", "cancel": False, "next": "heard"},
            ],
            "next": "call",
        },
        "heard": {"task": "t"},
        "call": {"send": {"signal": "stop", "payload": 1}, "next": "meet"},
        "meet": {"pass": True, "join": "taken", "next": "last"},
        "last": {"task": "t"},
    },
}

LOCKS: dict[str, Any] = {
    "id": "locks",
    "version": "1.0.0",
    "steps": {
        "fork": {"parallel": ["press", "zone", "turns"]},
        "press": {"task": "t", "lock": {"name": "press", "shared": True}, "next": "again"},
        "again": {"task": "t", "lock": {"name": "press", "shared": True}, "next": "meet"},
        "zone": {
            "lock": {"name": "press", "shared": True},
            "do": {"in": {"task": "t", "next": "out"}, "out": {"wait": "2s"}},
            "timeout": "40s",
            "catch": [{"error": "any", "next": "meet"}],
            "next": "desk",
        },
        "desk": {"task": "t", "lock": "desk", "next": "meet"},
        "turns": {
            "one_at_a_time": True,
            "do": {
                "split": {"parallel": ["one", "two"]},
                "one": {"task": "t", "next": "apart"},
                "apart": {"do": {"at_desk": {"task": "t", "lock": "desk"}}},
                "two": {"wait": "1s", "next": "three"},
                "three": {"task": "t"},
            },
            "next": "meet",
        },
        "meet": {"pass": True, "join": "all", "next": "last"},
        "last": {"task": "t"},
    },
}

COPIES: dict[str, Any] = {
    "id": "copies",
    "version": "1.0.0",
    "variables": {"votes": [], "names": ["a", "b", "c", "d"]},
    "steps": {
        "ask": {
            "each": "{{ names }}",
            "as": "who",
            "at_once": 2,
            "do": {"vote": {"task": "t", "input": "{{ who }}", "next": "think"}, "think": {"wait": "1s"}},
            "collect": {"who": "{{ who }}", "said": "{{ steps.vote }}"},
            "into": "votes",
            "enough": 3,
            "rest": "cancel",
            "next": "aside",
        },
        "aside": {
            "each": 2,
            "do": {"slow": {"task": "t", "offers": ["extra"]}, "extra": {"task": "t"}},
            "await": False,
            "next": "quick",
        },
        "quick": {
            "each": 3,
            "at_once": "all",
            "do": {"race": {"task": "t"}},
            "collect": 1,
            "enough": "done >= 2",
            "next": "last",
        },
        "last": {"task": "t", "input": "{{ votes }}"},
    },
}

JOINS: dict[str, Any] = {
    "id": "joins",
    "version": "1.0.0",
    "variables": {"n": 1},
    "steps": {
        "some": {
            "include": [
                {"when": "n > 2", "next": "a"},
                {"when": "n > 4", "next": "b"},
                {"when": "n < 8", "next": "c"},
                {"otherwise": "or"},
            ]
        },
        "a": {"task": "t", "next": "or"},
        "b": {"task": "t", "next": "or"},
        "c": {"wait": "1s", "next": "or"},
        "or": {"join": "taken", "pass": True, "next": "three"},
        "three": {"parallel": ["d", "e", "f"]},
        "d": {"task": "t", "next": "two"},
        "e": {"task": "t", "next": "two"},
        "f": {"wait": "4s", "next": "two"},
        "two": {"join": {"enough": 2, "rest": "cancel"}, "pass": True, "next": "threads"},
        "threads": {"threads": 3, "next": "g"},
        "g": {"task": "t", "next": "gather"},
        "gather": {"join": {"threads": 3}, "pass": True, "next": "held"},
        "held": {"parallel": ["h", "i"]},
        "h": {"task": "t", "next": "first"},
        "i": {"task": "t", "next": "first"},
        "first": {"join": {"enough": 1, "rest": "hold"}, "task": "t", "next": "drop"},
        "drop": {"cancel": ["i"], "next": "merge"},
        "merge": {"task": "t"},
    },
}

FAMILY: dict[str, Any] = {
    "id": "family",
    "version": "1.0.0",
    "variables": {"n": 1},
    "steps": {
        "fork": {"parallel": ["waits", "leaves", "caught"]},
        "waits": {"workflow": "child", "input": {"n": 1}, "output": {"n": "{{ 2 }}"}, "next": "meet"},
        "leaves": {"workflow": "child", "await": False, "next": "meet"},
        "caught": {
            "workflow": "grandchild",
            "timeout": "30s",
            "catch": [{"error": "any", "next": "meet"}],
            "next": "meet",
        },
        "meet": {"join": "all", "task": "t"},
    },
}

GRANDCHILD: dict[str, Any] = {
    "id": "grandchild",
    "version": "1.0.0",
    "steps": {"down": {"workflow": "child", "next": "up"}, "up": {"task": "t", "retry": {"attempts": 1}}},
}

REGIONS: dict[str, Any] = {
    "id": "regions",
    "version": "1.0.0",
    "timeout": "3m",
    "variables": {"n": 0, "k": 0},
    "steps": {
        "loop": {
            "while": "n < 2",
            "at_most": 5,
            "do": {
                "try_it": {
                    "do": {
                        "work": {"task": "t", "next": "shout"},
                        "shout": {"escalate": "LATE", "next": "doubt"},
                        "doubt": {"choose": [{"when": "n == 0", "next": "break"}, {"otherwise": "doze"}]},
                        "break": {"fail": {"code": "OOPS", "message": "at {{ n }}"}},
                        "doze": {"wait": "2s"},
                    },
                    "timeout": "30s",
                    "catch": [
                        {"error": ["OOPS", "STEP_TIMED_OUT"], "set": {"k": "{{ k + 1 }}"}, "next": "plus"},
                        {"escalation": "LATE", "next": "note"},
                        {"after": "1s", "cancel": False, "next": "note"},
                    ],
                    "next": "plus",
                },
                "note": {"task": "t"},
                "plus": {"set": {"n": "{{ n + 1 }}"}},
            },
            "next": "until",
        },
        "until": {"until": "k >= 3", "at_most": 9, "do": {"more": {"set": {"k": "{{ k + 1 }}"}}}, "next": "race"},
        "race": {"parallel": ["swift", "slow"]},
        "swift": {"task": "t", "next": "over"},
        "slow": {"task": "t", "start_within": "20s", "next": "over"},
        "over": {"finish": True},
    },
}

MANY: dict[str, Any] = {
    "id": "many",
    "version": "1.0.0",
    "steps": {
        "all_of_them": {"each": 400, "do": {"mark": {"pass": True}}, "collect": 1, "into": "marks", "next": "last"},
        "last": {"task": "t"},
    },
}
"""More than one decision can hold."""

BY_HAND: Sequence[dict[str, Any]] = (SAGA, INBOX, LOCKS, COPIES, JOINS, FAMILY, REGIONS)
CALLED: Sequence[dict[str, Any]] = (CHILD, GRANDCHILD)


@functools.cache
def drawn() -> tuple[dict[str, Any], ...]:
    """The same ones in every run."""
    found: list[dict[str, Any]] = []

    @hypothesis.seed(4)
    @settings(
        max_examples=DRAWN,
        phases=(Phase.generate,),
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(definitions())
    def keep(source: dict[str, Any]) -> None:
        text = json.dumps(source)
        for long, short in SHORTER.items():
            text = text.replace(f'"{long}"', f'"{short}"')
        found.append({**json.loads(text), "id": f"drawn-{len(found)}"})

    keep()
    return tuple(found)


def step_ids(steps: Mapping[str, Any]) -> Iterator[str]:
    """Those in bodies too."""
    for name, step in steps.items():
        yield name
        yield from step_ids(step.get("do", {}))
