"""What a command to the catalog causes. The only verb that compiles, so that replays never do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, assert_never

import msgspec

from penstock.catalog.commands import (
    ActivateDefinition,
    ArchiveDefinition,
    CatalogCommand,
    DeactivateDefinition,
    DiscardDraft,
    PublishDefinition,
    PublishDraft,
    SaveDraft,
)
from penstock.catalog.drafts import discard_draft, draft_at, save_draft
from penstock.catalog.events import (
    CatalogEvent,
    DefinitionActivated,
    DefinitionArchived,
    DefinitionDeactivated,
    DefinitionPublished,
)
from penstock.catalog.triggers import check_triggers, with_triggers
from penstock.catalog.versions import DefinitionState, Version, source_digest, version_of
from penstock.domain.definition.compile import compile_definition, digest_of
from penstock.domain.definition.findings import DefinitionInvalid
from penstock.domain.definition.model import Graph, Transport
from penstock.domain.rejected import Rejected, RejectionCode

_MAX_SHOWN = 20


def decide(
    state: DefinitionState, command: CatalogCommand, definition_id: str, queues: Mapping[str, Transport]
) -> tuple[CatalogEvent, ...]:
    """
    The events of ``command`` to ``definition_id``; none if it asks for what is so already.

    ``queues`` are the transports that the whole catalog has fixed.

    Raises:
        Rejected: the command can never succeed in this state.

    """
    return with_triggers(state, _decide(state, command, definition_id, queues))


def _decide(
    state: DefinitionState, command: CatalogCommand, definition_id: str, queues: Mapping[str, Transport]
) -> tuple[CatalogEvent, ...]:
    match command:
        case PublishDefinition():
            return _publish(state, command, definition_id, queues)
        case ActivateDefinition(version=version, by=by):
            known = _existing(state, definition_id, command)
            return () if known.active else (DefinitionActivated(version=version, by=by),)
        case DeactivateDefinition(version=version, by=by):
            known = _existing(state, definition_id, command)
            return (DefinitionDeactivated(version=version, by=by),) if known.active else ()
        case ArchiveDefinition(version=version, by=by):
            known = _existing(state, definition_id, command)
            return () if known.archived else (DefinitionArchived(version=version, by=by),)
        case SaveDraft():
            return save_draft(state, command, definition_id)
        case DiscardDraft():
            return discard_draft(state, command, definition_id)
        case PublishDraft():
            return _publish_draft(state, command, definition_id, queues)
        case _:
            assert_never(command)


def _publish(
    state: DefinitionState, command: PublishDefinition, definition_id: str, queues: Mapping[str, Transport]
) -> tuple[CatalogEvent, ...]:
    published = _version(command.source, command.by, definition_id)
    existing = version_of(state, published.version)
    if existing is not None:
        if _is_same(existing, published):
            return ()
        raise _exists(definition_id, published.version, "with other contents and never changes; raise `version`")
    _check_queues(published.graph, queues)
    return (published,)


def _publish_draft(
    state: DefinitionState, command: PublishDraft, definition_id: str, queues: Mapping[str, Transport]
) -> tuple[CatalogEvent, ...]:
    """Unlike a source that is published again, a draft that is a version already has nothing to become."""
    draft = draft_at(state, command.revision, definition_id)
    if draft is None:
        return ()
    published = _version(draft.source, command.by, definition_id)
    existing = version_of(state, published.version)
    if existing is not None:
        same = _is_same(existing, published)
        advice = "with the same contents; discard the draft" if same else "with other contents; raise `version`"
        raise _exists(definition_id, published.version, advice)
    _check_queues(published.graph, queues)
    return (msgspec.structs.replace(published, draft=draft.revision),)


def _version(source: dict[str, Any], by: str, definition_id: str) -> DefinitionPublished:
    graph = _compiled(source)
    if graph.id != definition_id:
        raise Rejected(
            RejectionCode.DEFINITION_INVALID,
            f"expected the subject to be the definition's id {graph.id!r}, but it is {definition_id!r}",
        )
    check_triggers(graph)
    return DefinitionPublished(version=graph.version, source=source, graph=graph, digest=digest_of(graph), by=by)


def _is_same(existing: Version, published: DefinitionPublished) -> bool:
    return existing.digest == published.digest or existing.source == source_digest(published.source)


def _exists(definition_id: str, version: str, what: str) -> Rejected:
    return Rejected(
        RejectionCode.VERSION_EXISTS,
        f"expected a new version of {definition_id!r}, but {version} is published {what}",
    )


def _compiled(source: dict[str, Any]) -> Graph:
    try:
        return compile_definition(source)
    except DefinitionInvalid as invalid:
        errors = [str(finding) for finding in invalid.findings if finding.severity == "error"]
        more = [f"and {len(errors) - _MAX_SHOWN} more"] if len(errors) > _MAX_SHOWN else []
        count = "1 error" if len(errors) == 1 else f"{len(errors)} errors"
        detail = "\n".join([f"expected a sound definition, but found {count}:", *errors[:_MAX_SHOWN], *more])
        raise Rejected(RejectionCode.DEFINITION_INVALID, detail) from invalid


def _check_queues(graph: Graph, queues: Mapping[str, Transport]) -> None:
    for name, transport in graph.queues.items():
        fixed = queues.get(name, transport)
        if fixed != transport:
            raise Rejected(
                RejectionCode.QUEUE_TRANSPORT_CONFLICT,
                f"expected the queue {name!r} to keep the transport {fixed}, which a published definition relies on,"
                f" but got {transport}; use another queue",
            )


def _existing(
    state: DefinitionState,
    definition_id: str,
    command: ActivateDefinition | DeactivateDefinition | ArchiveDefinition,
) -> Version:
    """The version that ``command`` names; what is archived stays so."""
    known = version_of(state, command.version)
    if known is None:
        raise Rejected(
            RejectionCode.DEFINITION_UNKNOWN,
            f"expected a published version of {definition_id!r}, but got {command.version!r:.120}",
        )
    if known.archived and not isinstance(command, ArchiveDefinition):
        raise Rejected(
            RejectionCode.INVALID_STATE_TRANSITION,
            f"expected {definition_id!r} {command.version} to be published or inactive for {type(command).__name__},"
            f" but it is {known.status}, and stays so",
        )
    return known
