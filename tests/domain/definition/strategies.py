"""Random definitions that are sound: blocks within blocks, put together from the end to the start."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from hypothesis import strategies as st

VARIABLES: dict[str, Any] = {"amount": 5, "flag": False, "name": "n", "items": [1, 2]}
CONDITIONS = ("amount > 10", "flag", "not flag", "name == 'n' and amount <= 5", "len(items) > 1", "2 in items", "false")
VALUES = (1, "text", None, [1, "{{ amount }}"], "{{ amount + 1 }}", "n is {{ name }}", {"deep": "{{ items[0] }}"})
PERIODS = ("30s", "PT5M", 2, "{{ amount }}s")


SPINE = frozenset({"sequence", "choice", "fork", "loop"})
"""Constructs that need nothing but workers and a clock, and no bodies."""

BODIES = frozenset({"block", "while", "until", "each", "caught", "escalated"})
JOINS = frozenset({"include", "enough", "threads", "withdrawn"})
EVENTS = frozenset({"first", "message", "boundary"})
OTHERS = frozenset({"workflow", "compensate", "offer", "lock", "finish"})
CONSTRUCTS = SPINE | BODIES | JOINS | EVENTS | OTHERS


@st.composite
def definitions(
    draw: st.DrawFn, max_blocks: int = 6, constructs: Collection[str] = CONSTRUCTS, child: str = "child"
) -> dict[str, Any]:
    """
    A source that compiles without errors, of about ``max_blocks`` blocks beside those that hold them together.

    If every task is completed some time and the clock goes on, it ends, whether or not messages come; ``child`` is the
    definition that its sub-workflows are executions of.
    """
    builder = _Builder(draw, max_blocks, sorted(constructs), child)
    entry = builder.block("", may_end=True)
    source: dict[str, Any] = {"id": "random", "version": "1.0.0", "variables": {**VARIABLES, **builder.counters}}
    if draw(st.booleans()):
        source["input"] = {"type": "object", "properties": {"amount": {"type": "number"}}}
    if draw(st.booleans()):
        source["output"] = {"amount": "{{ amount }}"}
    if draw(st.booleans()):
        source["start"] = entry
    source["steps"] = _first(entry, builder.steps)
    return source


def _first(entry: str, steps: dict[str, Any]) -> dict[str, Any]:
    return {entry: steps[entry], **{name: step for name, step in steps.items() if name != entry}}


class _Builder:
    def __init__(self, draw: st.DrawFn, blocks: int, constructs: list[str], child: str) -> None:
        self._draw = draw
        self._left = blocks
        self._kinds = ["step", *constructs]
        self._child = child
        self._count = 0
        self._looping = False
        self.steps: dict[str, dict[str, Any]] = {}
        self.counters: dict[str, int] = {}

    def block(self, following: str, *, may_end: bool, depth: int = 0) -> str:
        """Adds steps that go on to ``following`` (nothing: the path ends) and gives the id of the first."""
        self._left -= 1
        kind = "step" if self._left <= 0 or depth > 3 else self._draw(st.sampled_from(self._kinds))
        match kind:
            case "sequence":
                second = self.block(following, may_end=may_end, depth=depth + 1)
                return self.block(second, may_end=may_end, depth=depth + 1)
            case "choice":
                return self._choice(following, may_end, depth)
            case "fork":
                return self._fork(following, depth)
            case "loop":
                return self._loop(following, depth)
            case "step" | "lock" | "offer":
                return self._step(following, kind)
            case "finish" if may_end and not following:
                return self._add({"finish": True})
            case _ if kind in BODIES:
                return self._composite(kind, following, depth)
            case _ if kind in JOINS:
                return self._joined(kind, following, depth)
            case _:
                return self._eventful(kind, following, depth)

    def _composite(self, kind: str, following: str, depth: int) -> str:
        after = {"next": following} if following else {}
        if kind == "caught":
            inner = self._body_of(lambda: self._add({"fail": {"code": "OOPS", "message": "at {{ amount }}"}}))
            catch = {"error": self._draw(st.sampled_from(["any", "OOPS", ["NO", "OOPS"]])), **after}
            classes = self._draw(st.sampled_from(["business", ["integration", "system"]]))
            sorted_out = {"error": "any", "class": classes, "set": {"result": "{{ error.class }}"}, **after}
            catches = [sorted_out, {**catch, "set": {"result": "{{ error.code }}"}}]
            return self._add({"do": inner, "catch": catches, **after})
        if kind == "escalated":
            told = self._step("", "step")
            inner = self._body_of(lambda: self._add({"escalate": "LATE", "next": self._step("", "step")}))
            return self._add({"do": inner, "catch": [{"escalation": "any", "next": told}], **after})
        if kind == "each":
            return self._each(after, depth)
        if kind == "block":
            inner = self._body_of(lambda: self.block("", may_end=True, depth=depth + 1))
            optional = st.fixed_dictionaries(
                {},
                optional={
                    "variables": st.just({"inner": "{{ amount + 1 }}", "flag": True}),
                    "one_at_a_time": st.booleans(),
                    "lock": st.just(f"zone-{self._count}"),
                },
            )
            settings = self._draw(optional)
            if any("lock" in step for step in inner.values()):
                settings.pop("one_at_a_time", None)  # a step has one lock at most
            return self._add({"do": inner, **settings, **after})
        counter = self._counter()
        again = {"set": {counter: f"{{{{ {counter} + 1 }}}}"}}

        def build() -> str:
            return self._add({**again, "next": self.block("", may_end=True, depth=depth + 1)})

        rounds = self._draw(st.integers(0, 3))
        condition = {"while": f"{counter} < {rounds}"} if kind == "while" else {"until": f"{counter} >= {rounds}"}
        return self._add({**condition, "at_most": 50, "do": self._body_of(build), **after})

    def _each(self, after: dict[str, Any], depth: int) -> str:
        draw = self._draw
        inner = self._body_of(lambda: self.block("", may_end=True, depth=depth + 1))
        step: dict[str, Any] = {
            "each": draw(st.sampled_from([0, 2, 3, ["a", "{{ amount }}"], "{{ items }}"])),
            "do": inner,
        }
        step |= draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "as": st.just("thing"),
                    "at_once": st.sampled_from([1, 2, "all"]),
                    "variables": st.just({"own": "{{ amount }}"}),
                },
            )
        )
        if draw(st.booleans()):
            item = step.get("as", "item")
            step |= {"collect": draw(st.sampled_from([1, {"item": f"{{{{ {item} }}}}", "at": "{{ index }}"}]))}
            step |= draw(st.fixed_dictionaries({}, optional={"into": st.just("results_of_all")}))
        if draw(st.booleans()):
            step |= {"enough": draw(st.sampled_from([1, 2, "done >= total - 1"]))}
            step |= draw(st.fixed_dictionaries({}, optional={"rest": st.sampled_from(["ignore", "cancel"])}))
        elif draw(st.integers(0, 3)) == 0:
            step["await"] = False
        return self._add({**step, **after})

    def _joined(self, kind: str, following: str, depth: int) -> str:
        after = {"next": following} if following else {}
        draw = self._draw
        if kind == "threads":
            count = draw(st.integers(1, 3))
            join = self._add({"pass": True, "join": {"threads": count}, **after})
            return self._add({"threads": count, "next": self._step(join, "step")})
        if kind == "withdrawn":
            join = self._add({"pass": True, "join": "taken", **after})
            other = self._add({"task": "work", "next": join})
            cancel = self._add({"cancel": draw(st.sampled_from([other, [other]])), "next": join})
            return self._add({"parallel": [self._add({"task": "work", "next": cancel}), other]})
        count = draw(st.integers(2, 3))
        if kind == "include":
            join = self._add({"pass": True, "join": "taken", **after})
            targets = [self._branch(join, depth) for _ in range(count)]
            branches: list[dict[str, Any]] = [{"when": self._condition(), "next": target} for target in targets]
            return self._add({"include": [*branches, {"otherwise": join}]})
        # where a way in can arrive again before the wave is over, one that is ignored would be lost
        rests = ["cancel", "hold"] if self._looping else ["ignore", "cancel", "hold"]
        enough = {"enough": draw(st.integers(1, count)), "rest": draw(st.sampled_from(rests))}
        join = self._add({"pass": True, "join": enough, **after})
        return self._add({"parallel": [self._branch(join, depth) for _ in range(count)]})

    def _branch(self, join: str, depth: int) -> str:
        """A block whose ways out all lead to ``join`` by one and the same transition."""
        merge = self._add({"pass": True, "next": join})
        return self.block(merge, may_end=False, depth=depth + 1)

    def _eventful(self, kind: str, following: str, depth: int) -> str:
        after = {"next": following} if following else {}
        draw = self._draw
        key = draw(st.sampled_from(["k", "{{ name }}"]))
        match kind:
            case "first":
                ways = [self._step(following, "step"), following or "end"]
                options: list[dict[str, Any]] = [
                    {"after": draw(st.sampled_from(PERIODS))},
                    {"message": "paid", "key": key, "set": {"result": "{{ output }}"}, "next": ways[0]},
                    {"signal": "stop", "next": ways[1]},
                ]
                return self._add({"first": options, **after})
            case "message":
                return self._message(key, after)
            case "boundary":
                remind = self._step("", "step")
                catches: list[dict[str, Any]] = [
                    {"error": ["NO", "TASK_TIMED_OUT"], **after},
                    {"after": "10m", "cancel": False, "next": remind},
                    {"after": "1h", **after},
                    {"signal": "stop", "set": {"result": "{{ output }}"}, **after},
                ]
                chosen = [catch for catch in catches if draw(st.booleans())] or catches[:2]
                if catches[1] not in chosen:
                    del self.steps[remind]
                return self._add({"task": "work", "catch": chosen, **after})
            case "workflow":
                options_of = {"output": st.just({"result": "{{ output }}"}), "input": st.just({"amount": 1})}
                step = draw(st.fixed_dictionaries({"workflow": st.just(self._child)}, optional=options_of))
                if "output" not in step and draw(st.booleans()):
                    step["await"] = False
                return self._add({**step, **after})
            case _:
                undone = {"compensate": draw(st.sampled_from(["all", ["any"]])), **after}
                name = self._add({"task": "work", "undo": {"task": "undo-work", "input": {"of": "{{ output }}"}}})
                undone["compensate"] = "all" if undone["compensate"] == "all" else [name]
                undone |= draw(st.fixed_dictionaries({}, optional={"order": st.sampled_from(["reverse", "parallel"])}))
                self.steps[name]["next"] = self._add(undone)
                return name

    def _message(self, key: str, after: dict[str, Any]) -> str:
        """A message that is sent, and then waited for."""
        wait = {"wait": {"message": "paid", "key": key}, "timeout": "1h", **after}
        waits = self._add({**wait, "catch": [{"error": "any", **after}]})
        send = {"send": {"message": "paid", "key": key, "payload": {"amount": "{{ amount }}"}, "keep": "1d"}}
        return self._add({**send, "next": waits})

    def _body_of(self, build: Callable[[], str]) -> dict[str, Any]:
        """What ``build`` adds, as a body that starts with the step that it gives."""
        outer, self.steps = self.steps, {}
        looping, self._looping = self._looping, False
        entry = build()
        inner, self.steps = _first(entry, self.steps), outer
        self._looping = looping
        return inner

    def _counter(self) -> str:
        counter = f"count_{len(self.counters)}"
        self.counters[counter] = 0
        return counter

    def _choice(self, following: str, may_end: bool, depth: int) -> str:
        targets = [
            self.block(following, may_end=may_end, depth=depth + 1) for _ in range(self._draw(st.integers(1, 2)))
        ]
        branches: list[dict[str, Any]] = [{"when": self._condition(), "next": target} for target in targets]
        last = following
        if not following or (may_end and self._draw(st.booleans())):
            last = "end"
        branches.insert(self._draw(st.integers(0, len(branches))), {"otherwise": last})
        if self._draw(st.booleans()):
            return self._add({"choose": branches})
        return self._add({**self._body(), "next": branches})

    def _fork(self, following: str, depth: int) -> str:
        join = self._add({"pass": True, "join": "all", **({"next": following} if following else {})})
        count = self._draw(st.integers(2, 3))
        targets = [self._branch(join, depth) for _ in range(count)]
        if self._draw(st.booleans()):
            return self._add({"parallel": targets})
        return self._add({**self._body(), "next": targets})

    def _loop(self, following: str, depth: int) -> str:
        counter = self._counter()
        check = f"check_{counter}"
        self.steps[check] = {}
        looping, self._looping = self._looping, True
        inside = self.block(check, may_end=False, depth=depth + 1)
        self._looping = looping
        again = self._add({"set": {counter: f"{{{{ {counter} + 1 }}}}"}, "next": inside})
        rounds = self._draw(st.integers(0, 3))
        branches = [{"when": f"{counter} < {rounds}", "next": again}, {"otherwise": following or "end"}]
        self.steps[check] = {"choose": branches}
        return inside

    def _step(self, following: str, kind: str = "step") -> str:
        body = self._body()
        if kind == "lock":
            body = {"task": "work", "lock": "desk"}
        elif kind == "offer":
            body = {"task": "work", "offers": [self._add({"task": "change-it"})]}
        if following:
            body["next"] = self._draw(st.sampled_from([following, [following]]))
        elif self._draw(st.booleans()):
            body["next"] = "end"
        return self._add(body)

    def _body(self) -> dict[str, Any]:
        draw = self._draw
        match draw(st.sampled_from(["task", "task", "wait", "set", "pass"])):
            case "task":
                return {"task": draw(st.sampled_from(["work", "check-it", "a.b:c"])), **self._settings()}
            case "wait":
                return {"wait": draw(st.sampled_from([*PERIODS, {"until": "2026-01-01T00:00:00Z"}]))}
            case "set":
                changed = st.sampled_from(["flag", "amount_2", "result"])
                return {"set": draw(st.dictionaries(changed, st.sampled_from(VALUES), max_size=2))}
            case _:
                return {"pass": True}

    def _settings(self) -> dict[str, Any]:
        settings: dict[str, st.SearchStrategy[Any]] = {
            "input": st.sampled_from(VALUES),
            "output": st.just({"result": "{{ output }}"}),
            "retry": st.fixed_dictionaries(
                {}, optional={"attempts": st.integers(1, 4), "backoff": st.just("1s"), "never": st.just(["NO"])}
            ),
            "timeout": st.sampled_from(PERIODS),
            "heartbeat": st.just("1s"),
            "start_within": st.sampled_from(PERIODS),
            "queue": st.sampled_from(["default", "gpu"]),
            "name": st.just("Work on {{ name }}"),
        }
        return self._draw(st.fixed_dictionaries({}, optional=settings))

    def _condition(self) -> str:
        return self._draw(st.sampled_from(CONDITIONS))

    def _add(self, body: dict[str, Any]) -> str:
        name = f"s{self._count}"
        self._count += 1
        self.steps[name] = body
        return name
