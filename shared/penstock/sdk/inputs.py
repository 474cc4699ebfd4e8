"""How the input of a task becomes the arguments of a function: by its annotations, converted and checked."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, get_origin, get_type_hints, is_typeddict

import msgspec
from pydantic import BaseModel, ValidationError

from penstock.domain.errors import Failure
from penstock.sdk.context import TaskContext
from penstock.sdk.errors import HandlerInvalid

INPUT_INVALID: Final = "INPUT_INVALID"
_TUPLES = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.VAR_POSITIONAL)


class InputInvalid(Exception):
    """The input does not fit the handler; another attempt would fit no better."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.failure = Failure(code=INPUT_INVALID, message=message[:2000], retryable=False, kind="validation")


@dataclass(frozen=True, slots=True)
class Inputs:
    """
    How a function is called. ``whole`` names the one parameter that takes the whole input; else ``fields`` is a type
    with a field for each parameter. ``context`` names the parameter that takes the ``TaskContext``.
    """

    whole: str | None
    whole_type: Any
    fields: type[msgspec.Struct] | None
    optional: frozenset[str]
    rest: bool
    context: str | None

    def arguments(self, value: Any) -> dict[str, Any]:
        """
        The arguments that ``value`` gives, all but the context.

        Raises:
            InputInvalid: a part of it has the wrong type, or is missing; the message names it.

        """
        try:
            if self.whole is not None:
                return {self.whole: msgspec.convert(value, self.whole_type, dec_hook=_from_builtins)}
            return self._by_name({} if value is None else value)
        except msgspec.ValidationError as error:
            raise InputInvalid(_sentence(error)) from error
        except RecursionError as error:
            raise InputInvalid("expected an input that is less deep") from error

    def _by_name(self, value: Any) -> dict[str, Any]:
        if self.fields is None:
            return dict(value) if self.rest and isinstance(value, dict) else {}
        converted = msgspec.convert(value, self.fields, dec_hook=_from_builtins)
        names = self.fields.__struct_fields__
        arguments = {name: getattr(converted, name) for name in names}
        if self.optional:
            arguments = {name: given for name, given in arguments.items() if given is not msgspec.UNSET}
        if self.rest:
            arguments.update({name: given for name, given in value.items() if name not in names})
        return arguments


def inputs_of(function: Callable[..., Any], around: Mapping[str, Any]) -> Inputs:
    """
    How to call ``function``. Names in its annotations are looked up in its module and in ``around``.

    Raises:
        HandlerInvalid: a parameter cannot be filled from JSON.

    """
    name = getattr(function, "__qualname__", repr(function))
    try:
        parameters = list(inspect.signature(function).parameters.values())
        hints = get_type_hints(function, localns=dict(around), include_extras=True)
    except (NameError, TypeError, ValueError) as error:
        raise HandlerInvalid(f"expected annotations of {name} that can be resolved, but {error}") from error
    contexts = [p.name for p in parameters if hints.get(p.name) is TaskContext]
    taken = [p for p in parameters if p.name not in contexts]
    if len(contexts) > 1 or any(p.kind in _TUPLES for p in taken):
        raise HandlerInvalid(f"expected parameters of {name} that have names, and one TaskContext at most")
    named = [p for p in taken if p.kind is not inspect.Parameter.VAR_KEYWORD]
    for parameter in named:
        _check(name, parameter.name, hints.get(parameter.name, Any))
    whole = named[0].name if len(taken) == 1 and named and _is_object(hints.get(named[0].name)) else None
    return Inputs(
        whole=whole,
        whole_type=hints.get(whole) if whole else None,
        fields=_fields(function, named, hints) if named and not whole else None,
        optional=frozenset(p.name for p in named if p.default is not inspect.Parameter.empty),
        rest=len(named) < len(taken),
        context=contexts[0] if contexts else None,
    )


def _fields(
    function: Callable[..., Any], named: list[inspect.Parameter], hints: Mapping[str, Any]
) -> type[msgspec.Struct]:
    fields: list[Any] = []
    for parameter in named:
        hint = hints.get(parameter.name, Any)
        if parameter.default is inspect.Parameter.empty:
            fields.append((parameter.name, hint))
        else:
            # The function fills in its own default: a struct could not hold every one.
            union = hint if hint is Any else hint | msgspec.UnsetType
            fields.append((parameter.name, union, msgspec.UNSET))
    return msgspec.defstruct(f"{getattr(function, '__name__', 'handler')}_input", fields, kw_only=True)


def _is_object(hint: Any) -> bool:
    """Whether a type stands for a JSON object as a whole."""
    origin = get_origin(hint) or hint
    if not isinstance(origin, type):
        return False
    known = issubclass(origin, msgspec.Struct | BaseModel | Mapping)
    return known or is_typeddict(origin) or dataclasses.is_dataclass(origin)


def _check(function: str, parameter: str, hint: Any) -> None:
    try:
        info = msgspec.inspect.type_info(hint)
    except (TypeError, NameError) as error:
        raise HandlerInvalid(f"expected {parameter!r} of {function} to be of a JSON type, but {error}") from error
    if isinstance(info, msgspec.inspect.CustomType) and not issubclass(info.cls, BaseModel):
        raise HandlerInvalid(
            f"expected parameter {parameter!r} of {function} to be of a type that can be made from JSON, but it is "
            f"{info.cls.__name__}: use a dataclass, a msgspec.Struct, a pydantic model, a TypedDict or dict"
        )


def _from_builtins(kind: type, value: Any) -> Any:
    """Models of pydantic; nothing else that msgspec does not know gets past ``_check`` at the top."""
    if not issubclass(kind, BaseModel):
        raise TypeError(f"Expected a type that can be made from JSON, got {kind.__name__}")
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise ValueError(_problems(error)) from error


def _problems(error: ValidationError) -> str:
    problems = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, p['loc'])) or 'the input'}: {p['msg']}" for p in problems[:5])


def _sentence(error: msgspec.ValidationError) -> str:
    """``Expected `int`, got `str` - at `$.amount``` as "amount: expected `int`, got `str`"."""
    said, _, path = str(error).rpartition(" - at ")
    if not said:
        return str(error)
    place = path.strip("`").removeprefix("$").removeprefix(".")
    said = said.replace("Object missing required field", "expected a field").replace("Expected", "expected", 1)
    return f"{place}: {said}" if place else said
