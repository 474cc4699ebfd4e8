"""What a handler returned, as JSON that everybody downstream can store."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from pydantic import BaseModel

from penstock.domain.errors import Failure
from penstock.messages.wellformed import Malformed, check_values, check_wellformed

OUTPUT_INVALID: Final = "OUTPUT_INVALID"


class OutputInvalid(Exception):
    """The handler returned what is not JSON; it would do so again."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.failure = Failure(code=OUTPUT_INVALID, message=message[:2000], retryable=False, kind="validation")


def output_of(value: Any) -> Any:
    """
    ``value`` as JSON values: structs, dataclasses, models, dates, UUIDs, decimals, sets, enums as msgspec writes them.

    Raises:
        OutputInvalid: it holds what is not JSON, or what must not be stored.

    """
    try:
        encoded = _encode(value)
        check_wellformed(b" " + encoded)  # it looks for numbers that follow something, as they will in a command
        if b"null" in encoded:
            # Not every null was one: a number that is not finite is written as null.
            check_values(msgspec.to_builtins(value, str_keys=True, enc_hook=_to_builtins))
    except (TypeError, ValueError, RecursionError, Malformed) as error:
        raise OutputInvalid(f"expected an output of JSON values, but {error}") from error
    return msgspec.json.decode(encoded)


def _to_builtins(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    raise TypeError(f"{type(value).__name__} is none")


_encode: Final = msgspec.json.Encoder(enc_hook=_to_builtins).encode
