"""How late sound is in the mix: each talker's voice has bursts of a pitch of its own, and their beginnings are found.

The delay of a sample is from its coming in (arrival of its packet, and its place in it) to its going out, likewise; it
holds the mixer's own Opus look-ahead, 6.5 ms.
"""

import numpy as np
import numpy.typing as npt

from benchmarks.clips import burst_hz
from benchmarks.lean import sdp
from benchmarks.lean.crowd import Watched
from benchmarks.lean.media import Library
from mcu.audio.opus import OpusDecoder
from mcu.rtc import rtp

_HZ, _BLOCK = 48_000, 960
_WINDOW = 240  # 5 ms
_QUIET = 2400  # samples without it before a burst begins
_LATEST_S = 0.23

Wave = npt.NDArray[np.float64]


def sound_delays_ms(watched: Watched, received: list[tuple[float, bytes]], library: Library) -> list[float]:
    """Of all bursts of all talkers that a probe heard."""
    packets = [(came, packet.payload) for came, data in received if (packet := _sound(data)) is not None]
    if not packets:
        return []
    heard = _decoded([payload for _, payload in packets])
    delays: list[float] = []
    for n, voice in enumerate(library.voices):
        loop = len(voice.packets)
        begins = [at for at in onsets(_decoded([*voice.packets] * 3), burst_hz(n)) if loop <= at // _BLOCK < 2 * loop]
        offsets = {at // _BLOCK % loop: at % _BLOCK for at in begins}
        sent = [at + offsets[index] / _HZ for who, index, at in watched.sounds if who == f"p{n}" and index in offsets]
        if not sent:
            continue
        for at in onsets(heard, burst_hz(n)):
            out = packets[at // _BLOCK][0] + at % _BLOCK / _HZ
            before = [out - then for then in sent if 0 < out - then < _LATEST_S]
            delays += [min(before) * 1000] if before else []
    return delays


def _sound(data: bytes) -> rtp.RtpPacket | None:
    packet = rtp.parse(data)
    return packet if packet.payload_type == sdp.OPUS else None


def _decoded(packets: list[bytes]) -> Wave:
    decoder = OpusDecoder()
    return np.concatenate([np.asarray(decoder.decode(packet), np.float64)[:, 0] for packet in packets])


def onsets(wave: Wave, pitch_hz: float) -> list[int]:
    """Where a tone of that pitch begins: the samples at which it passes half of its height."""
    turned = wave * np.exp(-2j * np.pi * pitch_hz * np.arange(len(wave)) / _HZ)
    height = np.abs(np.convolve(turned, np.ones(_WINDOW) / _WINDOW, "same"))
    loud = height > 0.5 * np.percentile(height, 95)
    if np.percentile(height, 95) < 4 * np.percentile(height, 50):
        return []  # nobody's
    rises = np.flatnonzero(loud[1:] & ~loud[:-1]) + 1
    return [int(at) for at in rises if at > _QUIET and not loud[at - _QUIET : at].any()]
