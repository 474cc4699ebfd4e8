"""What the demo has to show in the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.text import Text

from penstock.cli.demo.tally import Tally, percentile
from penstock.cli.screen import console, print_table
from penstock.engine.replay import Verdict


def print_summary(tally: Tally, seconds: float, rows: Mapping[str, int]) -> None:
    """Executions by outcome, times, throughput, rows."""
    names = sorted(set(tally.definitions.values()))
    print_table(
        ("definition", "executions", "completed", "failed", "p50", "p99"),
        [_row(tally, name) for name in names],
    )
    total = len(tally.outcomes)
    reasons = ", ".join(f"{count} {code}" for code, count in tally.reasons.most_common())
    print()
    print(f"executions  {total:,} in {seconds:.1f} s: {total / max(seconds, 1e-9):,.0f}/s")
    print(f"events      {tally.events:,}: {tally.events / max(seconds, 1e-9):,.0f}/s; {tally.retries:,} tasks retried")
    print(f"failures    {reasons or 'none'}")
    print("tables      " + ", ".join(f"{count:,} rows in {name}" for name, count in rows.items()))


def _row(tally: Tally, name: str) -> tuple[str, str, str, str, str, str]:
    outcomes, durations = tally.by_outcome(name), tally.durations[name]
    return (
        name,
        f"{sum(outcomes.values()):,}",
        f"{outcomes.get('completed', 0):,}",
        f"{outcomes.get('failed', 0):,}",
        f"{percentile(durations, 0.5) * 1000:,.0f} ms",
        f"{percentile(durations, 0.99) * 1000:,.0f} ms",
    )


def print_proof(verdicts: Sequence[Verdict]) -> bool:
    """The state digest of each partition beside that of a replay; whether all of them are equal."""
    screen = console()
    print()
    print("state digests: the live engine's when it stopped, and those of a replay of the log from its first event")
    equal = True
    for verdict in verdicts:
        same = _same(verdict)
        equal = equal and same
        print(f"{verdict.topic}/{verdict.partition}, {verdict.events:,} events")
        if verdict.marker_digest is not None:
            print(f"  live     {verdict.marker_digest}")
            print(f"  replayed {verdict.digest}")
        said = "equal" if verdict.marker_digest else "every hash and every sequence fits"
        screen.print(Text("  " + said if same else "  DIFFERENT", style="bold green" if same else "bold red"))
        for problem in verdict.problems:
            print(f"  {problem}")
    return equal


def _same(verdict: Verdict) -> bool:
    """Stricter than a verdict of its own: nothing may lie behind the last checkpoint of an engine that has stopped."""
    return verdict.ok and verdict.marker_digest in (None, verdict.digest)
