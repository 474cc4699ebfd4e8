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
from penstock.domain import partition, starts, waits
from penstock.domain.execution import commands, events
from penstock.domain.execution.commands import ExecutionCommand
from penstock.domain.execution.events import ExecutionEvent
from penstock.domain.lock import commands as lock_commands
from penstock.domain.lock import events as lock_events
from penstock.domain.mailbox import commands as mailbox_commands
from penstock.domain.mailbox import events as mailbox_events
from penstock.domain.operation import commands as operation_commands
from penstock.domain.operation import events as operation_events
from penstock.domain.partition import PartitionEvent
from penstock.domain.schedule import commands as schedule_commands
from penstock.domain.schedule import events as schedule_events
from penstock.domain.signal import commands as signal_commands
from penstock.domain.signal import events as signal_events

SharedCommand: TypeAlias = (
    mailbox_commands.MailboxCommand
    | signal_commands.SignalCommand
    | lock_commands.LockCommand
    | schedule_commands.ScheduleCommand
    | operation_commands.OperationCommand
)
SharedEvent: TypeAlias = (
    mailbox_events.MailboxEvent
    | signal_events.SignalEvent
    | lock_events.LockEvent
    | schedule_events.ScheduleEvent
    | operation_events.OperationEvent
)

Command: TypeAlias = ExecutionCommand | SharedCommand | CatalogCommand
Event: TypeAlias = ExecutionEvent | SharedEvent | CatalogEvent | PartitionEvent

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
    ("cancel_step", 1, commands.CancelStep),
    ("complete_step", 1, commands.CompleteStep),
    ("skip_step", 1, commands.SkipStep),
    ("rerun_step", 1, commands.RerunStep),
    ("set_variables", 1, commands.SetVariables),
    ("add_task", 1, commands.AddTask),
    ("add_items", 1, commands.AddItems),
    ("start_step", 1, commands.StartStep),
    ("migrate_execution", 1, commands.MigrateExecution),
    ("complete_child", 1, commands.CompleteChild),
    ("confirm_wait", 1, commands.ConfirmWait),
    ("deliver_message", 1, commands.DeliverMessage),
    ("deliver_signal", 1, commands.DeliverSignal),
    ("grant_lock", 1, commands.GrantLock),
    ("send_message", 1, mailbox_commands.SendMessage),
    ("return_message", 1, mailbox_commands.ReturnMessage),
    ("open_wait", 1, waits.OpenWait),
    ("close_wait", 1, waits.CloseWait),
    ("broadcast_signal", 1, signal_commands.BroadcastSignal),
    ("acquire_lock", 1, lock_commands.AcquireLock),
    ("release_lock", 1, lock_commands.ReleaseLock),
    ("create_schedule", 1, schedule_commands.CreateSchedule),
    ("pause_schedule", 1, schedule_commands.PauseSchedule),
    ("resume_schedule", 1, schedule_commands.ResumeSchedule),
    ("delete_schedule", 1, schedule_commands.DeleteSchedule),
    ("trigger_schedule", 1, schedule_commands.TriggerSchedule),
    ("start_operation", 1, operation_commands.StartOperation),
    ("add_targets", 1, operation_commands.AddTargets),
    ("pause_operation", 1, operation_commands.PauseOperation),
    ("resume_operation", 1, operation_commands.ResumeOperation),
    ("cancel_operation", 1, operation_commands.CancelOperation),
    ("report_outcome", 1, starts.ReportOutcome),
    ("publish_definition", 1, catalog_commands.PublishDefinition),
    ("activate_definition", 1, catalog_commands.ActivateDefinition),
    ("deactivate_definition", 1, catalog_commands.DeactivateDefinition),
    ("archive_definition", 1, catalog_commands.ArchiveDefinition),
    ("save_draft", 1, catalog_commands.SaveDraft),
    ("discard_draft", 1, catalog_commands.DiscardDraft),
    ("publish_draft", 1, catalog_commands.PublishDraft),
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
    ("tokens_withdrawn", 1, events.TokensWithdrawn),
    ("branch_arrived", 1, events.BranchArrived),
    ("message_sent", 1, events.MessageSent),
    ("signal_sent", 1, events.SignalSent),
    ("escalation_raised", 1, events.EscalationRaised),
    ("listening_started", 1, events.ListeningStarted),
    ("waits_opened", 1, events.WaitsOpened),
    ("wait_confirmed", 1, events.WaitConfirmed),
    ("waits_closed", 1, events.WaitsClosed),
    ("message_received", 1, events.MessageReceived),
    ("signal_received", 1, events.SignalReceived),
    ("boundary_triggered", 1, events.BoundaryTriggered),
    ("block_started", 1, events.BlockStarted),
    ("block_completed", 1, events.BlockCompleted),
    ("each_started", 1, events.EachStarted),
    ("items_added", 1, events.ItemsAdded),
    ("copy_started", 1, events.CopyStarted),
    ("copy_completed", 1, events.CopyCompleted),
    ("each_left", 1, events.EachLeft),
    ("each_completed", 1, events.EachCompleted),
    ("child_started", 1, events.ChildStarted),
    ("child_detached", 1, events.ChildDetached),
    ("child_completed", 1, events.ChildCompleted),
    ("child_failed", 1, events.ChildFailed),
    ("compensation_started", 1, events.CompensationStarted),
    ("compensation_completed", 1, events.CompensationCompleted),
    ("lock_requested", 1, events.LockRequested),
    ("lock_granted", 1, events.LockGranted),
    ("lock_freed", 1, events.LockFreed),
    ("step_offered", 1, events.StepOffered),
    ("step_skipped", 1, events.StepSkipped),
    ("step_rerun", 1, events.StepRerun),
    ("variables_set", 1, events.VariablesSet),
    ("execution_migrated", 1, events.ExecutionMigrated),
    ("message_kept", 1, mailbox_events.MessageKept),
    ("message_delivered", 1, mailbox_events.MessageDelivered),
    ("message_returned", 1, mailbox_events.MessageReturned),
    ("message_expired", 1, mailbox_events.MessageExpired),
    ("message_triggered", 1, mailbox_events.MessageTriggered),
    ("trigger_failed", 1, mailbox_events.TriggerFailed),
    ("start_refused", 1, starts.StartRefused),
    ("wait_opened", 1, waits.WaitOpened),
    ("wait_closed", 1, waits.WaitClosed),
    ("signal_broadcast", 1, signal_events.SignalBroadcast),
    ("signal_delivered", 1, signal_events.SignalDelivered),
    ("lock_queued", 1, lock_events.LockQueued),
    ("lock_unqueued", 1, lock_events.LockUnqueued),
    ("lock_awarded", 1, lock_events.LockAwarded),
    ("lock_released", 1, lock_events.LockReleased),
    ("schedule_created", 1, schedule_events.ScheduleCreated),
    ("schedule_changed", 1, schedule_events.ScheduleChanged),
    ("schedule_fired", 1, schedule_events.ScheduleFired),
    ("ticks_missed", 1, schedule_events.TicksMissed),
    ("tick_failed", 1, schedule_events.TickFailed),
    ("schedule_paused", 1, schedule_events.SchedulePaused),
    ("schedule_resumed", 1, schedule_events.ScheduleResumed),
    ("schedule_deleted", 1, schedule_events.ScheduleDeleted),
    ("operation_started", 1, operation_events.OperationStarted),
    ("targets_added", 1, operation_events.TargetsAdded),
    ("operation_advanced", 1, operation_events.OperationAdvanced),
    ("target_accepted", 1, operation_events.TargetAccepted),
    ("target_refused", 1, operation_events.TargetRefused),
    ("operation_paused", 1, operation_events.OperationPaused),
    ("operation_resumed", 1, operation_events.OperationResumed),
    ("operation_cancelled", 1, operation_events.OperationCancelled),
    ("operation_completed", 1, operation_events.OperationCompleted),
    ("definition_published", 1, catalog_events.DefinitionPublished),
    ("definition_activated", 1, catalog_events.DefinitionActivated),
    ("definition_deactivated", 1, catalog_events.DefinitionDeactivated),
    ("definition_archived", 1, catalog_events.DefinitionArchived),
    ("draft_saved", 1, catalog_events.DraftSaved),
    ("draft_discarded", 1, catalog_events.DraftDiscarded),
    ("triggers_changed", 1, catalog_events.TriggersChanged),
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
