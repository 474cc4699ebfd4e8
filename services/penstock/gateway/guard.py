"""What stands before every route: who may come in, how much they may bring, and the headers of all that goes out."""

from __future__ import annotations

from hmac import compare_digest
from typing import Final
from urllib.parse import urlsplit

import msgspec
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from penstock.gateway.problems import MEDIA_TYPE, problem_body
from penstock.gateway.settings import GatewaySettings
from penstock.messages.wellformed import Malformed, check_wellformed

_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_NOTHING: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_DOCS: Final = "; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'"
_POLITE: Final = 16 << 20
"""Bytes that are read and dropped beyond the limit: who still sends does not hear an answer."""
_decode = msgspec.json.Decoder().decode


class Refused(Exception):
    """The request goes no further."""

    def __init__(self, status: int, code: str, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.headers = status, code, detail, headers or {}


class Guard:
    """An ASGI application around another one."""

    def __init__(self, app: ASGIApp, settings: GatewaySettings) -> None:
        self._app, self._settings = app, settings
        self._token = settings.token.encode() if settings.token is not None else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sending = _with_headers(scope, send)
        headers = Headers(scope=scope)
        try:
            self._check_host(headers)
            self._check_origin(scope, headers)
            self._check_token(scope, headers)
            body = await self._body(headers, receive)
            _check_json(scope, headers, body)
        except Refused as refused:
            await _refuse(scope, sending, refused)
            return
        await self._app(scope, _once(body, receive), sending)

    def _check_host(self, headers: Headers) -> None:
        """Without a token, a page elsewhere must not reach us by a name of its own that leads here (DNS rebinding)."""
        if self._token is not None or not self._settings.is_local:
            return
        name = urlsplit(f"//{headers.get('host', '')}").hostname or ""
        if name not in _LOCAL:
            raise Refused(
                421, "HOST_REFUSED", "expected a Host of this machine, such as localhost: this API has no token"
            )

    def _check_origin(self, scope: Scope, headers: Headers) -> None:
        """A page of another origin may not change anything, whatever its browser lets through."""
        origin = headers.get("origin")
        if origin is None or scope["method"] in ("GET", "HEAD"):
            return
        if urlsplit(origin).netloc != headers.get("host", ""):
            raise Refused(
                403, "ORIGIN_REFUSED", "expected a request of this origin: this API takes none from other pages"
            )

    def _check_token(self, scope: Scope, headers: Headers) -> None:
        if self._token is None or not scope["path"].startswith("/api/"):
            return
        scheme, _, given = headers.get("authorization", "").partition(" ")
        matches = compare_digest(given.strip().encode(), self._token)
        if scheme.lower() != "bearer" or not matches:
            detail = "expected the header `Authorization: Bearer <token>` with this deployment's API token"
            raise Refused(401, "UNAUTHORIZED", detail, {"WWW-Authenticate": "Bearer"})

    async def _body(self, headers: Headers, receive: Receive) -> bytes:
        most = self._settings.max_body
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > most + _POLITE:
            raise _too_large(most)
        parts: list[bytes] = []
        size = 0
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Refused(400, "BAD_REQUEST", "expected the whole body, but the caller went away")
            part = message.get("body", b"")
            size += len(part)
            if size <= most:
                parts.append(part)
            elif size > most + _POLITE or not message.get("more_body", False):
                raise _too_large(most)
            if not message.get("more_body", False):
                return b"".join(parts)


def is_json(content_type: str) -> bool:
    kind = content_type.partition(";")[0].strip().lower()
    return kind == "application/json" or kind.endswith("+json")


def _check_json(scope: Scope, headers: Headers, body: bytes) -> None:
    """Definitions are read by their own reader, which knows lines and columns."""
    if not body or not is_json(headers.get("content-type", "")) or scope["path"].endswith("/definitions"):
        return
    try:
        _decode(body)
        check_wellformed(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, Malformed) as error:
        raise Refused(
            422, "MALFORMED", str(error) if isinstance(error, Malformed) else f"expected JSON, but {error}"
        ) from error


def _too_large(most: int) -> Refused:
    return Refused(413, "PAYLOAD_TOO_LARGE", f"expected a body of at most {most:,} bytes", {"Connection": "close"})


def _once(body: bytes, receive: Receive) -> Receive:
    given = False

    async def give() -> Message:
        nonlocal given
        if not given:
            given = True
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return give


def _with_headers(scope: Scope, send: Send) -> Send:
    path = scope["path"]
    is_page = path == "/docs" or path.startswith("/docs/")

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            headers["Content-Security-Policy"] = _NOTHING + _DOCS if is_page else _NOTHING
            headers.setdefault("Cache-Control", "no-store")
        await send(message)

    return sending


async def _refuse(scope: Scope, send: Send, refused: Refused) -> None:
    body = problem_body(refused.status, refused.code, refused.detail, scope["path"])
    headers = {"content-type": MEDIA_TYPE, "content-length": str(len(body)), **refused.headers}
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": refused.status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
