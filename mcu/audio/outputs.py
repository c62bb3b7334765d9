"""The encoded mixes: one stream per codec for all who only listen, one mix-minus for each who talks.

Everybody hears one Opus decoder fed by two encoders in turn, so the switch between them must not be heard: an encoder
that takes over is first fed the mix that its listeners have heard, its packets thrown away, and the packet at the seam
is coded without prediction from the one before.
"""

from collections import deque
from collections.abc import Callable, Collection, Mapping

from mcu.audio.codecs import Encoder, make_encoder
from mcu.media import AudioCodec, Samples

_PRE_ROLL_BLOCKS = 4


class OutputStream:
    """One encoder that runs only while somebody hears it."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._running = False
        self.encodes = 0

    def encode(self, block: Samples, heard_before: Collection[Samples], *, joined: bool) -> bytes:
        """Encode ``block``.

        Args:
            block: the mix.
            heard_before: the last blocks its listeners have heard, for a start from rest.
            joined: somebody hears this stream from this block on, who heard another until now.
        """
        if not self._running:
            self._encoder.reset()
            for past in heard_before:
                self._encoder.encode(past)
                self.encodes += 1
            self._running = True
        self.encodes += 1
        return self._encoder.encode(block, independent=joined)

    def rest(self) -> None:
        """Nobody hears it now."""
        self._running = False


class Outputs:
    """All encoders of a room.

    Args:
        channels: of the mix.
        make: makes the encoder of a codec.
    """

    def __init__(self, channels: int, make: Callable[[AudioCodec, int], Encoder] = make_encoder) -> None:
        self._channels = channels
        self._make = make
        self._shared: dict[AudioCodec, OutputStream] = {}
        self._own: dict[str, OutputStream] = {}
        self._on_own: frozenset[str] = frozenset()  # who heard a mix-minus in the last block
        self._history: deque[Samples] = deque(maxlen=_PRE_ROLL_BLOCKS)  # of the shared mix
        self._former_encodes = 0

    @property
    def encodes(self) -> int:
        """Blocks encoded so far."""
        streams = (*self._shared.values(), *self._own.values())
        return self._former_encodes + sum(stream.encodes for stream in streams)

    @property
    def running(self) -> int:
        """Encoders at work in the last block."""
        return self._running

    _running = 0

    def encode(
        self, full: Samples, minus: Mapping[str, Samples], listeners: Mapping[str, AudioCodec]
    ) -> tuple[dict[AudioCodec, bytes], dict[str, bytes]]:
        """Encode one block for everybody.

        Args:
            full: the shared mix.
            minus: the mix-minus of everybody who talks; who is here and in ``listeners`` gets this.
            listeners: the codec of each participant who receives sound.
        """
        own = {who: codec for who, codec in listeners.items() if who in minus}
        back = {listeners[who] for who in self._on_own - own.keys() if who in listeners}
        needed = {codec for who, codec in listeners.items() if who not in own}
        for codec in self._shared.keys() - needed:
            self._shared[codec].rest()
        for who in self._own.keys() - own.keys():
            self._former_encodes += self._own.pop(who).encodes
        shared = {}
        for codec in needed:
            if codec not in self._shared:
                self._shared[codec] = OutputStream(self._make(codec, self._channels))
            shared[codec] = self._shared[codec].encode(full, self._history, joined=codec in back)
        minus_packets = {}
        for who, codec in own.items():
            if who not in self._own:
                self._own[who] = OutputStream(self._make(codec, self._channels))
            joined = who not in self._on_own
            minus_packets[who] = self._own[who].encode(minus[who], self._history, joined=joined)
        self._on_own = frozenset(own)
        self._history.append(full)
        self._running = len(shared) + len(minus_packets)
        return shared, minus_packets
