"""Paths to closures: how a value is found inside the values that an evaluation is given."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from penstock.domain.expressions.failures import EvaluationFailed, did_you_mean, shorten
from penstock.domain.expressions.tree import Get, Index, Key, Length, Literal, Node, Path, Step
from penstock.domain.expressions.values import is_number, kind_of

Names: TypeAlias = Mapping[str, object]
Run: TypeAlias = Callable[[Names], Any]
Build: TypeAlias = Callable[[Node], Run]
_Walk: TypeAlias = Callable[[Any, Names], Any]

MISSING: Final = object()
_HYPHEN: Final = re.compile(r"-[^\W\d]")


def route(path: Path, source: str, build: Build, nothing: object = None) -> Run:
    """The closure that follows ``path``. Where it may lead nowhere and does, it gives ``nothing``."""
    follow = _long_route(path, source, build, nothing)
    if not isinstance(path.root, str) or path.optional:
        return follow
    keys = tuple(step.name for step in path.steps if isinstance(step, Key) and not step.optional)
    if len(keys) < len(path.steps):
        return follow
    return _short_route(path.root, keys, follow)


def label(path: Path, source: str) -> str:
    """One spelling for all spellings of ``path``: ``a.b``, ``a['b']`` and ``a.get('b')?`` are all ``a.b``."""
    text = source[path.start : path.root_end]
    for step in path.steps:
        match step:
            case Key(name=name):
                text += _key(name)
            case Length():
                text += ".length"
            case Index(place=Literal(value=value)) | Get(place=Literal(value=value)):
                text += _key(value) if isinstance(value, str) else f"[{value}]"
            case Index(place=place) | Get(place=place):
                text += f"[{source[place.start : place.end]}]"
    return text


def _key(name: str) -> str:
    if re.fullmatch(r"[^\W\d]\w*", name):
        return f".{name}"
    escaped = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{escaped}']"


def _short_route(root: str, keys: tuple[str, ...], follow: Run) -> Run:
    """A name and plain keys, without the care for what is missing; when something is, the long way says what."""

    def only(names: Names) -> Any:
        try:
            return names[root]
        except KeyError:
            return follow(names)

    def walk(names: Names) -> Any:
        try:
            value: Any = names[root]
            for key in keys:
                if type(value) is not dict:
                    return follow(names)
                value = value[key]
        except KeyError:
            return follow(names)
        return value

    return walk if keys else only


def _long_route(path: Path, source: str, build: Build, nothing: object) -> Run:
    begin = build(path.root) if not isinstance(path.root, str) else None
    root = path.root if isinstance(path.root, str) else ""
    walks = [_walk(step, build) for step in path.steps]
    places = [build(step.place) if isinstance(step, Index | Get) else _no_place for step in path.steps]
    first = path.steps[0] if path.steps else None
    may_lack_root = path.optional or (first is not None and first.optional)

    def run(names: Names) -> Any:
        value: Any = begin(names) if begin else names.get(root, MISSING)
        if value is MISSING:
            if may_lack_root:
                return nothing
            raise _unknown_name(path, source, names)
        for at, walk in enumerate(walks):
            found = walk(value, names)
            if found is MISSING:
                lost = _lost(path, at, value, places[at](names), source)
                if lost is None:
                    return nothing
                raise lost
            value = found
        return value

    return run


def _no_place(_: Names) -> Any:
    return None


def _walk(step: Step, build: Build) -> _Walk:
    match step:
        case Key(name=name):
            return lambda value, _: value.get(name, MISSING) if type(value) is dict else MISSING
        case Length():
            return _length
        case Index(place=Literal(value=fixed)):
            return lambda value, _: _item(value, fixed)
        case Index(place=place):
            where = build(place)
            return lambda value, names: _item(value, where(names))
        case Get(place=place, fallback=fallback):
            return _get(build(place), build(fallback) if fallback else lambda _: None)


def _length(value: Any, _: Names) -> Any:
    kind = type(value)
    if kind is list or kind is str:
        return len(value)
    return value.get("length", MISSING) if kind is dict else MISSING


def _get(where: Run, fallback: Run) -> _Walk:
    def walk(value: Any, names: Names) -> Any:
        place = where(names)
        found = _item(value, place)
        if found is MISSING and _suits(value, place):
            return fallback(names)
        return found

    return walk


def _item(value: Any, place: Any) -> Any:
    if type(value) is dict:
        return value.get(place, MISSING) if type(place) is str else MISSING
    if type(value) in (list, str) and _is_place(place):
        try:
            return value[int(place)]
        except IndexError:
            return MISSING
    return MISSING


def _is_place(place: Any) -> bool:
    return is_number(place) and (type(place) is int or place.is_integer())


def _suits(value: Any, place: Any) -> bool:
    if type(value) is dict:
        return type(place) is str
    return type(value) in (list, str) and _is_place(place)


def _unknown_name(path: Path, source: str, names: Names) -> EvaluationFailed:
    name = str(path.root)
    advice = did_you_mean(name, names)
    if re.search(r"[\w\])]-$", source[: path.start]):
        advice = f"{advice} a key with a hyphen is written as in task['qa-status']".strip()
    return EvaluationFailed("UNDEFINED_NAME", f"`{shorten(name)}` is not defined{'; ' if advice else ''}{advice}")


def _lost(path: Path, at: int, value: Any, place: Any, source: str) -> EvaluationFailed | None:
    """Why the step ``at`` that number found nothing in ``value``; None if the path allows for it."""
    step = path.steps[at]
    before = shorten(source[path.start : path.steps[at - 1].end if at else path.root_end])
    whole = shorten(source[path.start : step.end])
    optional = path.optional or step.optional
    if value is None:
        if optional:
            return None
        advice = "write `?.`, or `?` at the end of the path, to allow for that"
        return EvaluationFailed("TYPE_MISMATCH", f"`{before}` is null, so there is no `{whole}`; {advice}")
    needed = _needed(step, value, place)
    if needed:
        return EvaluationFailed("TYPE_MISMATCH", f"expected {needed} for `{whole}`, but `{before}` is {kind_of(value)}")
    if optional:
        return None
    if type(value) is not dict:
        advice = "write `?` at the end of the path to allow for that"
        return EvaluationFailed("UNDEFINED_NAME", f"`{before}` is too short for `{whole}`; {advice}")
    name = step.name if isinstance(step, Key) else place if isinstance(place, str) else "length"
    hyphen = "a key with a hyphen is written as in task['qa-status'];" if _HYPHEN.match(source, step.end) else ""
    advice = " ".join((did_you_mean(name, value), hyphen, "write `.get(…)` or `?` to allow for that")).strip()
    return EvaluationFailed("UNDEFINED_NAME", f"`{before}` has no key `{shorten(name)}`; {advice}")


def _needed(step: Step, value: Any, place: Any) -> str:
    """What the step needs and has not, or nothing if it fits and merely finds nothing."""
    if type(value) is dict:
        return "" if place is None or type(place) is str else "a string as key"
    if isinstance(step, Key):
        return "an object"
    if isinstance(step, Length):
        return "a string, a list or an object"
    if type(value) not in (list, str):
        return "an object, a list or a string"
    return "" if _is_place(place) else "a whole number as place"
