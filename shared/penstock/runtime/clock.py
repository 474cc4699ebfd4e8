"""The only door to the time of day. Everything that needs "now" is given a ``Clock``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeAlias

Clock: TypeAlias = Callable[[], datetime]
"""Now, as an aware datetime in UTC."""


def system_clock() -> datetime:
    return datetime.now(UTC)
