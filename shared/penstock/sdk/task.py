"""The decorator that makes a plain function the handler of a type of task, and what a worker finds on it."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Final, TypeAlias, TypeVar, overload

from penstock.domain.definition.limits import TASK_TYPE
from penstock.log.topics import DEFAULT_QUEUE
from penstock.sdk.errors import HandlerInvalid
from penstock.sdk.inputs import Inputs, inputs_of

F = TypeVar("F", bound=Callable[..., Any])

ATTRIBUTE: Final = "__penstock_task__"
_TYPE: Final = re.compile(TASK_TYPE)


@dataclass(frozen=True, slots=True)
class Handler:
    """A function with the type of task that it does. ``inline`` lets a fast sync function run on the event loop."""

    type: str
    function: Callable[..., Any]
    inputs: Inputs
    queue: str = DEFAULT_QUEUE
    inline: bool = False
    is_async: bool = False


Handlers: TypeAlias = (
    ModuleType
    | Handler
    | Callable[..., Any]
    | Mapping[str, Callable[..., Any]]
    | Iterable["Handler | Callable[..., Any] | ModuleType"]
)
"""A module, handlers and functions with ``@task``, or plain functions by type of task."""


@overload
def task(function: F, /) -> F: ...


@overload
def task(name: str = "", /, *, queue: str = DEFAULT_QUEUE, inline: bool = False) -> Callable[[F], F]: ...


def task(name: Any = "", /, *, queue: str = DEFAULT_QUEUE, inline: bool = False) -> Any:
    """
    Make a function the handler of the tasks of type ``name`` (its own name with hyphens, when absent).

    The function stays what it was and can be called as before. Nothing is registered: hand the function, or its
    module, to a ``Worker``. A sync function runs in a thread, unless it is ``inline``.

    Raises:
        HandlerInvalid: the function's parameters cannot be filled from a task's input.

    """
    around = sys._getframe(1).f_locals  # types that are defined beside the function, in a test for example
    if callable(name):
        return _marked(name, "", DEFAULT_QUEUE, False, around)
    return lambda function: _marked(function, name, queue, inline, around)


def handler_of(function: Callable[..., Any], name: str = "", queue: str = DEFAULT_QUEUE) -> Handler:
    """
    The handler that ``@task`` made of ``function``, else a new one.

    Raises:
        HandlerInvalid: its parameters cannot be filled from a task's input.

    """
    marked = getattr(function, ATTRIBUTE, None)
    if isinstance(marked, Handler) and name in ("", marked.type):
        return marked
    return _made(function, name, queue, False, {})


def handlers_of(source: Handlers) -> tuple[Handler, ...]:
    """
    All handlers in ``source``.

    Raises:
        HandlerInvalid: something is no handler, or two are for the same type of task.

    """
    found: dict[str, Handler] = {}
    for handler in _each(source):
        other = found.setdefault(handler.type, handler)
        if other.function is not handler.function:
            raise HandlerInvalid(
                f"expected one handler for tasks of type {handler.type!r}, but there are {_place(other.function)} and "
                f"{_place(handler.function)}"
            )
    return tuple(found.values())


def _each(source: Any) -> Iterable[Handler]:
    if isinstance(source, Handler):
        return (source,)
    if isinstance(source, ModuleType):
        marked = (getattr(value, ATTRIBUTE, None) for value in vars(source).values())
        return tuple(handler for handler in marked if isinstance(handler, Handler))
    if isinstance(source, Mapping):
        return tuple(handler_of(function, name) for name, function in source.items())
    if isinstance(getattr(source, ATTRIBUTE, None), Handler):
        return (getattr(source, ATTRIBUTE),)
    if callable(source):
        raise HandlerInvalid(f"expected a function with @task, but {_place(source)} has none")
    if isinstance(source, Iterable) and not isinstance(source, str | bytes):
        return tuple(handler for part in source for handler in _each(part))
    raise HandlerInvalid(f"expected handlers, a module, or functions by name, but got {source!r:.100}")


def _marked(function: Any, name: str, queue: str, inline: bool, around: Mapping[str, Any]) -> Any:
    setattr(function, ATTRIBUTE, _made(function, name, queue, inline, around))
    return function


def _made(function: Any, name: str, queue: str, inline: bool, around: Mapping[str, Any]) -> Handler:
    if not callable(function) or inspect.isclass(function):
        raise HandlerInvalid(f"expected @task on a function, but got {function!r:.100}")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise HandlerInvalid(f"expected {_place(function)} to return its output, but it yields")
    kind = name or getattr(function, "__name__", "").replace("_", "-")
    if not _TYPE.fullmatch(kind):
        raise HandlerInvalid(
            f"expected a type of task such as 'charge-card', but {_place(function)} is for {kind!r}: give it a name, "
            "@task('...')"
        )
    is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)
    if inline and is_async:
        raise HandlerInvalid(f"expected inline on a sync function, but {_place(function)} is async and always is")
    inputs = inputs_of(function, around)
    return Handler(type=kind, function=function, inputs=inputs, queue=queue, inline=inline, is_async=is_async)


def _place(function: Any) -> str:
    return f"{getattr(function, '__module__', '?')}.{getattr(function, '__qualname__', repr(function))}"
