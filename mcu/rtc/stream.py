"""One rung's packets to the peers that are on it or on their way to it: packetised once, keyframes paced.

A frame wakes the loop once, however many peers there are. The packets of a keyframe, or of another picture as large,
are spread over a while, so that no line is hit by a burst; what comes in the meantime queues up behind, in order.
"""

import asyncio
import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mcu.clock import MediaClock
from mcu.hub import PacketHub, Subscription
from mcu.media import EncodedFrame, Rung, VideoCodec
from mcu.rtc.packetize import packetizer
from mcu.rtc.sender import OutPacket, VideoSender

HUB_FRAMES = 30  # frames of a loop that does not come to drain them; then to the next keyframe
BURST_PACKETS = 12  # a keyframe of no more packets is not paced,
LARGE_PACKETS = 36  # nor is another picture of no more: five times the mean, as when slides change
PACE_STEP_S, PACE_STEPS = 0.005, 24  # 120 ms for what waits at once
ASK_AGAIN_US = 1_000_000  # for a keyframe, while somebody still waits for one


@dataclass(frozen=True, slots=True)
class Users:
    """Who is told by a stream."""

    needs_keyframe: Callable[[VideoSender], None]  # this one cannot go on
    arrived: Callable[[VideoSender], None]  # this one has changed to the stream


class RungStream:
    """One hub's stream.

    Args:
        codec: of the hub's frames.
        rung: of the hub's frames.
        hub: where they come from; subscribed to only while there are senders.
        loop: everything but the wake-up happens there.
        clock: the room's.
        users: are told.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - a stream is made in one place
        self,
        codec: VideoCodec,
        rung: Rung,
        hub: PacketHub,
        loop: asyncio.AbstractEventLoop,
        clock: MediaClock,
        users: Users,
    ) -> None:
        self.frames = 0
        self.packets = 0
        self._rung = rung
        self._hub = hub
        self._loop = loop
        self._clock = clock
        self._users = users
        self._packetize = packetizer(codec)
        self._senders: tuple[VideoSender, ...] = ()  # replaced, never changed: somebody may go while it is gone through
        self._subscription: Subscription | None = None
        self._pending: deque[OutPacket] = deque()  # paced; never more than some keyframes, since the pace follows it
        self._paced: deque[EncodedFrame] = deque()  # whose first packets are in there
        self._pace = 0  # packets a step
        self._timer: asyncio.TimerHandle | None = None
        self._asked_us = 0
        self._dropped_before = 0  # by former subscriptions

    @property
    def dropped(self) -> int:
        """Frames that the loop came too late for."""
        now = self._subscription.stats.dropped if self._subscription is not None else 0
        return self._dropped_before + now

    @property
    def shared(self) -> bool:
        """Whether more than one pay for a keyframe: with quality, since it takes what others' pictures would."""
        return len(self._senders) > 1 or self._hub.wants_every_frame

    def add(self, sender: VideoSender) -> None:
        """Send to it too, from the next keyframe on, which is asked for."""
        if sender in self._senders:
            return
        self._senders = (*self._senders, sender)
        self._asked_us = self._clock.now_us()
        if self._subscription is None:
            self._subscription = self._hub.subscribe(bound=HUB_FRAMES, wake=self._wake)
        else:
            self._hub.request_keyframe()

    def remove(self, sender: VideoSender) -> None:
        """Send to it no more; unknown ones are ignored."""
        self._senders = tuple(other for other in self._senders if other is not sender)
        if not self._senders and self._subscription is not None:
            self._hub.unsubscribe(self._subscription)
            self._dropped_before += self._subscription.stats.dropped
            self._subscription = None
            self._stop_pacing()

    def request_keyframe(self) -> None:
        """Somebody on this rung needs one."""
        self._hub.request_keyframe()

    def _wake(self) -> None:
        """On the encoder's thread."""
        self._loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        if self._subscription is None:
            return
        for frame in self._subscription.drain():
            self.frames += 1
            packets = self._packets_of(frame)
            if self._pending or len(packets) > (BURST_PACKETS if frame.keyframe else LARGE_PACKETS):
                self._pending.extend(packets)
                self._paced.append(frame)
                self._pace = max(self._pace, math.ceil(len(self._pending) / PACE_STEPS))
                if self._timer is None:
                    self._step()
            else:
                self._send(packets, (frame,))
        self._ask_again()

    def _packets_of(self, frame: EncodedFrame) -> list[OutPacket]:
        payloads = self._packetize(frame.data)
        last = len(payloads) - 1
        return [
            OutPacket(payload, frame.pts, index == last, index == 0, frame.keyframe)
            for index, payload in enumerate(payloads)
        ]

    def _step(self) -> None:
        """Send the next few of what is paced."""
        packets = [self._pending.popleft() for _ in range(min(self._pace, len(self._pending)))]
        self._send(packets, [self._paced.popleft() for packet in packets if packet.first])
        if self._pending:
            self._timer = self._loop.call_later(PACE_STEP_S, self._step)
        else:
            self._stop_pacing()

    def _stop_pacing(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._pace = None, 0
        self._pending.clear()
        self._paced.clear()

    def _send(self, packets: Sequence[OutPacket], begun: Sequence[EncodedFrame]) -> None:
        """``begun``: the frames whose first packets are among these."""
        now_us = self._clock.now_us()
        for sender in self._senders:
            self.packets += len(packets)
            came_from = sender.rung
            if not sender.send(packets, now_us, self._rung):
                self._users.needs_keyframe(sender)
            if sender.rung is not came_from:
                self._users.arrived(sender)
            if sender.on_begun is not None and sender.rung is self._rung and not sender.waiting:
                for frame in begun:
                    sender.on_begun(frame)

    def _ask_again(self) -> None:
        """The encoder limits keyframes and may have passed over the one somebody needs to begin or to change."""
        now_us = self._clock.now_us()
        if now_us - self._asked_us < ASK_AGAIN_US or self._pending:
            return
        self._asked_us = now_us
        changing = any(sender.target is self._rung is not sender.rung for sender in self._senders)
        if changing or any(sender.waiting and sender.keyframes.take(now_us) for sender in self._senders):
            self._hub.request_keyframe()
