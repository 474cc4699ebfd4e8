"""What users of Penstock import: handlers of tasks, workers, and the client."""

from penstock.sdk.client import Client
from penstock.sdk.context import TaskContext
from penstock.sdk.errors import (
    BusinessRuleBroken,
    HandlerInvalid,
    InputRejected,
    IntegrationFailed,
    ModuleInvalid,
    TaskFailed,
    TaskWithdrawn,
    TransportUnavailable,
)
from penstock.sdk.feed_transports import HttpTransport, LocalTransport
from penstock.sdk.log_transport import LogTransport
from penstock.sdk.task import Handler, task
from penstock.sdk.worker import Worker

__all__ = [
    "BusinessRuleBroken",
    "Client",
    "Handler",
    "HandlerInvalid",
    "HttpTransport",
    "InputRejected",
    "IntegrationFailed",
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
