"""The two transports over a feed: in this process, and over HTTP (decisions 17-18)."""

from __future__ import annotations

from typing import Final

import httpx

from penstock.runtime.clock import Clock, system_clock
from penstock.sdk.feed_channel import FeedChannel
from penstock.sdk.http_feed import HttpFeed
from penstock.sdk.transport import Joining, TaskFeed

LOCAL_AHEAD: Final = 200
LOCAL_SENDERS: Final = 64
HTTP_SENDERS: Final = 16


class LocalTransport:
    """Over ``feed``, a feed in this process."""

    def __init__(self, feed: TaskFeed, *, clock: Clock = system_clock) -> None:
        self._feed, self._clock = feed, clock

    async def open(self, joining: Joining) -> FeedChannel:
        return FeedChannel(self._feed, joining, self._clock, ahead=LOCAL_AHEAD, senders=LOCAL_SENDERS)

    async def close(self) -> None:
        """Nothing: the feed is not ours."""


class HttpTransport:
    """Over the gateway at ``url``. ``client`` may be given, with proxies or certificates of its own; it stays open."""

    def __init__(
        self,
        url: str,
        *,
        api_token: str | None = None,
        client: httpx.AsyncClient | None = None,
        clock: Clock = system_clock,
    ) -> None:
        self._url, self._token, self._client, self._clock = url, api_token, client, clock
        self._feed: HttpFeed | None = None

    async def open(self, joining: Joining) -> FeedChannel:
        if self._feed is None:
            self._feed = HttpFeed(self._url, self._token, self._client)
        # None ahead: what waits here could be done by a worker that is free.
        return FeedChannel(self._feed, joining, self._clock, ahead=0, senders=HTTP_SENDERS)

    async def close(self) -> None:
        if self._feed is not None:
            await self._feed.close()
            self._feed = None
