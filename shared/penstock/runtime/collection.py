"""How often Python looks for garbage that lies in circles: seldom, because messages make none."""

from __future__ import annotations

import gc
from typing import Final

_YOUNG: Final = 50_000
"""Allocations before a look at the youngest; the default is 700, which costs an engine a tenth of its time."""


def collect_rarely() -> None:
    """Set what a process has loaded aside for good, and look at the rest seldom. Call it once it is up."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_YOUNG, 20, 50)
