"""Opus through libopus itself, by a small typed ctypes binding.

FFmpeg's wrapper of libopus offers neither loss concealment nor in-band FEC (RFC 6716 section 2.1.7), both of which a
mixer needs. PyAV's wheel carries the library; the system's is the second choice.

Calls keep the GIL: each takes less than 0.1 ms, and to get the GIL back from a busy thread takes longer than that.
"""

import ctypes
import functools
from enum import IntEnum
from typing import Final

import numpy as np

from mcu.audio.samples import energy
from mcu.errors import CodecError
from mcu.libraries import candidates
from mcu.media import SAMPLE_RATE_HZ, SAMPLES_PER_TICK, Samples

MAX_PACKET_SAMPLES: Final = SAMPLE_RATE_HZ * 120 // 1000
_PLC_STEP: Final = SAMPLE_RATE_HZ * 5 // 2000  # concealment comes in multiples of 2.5 ms
_MAX_PACKET_BYTES: Final = 1275
_LOSSY_BPS: Final = 48_000
_LEAST_TOLD_PERCENT: Final = 10
_NOTHING: Final = 1e-30  # energy of a block

_SET_BITRATE: Final = 4002
_SET_VBR: Final = 4006
_SET_COMPLEXITY: Final = 4010
_SET_INBAND_FEC: Final = 4012
_SET_PACKET_LOSS_PERCENT: Final = 4014
_SET_DTX: Final = 4016
_RESET_STATE: Final = 4028
_SET_PREDICTION_DISABLED: Final = 4042


class Application(IntEnum):
    """What the encoder is tuned for: VOIP can carry in-band FEC, AUDIO costs less than half."""

    VOIP = 2048
    AUDIO = 2049


@functools.cache
def _library() -> ctypes.PyDLL:
    for name in candidates("opus"):
        try:
            library = ctypes.PyDLL(name)
        except OSError:
            continue
        _declare(library)
        return library
    raise CodecError("libopus is neither in PyAV's wheel nor on this system; install the package libopus0")


def _declare(library: ctypes.PyDLL) -> None:
    pointer, integer, data = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
    signatures: dict[str, tuple[type | None, list[type]]] = {
        "opus_strerror": (ctypes.c_char_p, [integer]),
        "opus_encoder_create": (pointer, [integer, integer, integer, pointer]),
        "opus_encoder_destroy": (None, [pointer]),
        "opus_encode_float": (integer, [pointer, pointer, integer, pointer, integer]),
        "opus_encoder_ctl": (integer, [pointer, integer]),
        "opus_decoder_create": (pointer, [integer, integer, pointer]),
        "opus_decoder_destroy": (None, [pointer]),
        "opus_decode_float": (integer, [pointer, data, integer, pointer, integer, integer]),
        "opus_packet_get_nb_samples": (integer, [data, integer, integer]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, name)
        function.restype = result
        function.argtypes = arguments
    if hasattr(library, "opus_packet_has_lbrr"):  # since libopus 1.5
        library.opus_packet_has_lbrr.restype = integer
        library.opus_packet_has_lbrr.argtypes = [data, integer]


def _check(result: int, doing: str) -> int:
    if result < 0:
        raise CodecError(f"{doing}: {_library().opus_strerror(result).decode()}")
    return result


def packet_samples(data: bytes) -> int:
    """Samples at 48 kHz that ``data`` holds; raises ``CodecError`` when it is no Opus packet."""
    samples = _check(_library().opus_packet_get_nb_samples(data, len(data), SAMPLE_RATE_HZ), "reading an Opus packet")
    if samples == 0:  # libopus lets it pass; who waits for the end of such a packet waits for ever
        raise CodecError("an Opus packet of no frames (forbidden by RFC 6716, section 3.2.5)")
    return samples


def has_fec(data: bytes) -> bool:
    """Whether ``data`` carries the frame before it a second time."""
    library = _library()
    return hasattr(library, "opus_packet_has_lbrr") and library.opus_packet_has_lbrr(data, len(data)) == 1


@functools.cache
def _faint(channels: int) -> Samples:
    """A block at -200 dBFS, which is coded as silence.

    Over digital silence libopus takes six times as long for the same packet: inside it becomes numbers so small that
    the processor works on them one by one.
    """
    return np.repeat(np.float32(1e-10) * np.cos(np.arange(SAMPLES_PER_TICK, dtype=np.float32))[:, None], channels, 1)


class OpusDecoder:
    """One stream of Opus packets → float samples at 48 kHz.

    Args:
        channels: 1 or 2; libopus mixes stereo down or doubles mono as needed.
    """

    def __init__(self, channels: int = 1) -> None:
        self._library = _library()
        self._channels = channels
        error = ctypes.c_int()
        self._state = self._library.opus_decoder_create(SAMPLE_RATE_HZ, channels, ctypes.byref(error))
        _check(error.value, "creating an Opus decoder")

    def __del__(self) -> None:
        if getattr(self, "_state", None):
            self._library.opus_decoder_destroy(self._state)

    def duration(self, data: bytes) -> int:
        """Samples at 48 kHz in ``data``; raises ``CodecError`` on garbage."""
        return packet_samples(data)

    def decode(self, data: bytes) -> Samples:
        """Decode one packet; raises ``CodecError`` on garbage."""
        return self._decode(data, MAX_PACKET_SAMPLES, fec=False)

    def conceal(self, samples: int) -> Samples:
        """Make up ``samples`` samples for what is missing; the decoder goes on from there."""
        return self._decode(None, -(-samples // _PLC_STEP) * _PLC_STEP, fec=False)[:samples]

    def recover(self, following: bytes, samples: int) -> Samples | None:
        """The lost frame before the packet ``following``, None when that packet carries no copy of it."""
        if samples % _PLC_STEP or not has_fec(following):
            return None
        return self._decode(following, samples, fec=True)

    def _decode(self, data: bytes | None, room: int, *, fec: bool) -> Samples:
        out: Samples = np.empty((room, self._channels), np.float32)
        size = 0 if data is None else len(data)
        count = self._library.opus_decode_float(self._state, data, size, out.ctypes.data, room, int(fec))
        return out[: _check(count, "decoding an Opus packet")]


class OpusEncoder:
    """Blocks of 20 ms at 48 kHz → Opus packets.

    Args:
        channels: 1 or 2.
        application: see ``Application``.
        bitrate_bps: the mean.
        vbr: let quiet blocks cost less; False for constant packets.
        loss_percent: the loss to prepare for, see ``expect_loss``.
        complexity: 0 to 10; 6 costs what 5 does and sounds better in SILK and hybrid mode.
        dtx: packets of silence shrink to a byte or two, which need not be sent.
        fec: carry in-band FEC while loss is expected. It exists in SILK and hybrid mode only, so it turns libopus to
            those; music is better off in CELT mode with packets that depend less on each other.
    """

    def __init__(  # noqa: PLR0913 - each is one setting of libopus, all named at the call
        self,
        *,
        channels: int = 1,
        application: Application = Application.VOIP,
        bitrate_bps: int = 40_000,
        vbr: bool = True,
        loss_percent: int = 10,
        complexity: int = 6,
        dtx: bool = False,
        fec: bool = True,
    ) -> None:
        self._library = _library()
        self._channels = channels
        self._bitrate_bps = bitrate_bps
        self._fec = fec
        self._least_told_percent = _LEAST_TOLD_PERCENT if fec and application is Application.AUDIO else 0
        error = ctypes.c_int()
        self._state = self._library.opus_encoder_create(SAMPLE_RATE_HZ, channels, int(application), ctypes.byref(error))
        _check(error.value, "creating an Opus encoder")
        self._out = ctypes.create_string_buffer(_MAX_PACKET_BYTES)
        self._set(_SET_VBR, int(vbr))
        self._set(_SET_COMPLEXITY, complexity)
        self._set(_SET_INBAND_FEC, int(fec))
        self._set(_SET_DTX, int(dtx))
        self._loss_percent = -1
        self.expect_loss(loss_percent)

    def __del__(self) -> None:
        if getattr(self, "_state", None):
            self._library.opus_encoder_destroy(self._state)

    def _set(self, request: int, value: int) -> None:
        result = self._library.opus_encoder_ctl(self._state, request, ctypes.c_int(value))
        _check(result, f"setting {request} of the Opus encoder to {value}")

    def expect_loss(self, percent: int) -> None:
        """Prepare for ``percent`` of the packets to be lost: they carry in-band FEC then, where it is allowed.

        While loss is expected the bit rate is at most 48 kbit/s a channel: enough for SILK and hybrid mode, in which
        one encoder takes over from another unheard, and kinder to a line that loses packets.

        For FEC of AUDIO less than 10 percent count as 10: below 6 libopus stays in CELT mode, which has none. Speech at
        5 percent of loss would be heard at a PESQ of 2.5 then; with FEC it is at 4.2.
        """
        if percent != self._loss_percent:
            told_percent = max(percent, self._least_told_percent) if percent else 0
            self._set(
                _SET_BITRATE, min(self._bitrate_bps, _LOSSY_BPS * self._channels) if percent else self._bitrate_bps
            )
            self._set(_SET_PACKET_LOSS_PERCENT, told_percent)
            self._loss_percent = percent

    def reset(self) -> None:
        """Forget everything that was encoded; the settings stay."""
        _check(self._library.opus_encoder_ctl(self._state, _RESET_STATE), "resetting the Opus encoder")

    def encode(self, block: Samples, *, independent: bool = False) -> bytes:
        """Encode 20 ms.

        Args:
            block: shape (960, channels).
            independent: the decoder at the other end has heard another encoder until now. Counts while FEC is on, that
                is, in SILK and hybrid mode: there a packet is then coded without prediction from the one before. In
                CELT mode a pre-rolled encoder joins by itself, and going without prediction would cost 10 dB.
        """
        if block.shape != (SAMPLES_PER_TICK, self._channels):
            raise CodecError(f"an Opus encoder of {self._channels} channels cannot take a block of {block.shape}")
        self._set(_SET_PREDICTION_DISABLED, int(independent and self._fec and self._loss_percent > 0))
        sound = block if energy(block) > _NOTHING else _faint(self._channels)
        data = np.ascontiguousarray(sound, np.float32)
        size = self._library.opus_encode_float(
            self._state, data.ctypes.data, SAMPLES_PER_TICK, self._out, _MAX_PACKET_BYTES
        )
        return self._out.raw[: _check(size, "encoding Opus")]
