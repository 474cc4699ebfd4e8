"""Definitions as a kind of entity: the catalog's verbs, and the queue topics that a published definition needs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypeAlias, get_args

import msgspec

from penstock.catalog.commands import CatalogCommand, PublishDefinition
from penstock.catalog.decide import decide
from penstock.catalog.evolve import evolve
from penstock.catalog.state import DefinitionState, Unpublished
from penstock.domain.execution.effects import Effect
from penstock.engine.batch import Arrival
from penstock.log.port import Log
from penstock.messages.registry import Command, Event

_COMMANDS = frozenset(get_args(CatalogCommand))
