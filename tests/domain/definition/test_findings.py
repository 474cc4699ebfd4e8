"""Every finding: what it is called, and exactly where it points."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from penstock.domain.definition.findings import MAX_FINDINGS, Finding
from penstock.domain.definition.limits import MAX_STEPS
from penstock.domain.definition.read import read_definition
from penstock.domain.definition.validate import validate

HEAD = "id: x\nversion: 1.0.0\n"
"""Two lines, so that the cases below begin in line 3."""


class Case(NamedTuple):
    """``text`` after the head; ``advice`` is a part of the suggestion."""

    text: str
    code: str
    path: str
    line: int
    column: int
    advice: str


def findings(text: str) -> tuple[Finding, ...]:
    source = read_definition(text)
    return validate(source.value, source.positions)


def steps(**steps: Any) -> tuple[Finding, ...]:
    return validate({"id": "x", "version": "1.0.0", "steps": steps})


def codes(found: tuple[Finding, ...]) -> list[str]:
    return [finding.code for finding in found]


SCHEMA = [Case(*case) for case in (
    ("stesp: {}\nsteps: {a: {pass: true}}", "UNKNOWN_KEY", "stesp", 3, 1, "`steps`"),
    ("steps:\n  a: {tsk: t, pass: true}", "UNKNOWN_KEY", "steps.a.tsk", 4, 7, "next"),
    ("steps:\n  a: {task: t, tiemout: 5s}", "UNKNOWN_KEY", "steps.a.tiemout", 4, 16, "`timeout`"),
    ("steps:\n  a: {task: t, retry: {atempts: 5}}", "UNKNOWN_KEY", "steps.a.retry.atempts", 4, 24, "`attempts`"),
    ("steps:\n  a: {choose: [{otherwise: end}], next: a}", "UNKNOWN_KEY", "steps.a.next", 4, 35, ""),
    ("steps:\n  a: {queue: q, next: a}", "KIND_MISSING", "steps.a", 4, 3, "pass: true"),
    ("steps:\n  a: {task: t, wait: 5s}", "KIND_AMBIGUOUS", "steps.a.wait", 4, 16, ""),
    ("steps:\n  a: later", "WRONG_TYPE", "steps.a", 4, 6, "task"),
    ("steps: [a, b]", "WRONG_TYPE", "steps", 3, 8, "step_id"),
    ("steps: {a: {pass: 1}}", "WRONG_TYPE", "steps.a.pass", 3, 19, ""),
    ("steps: {end: {pass: true}}", "RESERVED_NAME", "steps.end", 3, 9, ""),
    ("steps: {1st: {pass: true}}", "BAD_ID", "steps.1st", 3, 9, ""),
    ('steps: {"a b": {pass: true}}', "BAD_ID", 'steps["a b"]', 3, 9, ""),
    ("steps: {a: {task: 'do it'}}", "BAD_NAME", "steps.a.task", 3, 19, ""),
    ("steps: {a: {task: t, queue: Q!}}", "BAD_NAME", "steps.a.queue", 3, 29, ""),
    ("steps: {a: {task: t, queue: control}}", "RESERVED_NAME", "steps.a.queue", 3, 29, ""),
    ("steps: {a: {task: t, timeout: 5 parsecs}}", "BAD_DURATION", "steps.a.timeout", 3, 31, "90s"),
    ("steps: {a: {task: t, timeout: 0}}", "OUT_OF_RANGE", "steps.a.timeout", 3, 31, ""),
    ("steps: {a: {task: t, heartbeat: '{{ x }}'}}", "BAD_DURATION", "steps.a.heartbeat", 3, 33, ""),
    ("steps: {a: {wait: soon}}", "BAD_DURATION", "steps.a.wait", 3, 19, ""),
    ("steps: {a: {wait: {until: tomorrow}}}", "BAD_MOMENT", "steps.a.wait.until", 3, 27, "{{ ship_date }}"),
    ("steps: {a: {wait: {}}}", "MISSING", "steps.a.wait.until", 3, 13, ""),
    ("steps: {a: {task: t, retry: {attempts: 0}}}", "OUT_OF_RANGE", "steps.a.retry.attempts", 3, 40, ""),
    ("steps: {a: {task: t, retry: {attempts: 1.5}}}", "WRONG_TYPE", "steps.a.retry.attempts", 3, 40, ""),
    ("steps: {a: {task: t, retry: {backoff: 5m, cap: 1m}}}", "OUT_OF_RANGE", "steps.a.retry.cap", 3, 48, ""),
    ("steps: {a: {task: t, retry: {jitter: 2}}}", "OUT_OF_RANGE", "steps.a.retry.jitter", 3, 38, ""),
    ("steps: {a: {task: t, retry: {never: NO}}}", "WRONG_TYPE", "steps.a.retry.never", 3, 37, ""),
    ("steps: {a: {pass: true, join: some}}", "BAD_VALUE", "steps.a.join", 3, 31, ""),
    ("steps: {a: {set: {now: 1}}}", "RESERVED_NAME", "steps.a.set.now", 3, 19, ""),
    ("steps: {a: {set: {a.b: 1}}}", "BAD_NAME", 'steps.a.set["a.b"]', 3, 19, ""),
    ("steps: {a: {task: t, output: {steps: 1}}}", "RESERVED_NAME", "steps.a.output.steps", 3, 31, ""),
    ("steps: {a: {pass: true}}\nvariables: {output: 1}", "RESERVED_NAME", "variables.output", 4, 13, ""),
    ("steps: {a: {choose: []}}", "EMPTY", "steps.a.choose", 3, 21, ""),
    ("steps: {a: {choose: [{when: x}]}}", "MISSING", "steps.a.choose[0].next", 3, 22, "next: end"),
    ("steps: {a: {choose: [{next: end}]}}", "MISSING", "steps.a.choose[0].when", 3, 22, "otherwise"),
    ("steps: {a: {choose: [{otherwise: end, when: x}]}}", "CONFLICT", "steps.a.choose[0].when", 3, 39, ""),
    ("steps:\n  a: {choose: [{when: a b, next: end}]}", "BAD_EXPRESSION", "steps.a.choose[0].when", 4, 25, ""),
    ("steps:\n  a: {choose: [{when: '{{ x }}', next: end}]}",
     "BAD_EXPRESSION", "steps.a.choose[0].when", 4, 25, "without"),
    ("steps:\n  a: {task: t, input: {k: ['{{ a +* }}']}}", "BAD_TEMPLATE", "steps.a.input.k[0]", 4, 35, ""),
    ("steps:\n  a: {task: t, input: {'{{ k }}': 1}}", "BAD_TEMPLATE", 'steps.a.input["{{ k }}"]', 4, 24, ""),
    ("steps:\n  a:\n    set:\n      b: '{{ }}'", "BAD_TEMPLATE", "steps.a.set.b", 6, 13, ""),
    ("output: '{{ x'\nsteps: {a: {pass: true}}", "BAD_TEMPLATE", "output", 3, 10, ""),
    ("start: []\nsteps: {a: {pass: true}}", "EMPTY", "start", 3, 8, ""),
    ("queues: {q: {transport: carrier pigeon}}\nsteps: {a: {task: t, queue: q}}",
     "BAD_VALUE", "queues.q.transport", 3, 25, ""),
    ("tags: sales\nsteps: {a: {pass: true}}", "WRONG_TYPE", "tags", 3, 7, ""),
    ("timeout: 200 years\nsteps: {a: {pass: true}}", "BAD_DURATION", "timeout", 3, 10, ""),
    ("variables: {n: 9007199254740993}\nsteps: {a: {pass: true}}", "OUT_OF_RANGE", "variables.n", 3, 16, ""),
    ("input: {type: objekt}\nsteps: {a: {pass: true}}", "BAD_SCHEMA", "input.type", 3, 15, ""),
    ("input: {type: array}\nsteps: {a: {pass: true}}", "BAD_SCHEMA", "input.type", 3, 15, "object"),
    ("input: {properties: {a: {$ref: 'http://h/s'}}}\nsteps: {a: {pass: true}}",
     "REMOTE_REF", "input.properties.a.$ref", 3, 32, "$defs"),
    ("input: {properties: {a: {$ref: '#/$defs/b'}}}\nsteps: {a: {pass: true}}",
     "BAD_SCHEMA", "input.properties.a.$ref", 3, 32, ""),
    ("input: {anyOf: [{$ref: '#'}]}\nsteps: {a: {pass: true}}", "BAD_SCHEMA", "input", 3, 8, ""),
    ("input: {$schema: 'http://json-schema.org/draft-07/schema#'}\nsteps: {a: {pass: true}}",
     "BAD_SCHEMA", "input.$schema", 3, 18, ""),
    ("input: {properties: {a: {pattern: '('}}}\nsteps: {a: {pass: true}}",
     "BAD_SCHEMA", "input.properties.a.pattern", 3, 35, ""),
)]  # fmt: skip

GRAPH = [Case(*case) for case in (
    ("steps: {}", "NO_START", "steps", 3, 8, ""),
    ("start: end\nsteps: {a: {pass: true}}", "NO_START", "start", 3, 8, ""),
    ("start: shop\nsteps: {ship: {pass: true}}", "DANGLING_REFERENCE", "start", 3, 8, "`ship`"),
    ("steps:\n  ship: {pass: true, next: shop}\n  shap: {pass: true}",
     "DANGLING_REFERENCE", "steps.ship.next", 4, 28, "`ship`"),
    ("steps:\n  a: {parallel: [b, nowhere]}\n  b: {pass: true}",
     "DANGLING_REFERENCE", "steps.a.parallel[1]", 4, 21, ""),
    ("steps:\n  a: {choose: [{otherwise: cc}]}\n", "DANGLING_REFERENCE", "steps.a.choose[0].otherwise", 4, 28, ""),
    ("steps:\n  a: {pass: true}\n  b: {pass: true}", "UNREACHABLE", "steps.b", 5, 3, "next"),
    ("steps:\n  a: {wait: 5s, next: b}\n  b: {pass: true, next: a}", "CYCLE_WITHOUT_EXIT", "steps.a", 4, 3, ""),
    ("steps:\n  a: {task: t, next: [a, b]}\n  b: {pass: true}", "CYCLE_WITHOUT_EXIT", "steps.a", 4, 3, ""),
    (("steps:\n  a: {choose: [{when: x, next: b}, {otherwise: c}]}\n  b: {pass: true, next: d}\n"
      "  c: {pass: true, next: d}\n  d: {pass: true, join: all}"), "JOIN_NEVER_FIRES", "steps.d.join", 7, 19, "any"),
    ("steps:\n  a: {pass: true, join: all, next: b}\n  b: {task: t, next: [{when: x, next: a}, {otherwise: end}]}",
     "JOIN_NEVER_FIRES", "steps.a.join", 4, 19, "any"),
    (("steps:\n  f: {parallel: [x, y]}\n  x: {choose: [{when: v, next: j}, {otherwise: k}]}\n"
      "  k: {wait: 1s, next: j}\n  y: {pass: true}\n  j: {pass: true, join: all}"),
     "JOIN_NEVER_FIRES", "steps.j.join", 8, 19, "any"),
)]  # fmt: skip


@pytest.mark.parametrize("case", SCHEMA)
def test_an_error_of_form_names_its_place(case: Case) -> None:
    assert _found(case).level == "schema"


@pytest.mark.parametrize("case", GRAPH)
def test_an_error_of_flow_names_its_place(case: Case) -> None:
    assert _found(case).level == ("schema" if case.path == "start" and case.code == "NO_START" else "graph")


def _found(case: Case) -> Finding:
    everything = findings(HEAD + case.text)
    found = [finding for finding in everything if (finding.code, finding.path) == (case.code, case.path)]
    assert len(found) == 1, [str(finding) for finding in everything]
    assert found[0].severity == "error"
    assert (found[0].line, found[0].column) == (case.line, case.column)
    assert case.advice in found[0].suggestion
    return found[0]


WARNINGS = [Case(*case) for case in (
    ("steps:\n  a: {choose: [{when: x, next: end}]}", "NO_OTHERWISE", "steps.a.choose", 4, 7, "otherwise"),
    ("steps:\n  a: {pass: true, next: b}\n  b: {pass: true, join: all}", "JOIN_OF_ONE", "steps.b.join", 5, 25, ""),
    ("variables: {i: 0}\nsteps:\n  a: {set: {i: '{{ i + 1 }}'}, next: [{when: i < 9, next: a}, {otherwise: end}]}",
     "AUTOMATIC_LOOP", "steps.a", 5, 3, "wait"),
    ("steps:\n  a: {parallel: [b, c]}\n  b: {pass: true, next: d}\n  c: {pass: true, next: d}\n  d: {pass: true}",
     "PARALLEL_MERGE", "steps.d", 7, 3, "join: all"),
    ("variables: {amount: 1}\nsteps:\n  a: {choose: [{when: amuont > 1, next: end}, {otherwise: end}]}",
     "NAME_NOT_SET", "steps.a.choose[0].when", 5, 23, "`amount`"),
    ("input: {properties: {a: {}}}\nsteps:\n  a: {set: {b: '{{ zzz }}'}}",
     "NAME_NOT_SET", "steps.a.set.b", 5, 16, "variables"),
    ("steps:\n  a: {set: {b: '{{ output.x }}'}}", "NAME_NOT_SET", "steps.a.set.b", 4, 16, "steps.<id>"),
    ("steps:\n  ask: {task: t, next: b}\n  b: {set: {c: '{{ steps.aks.x }}'}}",
     "NAME_NOT_SET", "steps.b.set.c", 5, 16, "`ask`"),
    ("steps:\n  ask: {task: t, output: {o: 1}, next: b}\n  b: {set: {c: \"{{ steps['ask'] }}\"}}",
     "NAME_NOT_SET", "steps.b.set.c", 5, 16, "ask"),
    ("queues: {gpu: {transport: http}}\nsteps: {a: {task: t}}", "QUEUE_NOT_USED", "queues.gpu", 3, 10, ""),
    ("variables: {a: '{{ b }}'}\nsteps: {a: {pass: true}}", "TEMPLATE_NOT_FILLED", "variables.a", 3, 16, "set"),
    ("steps: {a: {task: t, timeout: 5s, heartbeat: 10s}}", "HEARTBEAT_TOO_LONG", "steps.a.heartbeat", 3, 46, ""),
    ("input: {properties: {now: {}}}\nsteps: {a: {pass: true}}", "RESERVED_NAME", "input.properties.now", 3, 22, ""),
)]  # fmt: skip


@pytest.mark.parametrize("case", WARNINGS)
def test_a_warning_names_its_place_and_stops_nothing(case: Case) -> None:
    found = findings(HEAD + case.text)
    assert [finding.code for finding in found] == [case.code], [str(finding) for finding in found]
    assert found[0].severity == "warning"
    assert (found[0].path, found[0].line, found[0].column) == (case.path, case.line, case.column)
    assert case.advice in found[0].suggestion


def test_all_findings_come_at_once_in_the_order_of_the_text() -> None:
    text = """\
id: Not An Id
version: one
steps:
  a:
    task: t
    timeout: never
    next: bb
  b:
    choose:
      - when: "1 +"
        next: c
  c: {pass: true, nxet: a}
  d: {wait: 5s}
"""
    found = findings(text)
    assert codes(found) == [
        "BAD_ID", "BAD_VERSION", "BAD_DURATION", "DANGLING_REFERENCE", "NO_OTHERWISE", "BAD_EXPRESSION", "UNKNOWN_KEY",
        "UNREACHABLE",
    ]  # fmt: skip
    assert [finding.line for finding in found] == sorted(finding.line for finding in found)


@pytest.mark.parametrize(
    "version",
    [
        "1",
        "1.0",
        "01.0.0",
        "1.0.0.0",
        "v1.0.0",
        "1.0.0-",
        "1.0.0-01",
        "1.0.0+",
        "1.0.0\n",
        "1.0.0-a..b",
        1,
        1.0,
        None,
        "",
    ],
)
def test_a_version_is_semantic(version: object) -> None:
    found = validate({"id": "x", "version": version, "steps": {"a": {"pass": True}}})
    assert [finding.path for finding in found] == ["version"]


@pytest.mark.parametrize("version", ["0.0.0", "1.0.0", "1.0.0-rc.1", "1.0.0-0a.b-c+build.01", "10.20.30+x"])
def test_every_semantic_version_will_do(version: str) -> None:
    assert validate({"id": "x", "version": version, "steps": {"a": {"pass": True}}}) == ()


def test_without_text_findings_have_paths_but_no_lines() -> None:
    (finding,) = steps(a={"task": "t", "timeout": "x"})
    assert (finding.path, finding.line, finding.column) == ("steps.a.timeout", 0, 0)


def test_missing_keys_are_reported_with_an_example() -> None:
    assert [(finding.code, finding.path) for finding in validate({})] == [
        ("MISSING", "id"), ("MISSING", "version"), ("MISSING", "steps"),
    ]  # fmt: skip


def test_an_undeclared_input_may_hold_any_name_so_only_slips_are_reported() -> None:
    assert steps(a={"set": {"total": "{{ price * 2 }}"}}) == ()
    assert codes(steps(a={"set": {"price": "{{ prize * 2 }}"}})) == ["NAME_NOT_SET"]


def test_a_name_that_the_expression_can_do_without_is_not_reported() -> None:
    source = {"id": "x", "version": "1.0.0", "input": {"properties": {}}, "steps": {"a": {"set": {"b": "{{ c? }}"}}}}
    assert validate(source) == ()


def test_nothing_is_concluded_from_what_could_not_be_read() -> None:
    assert codes(steps(a={"task": "t", "next": 5}, b={"pass": True})) == ["WRONG_TYPE"]


def test_a_reference_with_one_letter_wrong_does_not_make_its_step_unreachable() -> None:
    assert codes(steps(a={"task": "t", "next": "shipp"}, ship={"pass": True})) == ["DANGLING_REFERENCE"]


def test_joins_that_may_fire_are_left_alone() -> None:
    j = {"pass": True, "join": "all"}
    branch = [{"when": "x", "next": "j"}, {"otherwise": "c"}]
    # the fork inside one branch feeds both ways into the join
    assert steps(a={"choose": [{"when": "x", "next": "f"}, {"otherwise": "c"}]}, f={"parallel": ["b", "c"]},
                 b={"pass": True, "next": "j"}, c={"pass": True, "next": "j"}, j=j) == ()  # fmt: skip
    # the choice is entered twice, and may go either way each time
    found = steps(f={"parallel": ["p", "q"]}, p={"pass": True, "next": "a"}, q={"pass": True, "next": "a"},
                  a={"choose": branch}, c={"pass": True, "next": "j"}, j=j)  # fmt: skip
    assert codes(found) == ["PARALLEL_MERGE"]
    # each of two parallel choices sends one
    assert steps(f={"parallel": ["a", "b"]}, a={"choose": branch}, c={"pass": True, "next": "j"},
                 b={"choose": [{"when": "y", "next": "j"}, {"otherwise": "end"}]}, j=j) == ()  # fmt: skip


def test_a_loop_beside_a_fork_is_no_parallel_merge() -> None:
    around = [{"when": "x", "next": "a"}, {"otherwise": "end"}]
    assert steps(f={"parallel": ["a", "b"]}, a={"task": "t", "next": around}, b={"pass": True}) == ()


def test_findings_are_bounded_and_errors_are_kept_before_warnings() -> None:
    many: dict[str, Any] = {f"s{n}": {"choose": [{"when": "x", "next": f"s{n + 1}"}]} for n in range(500)}
    many["s500"] = {"task": "t", "timeout": "x", "queue": "Q"}
    found = steps(**many)
    assert len(found) == MAX_FINDINGS + 1
    assert found[-1].code == "TOO_MANY_FINDINGS"
    assert {finding.code for finding in found if finding.severity == "error"} == {"BAD_DURATION", "BAD_NAME"}


def test_a_definition_has_at_most_so_many_steps_and_transitions() -> None:
    chain = {f"s{n}": {"pass": True, "next": f"s{n + 1}"} for n in range(MAX_STEPS)}
    assert codes(steps(**chain, **{f"s{MAX_STEPS}": {"pass": True}})) == ["TOO_MANY"]
    wide: dict[str, Any] = {f"s{n}": {"parallel": ["z"] * 1000} for n in range(21)}
    assert "TOO_MANY" in codes(steps(start={"parallel": list(wide)}, **wide, z={"pass": True}))


def test_the_schema_of_the_input_is_bounded() -> None:
    source = {"id": "x", "version": "1.0.0", "steps": {"a": {"pass": True}}}
    wide = {"properties": {f"p{n}": {"type": "string"} for n in range(2001)}}
    assert codes(validate({**source, "input": wide})) == ["TOO_MANY"]


def test_values_that_no_store_can_hold_are_refused() -> None:
    for value in ("a\x00b", "\ud800", float("nan"), float("inf"), 2**60, object(), (1, 2), b"x"):
        (finding,) = steps(a={"task": "t", "input": {"k": value}})
        assert finding.path == "steps.a.input.k"
    deep: Any = "x"
    for _ in range(100):
        deep = [deep]
    assert codes(steps(a={"task": "t", "input": deep})) == ["TOO_DEEP"]
    assert codes(steps(a={"task": "t", "input": {1: 2}})) == ["WRONG_TYPE"]
