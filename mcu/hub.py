"""One encoded stream, many bounded subscribers.

The encoder's thread publishes; every subscriber drains on its own thread or loop. A subscriber starts at a keyframe.
When its queue is full it loses what it holds and waits for the next keyframe (drop policy *to-keyframe*): decoders
survive a jump from keyframe to keyframe, never a hole in between. Nobody can slow the publisher down.
"""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from mcu.media import EncodedFrame


class PacketSink(Protocol):
    """Where encoded packets leave the engine. Called from media threads; must not block and must not raise."""

    def write(self, frame: EncodedFrame) -> None:
        """Take one frame."""


@dataclass(slots=True)
class SubscriptionStats:
    """What went through one subscription."""

    delivered: int = 0
    dropped: int = 0  # frames lost to a full queue, or skipped while waiting for a keyframe after that


class Subscription:
    """One subscriber's bounded queue.

    Args:
        bound: frames held at most.
        wake: called, on the publisher's thread and outside every lock, when the queue turns from empty to filled.
        on_keyframe_wanted: called when this subscriber cannot go on without a keyframe.
        every_frame: this subscriber wants a frame at every tick, also while the canvas stands still.
    """

    def __init__(
        self, bound: int, wake: Callable[[], None], on_keyframe_wanted: Callable[[], None], *, every_frame: bool = False
    ) -> None:
        self.stats = SubscriptionStats()
        self.every_frame = every_frame
        self._bound = bound
        self._wake = wake
        self._on_keyframe_wanted = on_keyframe_wanted
        self._lock = threading.Lock()
        self._frames: deque[EncodedFrame] = deque()
        self._needs_keyframe = True
        self._overflowed = False  # frames skipped now count as dropped (at the start they do not: nothing was owed)

    def offer(self, frame: EncodedFrame) -> None:
        """Queue ``frame`` for this subscriber, or drop it by the policy."""
        with self._lock:
            wanted = self._admit(frame)
            first = len(self._frames) == 1
        if wanted:
            self._on_keyframe_wanted()
        elif first:
            self._wake()

    def _admit(self, frame: EncodedFrame) -> bool:
        if self._needs_keyframe and not frame.keyframe:
            self.stats.dropped += self._overflowed
            return False
        if len(self._frames) >= self._bound:
            self.stats.dropped += len(self._frames) + (not frame.keyframe)
            self._frames.clear()
            self._overflowed = True
            if not frame.keyframe:
                self._needs_keyframe = True
                return True
        self._needs_keyframe = False
        self._overflowed = False
        self._frames.append(frame)
        return False

    def drain(self) -> list[EncodedFrame]:
        """Take everything that is queued, oldest first."""
        with self._lock:
            frames = list(self._frames)
            self._frames.clear()
            self.stats.delivered += len(frames)
        return frames


class PacketHub:
    """Hands each published frame to every subscription.

    ``request_keyframe`` is forwarded to the encoder's owner, which rate-limits it; sound needs none.
    """

    def __init__(self, request_keyframe: Callable[[], None] = lambda: None) -> None:
        self.request_keyframe = request_keyframe
        self._lock = threading.Lock()
        self._subscriptions: tuple[Subscription, ...] = ()  # replaced, never changed, so publish needs no lock
        self._dropped_by_former = 0

    @property
    def in_use(self) -> bool:
        """Whether anybody listens, that is, whether the encoder has to run."""
        return bool(self._subscriptions)

    @property
    def wants_every_frame(self) -> bool:
        """Whether an unchanged canvas has to be encoded at the full rate (recordings keep constant timing)."""
        return any(subscription.every_frame for subscription in self._subscriptions)

    @property
    def dropped(self) -> int:
        """Frames lost by all subscribers there ever were."""
        return self._dropped_by_former + sum(s.stats.dropped for s in self._subscriptions)

    def subscribe(
        self, *, bound: int, wake: Callable[[], None] = lambda: None, every_frame: bool = False
    ) -> Subscription:
        """Add a subscriber and ask for the keyframe it starts at."""
        subscription = Subscription(bound, wake, self.request_keyframe, every_frame=every_frame)
        with self._lock:
            self._subscriptions = (*self._subscriptions, subscription)
        self.request_keyframe()
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """Remove a subscriber; unknown ones are ignored, so that leaving twice is harmless."""
        with self._lock:
            if subscription in self._subscriptions:
                self._dropped_by_former += subscription.stats.dropped
            self._subscriptions = tuple(s for s in self._subscriptions if s is not subscription)

    def publish(self, frame: EncodedFrame) -> None:
        """Offer ``frame`` to everybody."""
        for subscription in self._subscriptions:
            subscription.offer(frame)
