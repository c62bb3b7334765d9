"""One outgoing stream: headers are written, everything else was there before."""

import contextlib
import secrets
import struct
import time
from collections.abc import Callable

from aiortc.clock import current_ntp_time

from benchmarks.lean.link import Link
from benchmarks.lean.media import SAMPLES, Film, Voice
from benchmarks.lean.sdp import ABS_SEND_TIME_ID, AUDIO_LEVEL_ID, OPUS, VP8
from mcu.rtc import rtcp

_HEADER = struct.Struct("!BBHIIHHBBBB")  # with one header extension of up to three bytes
_ONE_BYTE = 0xBEDE
_MARKER = 0x80
_SILENCE_TURNS = 20  # 400 ms
VIDEO_HZ, AUDIO_HZ = 90_000, 48_000

Log = Callable[[int, float], None]  # which unit left, and when, in Unix seconds


class OutStream:
    """What both kinds have: numbers, and the sender's reports."""

    def __init__(self, link: Link, clock_hz: int) -> None:
        self.ssrc = secrets.randbits(31) + 1
        self.packets = self.octets = 0
        self.log: Log | None = None
        self._link = link
        self._clock_hz = clock_hz
        self._sequence = secrets.randbits(15)
        self._time0 = secrets.randbits(31)
        self._began = time.time()

    def _rtp_time(self) -> int:
        """The stream's clock now: it is the machine's."""
        return self._time0 + round((time.time() - self._began) * self._clock_hz)

    def _send(self, payload_type: int, at: int, extension: tuple[int, int, int, int], payload: bytes) -> None:
        self._sequence = (self._sequence + 1) & 0xFFFF
        header = _HEADER.pack(
            0x90, payload_type, self._sequence, at & 0xFFFFFFFF, self.ssrc, _ONE_BYTE, 1, *extension
        )  # fmt: skip
        self.packets += 1
        self.octets += len(payload)
        with contextlib.suppress(OSError):  # the room's socket is full or gone: lost, as datagrams are
            self._link.socket.send(self._link.protect(header + payload))

    def report(self, blocks: list[rtcp.ReportBlock]) -> bytes:
        """A sender report; capture time is the clock's, so sound and picture are in step."""
        return rtcp.sender_report(
            self.ssrc, current_ntp_time(), self._rtp_time(), self.packets, self.octets, blocks, "lean"
        )


class VideoOut(OutStream):
    """A film in a loop; it starts over when a keyframe is asked for, and changes to a smaller one when told to."""

    def __init__(self, link: Link, film: Film, little: Film) -> None:
        super().__init__(link, VIDEO_HZ)
        self._films = (film, little)
        self._film = film
        self._index = 0

    @property
    def period_s(self) -> float:
        """Between two frames."""
        return 1 / self._film.fps

    def start_over(self) -> None:
        """The next frame is a keyframe."""
        self._index = 0

    def limit(self, *, little: bool) -> None:
        """Send next to nothing, or the real thing."""
        wanted = self._films[little]
        if wanted is not self._film:
            self._film, self._index = wanted, 0

    def frame(self) -> None:
        """Send one."""
        index, at = self._index, self._rtp_time()
        self._index = (index + 1) % len(self._film.frames)
        payloads = self._film.frames[index]
        for payload in payloads[:-1]:
            self._send(VP8, at, _abs_send_time(time.time()), payload)
        now = time.time()
        self._send(_MARKER | VP8, at, _abs_send_time(now), payloads[-1])
        if self.log is not None and self._film is self._films[0]:
            self.log(index, now)


class AudioOut(OutStream):
    """A voice, or silence, in a loop; of silence only every 400 ms a packet once the room has agreed to that."""

    def __init__(self, link: Link, voice: Voice) -> None:
        super().__init__(link, AUDIO_HZ)
        self.dtx = False
        self._voice = voice
        self._turn = 0
        self._at: int | None = None

    def packet(self) -> None:
        """Send one, when its turn has come."""
        if self._at is None:
            self._at = self._rtp_time()
        turn, self._turn = self._turn, self._turn + 1
        if self.dtx and self._voice.silent and turn % _SILENCE_TURNS:
            self._at += SAMPLES
            return
        index = turn % len(self._voice.packets)
        now = time.time()
        self._send(OPUS, self._at, (AUDIO_LEVEL_ID << 4, self._voice.level, 0, 0), self._voice.packets[index])
        self._at += SAMPLES
        if self.log is not None:
            self.log(index, now)


def _abs_send_time(now: float) -> tuple[int, int, int, int]:
    value = int(now * (1 << 18)) & 0xFFFFFF
    return ABS_SEND_TIME_ID << 4 | 2, value >> 16, value >> 8 & 0xFF, value & 0xFF
