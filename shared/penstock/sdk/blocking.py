"""The same object for code that is not asynchronous: one wrapper for all methods, no twin written by hand."""

from __future__ import annotations

import asyncio
import functools
import inspect
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, Self

MODULE = __name__.rpartition(".")[0]


class Blocking:
    """
    What ``make`` makes, with methods that block: coroutines are run on a private loop in a thread, asynchronous
    iterators become iterators, and objects of ours that have coroutines of their own come back wrapped.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="penstock-client", daemon=True)
        self._thread.start()
        self._inner = Wrapped(self._run(_made(make)), self._run)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def close(self) -> None:
        """Close what was made, and end the thread; idempotent."""
        if self._thread.is_alive():
            self._inner.close()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        if not self._thread.is_alive():
            work.close()
            raise RuntimeError("expected an open client, but it was closed")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


class Wrapped:
    """One object whose methods block."""

    def __init__(self, inner: Any, run: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        self._inner, self._run = inner, run

    def __repr__(self) -> str:
        return repr(self._inner)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._blocking(getattr(self._inner, name))

    def _blocking(self, value: Any) -> Any:
        if not inspect.ismethod(value):
            return self._wrapped(value)

        @functools.wraps(value)
        def call(*arguments: Any, **options: Any) -> Any:
            return self._wrapped(value(*arguments, **options))

        return call

    def _wrapped(self, value: Any) -> Any:
        if inspect.iscoroutine(value):
            return self._wrapped(self._run(value))
        if isinstance(value, AsyncIterator):
            return self._iterate(value)
        if type(value).__module__.startswith(MODULE) and _has_coroutines(type(value)):
            return Wrapped(value, self._run)
        return value

    def _iterate(self, values: AsyncIterator[Any]) -> Iterator[Any]:
        async def following() -> Any:
            return await anext(values, _END)

        while (value := self._run(following())) is not _END:
            yield self._wrapped(value)


_END = object()


async def _made(make: Callable[[], Any]) -> Any:
    return make()


def _has_coroutines(kind: type[Any]) -> bool:
    return any(inspect.iscoroutinefunction(method) for _, method in inspect.getmembers(kind, inspect.isfunction))
