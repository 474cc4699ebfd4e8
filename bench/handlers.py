"""The trivial tasks of the benchmarks: add one."""

from __future__ import annotations

from typing import Any

from penstock.sdk import task


@task("add")
async def add(input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002, RUF029 - the worker's own cost is measured
    return {"n": input["n"] + 1}
