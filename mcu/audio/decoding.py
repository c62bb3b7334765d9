"""The packets of one source as sound, whatever codecs they come in, and what stands for those that are missing."""

from collections import deque
from collections.abc import Callable, Iterable

from mcu.audio.arrivals import Packet, PlayoutStats
from mcu.audio.codecs import Decoder
from mcu.audio.concealment import Concealment, fade_in
from mcu.audio.samples import silence
from mcu.errors import CodecError
from mcu.media import AudioCodec, AudioUnit, Samples

PRE_ROLL_PACKETS = 2
_DTX_BYTES = 2  # an Opus packet that says "nothing to hear" (RFC 6716 section 2.1.9)


class SourceDecoder:
    """Packets in the order in which they are played → samples, shape (n, channels).

    While nobody hears the source nothing is decoded; the last packets of that time are told to the decoder before it is
    heard again, so that it has the past which the first packet builds on.

    Args:
        channels: of the sound that comes out.
        stats: where packets are counted that their codec refuses.
        make: makes the decoder of a codec.
    """

    def __init__(self, channels: int, stats: PlayoutStats, make: Callable[[AudioCodec, int], Decoder]) -> None:
        self._channels = channels
        self._stats = stats
        self._make = make
        self._decoders: dict[AudioCodec, Decoder] = {}
        self._last: Decoder | None = None  # of the packet decoded last
        self._skipped: deque[Packet] = deque(maxlen=PRE_ROLL_PACKETS)
        self._concealment = Concealment(channels)

    @property
    def made_up(self) -> int:
        """For how many samples in a row nothing has come that could be played."""
        return self._concealment.made_up

    @property
    def knows_opus(self) -> bool:
        """Whether Opus has come, whose packets may hold a copy of the one before."""
        return AudioCodec.OPUS in self._decoders

    def duration(self, unit: AudioUnit) -> int | None:
        """Samples in a packet; None, and counted, when it is no packet of its codec."""
        try:
            return self._of(unit.codec).duration(unit.data)
        except CodecError:
            self._stats.malformed += 1
            return None

    def decode(self, packet: Packet, *, heard: bool) -> Samples:
        """The sound of the next packet; silence of its length when nobody hears it."""
        unit = packet.unit
        self._concealment.in_dtx = unit.codec is AudioCodec.OPUS and len(unit.data) <= _DTX_BYTES
        if not heard:
            self._skipped.append(packet)
            self._concealment.made_up = 0
            return silence(self._channels, packet.samples)
        self._last = self._of(unit.codec)
        unheard_before = bool(self._skipped)
        try:
            while self._skipped:
                skipped = self._skipped.popleft().unit
                self._of(skipped.codec).decode(skipped.data)
            piece = self._last.decode(unit.data)
        except CodecError:
            self._stats.malformed += 1
            return self.conceal(packet.samples, heard=True)
        self._concealment.heard(piece)
        return fade_in(piece) if unheard_before else self._concealment.resume(piece)

    def recover(self, following: AudioUnit, samples: int) -> Samples | None:
        """The missing ``samples`` before the packet ``following``, by the copy in it; None when it has none."""
        recovered = self._of(following.codec).recover(following.data, samples)
        return None if recovered is None else self._concealment.resume(recovered)

    def conceal(self, samples: int, *, heard: bool) -> Samples:
        """So many samples in place of what is missing."""
        return self._concealment.conceal(self._last if heard else None, samples)

    def skip(self, packets: Iterable[Packet]) -> None:
        """Packets that were over before anybody heard the source."""
        self._skipped.extend(packets)

    def note_pause(self) -> None:
        """The sender has left out packets: from now on a hole after soft sound is none."""
        self._concealment.pauses = True

    def rest(self) -> None:
        """Nothing is played for a while: the next sound comes after a long silence."""
        self._skipped.clear()
        self.run_out()

    def run_out(self) -> None:
        """There is nothing to play, and nothing to be made up for."""
        self._concealment.run_out()

    def restart(self) -> None:
        """A new run of timestamps begins, which owes nothing to the one before."""
        self._decoders.clear()
        self._last = None
        self._skipped.clear()

    def _of(self, codec: AudioCodec) -> Decoder:
        if codec not in self._decoders:
            self._decoders[codec] = self._make(codec, self._channels)
        return self._decoders[codec]
