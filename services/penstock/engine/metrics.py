"""The engine in numbers, read from its partitions when somebody asks: the work itself pays nothing for them."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from penstock.engine.partition_state import PartitionState
from penstock.engine.service import Engine
from penstock.log.topics import CATALOG_COMMANDS
from penstock.runtime.clock import Clock, system_clock

_LABELS = ("topic", "partition")


class EngineMetrics(Collector):
    """One sample per metric and partition that is being served."""

    def __init__(self, engine: Engine, clock: Clock = system_clock) -> None:
        self._engine, self._clock = engine, clock

    def collect(self) -> Iterator[Metric]:
        open_ = GaugeMetricFamily("penstock_engine_open", "Entities that have not ended", labels=(*_LABELS, "kind"))
        timers = GaugeMetricFamily("penstock_engine_timers", "Entities that wait for the clock", labels=_LABELS)
        position = GaugeMetricFamily("penstock_engine_input_position", "Last command decided", labels=_LABELS)
        window = GaugeMetricFamily(
            "penstock_engine_repeat_window_seconds", "How far back a repeated command is recognised", labels=_LABELS
        )
        events = CounterMetricFamily("penstock_engine_events", "Events written or replayed", labels=_LABELS)
        refused = CounterMetricFamily("penstock_engine_refused", "Commands refused", labels=_LABELS)
        letters = CounterMetricFamily("penstock_engine_dead_letters", "Records put aside", labels=_LABELS)
        now = self._clock().timestamp()
        for labels, state in self._states():
            for kind, count in sorted(state.entities.counts.items()):
                open_.add_metric((*labels, "definition" if labels[0] == CATALOG_COMMANDS else kind), count)
            timers.add_metric(labels, len(state.agenda))
            position.add_metric(labels, state.input_position)
            window.add_metric(labels, now - state.seen.reaches_back_to(now))
            events.add_metric(labels, state.events)
            refused.add_metric(labels, state.refused)
            letters.add_metric(labels, state.dead_letters)
        yield from (open_, timers, position, window, events, refused, letters)

    def _states(self) -> Iterator[tuple[tuple[str, str], PartitionState]]:
        for owner in self._engine.owners():
            if owner.state is not None:
                yield (owner.topic, str(owner.partition)), owner.state
