"""What the catalog knows: the state of each definition, and all of them together as their users need them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, get_args

from penstock.catalog.events import CatalogEvent, DefinitionPublished, TriggersChanged
from penstock.catalog.evolve import evolve
from penstock.catalog.precedence import precedence
from penstock.catalog.queues import queues_of
from penstock.catalog.versions import DefinitionState, Published, Unpublished, Version, latest, version_of
from penstock.domain.definition.model import Definition, Transport
from penstock.domain.expressions.failures import did_you_mean
from penstock.domain.rejected import Rejected, RejectionCode

__all__ = ["Catalog", "DefinitionState", "Published", "Unpublished", "Version", "latest"]

_EVENTS: Final = get_args(CatalogEvent)
_UNPUBLISHED: Final = Unpublished()


@dataclass(frozen=True, slots=True)
class Catalog:
    """
    All definitions: the fold of the catalog topic.

    ``queues`` holds the transport of each queue that a published definition uses or declares; ``default`` is that of
    queues which nobody has declared, a setting of the deployment. ``messages`` are the ids of the definitions that
    messages of a name start.
    """

    states: Mapping[str, DefinitionState] = field(default_factory=dict)
    definitions: Mapping[tuple[str, str], Definition] = field(default_factory=dict)
    queues: Mapping[str, Transport] = field(default_factory=dict)
    default: Transport = "log"
    messages: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def after(self, subject: str, event: object) -> Catalog:
        """The catalog after ``event``; those of the partition itself change nothing."""
        if not isinstance(event, _EVENTS):
            return self
        states = {**self.states, subject: evolve(self.state(subject), event)}
        if isinstance(event, TriggersChanged):
            return replace(self, states=states, messages=self._triggered(subject, event))
        if not isinstance(event, DefinitionPublished):
            return replace(self, states=states)
        definition = Definition(graph=event.graph, digest=event.digest)
        definitions = {**self.definitions, (subject, event.version): definition}
        # what a definition declared, or took for granted, stays so: its workers listen there
        taken_for_granted: dict[str, Transport] = dict.fromkeys(queues_of(event.graph), self.default)
        queues = {**taken_for_granted, **event.graph.queues, **self.queues}
        return replace(self, states=states, definitions=definitions, queues=queues)

    def state(self, definition: str) -> DefinitionState:
        return self.states.get(definition, _UNPUBLISHED)

    def on_message(self, name: str) -> tuple[Definition, ...]:
        """The definitions that messages of ``name`` start, by id, each in its latest active version."""
        return tuple(self.resolve(definition) for definition in self.messages.get(name, ()))

    def _triggered(self, subject: str, event: TriggersChanged) -> Mapping[str, tuple[str, ...]]:
        names = {trigger.name for trigger in event.triggers if trigger.kind == "message"}
        messages = {name: tuple(id_ for id_ in ids if id_ != subject) for name, ids in self.messages.items()}
        for name in names:
            messages[name] = tuple(sorted((*messages.get(name, ()), subject)))
        return {name: ids for name, ids in messages.items() if ids}

    def has(self, definition: str, version: str) -> bool:
        """Whether this version is published, whatever became of it."""
        return (definition, version) in self.definitions

    def resolve(self, definition: str, version: str | None = None) -> Definition:
        """
        The definition that a new execution runs: ``version``, or the latest active one.

        Raises:
            Rejected: DEFINITION_UNKNOWN or DEFINITION_INACTIVE.

        """
        state = self.state(definition)
        wanted = latest(state) if version is None else version
        if wanted is None:
            if isinstance(state, Unpublished):
                raise self._unknown(definition)
            raise Rejected(RejectionCode.DEFINITION_INACTIVE, f"expected {definition!r} to have an active version")
        found = self.pinned(definition, wanted)
        known = version_of(state, wanted)
        if known is None or not known.active:
            status = known.status if known else "inactive"
            raise Rejected(
                RejectionCode.DEFINITION_INACTIVE,
                f"expected an active version of {definition!r}, but {wanted} is {status}",
            )
        return found

    def pinned(self, definition: str, version: str) -> Definition:
        """
        The definition that a running execution has pinned, active, inactive or archived.

        Raises:
            Rejected: DEFINITION_UNKNOWN.

        """
        found = self.definitions.get((definition, version))
        if found is None:
            raise self._unknown(definition, version)
        return found

    def _unknown(self, definition: str, version: str | None = None) -> Rejected:
        state = self.state(definition)
        if isinstance(state, Published):
            versions = sorted(state.versions, key=precedence, reverse=True)
            more = ", …" if len(versions) > 5 else ""
            detail = (
                f"expected a published version of {definition!r}: {', '.join(versions[:5])}{more}; got {version!r:.120}"
            )
        else:
            advice = did_you_mean(definition, self.states)
            detail = f"expected a published definition, but got {definition!r:.120}{'; ' if advice else ''}{advice}"
        return Rejected(RejectionCode.DEFINITION_UNKNOWN, detail)
