"""Runs the body of a command: what goes wrong becomes one line on standard error and an exit code with a meaning."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from enum import IntEnum
from typing import Any, Final, NoReturn, cast

import typer

DEBUG: Final = "PENSTOCK_DEBUG"


class Code(IntEnum):
    OK = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    REFUSED = 4
    INTERRUPTED = 130


class Failed(Exception):
    """A command ends with this sentence (or these) and this code."""

    def __init__(self, sentence: str, code: Code = Code.FAILED) -> None:
        super().__init__(sentence)
        self.code = code


def execute(body: Callable[[], Coroutine[Any, Any, int | None]], *, serves: bool = False) -> NoReturn:
    """Run ``body`` in a loop of its own (the fast one, where it ``serves``) and leave with the code that it returns."""
    code: int | None = None
    if serves:
        from penstock.runtime.collection import collect_rarely

        collect_rarely()
    with _lines_for_errors(), asyncio.Runner(loop_factory=_fast_loop if serves else None) as runner:
        code = runner.run(_awaited(body()))
    raise typer.Exit(code or Code.OK)


def _fast_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:  # not on every system
        return asyncio.new_event_loop()
    return cast(asyncio.AbstractEventLoop, uvloop.new_event_loop())


async def _awaited(body: Awaitable[int | None]) -> int | None:
    """SIGTERM ends a command as Ctrl-C does, so that it can clean up; services hear it themselves."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await body


@contextlib.contextmanager
def _lines_for_errors() -> Iterator[None]:
    """Turn what is expected to go wrong into its line and its code; defects pass."""
    try:
        yield
    except (KeyboardInterrupt, asyncio.CancelledError):
        raise typer.Exit(Code.INTERRUPTED) from None
    except BrokenPipeError:
        # The reader has seen enough (`penstock list | head`); the interpreter would complain while it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(Code.OK) from None
    except _expected() as error:
        if os.environ.get(DEBUG):
            raise
        say(_sentence(error))
        raise typer.Exit(code_of(error)) from None


def say(sentence: str) -> None:
    """A line for the person at the terminal, beside what programs read."""
    for line in sentence.splitlines() or [""]:
        print(f"penstock: {line}", file=sys.stderr)


def code_of(error: BaseException) -> Code:
    if isinstance(error, Failed):
        return error.code
    return next(code for kind, code in _codes().items() if isinstance(error, kind))


def _sentence(error: BaseException) -> str:
    from penstock.sdk.refusals import Unavailable

    if isinstance(error, Unavailable) and error.code == "UNREACHABLE":
        return f"{error.detail}; is `penstock dev` or `penstock serve` running? (--url, PENSTOCK_URL)"
    return str(error)


def _expected() -> tuple[type[BaseException], ...]:
    return (Failed, *_codes())


def _codes() -> dict[type[BaseException], Code]:
    """Read from above: the first that fits."""
    from penstock.domain.definition.findings import DefinitionInvalid
    from penstock.domain.rejected import Rejected
    from penstock.engine.replay import ExecutionNotFound
    from penstock.gateway.settings import Unprotected
    from penstock.log.port import LogError, LogUnavailable
    from penstock.projector.rebuild import NothingServes
    from penstock.runtime.settings import SettingsInvalid
    from penstock.sdk import refusals
    from penstock.sdk.errors import HandlerInvalid, ModuleInvalid
    from penstock.standalone import AddressTaken
    from penstock.tables.embedded import EmbeddedMissing
    from penstock.tables.pool import TablesUnavailable

    return {
        SettingsInvalid: Code.USAGE,
        Unprotected: Code.USAGE,
        HandlerInvalid: Code.USAGE,
        ModuleInvalid: Code.USAGE,
        refusals.NotFound: Code.FAILED,
        refusals.Rejected: Code.REFUSED,
        refusals.Unauthorized: Code.REFUSED,
        refusals.Unavailable: Code.UNREACHABLE,
        refusals.TimedOut: Code.UNREACHABLE,
        LogUnavailable: Code.UNREACHABLE,
        TablesUnavailable: Code.UNREACHABLE,
        Rejected: Code.REFUSED,
        DefinitionInvalid: Code.FAILED,
        ExecutionNotFound: Code.FAILED,
        NothingServes: Code.FAILED,
        EmbeddedMissing: Code.FAILED,
        AddressTaken: Code.FAILED,
        LogError: Code.FAILED,
    }
