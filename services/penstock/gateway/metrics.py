"""What the gateway tells Prometheus."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from penstock.gateway.commander import Commander
from penstock.gateway.feed import TaskFeed
from penstock.gateway.lag import Lag

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """A registry of its own: several gateways may live in one process."""

    def __init__(self, commander: Commander, feed: TaskFeed, lag: Lag) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "penstock_http_requests",
            "Requests by route and status.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "penstock_http_seconds",
            "How long they took.",
            ("method", "route"),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._registry.register(_Parts(commander, feed, lag))

    def request(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def render(self) -> bytes:
        return generate_latest(self._registry)


class _Parts(Collector):
    """Asks the parts when Prometheus asks."""

    def __init__(self, commander: Commander, feed: TaskFeed, lag: Lag) -> None:
        self._commander, self._feed, self._lag = commander, feed, lag

    def collect(self) -> Iterable[Metric]:
        commands = CounterMetricFamily(
            "penstock_gateway_commands", "Commands that were asked, by outcome.", labels=("command", "outcome")
        )
        for (name, outcome), number in list(self._commander.outcomes.items()):
            commands.add_metric((name, outcome), number)
        waiting = GaugeMetricFamily("penstock_feed_waiting", "Tasks that nobody has polled for yet.", labels=("queue",))
        held = GaugeMetricFamily("penstock_feed_held", "Tasks that workers hold.", labels=("queue",))
        polls = GaugeMetricFamily("penstock_feed_polls", "Workers that wait for a task.", labels=("queue",))
        for feed in self._feed.queues:
            polls.add_metric((feed.queue,), feed.polls)
            waiting.add_metric((feed.queue,), feed.leases.waiting)
            held.add_metric((feed.queue,), feed.leases.held)
        lag = GaugeMetricFamily("penstock_commands_lag", "Commands that wait to be decided.", labels=("partition",))
        for partition, commands_waiting in self._lag.by_partition.items():
            lag.add_metric((str(partition),), commands_waiting)
        return commands, waiting, held, polls, lag
