"""Opens the log that a URL names. The only place that knows the adapters."""

from __future__ import annotations

from penstock.log.port import Log


async def open_log(url: str, prefix: str = "penstock") -> Log:
    """
    The log at ``memory:``, ``sqlite:PATH`` or ``kafka://HOST:PORT[,HOST:PORT...]``.

    Raises:
        ValueError: the URL names no log that we know.
        LogUnavailable: nobody answers there.

    """
    scheme, _, rest = url.partition(":")
    if scheme == "memory":
        from penstock.log.memory import MemoryLog  # noqa: PLC0415 - an adapter is loaded only where it is used

        return MemoryLog()
    if scheme == "sqlite" and rest:
        from penstock.log.sqlite import SqliteLog  # noqa: PLC0415

        return await SqliteLog.open(rest)
    if scheme == "kafka" and rest.startswith("//"):
        from penstock.log.kafka import KafkaLog  # noqa: PLC0415

        return await KafkaLog.open(rest[2:].rstrip("/"), prefix=prefix)
    raise ValueError(f"expected memory:, sqlite:PATH or kafka://HOST:PORT as the log, but got {url!r}")
