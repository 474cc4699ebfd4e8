"""Decisions about the draft of a definition: at most one, possibly unsound, never overwritten unseen."""

from __future__ import annotations

from penstock.catalog.commands import DiscardDraft, SaveDraft
from penstock.catalog.events import DraftDiscarded, DraftFinding, DraftSaved
from penstock.catalog.versions import DefinitionState, Draft, Published, source_digest
from penstock.domain.definition.findings import Finding
from penstock.domain.definition.limits import DEFINITION_ID
from penstock.domain.definition.reading import matches
from penstock.domain.definition.validate import validate
from penstock.domain.rejected import Rejected, RejectionCode


def save_draft(state: DefinitionState, command: SaveDraft, definition_id: str) -> tuple[DraftSaved, ...]:
    """
    The draft with its findings; nothing if it is so already.

    Raises:
        Rejected: it is the draft of another definition, or somebody was faster.

    """
    _check_id(command, definition_id)
    if state.draft is not None and source_digest(state.draft.source) == source_digest(command.source):
        return ()
    _check_revision(state, command.expected_revision, definition_id)
    findings = tuple(_recorded(finding) for finding in validate(command.source))
    return (DraftSaved(revision=state.revision + 1, source=command.source, findings=findings, by=command.by),)


def discard_draft(state: DefinitionState, command: DiscardDraft, definition_id: str) -> tuple[DraftDiscarded, ...]:
    """
    Raises:
        Rejected: the draft is not the one that was meant.

    """
    if state.draft is None:
        return ()
    _check_revision(state, command.expected_revision, definition_id)
    return (DraftDiscarded(revision=state.draft.revision, by=command.by),)


def draft_at(state: DefinitionState, revision: int, definition_id: str) -> Draft | None:
    """
    The draft, if it is still at ``revision``; None if that has become a version.

    Raises:
        Rejected: it is another one by now, or gone.

    """
    if state.draft is not None and state.draft.revision == revision:
        return state.draft
    if isinstance(state, Published) and any(version.draft == revision for version in state.versions.values()):
        return None
    raise _changed(state, revision, definition_id)


def _check_id(command: SaveDraft, definition_id: str) -> None:
    if not matches(DEFINITION_ID, definition_id):
        raise Rejected(
            RejectionCode.DEFINITION_INVALID,
            f"expected the subject to be the id of a definition (lower case letters, digits, . _ -), but it is"
            f" {definition_id!r:.120}",
        )
    named = command.source.get("id", definition_id)
    if named != definition_id:
        raise Rejected(
            RejectionCode.DEFINITION_INVALID,
            f"expected a draft of {definition_id!r}, but its id is {named!r:.120}",
        )


def _check_revision(state: DefinitionState, expected: int | None, definition_id: str) -> None:
    present = state.draft.revision if state.draft else 0
    if expected is not None and expected != present:
        raise _changed(state, expected, definition_id)


def _changed(state: DefinitionState, expected: int, definition_id: str) -> Rejected:
    meant = f"to be at revision {expected}" if expected else "not to be there"
    found = f"it is at revision {state.draft.revision}" if state.draft else "there is none"
    return Rejected(RejectionCode.DRAFT_CHANGED, f"expected the draft of {definition_id!r} {meant}, but {found}")


def _recorded(finding: Finding) -> DraftFinding:
    """Without line and column: they belong to a text, which the canonical form has not."""
    return DraftFinding(
        level=finding.level,
        severity=finding.severity,
        code=finding.code,
        message=finding.message,
        path=finding.path,
        suggestion=finding.suggestion,
    )
