"""Requests and answers of the API, as OpenAPI tells them to callers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from penstock.domain.errors import FailureKind

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]
ShortText = Annotated[str, StringConstraints(max_length=1000)]
Status = Literal["running", "waiting", "paused", "failed", "completed", "cancelled", "terminated"]


class Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class StartRequest(Request):
    """Start an execution of a published definition."""

    definition: Name = Field(examples=["order-approval"])
    version: Name | None = Field(None, description="Absent: the latest active version, when the command is decided.")
    input: dict[str, Any] = Field(default_factory=dict, examples=[{"amount": 1200}])
    business_key: Name | None = None
    tags: list[Name] = Field(default_factory=list, max_length=50)
    priority: Literal["low", "medium", "high", "critical"] = "medium"
    initiated_by: Name = "api"
    id: Name | None = Field(None, description="A UUIDv7 made now. The same id never starts twice; absent: a new one.")
    wait: float | None = Field(None, ge=0, description="Seconds to wait for the execution to end or fail.")


Subject = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$")]


class MessageRequest(Request):
    """A message to one execution that waits for it, or will."""

    name: Subject = Field(examples=["payment-received"])
    key: Name = Field(description="The correlation key: only waits with the same one match.", examples=["order-4711"])
    payload: Any = None
    ttl: float | None = Field(None, gt=0, le=30 * 24 * 3600, description="Seconds to keep it for; absent: 7 days.")
    id: Name | None = Field(None, description="The same id is the same message; absent: the `Idempotency-Key`.")
    by: Name = "api"


class SignalRequest(Request):
    """A signal to every execution that waits for it now."""

    name: Subject = Field(examples=["stock-taking"])
    payload: Any = None
    by: Name = "api"


class PollRequest(Request):
    """Ask for work."""

    worker: Name
    types: list[Name] | None = Field(None, max_length=1000, description="Types of task; null takes all.")
    limit: int = Field(1, ge=1, le=500)
    wait: float = Field(0.0, ge=0, le=30, description="Seconds to wait for the first task.")


class _Result(Request):
    task_id: Name
    token: Name
    worker: Annotated[str, StringConstraints(max_length=200)] = ""


class CompleteRequest(_Result):
    output: Any = None


class FailureBody(Request):
    code: Name
    message: Annotated[str, StringConstraints(max_length=20_000)] = ""
    retryable: bool = True
    details: dict[str, Any] | None = None
    kind: FailureKind | None = Field(None, description="Its class, which catches of definitions can ask for.")


class FailRequest(_Result):
    failure: FailureBody


class LeaseRequest(_Result):
    """A task that this worker holds."""


class Answer(BaseModel):
    model_config = ConfigDict(extra="allow")


class Problem(Answer):
    """RFC 9457. ``code`` never changes its meaning; ``detail`` is for people."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    instance: str | None = None


class Receipt(Answer):
    """A command was accepted. A query with ``min_token`` shows its effect."""

    id: str
    token: str = Field(examples=["e0.1234"])
    command_id: str


class Started(Receipt):
    status: str = Field(description="`started`; with `wait`, the status at that time.")
    output: Any = None
    failure: dict[str, Any] | None = None
    links: dict[str, str]


class Finding(Answer):
    level: Literal["schema", "graph", "advice"]
    severity: Literal["error", "warning"]
    code: str
    message: str
    path: str
    line: int
    column: int
    suggestion: str


class Published(Receipt):
    version: str
    digest: str
    warnings: list[Finding]
    links: dict[str, str]


class Execution(Answer):
    id: str
    definition: str
    version: str
    digest: str
    status: Status
    business_key: str | None = None
    tags: list[str] = []
    priority: str
    initiated_by: str
    input: Any = None
    output: Any = None
    failure: dict[str, Any] | None = None
    reason: str | None = None
    started_at: datetime
    updated_at: datetime
    ended_at: datetime | None = None
    deadline: datetime | None = None


class Waited(Answer):
    """``ended`` is false where the time ran out first."""

    ended: bool
    execution: Execution


class Task(Answer):
    id: str
    execution_id: str
    step: str
    task: str
    queue: str
    status: str
    worker: str | None = None
    input: Any = None
    output: Any = None
    failure: dict[str, Any] | None = None
    scheduled_at: datetime
    claimed_at: datetime | None = None
    expires_at: datetime | None = None
    ended_at: datetime | None = None
    retry_at: datetime | None = None
    undoes: int | None = Field(None, description="The visit that it compensates.")
    added_by: str | None = Field(None, description="Who added it by hand.")


class TimelineEntry(Answer):
    execution_id: str
    sequence: int
    id: str
    type: str
    time: datetime
    data: dict[str, Any]
    partition: int
    position: int


VersionStatus = Literal["published", "inactive", "archived"]


class Definition(Answer):
    id: str
    version: str
    status: VersionStatus
    active: bool
    name: str
    description: str
    tags: list[str]
    digest: str
    source: dict[str, Any] | None = None
    graph: dict[str, Any] | None = None
    published_at: datetime


class DefinitionWithVersions(Definition):
    versions: list[Definition]


class DraftFinding(Answer):
    level: Literal["schema", "graph", "advice"]
    severity: Literal["error", "warning"]
    code: str
    message: str
    path: str = ""
    suggestion: str = ""


class Draft(Answer):
    id: str
    revision: int
    version: str | None = None
    source: dict[str, Any] | None = None
    findings: list[DraftFinding] | None = None
    errors: int
    saved_at: datetime
    saved_by: str


class DraftReceipt(Receipt):
    findings: list[Finding]


class DraftVersion(Draft):
    status: Literal["draft"]


class Versions(Answer):
    items: list[DraftVersion | Definition]


class Change(Answer):
    kind: Literal["added", "removed", "changed"]
    subject: Literal["definition", "input", "variable", "queue", "trigger", "transition", "step"]
    name: str = Field(description="Of the step, the transition, the variable ...; empty for the definition.")
    field: str = Field(description="What of it has changed; empty: the whole of it came or went.")
    path: str
    old: Any = None
    new: Any = None
    text: str = Field(description="The same in a sentence.")


class _Comparison(Answer):
    model_config = ConfigDict(extra="allow", populate_by_name=True)

    id: str
    old: str = Field(alias="from")
    to: str


class Diff(_Comparison):
    changes: list[Change]


class CompatibilityProblem(Answer):
    code: Literal["STEP_REMOVED", "KIND_CHANGED", "STEP_MOVED", "TRANSITION_REMOVED", "JOIN_CHANGED"]
    place: str = Field(description="The open step, or the transition on which a token lies.")
    message: str


class Compatible(Answer):
    execution: str
    status: Status
    steps: list[str] = Field(description="Those that it stays in.")
    tokens: list[str] = Field(description="The transitions on which it has tokens that wait.")
    compatible: bool
    problems: list[CompatibilityProblem]


class _Page(Answer):
    cursor: str | None = Field(None, description="Give it as `cursor` for what follows; null is the end.")


class Executions(_Page):
    items: list[Execution]


class Tasks(_Page):
    items: list[Task]


class TaskList(Answer):
    items: list[Task]


class Timeline(_Page):
    items: list[TimelineEntry]


class Definitions(_Page):
    items: list[Definition]


class Drafts(_Page):
    items: list[Draft]


class Compatibility(_Comparison):
    compatible: bool = Field(description="Of those on this page.")
    items: list[Compatible]
    cursor: str | None = Field(None, description="Give it as `cursor` for what follows; null is the end.")


class Offered(Answer):
    task: dict[str, Any]
    token: str
    lease_until: datetime


class Polled(Answer):
    tasks: list[Offered]


class ResultTaken(Answer):
    token: str


class Lease(Answer):
    lease_until: datetime


class Health(Answer):
    status: Literal["ok", "not ready"]


class Readiness(Health):
    checks: dict[str, str] = Field(description="`ok`, or what is missing, by part.")
