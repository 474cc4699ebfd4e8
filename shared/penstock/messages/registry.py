"""
The names under which messages are stored for ever. A name never changes its meaning; a new shape is a new version.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec

from penstock.catalog import commands as catalog_commands
from penstock.catalog import events as catalog_events
from penstock.catalog.commands import CatalogCommand
from penstock.catalog.events import CatalogEvent
from penstock.domain import partition
from penstock.domain.execution import commands, events
from penstock.domain.execution.commands import ExecutionCommand
from penstock.domain.execution.events import ExecutionEvent
from penstock.domain.partition import PartitionEvent

Command: TypeAlias = ExecutionCommand | CatalogCommand
Event: TypeAlias = ExecutionEvent | CatalogEvent | PartitionEvent

_COMMANDS: Final = (
    ("start_execution", 1, commands.StartExecution),
    ("claim_task", 1, commands.ClaimTask),
    ("heartbeat_task", 1, commands.HeartbeatTask),
    ("complete_task", 1, commands.CompleteTask),
    ("fail_task", 1, commands.FailTask),
    ("pause_execution", 1, commands.PauseExecution),
    ("resume_execution", 1, commands.ResumeExecution),
    ("cancel_execution", 1, commands.CancelExecution),
    ("terminate_execution", 1, commands.TerminateExecution),
    ("retry_execution", 1, commands.RetryExecution),
    ("publish_definition", 1, catalog_commands.PublishDefinition),
    ("activate_definition", 1, catalog_commands.ActivateDefinition),
    ("deactivate_definition", 1, catalog_commands.DeactivateDefinition),
)

_EVENTS: Final = (
    ("execution_started", 1, events.ExecutionStarted),
    ("task_scheduled", 1, events.TaskScheduled),
    ("task_claimed", 1, events.TaskClaimed),
    ("task_completed", 1, events.TaskCompleted),
    ("task_failed", 1, events.TaskFailed),
    ("timer_started", 1, events.TimerStarted),
    ("timer_fired", 1, events.TimerFired),
    ("step_passed", 1, events.StepPassed),
    ("step_failed", 1, events.StepFailed),
    ("step_cancelled", 1, events.StepCancelled),
    ("execution_paused", 1, events.ExecutionPaused),
    ("execution_resumed", 1, events.ExecutionResumed),
    ("execution_failed", 1, events.ExecutionFailed),
    ("execution_retried", 1, events.ExecutionRetried),
    ("bite_taken", 1, events.BiteTaken),
    ("execution_completed", 1, events.ExecutionCompleted),
    ("execution_cancelled", 1, events.ExecutionCancelled),
    ("execution_terminated", 1, events.ExecutionTerminated),
    ("definition_published", 1, catalog_events.DefinitionPublished),
    ("definition_activated", 1, catalog_events.DefinitionActivated),
    ("definition_deactivated", 1, catalog_events.DefinitionDeactivated),
    ("ownership_taken", 1, partition.OwnershipTaken),
    ("position_advanced", 1, partition.PositionAdvanced),
)


def wire_name(name: str, version: int) -> str:
    return f"penstock.{name}.v{version}"


COMMANDS: Final[dict[str, type[Command]]] = {wire_name(n, v): cls for n, v, cls in _COMMANDS}
EVENTS: Final[dict[str, type[Event]]] = {wire_name(n, v): cls for n, v, cls in _EVENTS}
NAMES: Final[dict[type[msgspec.Struct], str]] = {
    cls: name for table in (COMMANDS, EVENTS) for name, cls in table.items()
}
