"""Routes of definitions: publish, read, activate, deactivate, archive."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Path, Query, Request, Response

from penstock.catalog.commands import (
    ActivateDefinition,
    ArchiveDefinition,
    CatalogCommand,
    DeactivateDefinition,
    PublishDefinition,
)
from penstock.domain.definition.compile import digest_of
from penstock.domain.definition.examine import examine
from penstock.domain.definition.findings import DefinitionInvalid, Finding
from penstock.domain.definition.model import Graph
from penstock.domain.definition.read import read_definition
from penstock.gateway import schemas as s
from penstock.gateway.commander import Order
from penstock.gateway.context import (
    COMMAND,
    PREFIX,
    QUERY,
    CommandId,
    Context,
    Cursor,
    Fresh,
    Gateway,
    Limit,
    answer,
    documented,
)
from penstock.gateway.guard import is_json
from penstock.gateway.problems import Problem
from penstock.log.topics import CATALOG
from penstock.projections import definition_drafts, definitions

router = APIRouter(prefix=f"{PREFIX}/definitions", tags=["definitions"])

DefinitionId = Annotated[str, Path(max_length=100, examples=["order-approval"])]
Version = Annotated[str, Path(max_length=100, examples=["1.0.0"])]
By = Annotated[str, Query(max_length=200, description="Who does it, for the audit trail.")]
_YAML: Final = frozenset({"application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"})
BODY: Final = {
    "requestBody": {
        "required": True,
        "content": {
            "application/yaml": {"schema": {"type": "string"}},
            "application/json": {"schema": {"type": "object"}},
        },
    }
}


@router.post(
    "",
    status_code=201,
    responses=documented(201, s.Published, *COMMAND, text="Published."),
    openapi_extra=BODY,
)
async def publish_definition(gateway: Gateway, request: Request, command_id: CommandId, by: By = "api") -> Response:
    """
    Publish a version of a definition, as YAML or JSON.

    A definition that is not sound is refused with everything that is wrong with it, by line and column. Publishing the
    same contents again changes nothing; other contents under a published version are refused.
    """
    value, findings, graph = await read(request)
    if graph is None:
        raise DefinitionInvalid(findings)
    command = PublishDefinition(source=value, by=by)
    receipt = await ask(gateway, command, graph.id, command_id)
    path = f"{PREFIX}/definitions/{graph.id}/versions/{graph.version}"
    body = receipt | {
        "version": graph.version,
        "digest": digest_of(graph),
        "warnings": msgspec.to_builtins(findings),
        "links": {"self": path},
    }
    return answer(body, 201, {"Location": path})


@router.get("", dependencies=[Fresh], responses=documented(200, s.Definitions, *QUERY, query=True))
async def list_definitions(
    *,
    gateway: Gateway,
    tag: str | None = None,
    active: bool | None = None,
    status: s.VersionStatus | None = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """The latest version of each definition, by definition_id, without source and graph."""
    headers = await gateway.freshness.headers(CATALOG)
    page = await definitions.find(gateway.pool, tag=tag, active=active, status=status, limit=limit, cursor=cursor)
    return answer(page, headers=headers)


@router.get(
    "/{definition_id}",
    dependencies=[Fresh],
    responses=documented(200, s.DefinitionWithVersions, 404, *QUERY, query=True),
)
async def get_definition(gateway: Gateway, definition_id: DefinitionId) -> Response:
    """The latest active version (else the latest) with source and graph, and a list of all versions."""
    headers = await gateway.freshness.headers(CATALOG)
    row = await definitions.get(gateway.pool, definition_id)
    if row is None:
        raise unknown(definition_id)
    return answer({**row, "versions": await definitions.versions(gateway.pool, definition_id)}, headers=headers)


@router.get(
    "/{definition_id}/versions",
    dependencies=[Fresh],
    responses=documented(200, s.Versions, 404, *QUERY, query=True),
)
async def list_versions(gateway: Gateway, definition_id: DefinitionId) -> Response:
    """The history of a definition without sources and graphs, the latest version first; a draft stands before all."""
    headers = await gateway.freshness.headers(CATALOG)
    draft = await definition_drafts.get(gateway.pool, definition_id)
    versions = [*await definitions.versions(gateway.pool, definition_id)]
    if draft is None and not versions:
        raise unknown(definition_id)
    first = [] if draft is None else [{**draft, "status": "draft", "source": None, "findings": None}]
    return answer({"items": [*first, *versions]}, headers=headers)


@router.get(
    "/{definition_id}/versions/{version}",
    dependencies=[Fresh],
    responses=documented(200, s.Definition, 404, *QUERY, query=True),
)
async def get_version(gateway: Gateway, definition_id: DefinitionId, version: Version) -> Response:
    """One version with its source as it was written and its compiled graph."""
    headers = await gateway.freshness.headers(CATALOG)
    row = await definitions.get(gateway.pool, definition_id, version)
    if row is None:
        raise unknown(f"{definition_id} {version}")
    return answer(row, headers=headers)


@router.post("/{definition_id}/versions/{version}/activate", responses=documented(200, s.Receipt, *COMMAND))
async def activate_version(
    gateway: Gateway, definition_id: DefinitionId, version: Version, command_id: CommandId, by: By = "api"
) -> Response:
    """Let new executions use this version."""
    return answer(await ask(gateway, ActivateDefinition(version=version, by=by), definition_id, command_id))


@router.post("/{definition_id}/versions/{version}/deactivate", responses=documented(200, s.Receipt, *COMMAND))
async def deactivate_version(
    gateway: Gateway, definition_id: DefinitionId, version: Version, command_id: CommandId, by: By = "api"
) -> Response:
    """Refuse new executions of this version; running ones go on."""
    return answer(await ask(gateway, DeactivateDefinition(version=version, by=by), definition_id, command_id))


@router.post("/{definition_id}/versions/{version}/archive", responses=documented(200, s.Receipt, *COMMAND))
async def archive_version(
    gateway: Gateway, definition_id: DefinitionId, version: Version, command_id: CommandId, by: By = "api"
) -> Response:
    """Refuse new executions of this version for ever; running ones go on."""
    return answer(await ask(gateway, ArchiveDefinition(version=version, by=by), definition_id, command_id))


async def ask(gateway: Context, command: CatalogCommand, definition_id: str, command_id: str) -> dict[str, Any]:
    _, token = await gateway.ask(Order(command, definition_id, command_id, "catalog-commands"))
    return {"id": definition_id, "token": str(token), "command_id": command_id}


def _kind(content_type: str) -> str:
    """A name by which the reader knows what to expect."""
    if is_json(content_type):
        return "body.json"
    if content_type.partition(";")[0].strip().lower() in _YAML:
        return "body.yaml"
    raise Problem(
        415, "MEDIA_TYPE_UNKNOWN", f"expected application/yaml or application/json, but got {content_type!r:.100}"
    )


async def read(request: Request) -> tuple[dict[str, Any], tuple[Finding, ...], Graph | None]:
    """
    The source in a body, what there is to say about it, and its graph, which is None if that is an error.

    Raises:
        DefinitionInvalid: nobody can tell what stands there.
        Problem: it is not even a text.

    """
    name = _kind(request.headers.get("content-type", ""))
    return await asyncio.to_thread(_read, await request.body(), name)


def _read(body: bytes, name: str) -> tuple[dict[str, Any], tuple[Finding, ...], Graph | None]:
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise Problem(422, "MALFORMED", f"expected UTF-8, but {error}") from error
    source = read_definition(text, name)
    graph, findings = examine(source.value, source.positions)
    return source.value, findings, graph


def unknown(definition_id: str) -> Problem:
    return Problem(
        404, "DEFINITION_UNKNOWN", f"expected a published definition, but {definition_id!r} is not (yet) there"
    )
