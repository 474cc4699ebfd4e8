"""What a command to the catalog causes. The only verb that compiles, so that replays never do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from penstock.catalog.commands import ActivateDefinition, CatalogCommand, DeactivateDefinition, PublishDefinition
from penstock.catalog.events import CatalogEvent, DefinitionActivated, DefinitionDeactivated, DefinitionPublished
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
    match command:
        case PublishDefinition():
            return _publish(state, command, definition_id, queues)
        case ActivateDefinition(version=version, by=by):
            known = _existing(state, definition_id, version)
            return () if known.active else (DefinitionActivated(version=version, by=by),)
        case DeactivateDefinition(version=version, by=by):
            known = _existing(state, definition_id, version)
            return (DefinitionDeactivated(version=version, by=by),) if known.active else ()
        case _:
            assert_never(command)


def _publish(
    state: DefinitionState, command: PublishDefinition, definition_id: str, queues: Mapping[str, Transport]
) -> tuple[CatalogEvent, ...]:
    graph = _compiled(command)
    if graph.id != definition_id:
        raise Rejected(
            RejectionCode.DEFINITION_INVALID,
            f"expected the subject to be the definition's id {graph.id!r}, but it is {definition_id!r}",
        )
    digest = digest_of(graph)
    existing = version_of(state, graph.version)
    if existing is not None:
        if existing.digest == digest or existing.source == source_digest(command.source):
            return ()
        raise Rejected(
            RejectionCode.VERSION_EXISTS,
            f"expected a new version of {graph.id!r}, but {graph.version} is published with other contents and never"
            " changes; raise `version`",
        )
    _check_queues(graph, queues)
    return (
        DefinitionPublished(version=graph.version, source=command.source, graph=graph, digest=digest, by=command.by),
    )


def _compiled(command: PublishDefinition) -> Graph:
    try:
        return compile_definition(command.source)
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


def _existing(state: DefinitionState, definition_id: str, version: str) -> Version:
    known = version_of(state, version)
    if known is None:
        raise Rejected(
            RejectionCode.DEFINITION_UNKNOWN,
            f"expected a published version of {definition_id!r}, but got {version!r:.120}",
        )
    return known
