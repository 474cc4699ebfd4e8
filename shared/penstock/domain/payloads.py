"""What a payload may be that is handed from entity to entity, each time within another record."""

from __future__ import annotations

from typing import Final

import msgspec

from penstock.domain.rejected import Rejected, RejectionCode
from penstock.domain.storable import MAX_DEPTH, NotStorable, check_values

MAX_BYTES: Final = 256 << 10
"""Of its JSON: far below what a log takes, so that no record on the payload's way can become too large."""

_LEVELS: Final = 8
"""The record that it arrives in is less deep than those in which it goes on."""

_encode = msgspec.json.Encoder().encode


def checked_size(payload: object) -> int:
    """
    The bytes of ``payload`` as JSON.

    Raises:
        Rejected: it is too large, or too deep to be handed on.

    """
    encoded = _encode(payload)
    if len(encoded) > MAX_BYTES:
        raise Rejected(
            RejectionCode.PAYLOAD_TOO_LARGE,
            f"expected a payload of at most {MAX_BYTES:,} bytes, but it has {len(encoded):,}",
        )
    if encoded.count(b"{") + encoded.count(b"[") > MAX_DEPTH - _LEVELS:
        deep = payload
        for _ in range(_LEVELS):
            deep = [deep]
        try:
            check_values(deep)
        except NotStorable as error:
            detail = f"expected a payload nested at most {MAX_DEPTH - _LEVELS} deep, but it is deeper"
            raise Rejected(RejectionCode.INPUT_INVALID, detail) from error
    return len(encoded)
