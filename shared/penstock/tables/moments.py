"""How moments travel to Postgres and back: the driver's own way is the dearest of all, and most rows hold some."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from struct import Struct
from typing import Final

_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_FORMAT: Final = Struct("!q")


class Moments:
    """One connection's ``timestamptz``, in binary: microseconds since the year 2000."""

    def __init__(self) -> None:
        self._last, self._encoded = _EPOCH, _FORMAT.pack(0)

    def encode(self, moment: datetime) -> bytes:
        """A moment without a time zone is one of this machine's, as for the driver."""
        if moment != self._last:  # all that was decided at once happened at one moment: they come in a row
            aware = moment if moment.tzinfo is not None else moment.astimezone()
            self._encoded, self._last = _FORMAT.pack((aware - _EPOCH) // _MICROSECOND), moment
        return self._encoded

    @staticmethod
    def decode(value: bytes) -> datetime:
        (microseconds,) = _FORMAT.unpack(value)
        return _EPOCH + timedelta(microseconds=microseconds)
