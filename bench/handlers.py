"""The trivial task of the benchmarks: add one."""

from __future__ import annotations

from typing import Any

from penstock.sdk.task import task


@task("add")
async def add(input: dict[str, Any]) -> dict[str, Any]:  # noqa: A002 - the one parameter takes the whole input
    return {"n": input.get("n", 0) + 1}


HANDLERS = [add]
