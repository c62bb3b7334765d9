"""The mix's picture to everybody.

Each peer gets the picture on the rung that its line bears (``rungs`` decides), and goes from one to another at a
keyframe. What a rung costs besides is in ``stream``.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from mcu.clock import MediaClock
from mcu.hub import PacketHub
from mcu.media import EncodedFrame, Rung, VideoCodec
from mcu.messages import VideoConfig
from mcu.rtc.peer import Peer
from mcu.rtc.rungs import RungChooser
from mcu.rtc.sender import VideoSender
from mcu.rtc.stream import RungStream, Users

PAD_STEP_S = 0.02  # between two portions of padding
MAX_PAD_BYTES = 20_000  # in one portion, when the loop was late


@dataclass(frozen=True, slots=True)
class Offer:
    """One rung: where its frames come from, and what it takes."""

    hub: PacketHub
    bitrate_bps: int


def offers(hubs: Mapping[Rung, PacketHub], config: VideoConfig) -> dict[Rung, Offer]:
    """The rungs of a canvas."""
    return {rung: Offer(hub, config.at(rung).bitrate_bps) for rung, hub in hubs.items() if rung < config.rungs}


class VideoFanout:
    """One codec's streams to all peers that take it.

    Args:
        codec: of the hubs' frames.
        offers: the rungs; at least the full size.
        loop: everything but the wake-ups happens there.
        clock: the room's.
    """

    def __init__(
        self, codec: VideoCodec, offers: Mapping[Rung, Offer], loop: asyncio.AbstractEventLoop, clock: MediaClock
    ) -> None:
        self.on_begun: Callable[[str, EncodedFrame], None] | None = (
            None  # told whom the first packet of a frame went to
        )
        self.late_us: Callable[[], int] = lambda: 0  # by how much this loop is behind
        self._codec = codec
        self._loop = loop
        self._clock = clock
        self._bitrates = [offers[rung].bitrate_bps for rung in sorted(offers)]
        users = Users(self._asked, self._arrived)
        self._streams = {rung: RungStream(codec, rung, offer.hub, loop, clock, users) for rung, offer in offers.items()}
        self._senders: dict[Peer, VideoSender] = {}
        self._best = Rung.FULL
        self._padding: asyncio.TimerHandle | None = None
        self._padded: dict[VideoSender, tuple[int, int]] = {}  # when last, and the octets of media sent until then
        self._keyframes_asked = 0  # by peers
        self._keyframes_refused = 0  # of those, beyond somebody's budget
        self._changes = 0  # of rungs
        self._dropped_before = 0  # by senders that are gone

    # --- peers --------------------------------------------------------------------------------------------------------

    def add(self, peer: Peer) -> None:
        """Send to ``peer`` too, from the next keyframe on, which is asked for."""
        sender = peer.video_sender
        if sender is None or peer in self._senders:
            return
        self._senders[peer] = sender
        chooser = sender.chooser = RungChooser(self._bitrates, can_probe=sender.can_pad)
        chooser.best = sender.rung = sender.target = self._best
        sender.on_feedback = partial(self._steer, sender)
        sender.late_us = self.late_us
        if self.on_begun is not None:
            sender.on_begun = partial(self.on_begun, peer.participant_id)
        peer.on_keyframe_asked(lambda: self._asked(sender))
        self._streams[sender.rung].add(sender)

    def remove(self, peer: Peer) -> None:
        """Send to ``peer`` no more."""
        sender = self._senders.pop(peer, None)
        if sender is None:
            return
        peer.on_keyframe_asked(None)
        sender.on_feedback = sender.on_begun = None
        self._padded.pop(sender, None)
        self._dropped_before += sender.dropped
        for stream in self._streams.values():
            stream.remove(sender)

    def follow(self, config: VideoConfig) -> None:
        """The rungs take these bitrates from now on."""
        self._bitrates = [config.at(rung).bitrate_bps for rung in sorted(self._streams)]
        for sender in self._senders.values():
            if sender.chooser is not None:
                sender.chooser.follow(self._bitrates)
            sender.limit_resends(self._bitrates[sender.rung])

    def offer_from(self, best: Rung) -> None:
        """Offer no rung above ``best`` from now on."""
        self._best = min(best, max(self._streams))
        for sender in self._senders.values():
            if sender.chooser is not None:
                sender.chooser.best = self._best
            self._steer(sender)

    def _asked(self, sender: VideoSender) -> None:
        """Somebody's decoder wants a keyframe."""
        now_us = self._clock.now_us()
        self._keyframes_asked += 1
        if sender.chooser is not None:
            sender.chooser.keyframe_asked(now_us)
            self._steer(sender)
        stream = self._streams[sender.rung]
        if (not stream.shared or sender.shared_keyframes.take(now_us)) and sender.keyframes.take(now_us):
            stream.request_keyframe()
        else:
            self._keyframes_refused += 1

    # --- rungs --------------------------------------------------------------------------------------------------------

    def _steer(self, sender: VideoSender) -> None:
        """Do what the chooser says, which may be nothing new."""
        chooser = sender.chooser
        if chooser is None:
            return
        if chooser.rung is not sender.target:
            if sender.target is not sender.rung:  # it has not got there yet
                self._streams[sender.target].remove(sender)
            sender.target = chooser.rung
            sender.yielding = chooser.crowded and sender.target > sender.rung
            if sender.target is not sender.rung:
                self._streams[sender.target].add(sender)
        if chooser.probe_bps(self._clock.now_us()) and sender not in self._padded:
            self._padded[sender] = (self._clock.now_us(), sender.octets)
            if self._padding is None:
                self._padding = self._loop.call_later(PAD_STEP_S, self._pad)

    def _arrived(self, sender: VideoSender) -> None:
        """A keyframe of the new rung has begun to go out."""
        self._changes += 1
        sender.limit_resends(self._bitrates[sender.rung])
        for rung, stream in self._streams.items():
            if rung is not sender.rung:
                stream.remove(sender)

    def _pad(self) -> None:
        """Bring what is sent up to what is tried out, for all who try."""
        self._padding = None
        now_us = self._clock.now_us()
        for sender, (then_us, octets) in list(self._padded.items()):
            rate_bps = sender.chooser.probe_bps(now_us) if sender.chooser is not None else 0
            if not rate_bps:
                del self._padded[sender]
                continue
            owed = rate_bps * (now_us - then_us) / 8_000_000 - (sender.octets - octets)
            left = owed - sender.pad(min(owed, MAX_PAD_BYTES), now_us)
            self._padded[sender] = (now_us, sender.octets + round(max(-MAX_PAD_BYTES, min(left, MAX_PAD_BYTES))))
        if self._padded:
            self._padding = self._loop.call_later(PAD_STEP_S, self._pad)

    # --- statistics ---------------------------------------------------------------------------------------------------

    def metrics(self) -> dict[str, float]:
        """Counters by their Prometheus names."""
        streams = self._streams.values()
        dropped = sum(stream.dropped for stream in streams) + sum(s.dropped for s in self._senders.values())
        name = f"tutti_send_{self._codec}"
        on_rung = {
            f"{name}_peers_{rung.name.lower()}": float(sum(s.rung is rung for s in self._senders.values()))
            for rung in self._streams
        }
        return {
            f"{name}_frames_total": sum(stream.frames for stream in streams),
            f"{name}_packets_total": sum(stream.packets for stream in streams),
            f"{name}_dropped_total": self._dropped_before + dropped,
            f"{name}_keyframes_asked_total": self._keyframes_asked,
            f"{name}_keyframes_refused_total": self._keyframes_refused,
            f"{name}_rung_changes_total": self._changes,
            f"{name}_probing": len(self._padded),
            **on_rung,
        }
