"""Which transport a URL means."""

from __future__ import annotations

from penstock.sdk.feed_transports import HttpTransport
from penstock.sdk.log_transport import LogTransport
from penstock.sdk.transport import Transport


def transport_at(url: str, *, prefix: str = "penstock", api_token: str | None = None) -> Transport:
    """``http://...`` is a gateway; ``kafka://...``, ``sqlite:...`` a log, with the ``prefix`` of its topics."""
    if url.startswith(("http://", "https://")):
        return HttpTransport(url, api_token=api_token)
    return LogTransport(url, prefix=prefix)
