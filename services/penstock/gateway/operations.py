"""Routes for those who run the gateway: is it alive, is it ready, what does it count, and the page that explains it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from importlib.resources import files
from typing import Any, Final

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from penstock.gateway import schemas as s
from penstock.gateway.context import Context, Gateway, answer
from penstock.gateway.problems import Problem
from penstock.log.port import LogError, TopicPartition
from penstock.log.topics import COMMANDS
from penstock.tables.pool import TablesUnavailable

router = APIRouter(tags=["operations"])

_TYPES: Final = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
_PATIENCE: Final = 2.0
_READY: dict[int | str, dict[str, Any]] = {200: {"model": s.Readiness}, 503: {"model": s.Readiness}}


@router.get("/healthz", responses={200: {"model": s.Health}})
async def healthz() -> Response:
    """The process is alive."""
    return answer({"status": "ok"})


@router.get("/readyz", responses=_READY)
async def readyz(gateway: Gateway) -> Response:
    """Log and tables answer, the answers to commands are read, and the http queues are served."""
    checks = await readiness(gateway)
    is_ready = all(said == "ok" for said in checks.values())
    return answer({"status": "ok" if is_ready else "not ready", "checks": checks}, 200 if is_ready else 503)


@router.get("/metrics", include_in_schema=False)
async def metrics(gateway: Gateway) -> Response:
    return Response(gateway.metrics.render(), media_type=CONTENT_TYPE_LATEST)


@router.get("/docs", include_in_schema=False)
async def docs() -> Response:
    return Response(_static("docs.html"), media_type="text/html; charset=utf-8")


@router.get("/docs/{name}", include_in_schema=False)
async def docs_part(name: str) -> Response:
    if name not in ("docs.css", "docs.js", "favicon.svg"):
        raise Problem(404, "NOT_FOUND", "expected a part of the docs page, but there is none here")
    return Response(_static(name), headers={"Content-Type": _TYPES[name.rpartition(".")[2]]})


async def readiness(gateway: Context) -> dict[str, str]:
    """What each part says, ``ok`` or what is missing."""
    log, tables = await asyncio.gather(
        _says(gateway.log.end(TopicPartition(COMMANDS, 0))), _says(gateway.freshness.standings())
    )
    answers = "ok" if gateway.commander.listening() else "the answers to commands are not read yet"
    feed = "ok" if gateway.feed.ready() else "the queues are not served yet"
    return {"log": log, "tables": tables, "answers": answers, "tasks": feed}


async def _says(question: Awaitable[object]) -> str:
    try:
        async with asyncio.timeout(_PATIENCE):
            await question
    except (LogError, TablesUnavailable) as error:
        return str(error)
    except TimeoutError:
        return f"no answer within {_PATIENCE:g} s"
    return "ok"


def _static(name: str) -> bytes:
    return files("penstock.gateway").joinpath("static", name).read_bytes()
