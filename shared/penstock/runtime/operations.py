"""Health and metrics of a process for those who run it, over HTTP: ``/healthz``, ``/readyz``, ``/metrics``."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from penstock.runtime.service import Service

PATIENCE: Final = 5.0
LINES: Final = 100
_TEXT: Final = "text/plain; charset=utf-8"
_PHRASES: Final = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    503: "Service Unavailable",
}


class Operations:
    """
    Answers for ``services`` on ``host`` and ``port`` (0 takes a free one, see ``port``).

    Healthy is a process that answers; ready is one whose services all do their work.
    """

    name = "operations"

    def __init__(self, services: Sequence[Service], registry: CollectorRegistry, host: str, port: int) -> None:
        self._services, self._registry, self._host, self.port = tuple(services), registry, host, port
        self._stopping = asyncio.Event()
        self._server: asyncio.Server | None = None

    async def run(self) -> None:
        """
        Serve until ``stop``.

        Raises:
            OSError: the address is taken.

        """
        self._server = await asyncio.start_server(self._answer, self._host, self.port, limit=8192)
        self.port = int(self._server.sockets[0].getsockname()[1])
        async with self._server:
            await self._stopping.wait()

    async def stop(self) -> None:
        self._stopping.set()

    def ready(self) -> bool:
        return self._server is not None

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                status, kind, body = self._respond(await _request_line(reader))
                head = (
                    f"HTTP/1.1 {status} {_PHRASES[status]}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
                )
                writer.write(f"{head}Connection: close\r\nX-Content-Type-Options: nosniff\r\n\r\n".encode() + body)
                await writer.drain()
        except (TimeoutError, ConnectionError, ValueError, asyncio.IncompleteReadError):
            return  # whoever asked has gone, or asks for something that is no HTTP
        finally:
            writer.close()

    def _respond(self, line: bytes) -> tuple[int, str, bytes]:
        method, _, rest = line.partition(b" ")
        path = rest.partition(b" ")[0].partition(b"?")[0]
        if not path:
            return 400, _TEXT, b"expected an HTTP request\n"
        if method != b"GET":
            return 405, _TEXT, b"expected GET\n"
        match path:
            case b"/healthz":
                return 200, _TEXT, b"ok\n"
            case b"/readyz":
                waiting = [service.name for service in self._services if not service.ready()]
                if waiting:
                    return 503, _TEXT, f"not ready: {', '.join(waiting)}\n".encode()
                return 200, _TEXT, b"ok\n"
            case b"/metrics":
                return 200, CONTENT_TYPE_LATEST, generate_latest(self._registry)
            case _:
                return 404, _TEXT, b"expected /healthz, /readyz or /metrics\n"


async def _request_line(reader: asyncio.StreamReader) -> bytes:
    """The first line of a request; the headers are read and not looked at."""
    line = await reader.readline()
    for _ in range(LINES):
        if await reader.readline() in (b"\r\n", b"\n", b""):
            return line
    raise ValueError(f"expected at most {LINES} headers")
