"""RTP packets of one video stream into whole frames, in order. Pure: time is an argument.

A frame is complete when the packets from the end of the frame before to its marker bit are there. A hole holds back
what follows until its packets come, a later keyframe is complete, or the deadline has passed; then nothing is released
until a keyframe, for a decoder survives a jump to a keyframe but no hole in between. What is missing between two frames
whose numbers follow each other is none of them: padding or error correction.
"""

from dataclasses import dataclass

from mcu.media import VideoCodec
from mcu.rtc.depacketize import follows, is_keyframe_start, join, starts_frame

DEADLINE_US = 400_000  # how long a hole may hold back what follows
MAX_PACKETS = 1024  # kept at most; more are given up together
MAX_BETWEEN = 32  # packets between two frames that may be missing
_LATE_RUN = 64  # so many outdated packets in a row mean that the sender counts anew


@dataclass(slots=True, frozen=True)
class VideoPacket:
    """One packet of media; ``sequence`` and ``time`` are unwrapped."""

    sequence: int
    time: int
    marker: bool
    codec: VideoCodec
    payload: bytes
    arrival_us: int


@dataclass(slots=True, frozen=True)
class Frame:
    """One whole encoded frame; ``first_us`` and ``arrival_us`` are when the first and the last of its packets came."""

    codec: VideoCodec
    data: bytes
    time: int
    first_us: int
    arrival_us: int
    keyframe: bool


class FrameAssembler:
    """Collects packets, hands out frames."""

    def __init__(self) -> None:
        self.late = 0  # packets that came when nobody waited for them, or twice
        self.given_up = 0  # packets dropped with frames that were never completed
        self.broken = 0  # frames whose payloads made no sense
        self.restarts = 0  # times the sender's count began anew
        self._packets: dict[int, VideoPacket] = {}
        self._head: int | None = None  # first packet of the frame to be released next; None: waiting for a keyframe
        self._scan = 0  # first packet from the head on that is not there
        self._newest = 0  # newest sequence number in store
        self._late_run = 0
        self._released: VideoPacket | None = None  # first packet of the frame released last
        self._hole_since_us: int | None = None
        self._keyframe_after: int | None = None  # where the newest keyframe behind the hole begins

    @property
    def keyframe_wanted(self) -> bool:
        """Whether only a keyframe helps, and none is on its way."""
        return self._head is None

    @property
    def oldest_wanted(self) -> int | None:
        """Packets before this one are of no use any more; None while that is unknown."""
        return None if self._head is None else self._scan

    def push(self, packet: VideoPacket, now_us: int) -> list[Frame]:
        """Take a packet; the frames that it completes."""
        if self._is_outdated(packet):
            return []
        self._packets[packet.sequence] = packet
        self._newest = max(self._newest, packet.sequence) if len(self._packets) > 1 else packet.sequence
        if len(self._packets) > MAX_PACKETS:
            self._give_up()
        if self._begins_keyframe(packet):
            self._keyframe_after = packet.sequence
        if self._head is None:
            self._start_at_keyframe()
        frames = self._release(now_us)
        if self._keyframe_after is not None and self._is_complete(self._keyframe_after):
            self._start_at_keyframe()
            frames += self._release(now_us)
        return frames

    def expire(self, now_us: int) -> list[Frame]:
        """Give up what is overdue; frames set free by that."""
        if self._hole_since_us is None or now_us - self._hole_since_us < DEADLINE_US:
            return []
        self._hole_since_us = None
        self._give_up()
        self._start_at_keyframe()
        return self._release(now_us)

    def expires_us(self) -> int | None:
        """When ``expire`` has something to do; None while nothing is held back."""
        return None if self._hole_since_us is None else self._hole_since_us + DEADLINE_US

    def abandon(self) -> None:
        """Begin again at the next keyframe."""
        self.given_up += len(self._packets)
        self._packets.clear()
        self._head = self._hole_since_us = self._keyframe_after = None

    def _is_outdated(self, packet: VideoPacket) -> bool:
        first_wanted = self._scan if self._head is not None else self._newest - MAX_PACKETS
        if packet.sequence in self._packets:
            self.late += 1
            return True
        if packet.sequence >= first_wanted or (self._head is None and not self._packets):
            self._late_run = 0
            return False
        self.late += 1
        self._late_run += 1
        if self._late_run < _LATE_RUN:
            return True
        self._late_run = 0
        self.restarts += 1
        self.abandon()
        return False

    def _begins_keyframe(self, packet: VideoPacket) -> bool:
        if not is_keyframe_start(packet.codec, packet.payload):
            return False
        if self._keyframe_after is not None and packet.sequence <= self._keyframe_after:
            return False
        if starts_frame(packet.codec, packet.payload):
            before = self._packets.get(packet.sequence - 1)
            return before is None or before.time != packet.time
        before = self._packets.get(packet.sequence - 1)
        return before is not None and (before.marker or before.time != packet.time)

    def _start_at_keyframe(self) -> None:
        """Go on at the keyframe behind the hole, if there is one; what lies before is lost."""
        if self._keyframe_after is None:
            return
        for sequence in [s for s in self._packets if s < self._keyframe_after]:
            del self._packets[sequence]
            self.given_up += self._head is not None
        self._head = self._scan = self._keyframe_after
        self._keyframe_after = self._hole_since_us = None

    def _give_up(self) -> None:
        """Drop everything but the keyframe behind the hole."""
        keep_from = self._keyframe_after if self._keyframe_after is not None else self._newest + 1
        lost = [s for s in self._packets if s < keep_from]
        if len(self._packets) - len(lost) > MAX_PACKETS:
            lost, self._keyframe_after = list(self._packets), None
        for sequence in lost:
            del self._packets[sequence]
        self.given_up += len(lost)
        self._head = None

    def _is_complete(self, start: int) -> bool:
        """Whether the frame that begins at ``start`` is all there."""
        if self._head is not None and start <= self._scan:
            return False  # released in its turn
        first = packet = self._packets[start]
        while packet is not None and packet.time == first.time:
            if packet.marker:
                return True
            packet = self._packets.get(packet.sequence + 1)  # type: ignore[assignment]  # None ends the loop
        return packet is not None

    def _release(self, now_us: int) -> list[Frame]:
        frames: list[Frame] = []
        while self._head is not None:
            packet = self._packets.get(self._scan)
            if packet is None:
                if self._skip_what_is_no_media():
                    continue
                break
            if self._scan > self._head and packet.time != self._packets[self._head].time:
                self._take(frames)  # the frame before had no marker
                continue
            self._scan += 1
            if packet.marker:
                self._take(frames)
            elif not packet.payload and self._scan == self._head + 1:  # padding between frames
                del self._packets[self._head]
                self._head = self._scan
        self._note_hole(progress=bool(frames), now_us=now_us)
        return frames

    def _skip_what_is_no_media(self) -> bool:
        """Go on at the next frame, if nothing but packets between the frames is missing before it."""
        if self._scan != self._head or not self._packets or self._released is None:
            return False
        near = (self._packets.get(sequence) for sequence in range(self._scan + 1, self._scan + MAX_BETWEEN))
        following = next((packet for packet in near if packet is not None and packet.payload), None)
        if following is None or not follows(following.codec, self._released.payload, following.payload):
            return False
        for sequence in range(self._scan, following.sequence):
            self._packets.pop(sequence, None)
        self._head = self._scan = following.sequence
        return True

    def _note_hole(self, *, progress: bool, now_us: int) -> None:
        if self._head is None or self._newest < self._scan or not self._holds_media():
            self._hole_since_us = None
        elif self._hole_since_us is None or progress:
            self._hole_since_us = now_us

    def _holds_media(self) -> bool:
        return any(packet.payload for packet in self._packets.values())

    def _take(self, frames: list[Frame]) -> None:
        """Turn the packets from head to scan into a frame."""
        assert self._head is not None
        packets = [self._packets.pop(sequence) for sequence in range(self._head, self._scan)]
        self._head = self._scan
        if self._keyframe_after is not None and self._keyframe_after < self._scan:
            self._keyframe_after = None
        payloads = [packet.payload for packet in packets if packet.payload]
        if not payloads:
            return
        self._released = first = packets[0]
        try:
            data, keyframe = join(first.codec, payloads)
        except ValueError:
            self.broken += 1
            self._head = None
            self._start_at_keyframe()
            return
        arrivals_us = [packet.arrival_us for packet in packets]
        frames.append(Frame(first.codec, data, first.time, min(arrivals_us), max(arrivals_us), keyframe))
