"""What can be wrong with the constructs that have bodies, events and failures, and exactly where that is said."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from penstock.domain.definition.findings import Finding
from penstock.domain.definition.read import read_definition
from penstock.domain.definition.validate import validate

HEAD = "id: x\nversion: 1.0.0\n"

FORK = "f: {parallel: [a, b]}, a: {task: t, next: j}, b: {task: t, next: j}"


class Case(NamedTuple):
    """``text`` after the head; the finding points to what follows ``¦``. ``advice`` is a part of the suggestion."""

    text: str
    code: str
    path: str
    advice: str


ERRORS = [Case(*case) for case in (
    ("steps: {a: {do: {x: {task: t}}, ¦whlie: n}}", "UNKNOWN_KEY", "steps.a.whlie", ""),
    ("steps: {a: {while: n, ¦until: n, do: {x: {pass: true}}}}", "KIND_AMBIGUOUS", "steps.a.until", ""),
    ("steps: {¦a: {while: n}}", "MISSING", "steps.a.do", "`do`"),
    ("steps: {¦a: {each: 3}}", "MISSING", "steps.a.do", "`do`"),
    ("steps: {a: {do: ¦[]}}", "WRONG_TYPE", "steps.a.do", "step_id"),
    ("steps: {a: {do: ¦{}}}", "NO_START", "steps.a.do", ""),
    ("steps: {a: {do: {x_ray: {pass: true}}, start: ¦xray}}", "DANGLING_REFERENCE", "steps.a.start", "`x_ray`"),
    ("steps: {a: {do: {¦a: {task: t}}}}", "DUPLICATE", "steps.a.do.a", "call it a_2"),
    ("steps: {a: {do: {x: {task: t}}, next: b}, b: {do: {¦x: {task: t}}}}", "DUPLICATE", "steps.b.do.x", ""),
    ("steps: {b: {do: {x: {task: t}}, next: a}, a: {task: t, next: ¦x}}",
     "CROSSES_BODY", "steps.a.next", "lead to 'b'"),
    ("steps: {b: {do: {x: {task: t, next: ¦a}}, next: a}, a: {task: t}}",
     "CROSSES_BODY", "steps.b.do.x.next", "`next: a`"),
    ("steps: {b: {do: {x: {task: t, offers: [¦a]}}, next: a}, a: {task: t}}",
     "CROSSES_BODY", "steps.b.do.x.offers[0]", ""),
    ("steps: {b: {do: {x: {cancel: ¦b}}}}", "CROSSES_BODY", "steps.b.do.x.cancel", ""),
    ("steps: {charge: {task: t, next: c}, c: {cancel: [¦chrage]}}",
     "DANGLING_REFERENCE", "steps.c.cancel[0]", "`charge`"),
    ("steps: {charge: {task: t, next: c}, c: {compensate: [¦chrage]}}",
     "DANGLING_REFERENCE", "steps.c.compensate[0]", "`charge`"),
    ("steps: {a: {task: t, offers: [¦bb]}, b: {task: t}}", "DANGLING_REFERENCE", "steps.a.offers[0]", ""),
    ("steps: {a: {task: t, catch: ¦{error: any}}}", "WRONG_TYPE", "steps.a.catch", "- error"),
    ("steps: {a: {task: t, catch: [¦{next: end}]}}", "MISSING", "steps.a.catch[0].error", "escalation"),
    ("steps: {a: {task: t, catch: [{error: any, ¦after: 5s}]}}", "CONFLICT", "steps.a.catch[0].after", ""),
    ("steps: {a: {task: t, catch: [{error: any, cancel: ¦false}]}}", "CONFLICT", "steps.a.catch[0].cancel", ""),
    ("steps: {a: {task: t, catch: [{error: ¦[]}]}}", "EMPTY", "steps.a.catch[0].error", "any"),
    ("steps: {a: {task: t, catch: [{error: any, class: ¦integraton}]}}",
     "BAD_VALUE", "steps.a.catch[0].class", "`integration`"),
    ("steps: {a: {task: t, catch: [{error: any, class: [system, ¦sistem]}]}}",
     "BAD_VALUE", "steps.a.catch[0].class[1]", "`system`"),
    ("steps: {a: {task: t, catch: [{error: any, class: ¦any}]}}", "BAD_VALUE", "steps.a.catch[0].class", ""),
    ("steps: {a: {task: t, catch: [{error: any, class: ¦[]}]}}", "EMPTY", "steps.a.catch[0].class", "leave"),
    ("steps: {a: {do: {x: {task: t}}, catch: [{escalation: any, ¦class: business}]}}",
     "CONFLICT", "steps.a.catch[0].class", "leave it out"),
    ("steps: {a: {task: t, catch: [{signal: s, ¦class: business}]}}", "CONFLICT", "steps.a.catch[0].class", ""),
    ("steps: {a: {task: t, catch: [{error: any, next: ¦b}]}}", "DANGLING_REFERENCE", "steps.a.catch[0].next", ""),
    ("steps: {a: {task: t, catch: [¦{message: m}]}}", "MISSING", "steps.a.catch[0].key", "key:"),
    ("steps: {a: {task: t, catch: [{signal: s, ¦key: k}]}}", "CONFLICT", "steps.a.catch[0].key", ""),
    ("steps: {a: {task: t, join: ¦some}}", "BAD_VALUE", "steps.a.join", ""),
    ("steps: {a: {task: t, join: {enough: ¦0}}}", "OUT_OF_RANGE", "steps.a.join.enough", ""),
    ("steps: {a: {task: t, join: {threads: 2, ¦rest: hold}}}", "CONFLICT", "steps.a.join.rest", ""),
    ("steps: {a: {task: t, join: {enough: 1, rest: ¦kill}}}", "BAD_VALUE", "steps.a.join.rest", ""),
    ("steps: {a: {each: 3, do: {x: {task: t}}, join: ¦{enough: 1}}}", "CONFLICT", "steps.a.join", "pass"),
    ("steps: {a: {each: ¦people, do: {x: {task: t}}}}", "WRONG_TYPE", "steps.a.each", "{{ people }}"),
    ("steps: {a: {each: 3, do: {x: {task: t}}, as: ¦index}}", "RESERVED_NAME", "steps.a.as", ""),
    ("steps: {a: {each: 3, do: {x: {task: t}}, at_once: ¦some}}", "WRONG_TYPE", "steps.a.at_once", "all"),
    ("steps: {a: {each: 3, do: {x: {task: t}}, ¦rest: cancel}}", "CONFLICT", "steps.a.rest", "enough"),
    ("steps: {¦a: {each: 3, do: {x: {task: t}}, into: all}}", "MISSING", "steps.a.collect", "collect"),
    ("steps: {a: {while: '1 <¦', do: {x: {task: t}}}}", "BAD_EXPRESSION", "steps.a.while", ""),
    ("steps: {a: {do: {x: {task: t}}, variables: {¦steps: 1}}}", "RESERVED_NAME", "steps.a.variables.steps", ""),
    ("steps: {a: {wait: {cron: ¦often}}}", "BAD_CRON", "steps.a.wait.cron", "0 9 * * 1-5"),
    ("steps: {a: {wait: {cron: 0 9 * * *, timezone: ¦Mars}}}", "BAD_CRON", "steps.a.wait.timezone", ""),
    ("steps: {a: {wait: {until: 2027-01-01, ¦signal: s}}}", "CONFLICT", "steps.a.wait.signal", ""),
    ("steps: {a: {wait: {message: ¦'a b', key: k}}}", "BAD_NAME", "steps.a.wait.message", "key"),
    ("steps: {a: {wait: {message: m, key: ¦5}}}", "WRONG_TYPE", "steps.a.wait.key", "quotes"),
    ("steps: {a: {wait: 5m, ¦output: {n: 1}}}", "CONFLICT", "steps.a.output", "set"),
    ("steps: {a: {first: ¦[]}}", "EMPTY", "steps.a.first", ""),
    ("steps: {a: {first: ¦{after: 5m}}}", "WRONG_TYPE", "steps.a.first", "after"),
    ("steps: {a: {first: [¦{next: end}]}}", "MISSING", "steps.a.first[0].message", "signal"),
    ("steps: {a: {send: {signal: s, ¦keep: 1d}}}", "CONFLICT", "steps.a.send.keep", ""),
    ("steps: {a: {¦send: {payload: 1}}}", "MISSING", "steps.a.send.message", "signal"),
    ("steps: {a: {fail: ¦''}}", "EMPTY", "steps.a.fail", ""),
    ("steps: {a: {¦fail: {message: x}}}", "MISSING", "steps.a.fail.code", "code"),
    ("steps: {a: {fail: A, ¦next: a}}", "UNKNOWN_KEY", "steps.a.next", ""),
    ("steps: {a: {threads: ¦0}}", "OUT_OF_RANGE", "steps.a.threads", ""),
    ("steps: {a: {task: t, ¦lock: {shared: true}}}", "MISSING", "steps.a.lock.name", "name"),
    ("steps: {a: {task: t, lock: ¦'n {{ n }}'}}", "BAD_NAME", "steps.a.lock", "fixed"),
    ("steps: {¦a: {task: t, retry: {undo_first: true}}}", "MISSING", "steps.a.undo", "undo"),
    ("steps: {a: {task: t, undo: ¦refund}}", "WRONG_TYPE", "steps.a.undo", ""),
    ("steps: {a: {task: t, ¦undo: {input: 1}}}", "MISSING", "steps.a.undo.task", "task"),
    ("steps: {a: {workflow: ¦W}}", "BAD_ID", "steps.a.workflow", ""),
    ("steps: {a: {workflow: w, version: ¦1}}", "WRONG_TYPE", "steps.a.version", "1.0.0"),
    ("steps: {a: {workflow: w, await: false, ¦output: {r: 1}}}", "CONFLICT", "steps.a.output", "await"),
    ("triggers: ¦[{every: 5m}]\nsteps: {a: {task: t}}", "WRONG_TYPE", "triggers", "its_id"),
    ("triggers: {t: {¦every: 5m, cron: 0 9 * * *}}\nsteps: {a: {task: t}}", "CONFLICT", "triggers.t.every", ""),
    ("triggers: {t: {hook: h, ¦catch_up: all}}\nsteps: {a: {task: t}}", "CONFLICT", "triggers.t.catch_up", ""),
    ("on_failure: ¦undo\nsteps: {a: {task: t}}", "BAD_VALUE", "on_failure", ""),
    ("max_visits: ¦0\nsteps: {a: {task: t}}", "OUT_OF_RANGE", "max_visits", ""),
    ("steps: {a: {do: {x: {task: t}, ¦y: {task: t}}}}", "UNREACHABLE", "steps.a.do.y", "next"),
    ("steps: {a: {do: {¦x: {task: t, next: y}, y: {task: t, next: x}}}}",
     "CYCLE_WITHOUT_EXIT", "steps.a.do.x", "branch"),
    (
        ("steps: {f: {parallel: [a, b]}, a: {task: t, next: j}, b: {task: t, next: j}, j: {pass: true, "
         "join: {¦enough: 3}}}"),
        "JOIN_NEVER_FIRES", "steps.j.join.enough", "at most 2",
    ),
    (
        ("steps: {f: {choose: [{when: n, next: a}, {otherwise: b}]}, a: {task: t, next: j}, b: {task: t, "
         "next: j}, j: {pass: true, ¦join: {enough: 2}}}"),
        "JOIN_NEVER_FIRES", "steps.j.join", "any",
    ),
    ("steps: {a: {task: t, catch: [{error: any, next: j}], next: j}, j: {pass: true, ¦join: all}}",
     "JOIN_NEVER_FIRES", "steps.j.join", "any"),
    ("steps: {b: {one_at_a_time: true, do: {x: {task: t, ¦lock: desk}}}}", "CONFLICT", "steps.b.do.x.lock", "block"),
)]  # fmt: skip

WARNINGS = [Case(*case) for case in (
    ("steps: {¦a: {while: n < 3, do: {x: {set: {n: 1}}}}}", "AUTOMATIC_LOOP", "steps.a", "wait"),
    ("steps: {a: {task: t, next: c}, c: {compensate: ¦a}}", "UNDO_MISSING", "steps.c.compensate", "undo"),
    ("steps: {c: {compensate: ¦all}}", "UNDO_MISSING", "steps.c.compensate", "undo"),
    ("on_cancel: ¦compensate\nsteps: {a: {task: t}}", "UNDO_MISSING", "on_cancel", "undo"),
    (
        ("steps: {f: {include: [{when: n, next: a}, {otherwise: b}]}, a: {task: t, next: j}, b: {task: t, "
         "next: j}, j: {pass: true, join: ¦all}}"),
        "JOIN_MAY_LACK", "steps.j.join", "taken",
    ),
    (
        ("steps: {f: {include: [{when: n, next: a}, {otherwise: b}]}, a: {task: t, next: j}, b: {task: t, "
         "next: j}, ¦j: {pass: true}}"),
        "PARALLEL_MERGE", "steps.j", "taken",
    ),
    ("steps: {a: {task: t, next: j}, j: {pass: true, join: ¦taken}}", "JOIN_OF_ONE", "steps.j.join", ""),
)]  # fmt: skip


def found(text: str) -> tuple[Finding, ...]:
    source = read_definition(HEAD + text)
    return validate(source.value, source.positions)


def steps(text: str, head: str = "") -> tuple[Finding, ...]:
    return found(f"{head}steps: {{{text}}}")


def codes(findings: tuple[Finding, ...]) -> list[str]:
    return [finding.code for finding in findings]


@pytest.mark.parametrize("case", ERRORS, ids=lambda case: case.text[:60])
def test_errors(case: Case) -> None:
    (finding,) = [one for one in found(case.text.replace("¦", "")) if one.severity == "error"]
    check(finding, case)


@pytest.mark.parametrize("case", WARNINGS, ids=lambda case: case.text[:60])
def test_warnings(case: Case) -> None:
    (finding,) = [one for one in found(case.text.replace("¦", "")) if one.code != "NAME_NOT_SET"]
    assert finding.severity == "warning"
    check(finding, case)


def check(finding: Finding, case: Case) -> None:
    before = f"{HEAD}{case.text}".partition("¦")[0].split("\n")
    assert (finding.code, finding.path) == (case.code, case.path)
    assert (finding.line, finding.column) == (len(before), len(before[-1]) + 1)
    assert case.advice in finding.suggestion


@pytest.mark.parametrize(
    "text",
    [
        # offers and catches lead to steps
        "a: {task: t, offers: [b]}, b: {task: t}",
        "a: {task: t, catch: [{error: any, next: b}]}, b: {task: t}",
        "a: {first: [{signal: s, next: b}, {after: 5m, next: end}]}, b: {task: t}",
        # a loop may be ended by what is around it, beside it, or by an event
        "a: {do: {x: {task: t, next: y}, y: {task: t, next: x}}, timeout: 1h}",
        "a: {do: {x: {task: t, next: x}}, catch: [{after: 1h}]}",
        "a: {parallel: [x, y]}, x: {task: t, next: x}, y: {wait: 1h, next: z}, z: {cancel: x}",
        "a: {parallel: [x, y]}, x: {task: t, next: x}, y: {wait: 1h, next: z}, z: {finish: true}",
        "a: {task: t, catch: [{error: DONE, next: b}], next: a}, b: {task: t}",
        "a: {first: [{signal: s, next: end}, {after: 5m, next: a}]}",
        # joins
        f"{FORK}, j: {{pass: true, join: {{enough: 1, rest: cancel}}}}",
        f"{FORK}, j: {{pass: true, join: taken}}",
        "a: {threads: 3, next: b}, b: {task: t, next: j}, j: {pass: true, join: {threads: 3}}",
        "a: {task: t, undo: {task: u}, next: c}, c: {compensate: [a]}",
        "a: {do: {x: {task: t, undo: {task: u}}}, next: c}, c: {compensate: a}",
        "a: {compensate: [x], next: b}, b: {do: {x: {task: t, undo: {task: u}}}}",
    ],
)
def test_there_is_nothing_to_say_about(text: str) -> None:
    assert [str(finding) for finding in steps(text)] == []


def test_names_are_known_where_they_stand_for_something() -> None:
    assert (
        steps(
            """
        a: {do: {x: {task: t, input: "{{ own }}"}}, variables: {own: 1}, next: b},
        b: {each: 3, do: {y: {task: t, input: ["{{ item }}", "{{ index }}", "{{ own }}"]}},
            variables: {own: 2}, collect: "{{ index }}", into: list,
            enough: "len(results) > 1 and done < total", next: c},
        c: {task: t, catch: [{error: any, set: {why: "{{ error.code }}"}}, {signal: s, set: {why: "{{ output }}"}}],
            undo: {task: u, input: "{{ output }}"}, next: d},
        d: {first: [{signal: s, set: {why: "{{ output }}"}}], next: e},
        e: {until: why != 1, do: {z: {set: {ready: true}, next: w}, w: {wait: 5s}}, variables: {ready: false}},
        """,
            head="input: {properties: {}}\ntriggers: {t: {hook: h, input: '{{ payload }} {{ key }} {{ due }}'}}\n",
        )
        == ()
    )


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a: {do: {x: {task: t}}, variables: {own: 1}, next: b}, b: {task: t, input: '{{ own }}'}", "own"),
        ("a: {each: 3, do: {x: {task: t}}, next: b}, b: {task: t, input: '{{ index }}'}", "index"),
        ("a: {each: 3, as: one, do: {x: {task: t, input: '{{ item }}'}}}", "item"),
        ("a: {each: '{{ item }}', do: {x: {task: t}}}", "item"),
        ("a: {task: t, input: '{{ error.code }}'}", "error"),
        ("a: {task: t, catch: [{signal: s, set: {n: '{{ error }}'}}]}", "error"),
        ("a: {task: t, catch: [{error: any, set: {n: '{{ output }}'}}]}", "output"),
        ("a: {task: t, input: '{{ output }}'}", "output"),
        ("a: {each: 3, do: {x: {task: t}}, collect: '{{ results }}'}", "results"),
        ("a: {while: own, variables: {own: 1}, do: {x: {task: t}}}", "own"),
        ("a: {wait: {signal: s}, next: b}, b: {task: t, input: '{{ steps.a.x }}'}", "'a' keeps no output"),
    ],
)
def test_names_are_unknown_elsewhere(text: str, name: str) -> None:
    (finding,) = steps(text, "input: {properties: {}}\n")
    assert finding.code == "NAME_NOT_SET"
    assert name in finding.message


def test_a_set_in_a_body_changes_its_own_variable_and_sets_no_other() -> None:
    inside = "a: {do: {x: {set: {own: 2}}}, variables: {own: 1}, next: b}, b: {task: t, input: '{{ own }}'}"
    outside = "a: {do: {x: {set: {own: 2}}}, next: b}, b: {task: t, input: '{{ own }}'}"
    head = "input: {properties: {}}\n"
    assert codes(steps(inside, head)) == ["NAME_NOT_SET"]
    assert codes(steps(outside, head)) == []


def test_a_trigger_sees_what_starts_it_and_no_variables() -> None:
    (finding,) = steps("a: {task: t}", "variables: {amount: 1}\ntriggers: {t: {message: m, input: '{{ amount }}'}}\n")
    assert (finding.code, finding.path) == ("NAME_NOT_SET", "triggers.t.input")
    assert "payload" in finding.suggestion


def test_a_definition_of_five_thousand_steps_in_bodies_is_too_large_by_one() -> None:
    def body(name: str, count: int) -> dict[str, Any]:
        made: dict[str, Any] = {f"{name}{at}": {"task": "t", "next": f"{name}{at + 1}"} for at in range(count - 1)}
        return {**made, f"{name}{count - 1}": {"task": "t"}}

    def definition(rest: int) -> dict[str, Any]:
        blocks = {"one": {"do": body("a", 2_498), "next": "two"}, "two": {"do": body("b", rest)}}
        return {"id": "x", "version": "1.0.0", "steps": blocks}

    assert codes(validate(definition(2_500))) == []
    assert "TOO_MANY" in codes(validate(definition(2_501)))


def test_bodies_within_bodies_are_bounded() -> None:
    def nested(levels: int) -> dict[str, Any]:
        step: dict[str, Any] = {"task": "t"}
        for level in range(levels):
            step = {"do": {f"s{level}": step}}
        return {"id": "x", "version": "1.0.0", "steps": {"top": step}}

    assert codes(validate(nested(18))) == []
    assert codes(validate(nested(19))) == ["TOO_DEEP"]
