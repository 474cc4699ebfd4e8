"""The projector in numbers."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from penstock.projector.applier import Counts


class ProjectorMetrics(Collector):
    """What ``counts`` says, as counters."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts

    def collect(self) -> Iterator[Metric]:
        counts = self._counts
        yield CounterMetricFamily("penstock_projector_events", "Events applied", value=counts.events)
        yield CounterMetricFamily("penstock_projector_batches", "Batches applied", value=counts.batches)
        skipped = CounterMetricFamily(
            "penstock_projector_skipped", "Records passed over, by reason", labels=("reason",)
        )
        skipped.add_metric(("malformed",), counts.malformed)
        skipped.add_metric(("refused",), counts.refused)
        skipped.add_metric(("unknown",), sum(counts.unknown.values()))
        yield skipped
        yield CounterMetricFamily("penstock_projector_stale", "Batches that another projector had", value=counts.stale)
        yield CounterMetricFamily("penstock_projector_unavailable", "Waits for log or tables", value=counts.unavailable)
