"""x264 itself, by a small typed ctypes binding: a quantiser for each picture.

FFmpeg's wrapper leaves the choice of quantisers to x264's own rate control, see ``mcu.video.ratecontrol``. PyAV's wheel
carries the library; the system's is the second choice. Its structures are laid out as in ``x264.h`` of the builds named
here; others are not tried, for they may differ.
"""

import ctypes
import functools
from collections.abc import Mapping
from typing import Any, Final

import av

from mcu.errors import CodecError
from mcu.libraries import candidates

_BUILDS: Final = (165, 164)
_PARAMETERS_BYTES: Final = 1 << 14  # x264_param_t has less than a tenth of this
_PICTURE_BYTES: Final = 1 << 12  # and so has x264_picture_t
_I420: Final = 2
_BIT_DEPTH: Final = 8
_AUTO: Final = 0
_IDR: Final = 1
_PLANES: Final = 3

_integer, _pointer, _text = ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p


class _ParametersHead(ctypes.Structure):
    """The first members of ``x264_param_t``; all others are set by name."""

    _fields_ = (
        ("cpu", ctypes.c_uint32),
        ("threads", _integer),
        ("lookahead_threads", _integer),
        ("sliced_threads", _integer),
        ("deterministic", _integer),
        ("cpu_independent", _integer),
        ("sync_lookahead", _integer),
        ("width", _integer),
        ("height", _integer),
        ("csp", _integer),
        ("bit_depth", _integer),
    )


class _Picture(ctypes.Structure):
    """``x264_picture_t`` with its ``x264_image_t``."""

    _fields_ = (
        ("type", _integer),
        ("quantiser_plus_1", _integer),
        ("structure", _integer),
        ("keyframe", _integer),
        ("pts", ctypes.c_int64),
        ("dts", ctypes.c_int64),
        ("parameters", _pointer),
        ("csp", _integer),
        ("planes", _integer),
        ("strides", _integer * 4),
        ("plane", _pointer * 4),
        ("rest", ctypes.c_uint8 * _PICTURE_BYTES),
    )


class _Nal(ctypes.Structure):
    """``x264_nal_t``."""

    _fields_ = (
        ("reference", _integer),
        ("type", _integer),
        ("long_start_code", _integer),
        ("first_macroblock", _integer),
        ("last_macroblock", _integer),
        ("bytes", _integer),
        ("payload", _pointer),
        ("padding", _integer),
    )


@functools.cache
def _library() -> tuple[ctypes.CDLL, Any]:
    """The library, and its function that opens an encoder, whose name tells the build."""
    for name in candidates("x264"):
        try:
            library = ctypes.CDLL(name)  # lets go of the interpreter
        except OSError:
            continue
        for build in _BUILDS:
            opened = getattr(library, f"x264_encoder_open_{build}", None)
            if opened is not None:
                _declare(library, opened)
                return library, opened
    raise CodecError("x264 (build 164 or 165) is neither in PyAV's wheel nor on this system; install libx264-164")


def _declare(library: ctypes.CDLL, opened: Any) -> None:
    signatures: tuple[tuple[Any, Any, list[Any]], ...] = (
        (opened, _pointer, [_pointer]),
        (library.x264_param_default_preset, _integer, [_pointer, _text, _text]),
        (library.x264_param_parse, _integer, [_pointer, _text, _text]),
        (library.x264_param_apply_profile, _integer, [_pointer, _text]),
        (library.x264_picture_init, None, [_pointer]),
        (library.x264_encoder_encode, _integer, [_pointer] * 5),
        (library.x264_encoder_close, None, [_pointer]),
    )
    for function, result, arguments in signatures:
        function.restype, function.argtypes = result, arguments


class X264:
    """One encoder of I420 pictures without any delay, used by one thread; keyframes are IDR pictures, when asked for.

    Args:
        width: of all pictures, in pixels.
        height: likewise.
        preset: of x264.
        profile: of H.264.
        settings: what else it is told, in the words of its command line.

    Raises:
        CodecError: x264 is not there, or refuses something.
    """

    def __init__(self, width: int, height: int, preset: str, profile: str, settings: Mapping[str, str | float]) -> None:
        self._library, opened = _library()
        self._state: int | None = None
        self._size = width, height
        parameters = ctypes.create_string_buffer(_PARAMETERS_BYTES)
        head = _ParametersHead.from_buffer(parameters)
        _check(self._library.x264_param_default_preset(parameters, preset.encode(), b"zerolatency"), f"preset {preset}")
        if (head.csp, head.bit_depth) != (_I420, _BIT_DEPTH):
            raise CodecError(f"x264's parameters are laid out otherwise: {head.csp}, {head.bit_depth}")
        head.width, head.height = width, height
        for name, value in settings.items():
            _check(self._library.x264_param_parse(parameters, name.encode(), str(value).encode()), f"{name}={value}")
        _check(self._library.x264_param_apply_profile(parameters, profile.encode()), f"profile {profile}")
        self._state = opened(parameters)
        if not self._state:
            raise CodecError(f"x264 cannot be opened for {width}x{height}")
        self._in, self._out = _Picture(), _Picture()
        self._library.x264_picture_init(ctypes.byref(self._in))
        self._in.csp, self._in.planes = _I420, _PLANES
        self._nals, self._count = ctypes.POINTER(_Nal)(), _integer()
        self._references = tuple(ctypes.byref(part) for part in (self._nals, self._count, self._in, self._out))

    def __del__(self) -> None:
        if getattr(self, "_state", None):
            self._library.x264_encoder_close(self._state)

    def encode(self, frame: av.VideoFrame, number: int, quantiser: int, *, keyframe: bool) -> bytes:
        """Encode a picture (yuv420p, read where it is); its number is greater than that of the one before.

        Returns:
            An access unit in Annex B; SPS and PPS come before each keyframe.

        Raises:
            CodecError: x264 failed, or the picture has another size; the encoder is of no more use.
        """
        if (frame.width, frame.height) != self._size or frame.format.name != "yuv420p":
            raise CodecError(f"x264 was opened for {self._size}, not for {frame}")
        picture = self._in
        for index, plane in enumerate(frame.planes):
            picture.strides[index], picture.plane[index] = plane.line_size, plane.buffer_ptr
        picture.type = _IDR if keyframe else _AUTO
        picture.quantiser_plus_1, picture.pts = quantiser + 1, number
        size: int = self._library.x264_encoder_encode(self._state, *self._references)
        if size <= 0:
            raise CodecError(f"x264 failed: {size}")
        return ctypes.string_at(self._nals[0].payload, size)  # the payloads lie one behind the other


def _check(result: int, told: str) -> None:
    if result < 0:
        raise CodecError(f"x264 refuses {told}")
