"""A task as it is handed to a worker: under a token that no other worker holds."""

from __future__ import annotations

from datetime import datetime

import msgspec

from penstock.messages.records import Task


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """Whoever holds ``token`` may complete ``task``, until ``lease_until`` unless a heartbeat moves it."""

    task: Task
    token: str
    lease_until: datetime
