"""Everything that goes wrong, as ``application/problem+json`` (RFC 9457) with a ``code`` that programs can rely on."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from penstock.domain.definition.findings import DefinitionInvalid
from penstock.domain.rejected import Rejected, RejectionCode
from penstock.gateway.commander import AnswerLate
from penstock.gateway.freshness import ReadModelBehind
from penstock.gateway.lag import TooBusy
from penstock.log.port import LogError, LogUnavailable, RecordTooLarge
from penstock.messages.wellformed import Malformed
from penstock.sdk.errors import TransportUnavailable
from penstock.tables.paging import CursorInvalid
from penstock.tables.pool import TablesUnavailable

MEDIA_TYPE: Final = "application/problem+json"
_encode = msgspec.json.Encoder().encode

_STATUS: Final[dict[RejectionCode, int]] = {
    RejectionCode.EXECUTION_UNKNOWN: 404,
    RejectionCode.DEFINITION_UNKNOWN: 404,
    RejectionCode.SCHEDULE_UNKNOWN: 404,
    RejectionCode.OPERATION_UNKNOWN: 404,
    RejectionCode.SCHEDULE_INVALID: 422,
    RejectionCode.INPUT_INVALID: 422,
    RejectionCode.DEFINITION_INVALID: 422,
    RejectionCode.ID_INVALID: 422,
    RejectionCode.MALFORMED: 422,
    RejectionCode.PAYLOAD_TOO_LARGE: 413,
}
_CODES: Final = {400: "BAD_REQUEST", 404: "NOT_FOUND", 405: "METHOD_NOT_ALLOWED", 415: "MEDIA_TYPE_UNKNOWN"}


class Problem(Exception):
    """Something that a route says no to by itself."""

    def __init__(self, status: int, code: str, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.more = status, code, detail, more


def problem_body(status: int, code: str, detail: str, instance: str = "", **more: Any) -> bytes:
    """The members of RFC 9457; the type of a problem is its code."""
    title = HTTPStatus(status).phrase
    body = {"type": f"urn:penstock:problem:{code}", "title": title, "status": status, "code": code, "detail": detail}
    return _encode(body | ({"instance": instance} if instance else {}) | more)


def problem(
    request: Request, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None, **more: Any
) -> Response:
    body = problem_body(status, code, detail, request.url.path, **more)
    return Response(body, status, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Answer what routes raise, by name."""
    for error, handler in _HANDLERS.items():
        app.add_exception_handler(error, handler)


async def _rejected(request: Request, error: Any) -> Response:
    return problem(request, _STATUS.get(error.code, 409), str(error.code), error.detail)


async def _problem(request: Request, error: Any) -> Response:
    return problem(request, error.status, error.code, error.detail, **error.more)


async def _late(request: Request, error: Any) -> Response:
    headers = {"Idempotency-Key": error.command_id, "Retry-After": "1"}
    more = {"token": str(error.token), "command_id": error.command_id}
    return problem(request, 504, "ANSWER_LATE", str(error), headers, **more)


async def _definition(request: Request, error: Any) -> Response:
    findings = [msgspec.to_builtins(finding) for finding in error.findings]
    errors = sum(finding.severity == "error" for finding in error.findings)
    detail = f"expected a sound definition, but found {errors} error{'s' * (errors != 1)}"
    return problem(request, 422, "DEFINITION_INVALID", detail, findings=findings)


async def _malformed(request: Request, error: Any) -> Response:
    return problem(request, 422, "MALFORMED", str(error))


async def _too_large(request: Request, error: Any) -> Response:
    detail = f"expected a command of at most {error.limit:,} bytes, but it has {error.size:,}"
    return problem(request, 413, "PAYLOAD_TOO_LARGE", detail)


async def _log(request: Request, error: Any) -> Response:
    code = "LOG_UNAVAILABLE" if isinstance(error, LogUnavailable | TransportUnavailable) else "LOG_ERROR"
    return problem(request, 503, code, str(error), {"Retry-After": "1"})


async def _tables(request: Request, error: Any) -> Response:
    return problem(request, 503, "TABLES_UNAVAILABLE", str(error), {"Retry-After": "1"})


async def _behind(request: Request, error: Any) -> Response:
    return problem(request, 503, "READ_MODEL_BEHIND", str(error), {"Retry-After": "1"})


async def _busy(request: Request, error: Any) -> Response:
    return problem(request, 429, "TOO_BUSY", str(error), {"Retry-After": str(error.after)})


async def _cursor(request: Request, error: Any) -> Response:
    return problem(request, 422, "CURSOR_INVALID", str(error))


async def _validation(request: Request, error: Any) -> Response:
    errors = [{"where": list(e["loc"]), "what": e["msg"], "kind": e["type"]} for e in error.errors()]
    first = (
        f"{'.'.join(str(part) for part in errors[0]['where'])}: {errors[0]['what']}" if errors else "it is not valid"
    )
    return problem(request, 422, "REQUEST_INVALID", f"expected a request as documented, but {first}", errors=errors)


async def _http(request: Request, error: Any) -> Response:
    code = _CODES.get(error.status_code, HTTPStatus(error.status_code).name)
    detail = {404: "expected a path of this API, but there is none here", 405: "this path takes other methods"}
    return problem(request, error.status_code, code, detail.get(error.status_code, str(error.detail)), error.headers)


async def _defect(request: Request, error: Any) -> Response:
    """The details are in the log of the process, not with the caller."""
    return problem(request, 500, "DEFECT", "this is a defect of the gateway; its log says more")


_HANDLERS: Final[dict[type[Exception], Any]] = {
    Rejected: _rejected,
    Problem: _problem,
    AnswerLate: _late,
    DefinitionInvalid: _definition,
    Malformed: _malformed,
    RecordTooLarge: _too_large,
    LogError: _log,
    TransportUnavailable: _log,
    TablesUnavailable: _tables,
    ReadModelBehind: _behind,
    TooBusy: _busy,
    CursorInvalid: _cursor,
    RequestValidationError: _validation,
    HTTPException: _http,
    Exception: _defect,
}
