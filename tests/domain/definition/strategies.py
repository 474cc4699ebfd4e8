"""Random definitions that are sound: blocks within blocks, put together from the end to the start."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

VARIABLES: dict[str, Any] = {"amount": 5, "flag": False, "name": "n", "items": [1, 2]}
CONDITIONS = ("amount > 10", "flag", "not flag", "name == 'n' and amount <= 5", "len(items) > 1", "2 in items", "false")
VALUES = (1, "text", None, [1, "{{ amount }}"], "{{ amount + 1 }}", "n is {{ name }}", {"deep": "{{ items[0] }}"})
PERIODS = ("30s", "PT5M", 2, "{{ amount }}s")


@st.composite
def definitions(draw: st.DrawFn, max_blocks: int = 6) -> dict[str, Any]:
    """A source that compiles without errors, of about ``max_blocks`` blocks beside those that hold them together."""
    builder = _Builder(draw, max_blocks)
    entry = builder.block("", may_end=True)
    source: dict[str, Any] = {"id": "random", "version": "1.0.0", "variables": {**VARIABLES, **builder.counters}}
    if draw(st.booleans()):
        source["input"] = {"type": "object", "properties": {"amount": {"type": "number"}}}
    if draw(st.booleans()):
        source["output"] = {"amount": "{{ amount }}"}
    if draw(st.booleans()):
        source["start"] = entry
    steps = builder.steps
    source["steps"] = {entry: steps.pop(entry), **steps}
    return source


class _Builder:
    def __init__(self, draw: st.DrawFn, blocks: int) -> None:
        self._draw = draw
        self._left = blocks
        self.steps: dict[str, dict[str, Any]] = {}
        self.counters: dict[str, int] = {}

    def block(self, following: str, *, may_end: bool, depth: int = 0) -> str:
        """Adds steps that go on to ``following`` (nothing: the path ends) and gives the id of the first."""
        self._left -= 1
        plain = self._left <= 0 or depth > 3
        kinds = ["step"] if plain else ["step", "sequence", "choice", "fork", "loop"]
        match self._draw(st.sampled_from(kinds)):
            case "sequence":
                second = self.block(following, may_end=may_end, depth=depth + 1)
                return self.block(second, may_end=may_end, depth=depth + 1)
            case "choice":
                return self._choice(following, may_end, depth)
            case "fork":
                return self._fork(following, depth)
            case "loop":
                return self._loop(following, depth)
            case _:
                return self._step(following)

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
        targets = [self.block(join, may_end=False, depth=depth + 1) for _ in range(count)]
        if self._draw(st.booleans()):
            return self._add({"parallel": targets})
        return self._add({**self._body(), "next": targets})

    def _loop(self, following: str, depth: int) -> str:
        counter = f"count_{len(self.counters)}"
        self.counters[counter] = 0
        check = f"check_{counter}"
        self.steps[check] = {}
        inside = self.block(check, may_end=False, depth=depth + 1)
        again = self._add({"set": {counter: f"{{{{ {counter} + 1 }}}}"}, "next": inside})
        rounds = self._draw(st.integers(0, 3))
        branches = [{"when": f"{counter} < {rounds}", "next": again}, {"otherwise": following or "end"}]
        self.steps[check] = {"choose": branches}
        return inside

    def _step(self, following: str) -> str:
        body = self._body()
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
        name = f"s{len(self.steps)}"
        self.steps[name] = body
        return name
