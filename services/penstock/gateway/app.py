"""The HTTP face of Penstock: commands in, read models out."""

from __future__ import annotations

import time
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from penstock.gateway import (
    comparison_routes,
    definition_routes,
    draft_routes,
    execution_commands,
    execution_queries,
    hook_routes,
    message_routes,
    migration_routes,
    operation_routes,
    operations,
    problems,
    schedule_routes,
    steering_routes,
    task_routes,
)
from penstock.gateway.context import Context
from penstock.gateway.guard import Guard
from penstock.gateway.schemas import Problem

_DESCRIPTION: Final = """
Event-sourced workflows: commands go onto a log, events come out of it, and read models show them.

Every answer to a command carries a `token`; every query takes it as `min_token` and then shows at least that
command's effect. Every query says how old it may be (`Penstock-Age`) and up to where it goes (`Penstock-Token`). What
goes wrong is a problem (RFC 9457) with a `code` that never changes its meaning. A command with an `Idempotency-Key`
may be repeated: it is done once, and gets the same answer.
"""
_TAGS: Final = [
    {"name": "definitions", "description": "What can be executed: published versions never change."},
    {"name": "executions", "description": "Start them, steer them, look at them."},
    {"name": "messages", "description": "Reach executions without knowing which: messages and signals."},
    {"name": "schedules", "description": "What starts executions by the clock."},
    {"name": "changes", "description": "Change many executions at once."},
    {"name": "tasks", "description": "The attempts of all task steps."},
    {"name": "workers", "description": "How workers in any language get and finish tasks, without any library."},
    {"name": "operations", "description": "For those who run it."},
]


def create_app(context: Context) -> FastAPI:
    """The application; whoever runs it also runs the parts of ``context``."""
    app = FastAPI(
        title="Penstock",
        version=_version(),
        description=_DESCRIPTION,
        openapi_tags=_TAGS,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.context = context
    for routes in (
        definition_routes,
        draft_routes,
        comparison_routes,
        execution_commands,
        steering_routes,
        migration_routes,
        execution_queries,
        message_routes,
        hook_routes,
        schedule_routes,
        operation_routes,
        task_routes,
        operations,
    ):
        app.include_router(routes.router)
    problems.install(app)
    app.add_middleware(Guard, settings=context.settings)
    app.add_middleware(_Measured, context=context)
    app.openapi = lambda: _openapi(app, context.settings.token is not None)  # type: ignore[method-assign]
    return app


class _Measured:
    """Counts requests by the route that answered them."""

    def __init__(self, app: ASGIApp, context: Context) -> None:
        self._app, self._metrics = app, context.metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500
        began = time.perf_counter()

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            self._metrics.request(scope["method"], route, status, time.perf_counter() - began)


def _openapi(app: FastAPI, is_protected: bool) -> dict[str, Any]:
    if app.openapi_schema is None:
        schema = get_openapi(
            title=app.title, version=app.version, description=_DESCRIPTION, routes=app.routes, tags=_TAGS
        )
        schemas = schema.setdefault("components", {}).setdefault("schemas", {})
        schemas["Problem"] = Problem.model_json_schema()
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        if is_protected:
            schema["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
            schema["security"] = [{"token": []}]
        app.openapi_schema = schema
    return app.openapi_schema


def _version() -> str:
    try:
        return version("penstock")
    except PackageNotFoundError:
        return "0"
