"""What happens in the rooms, told to whoever listens on a WebSocket: one bounded feed a client.

A feed that overflows forgets what it holds and asks its reader to send the whole state again (drop policy *to-state*):
a slow client misses steps, never the outcome, and holds nobody up.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any

BOUND = 256  # events that may wait for one client

Told = Mapping[str, Any]  # an event as it goes out, JSON


class Stale:
    """In place of an event: the whole state has to be sent now."""


STALE = Stale()


class FeedEndedError(Exception):
    """Nothing more will come: the room has ended."""


class Feed:
    """One client's queue."""

    def __init__(self, bound: int = BOUND) -> None:
        self.dropped = 0
        self._bound = bound
        self._waiting: deque[Told | Stale] = deque()
        self._ended = False
        self._filled = asyncio.Event()

    def put(self, event: Told | Stale) -> None:
        """Queue an event, or drop all by the policy."""
        if len(self._waiting) >= self._bound:
            self.dropped += len(self._waiting) + (event is not STALE)
            self._waiting.clear()
            event = STALE
        if self._waiting and self._waiting[-1] is STALE and event is STALE:
            return
        self._waiting.append(event)
        self._filled.set()

    def end(self) -> None:
        """Nothing more will come; what is queued is still delivered."""
        self._ended = True
        self._filled.set()

    async def get(self) -> Told | Stale:
        """The next event. Raises ``FeedEndedError``."""
        await self._filled.wait()
        if not self._waiting:
            raise FeedEndedError
        event = self._waiting.popleft()
        if not self._waiting and not self._ended:
            self._filled.clear()
        return event


class Feeds:
    """The feeds of all rooms, by the room's name."""

    def __init__(self) -> None:
        self.dropped = 0  # events lost by feeds that are closed
        self._feeds: dict[str, set[Feed]] = {}

    @property
    def clients(self) -> int:
        """How many listen."""
        return sum(map(len, self._feeds.values()))

    @property
    def dropped_total(self) -> int:
        """Events that slow clients ever lost."""
        return self.dropped + sum(feed.dropped for feeds in self._feeds.values() for feed in feeds)

    def subscribe(self, room: str) -> Feed:
        """A new feed of a room."""
        feed = Feed()
        self._feeds.setdefault(room, set()).add(feed)
        return feed

    def unsubscribe(self, room: str, feed: Feed) -> None:
        """Forget a feed; unknown ones are ignored."""
        feeds = self._feeds.get(room, set())
        if feed in feeds:
            feeds.discard(feed)
            self.dropped += feed.dropped
        if not feeds:
            self._feeds.pop(room, None)

    def publish(self, room: str, event: Told | Stale) -> None:
        """Tell everybody who listens to ``room``."""
        for feed in self._feeds.get(room, ()):
            feed.put(event)

    def end(self, room: str) -> None:
        """Let everybody go who listens to ``room``."""
        for feed in self._feeds.get(room, ()):
            feed.end()
