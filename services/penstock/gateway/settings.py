"""What an operator can tell the gateway."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from penstock.domain.definition.model import Transport


class Unprotected(ValueError):
    """The gateway would be open to everybody who reaches this machine."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"expected an API token to listen on {host}, which others can reach, but got none: set PENSTOCK_API_TOKEN, "
            "listen on 127.0.0.1, or allow it explicitly (allow_unprotected) where something in front checks callers"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewaySettings:
    """
    Times in seconds, sizes in bytes.

    ``answer_timeout`` bounds the wait for the answer to a command, ``fresh_timeout`` the wait for a ``min_token``;
    ``max_lag`` is how many undecided commands of a partition are too many to take another one.
    """

    host: str = "127.0.0.1"
    port: int = 8400
    token: str | None = None
    allow_unprotected: bool = False
    max_body: int = 4 << 20
    answer_timeout: float = 10.0
    fresh_timeout: float = 5.0
    max_wait: float = 30.0
    max_lag: int = 50_000
    lag_interval: float = 1.0
    default_transport: Transport = "log"
    lease: float = 30.0
    max_offers: int = 5_000
    drain: float = 5.0

    def check(self) -> None:
        """
        Raises:
            Unprotected: others could reach an API that asks nobody who they are.

        """
        if self.token is None and not self.is_local and not self.allow_unprotected:
            raise Unprotected(self.host)
        if self.token is not None and not self.token.strip():
            raise ValueError("expected an API token that is not blank; unset PENSTOCK_API_TOKEN to have none")

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach ``host``."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False
