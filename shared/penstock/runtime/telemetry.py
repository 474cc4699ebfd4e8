"""What a process says of itself: structured log lines on standard error, and numbers for Prometheus."""

from __future__ import annotations

import logging
import sys
from typing import Any, Final, Literal, TextIO

import structlog
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

Format = Literal["auto", "console", "json"]

_NOISY: Final = ("aiokafka", "asyncio", "httpcore", "httpx", "uvicorn", "uvicorn.access", "uvicorn.error")
"""Libraries whose errors matter and whose chatter does not."""


def set_up_logging(level: str = "info", form: Format = "auto", stream: TextIO | None = None) -> None:
    """
    Send every log line, those of libraries too, to ``stream`` (standard error): for people on a terminal, as one JSON
    object a line otherwise.
    """
    stream = stream or sys.stderr
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    console = form == "console" or (form == "auto" and stream.isatty())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(console, stream)],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in _NOISY:
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))


def make_registry() -> CollectorRegistry:
    """A registry of this process: memory, CPU, garbage collection; services add their own."""
    registry = CollectorRegistry(auto_describe=True)
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


def _renderers(console: bool, stream: TextIO) -> list[Any]:
    if console:
        return [structlog.dev.ConsoleRenderer(colors=stream.isatty())]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
