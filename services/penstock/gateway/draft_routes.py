"""Routes of drafts: what may become the next version of a definition."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Query, Request, Response

from penstock.catalog.commands import DiscardDraft, PublishDraft, SaveDraft
from penstock.gateway import schemas as s
from penstock.gateway.context import (
    COMMAND,
    PREFIX,
    QUERY,
    CommandId,
    Cursor,
    Fresh,
    Gateway,
    Limit,
    answer,
    documented,
)
from penstock.gateway.definition_routes import BODY, By, DefinitionId, ask, read
from penstock.gateway.problems import Problem
from penstock.log.topics import CATALOG
from penstock.projections import definition_drafts

router = APIRouter(prefix=PREFIX, tags=["definitions"])

Expected = Annotated[
    int | None,
    Query(ge=0, description="The revision that the draft has to be at, 0 for none; else `DRAFT_CHANGED`. Absent: any."),
]
Revision = Annotated[int, Query(ge=1, description="The revision to publish.")]
_PATH: Final = "/definitions/{definition_id}/draft"


@router.get("/drafts", dependencies=[Fresh], responses=documented(200, s.Drafts, *QUERY, query=True))
async def list_drafts(gateway: Gateway, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """The drafts of all definitions, by id, without source and findings."""
    headers = await gateway.freshness.headers(CATALOG)
    return answer(await definition_drafts.find(gateway.pool, limit=limit, cursor=cursor), headers=headers)


@router.put(_PATH, responses=documented(200, s.DraftReceipt, *COMMAND), openapi_extra=BODY)
async def save_draft(
    *,
    gateway: Gateway,
    request: Request,
    definition_id: DefinitionId,
    command_id: CommandId,
    expected_revision: Expected = None,
    by: By = "api",
) -> Response:
    """
    Keep a draft, as YAML or JSON. It may have errors: `findings` names them, by line and column.

    A definition has at most one draft. Saving the same again changes nothing.
    """
    source, findings, _ = await read(request)
    command = SaveDraft(source=source, expected_revision=expected_revision, by=by)
    receipt = await ask(gateway, command, definition_id, command_id)
    return answer(receipt | {"findings": msgspec.to_builtins(findings)})


@router.get(_PATH, dependencies=[Fresh], responses=documented(200, s.Draft, 404, *QUERY, query=True))
async def get_draft(gateway: Gateway, definition_id: DefinitionId) -> Response:
    """The draft with its source and what the validation said about it."""
    headers = await gateway.freshness.headers(CATALOG)
    row = await definition_drafts.get(gateway.pool, definition_id)
    if row is None:
        raise Problem(404, "DRAFT_UNKNOWN", f"expected a draft of {definition_id!r}, but there is none (yet)")
    return answer(row, headers=headers)


@router.delete(_PATH, responses=documented(200, s.Receipt, *COMMAND))
async def discard_draft(
    gateway: Gateway,
    definition_id: DefinitionId,
    command_id: CommandId,
    expected_revision: Expected = None,
    by: By = "api",
) -> Response:
    """Forget the draft; its history stays."""
    command = DiscardDraft(expected_revision=expected_revision, by=by)
    return answer(await ask(gateway, command, definition_id, command_id))


@router.post(f"{_PATH}/publish", responses=documented(200, s.Receipt, *COMMAND))
async def publish_draft(
    gateway: Gateway, definition_id: DefinitionId, command_id: CommandId, revision: Revision, by: By = "api"
) -> Response:
    """Make a version of the draft, if it has no errors and is still at `revision`; the draft is gone with that."""
    return answer(await ask(gateway, PublishDraft(revision=revision, by=by), definition_id, command_id))
