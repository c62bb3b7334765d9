"""The mix to everybody: packetised once, handed to each peer's sender.

A frame wakes the loop once, however many peers there are. A keyframe's packets are spread over a while, so that no line
is hit by a burst; what comes in the meantime queues up behind, in order.
"""

import asyncio
import math
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Protocol

from mcu.clock import MediaClock
from mcu.hub import PacketHub, Subscription
from mcu.media import AudioCodec, EncodedFrame, VideoCodec
from mcu.rtc.packetize import packetizer
from mcu.rtc.peer import Peer
from mcu.rtc.sender import OutPacket, VideoSender

HUB_FRAMES = 30  # frames of a loop that does not come to drain them; then to the next keyframe
BURST_PACKETS = 12  # a keyframe of no more packets is not paced
PACE_STEP_S, PACE_STEPS = 0.005, 24  # 120 ms for what waits at once
ASK_AGAIN_US = 1_000_000  # for a keyframe, while somebody still waits for one
AUDIO_BLOCKS = 10  # 200 ms of a loop that does not come to drain them; then the oldest are dropped


class VideoFanout:
    """One codec's stream to all peers that take it.

    Args:
        codec: of the hub's frames.
        hub: where the frames come from; subscribed to only while there are peers.
        loop: everything but the wake-up happens there.
        clock: the room's.
    """

    def __init__(self, codec: VideoCodec, hub: PacketHub, loop: asyncio.AbstractEventLoop, clock: MediaClock) -> None:
        self._codec = codec
        self._hub = hub
        self._loop = loop
        self._clock = clock
        self._packetize = packetizer(codec)
        self._senders: dict[Peer, VideoSender] = {}
        self._subscription: Subscription | None = None
        self._pending: deque[OutPacket] = deque()  # paced; never more than some keyframes, since the pace follows it
        self._pace = 0  # packets a step
        self._timer: asyncio.TimerHandle | None = None
        self._asked_us = 0
        self._keyframes_asked = 0  # by peers
        self._keyframes_refused = 0  # of those, beyond somebody's budget
        self._frames = 0
        self._packets = 0
        self._dropped_before = 0  # by senders that are gone, and subscriptions

    # --- peers --------------------------------------------------------------------------------------------------------

    def add(self, peer: Peer) -> None:
        """Send to ``peer`` too, from the next keyframe on, which is asked for."""
        sender = peer.video_sender
        if sender is None or peer in self._senders:
            return
        self._senders[peer] = sender
        peer.on_keyframe_asked(lambda: self._asked(sender))
        self._asked_us = self._clock.now_us()
        if self._subscription is None:
            self._subscription = self._hub.subscribe(bound=HUB_FRAMES, wake=self._wake)
        else:
            self._hub.request_keyframe()

    def remove(self, peer: Peer) -> None:
        """Send to ``peer`` no more."""
        sender = self._senders.pop(peer, None)
        if sender is None:
            return
        peer.on_keyframe_asked(None)
        self._dropped_before += sender.dropped
        if not self._senders and self._subscription is not None:
            self._hub.unsubscribe(self._subscription)
            self._dropped_before += self._subscription.stats.dropped
            self._subscription = None
            self._stop_pacing()

    def _asked(self, sender: VideoSender) -> None:
        """Somebody's decoder wants a keyframe."""
        self._keyframes_asked += 1
        if sender.keyframes.take(self._clock.now_us()):
            self._hub.request_keyframe()
        else:
            self._keyframes_refused += 1

    def _wake(self) -> None:
        """On the encoder's thread."""
        self._loop.call_soon_threadsafe(self._drain)

    # --- packets ------------------------------------------------------------------------------------------------------

    def _drain(self) -> None:
        if self._subscription is None:
            return
        for frame in self._subscription.drain():
            self._frames += 1
            packets = self._packets_of(frame)
            if self._pending or (frame.keyframe and len(packets) > BURST_PACKETS):
                self._pending.extend(packets)
                self._pace = max(self._pace, math.ceil(len(self._pending) / PACE_STEPS))
                if self._timer is None:
                    self._step()
            else:
                self._send(packets)
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
        self._send(packets)
        if self._pending:
            self._timer = self._loop.call_later(PACE_STEP_S, self._step)
        else:
            self._stop_pacing()

    def _stop_pacing(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._pace = None, 0
        self._pending.clear()

    def _send(self, packets: Sequence[OutPacket]) -> None:
        now_us = self._clock.now_us()
        for sender in self._senders.values():
            self._packets += len(packets)
            if not sender.send(packets, now_us):
                self._asked(sender)

    def _ask_again(self) -> None:
        """The encoder limits keyframes and may have passed over the one somebody needs to begin."""
        now_us = self._clock.now_us()
        if now_us - self._asked_us < ASK_AGAIN_US or self._pending:
            return
        self._asked_us = now_us
        if any(sender.waiting and sender.keyframes.take(now_us) for sender in self._senders.values()):
            self._hub.request_keyframe()

    def metrics(self) -> dict[str, float]:
        """Counters by their Prometheus names."""
        subscription = self._subscription.stats.dropped if self._subscription is not None else 0
        dropped = self._dropped_before + subscription + sum(s.dropped for s in self._senders.values())
        name = f"tutti_send_{self._codec}"
        return {
            f"{name}_frames_total": self._frames,
            f"{name}_packets_total": self._packets,
            f"{name}_dropped_total": dropped,
            f"{name}_keyframes_asked_total": self._keyframes_asked,
            f"{name}_keyframes_refused_total": self._keyframes_refused,
        }


class Block(Protocol):
    """20 ms of the mix, encoded (``mcu.audio`` makes them)."""

    @property
    def pts(self) -> int:
        """Media time of its beginning, in 48 kHz samples."""

    @property
    def shared(self) -> Mapping[AudioCodec, bytes]:
        """What everybody hears who has no block of their own."""

    @property
    def own(self) -> Mapping[str, bytes]:
        """The mix without themselves, by participant id."""


class AudioFanout:
    """The mix's sound to all peers; an ``AudioOutput`` for the audio mixer.

    Args:
        loop: where the sending happens.
        clock: the room's.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: MediaClock) -> None:
        self._loop = loop
        self._clock = clock
        self._peers: dict[str, Peer] = {}
        self._blocks: deque[Block] = deque(maxlen=AUDIO_BLOCKS)
        self._woken = False
        self._dropped = 0
        self._packets = 0

    def add(self, peer: Peer) -> None:
        """Send to ``peer`` too."""
        if peer.audio_sender is not None:
            self._peers[peer.participant_id] = peer

    def remove(self, peer: Peer) -> None:
        """Send to ``peer`` no more."""
        if self._peers.get(peer.participant_id) is peer:
            del self._peers[peer.participant_id]

    def write(self, block: Block) -> None:
        """Take a block; called on the audio thread."""
        if not self._peers:
            return
        self._dropped += len(self._blocks) == AUDIO_BLOCKS
        self._blocks.append(block)
        if not self._woken:
            self._woken = True
            self._loop.call_soon_threadsafe(self._drain)

    def _drain(self) -> None:
        self._woken = False
        while self._blocks:
            block = self._blocks.popleft()
            for id_, peer in self._peers.items():
                sender = peer.audio_sender
                if sender is None:
                    continue
                payload = block.own.get(id_) or block.shared.get(sender.codec)
                if payload:
                    self._packets += 1
                    sender.send(block.pts, payload)

    def metrics(self) -> dict[str, float]:
        """Counters by their Prometheus names."""
        return {"tutti_send_audio_packets_total": self._packets, "tutti_send_audio_dropped_total": self._dropped}
