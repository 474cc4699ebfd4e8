"""Requests and answers about operations, the changes of many executions, as OpenAPI tells them to callers."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field

from penstock.domain.operation.orders import Action
from penstock.gateway.schemas import Answer, Name, Receipt, Request, ShortText, Status


class ByRequest(Request):
    by: Name = "api"


class ReasonRequest(ByRequest):
    reason: ShortText = ""


class OperationFilter(Request):
    """Which executions; what is absent asks for nothing."""

    status: list[Status] | None = Field(
        None, min_length=1, max_length=7, description="Absent: all that have not ended."
    )
    definition: Name | None = None
    version: Name | None = None
    business_key: Name | None = None
    tag: Name | None = None
    initiated_by: Name | None = None
    started_after: datetime | None = None
    started_before: datetime | None = None


class OperationRequest(Request):
    """One change of many executions."""

    action: Action
    arguments: dict[str, Any] = Field(default_factory=dict, examples=[{"reason": "stock-taking"}])
    filter: OperationFilter
    dry_run: bool = Field(False, description="Only tell which executions it would be.")
    by: Name = "api"


class DryRun(Answer):
    """What the filter finds: how many, and the first hundred, up to where ``tokens`` say."""

    count: int
    executions: list[str]
    tokens: str


class OperationReceipt(Receipt):
    count: int
    links: dict[str, str]


class Operation(Answer):
    id: str
    action: Action
    arguments: dict[str, Any]
    expected: list[str]
    status: Literal["running", "paused", "cancelled", "completed"]
    total: int
    sent: int
    accepted: int
    refused: int
    skipped: int
    reason: str | None = None
    codes: dict[str, int] | None = Field(None, description="How many refused, by code.")
    refusals: list[dict[str, str]] | None = Field(None, description="The first hundred that refused.")
    started_by: str
    started_at: datetime
    updated_at: datetime
    ended_at: datetime | None = None


class Operations(Answer):
    items: list[Operation]
    cursor: str | None = None
