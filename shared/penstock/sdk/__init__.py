"""What users of Penstock import: handlers of tasks, workers, and the client."""

from penstock.sdk.client import Client
from penstock.sdk.context import TaskContext
from penstock.sdk.errors import HandlerInvalid, ModuleInvalid, TaskFailed, TaskWithdrawn, TransportUnavailable
from penstock.sdk.feed_transports import HttpTransport, LocalTransport
from penstock.sdk.log_transport import LogTransport
from penstock.sdk.task import Handler, task
from penstock.sdk.worker import Worker

__all__ = [
    "Client",
    "Handler",
    "HandlerInvalid",
    "HttpTransport",
    "LocalTransport",
    "LogTransport",
    "ModuleInvalid",
    "TaskContext",
    "TaskFailed",
    "TaskWithdrawn",
    "TransportUnavailable",
    "Worker",
    "task",
]
