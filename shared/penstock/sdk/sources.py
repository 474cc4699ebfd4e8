"""The forms in which a definition is handed over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Built(Protocol):
    """A definition that is written in Python, such as ``penstock.sdk.builder.Definition``."""

    def to_dict(self) -> Mapping[str, Any]: ...
