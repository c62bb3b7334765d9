"""The mix's sound to everybody, sent by the thread that mixes it."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import TYPE_CHECKING, Protocol

from mcu.clock import MediaClock
from mcu.media import SAMPLE_RATE_HZ, SAMPLES_PER_TICK, AudioCodec
from mcu.rightofway import RightOfWay
from mcu.rtc.peer import Peer
from mcu.traces import SoundTrace

if TYPE_CHECKING:
    from mcu.rtc.sender import AudioSender

TOLD_EVERY_BLOCKS = 5  # of whose delay note is taken: ten a second say it all


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

    @property
    def trace(self) -> SoundTrace | None:
        """What was noted of its way."""


class AudioFanout:
    """The mix's sound to all peers; an ``AudioOutput`` for the audio mixer.

    Everything but ``write`` is for the loop.

    Args:
        loop: where the room hears of what was sent.
        right_of_way: of the thread that writes.
        clock: the room's.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, right_of_way: RightOfWay, clock: MediaClock) -> None:
        self.on_loss: Callable[[str, float], None] | None = None  # told who lost how many percent, by each report
        self.on_sent: Callable[[Collection[str], SoundTrace, int], None] | None = (
            None  # told whom some blocks went to, and when
        )
        self._loop = loop
        self._right_of_way = right_of_way
        self._clock = clock
        self._senders: Mapping[str, AudioSender] = {}  # replaced, never changed: the audio thread goes through it
        self._telling = False  # the loop has not yet taken the last note
        self._packets = 0
        self._sent = 0  # blocks

    def add(self, peer: Peer) -> None:
        """Send to ``peer`` too."""
        sender = peer.audio_sender
        if sender is None:
            return
        self._senders = {**self._senders, peer.participant_id: sender}
        if self.on_loss is not None:
            sender.on_loss = partial(self.on_loss, peer.participant_id)

    def remove(self, peer: Peer) -> None:
        """Send to ``peer`` no more; a block that is just going out may still reach it."""
        sender = peer.audio_sender
        if sender is not None and self._senders.get(peer.participant_id) is sender:
            self._senders = {id_: other for id_, other in self._senders.items() if other is not sender}
            sender.on_loss = None

    def write(self, block: Block) -> None:
        """Send a block; called on the audio thread."""
        senders = self._senders
        own, shared = block.own, block.shared
        for id_, sender in senders.items():
            payload = own.get(id_) or shared.get(sender.codec)
            if payload:
                self._packets += 1
                sender.send(block.pts, payload)
        self._right_of_way.next_at((block.pts + SAMPLES_PER_TICK) * 1_000_000 // SAMPLE_RATE_HZ)
        self._sent += bool(senders)
        if block.trace is not None and self._sent % TOLD_EVERY_BLOCKS == 0:
            self._tell(senders.keys(), block.trace)

    def _tell(self, whom: Collection[str], trace: SoundTrace) -> None:
        if self.on_sent is None or self._telling or not whom:
            return
        self._telling = True
        self._loop.call_soon_threadsafe(self._told, whom, trace, self._clock.now_us())

    def _told(self, whom: Collection[str], trace: SoundTrace, sent_us: int) -> None:
        self._telling = False
        if self.on_sent is not None:
            self.on_sent(whom, trace, sent_us)

    def metrics(self) -> dict[str, float]:
        """Counters by their Prometheus names."""
        return {"tutti_send_audio_packets_total": self._packets}
