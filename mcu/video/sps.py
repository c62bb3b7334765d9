"""What an H.264 stream asks a decoder to keep, by its sequence parameter sets (ITU-T H.264, section 7.3.2.1.1)."""

import re
from collections.abc import Iterator

_SPS = re.compile(rb"\x00\x00\x01[\x07\x27\x47\x67]")  # a start code and a header of type 7
_MAX_BYTES = 1024  # of one set; honest ones have 10 to 40
_WITH_CHROMA = frozenset(
    {44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244}
)  # profiles that tell the format
_CHROMA_SAMPLES = (0, 2, 4, 8)  # for four of luma, by chroma_format_idc
_MACROBLOCK = 256  # samples of luma


def memory_wanted(data: bytes) -> int:
    """Bytes of the pictures that a decoder has to hold at once for an Annex B stream; 0 if it has no parameter set.

    Raises:
        ValueError: a parameter set makes no sense.
    """
    return max(map(_memory_of, _sets(data)), default=0)


def _sets(data: bytes) -> Iterator["_Bits"]:
    for found in _SPS.finditer(data):
        body = data[found.end() : found.end() + _MAX_BYTES]
        yield _Bits(body.replace(b"\0\0\3", b"\0\0"))  # emulation prevention, section 7.4.1


class _Bits:
    """Reads numbers of some bits, and Exp-Golomb codes (section 9.1)."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data)
        self._left = 8 * len(data)

    def take(self, count: int) -> int:
        self._left -= count
        if self._left < 0:
            raise ValueError("cut off in a sequence parameter set")
        return self._value >> self._left & (1 << count) - 1

    def golomb(self) -> int:
        zeros = 0
        while not self.take(1):
            zeros += 1
            if zeros > 32:  # noqa: PLR2004 - no code is longer
                raise ValueError("no Exp-Golomb code")
        return (1 << zeros) - 1 + self.take(zeros)

    def signed(self) -> int:
        code = self.golomb()
        return (code + 1) // 2 if code % 2 else -code // 2


def _memory_of(bits: _Bits) -> int:
    profile, chroma, sample_bytes = bits.take(8), 1, 1
    bits.take(16)  # constraints, level
    bits.golomb()  # its id
    if profile in _WITH_CHROMA:
        chroma, sample_bytes = _format(bits)
    bits.golomb()  # log2_max_frame_num
    _skip_order(bits)
    references = bits.golomb()
    bits.take(1)  # gaps_in_frame_num
    columns, rows = bits.golomb() + 1, bits.golomb() + 1
    rows *= 2 - bits.take(1)  # two fields
    picture = columns * rows * _MACROBLOCK * (4 + _CHROMA_SAMPLES[chroma]) // 4 * sample_bytes
    return (references + 1) * picture


def _format(bits: _Bits) -> tuple[int, int]:
    """chroma_format_idc and the bytes of a sample."""
    chroma = bits.golomb()
    if chroma >= len(_CHROMA_SAMPLES):
        raise ValueError(f"no chroma format {chroma}")
    if chroma == len(_CHROMA_SAMPLES) - 1:
        bits.take(1)  # separate planes
    deep = bits.golomb() + bits.golomb() > 0  # luma, chroma
    bits.take(1)  # lossless
    if bits.take(1):
        for number in range(12 if chroma == len(_CHROMA_SAMPLES) - 1 else 8):
            if bits.take(1):
                _skip_scaling_list(bits, 16 if number < 6 else 64)  # noqa: PLR2004 - 4x4 first, then 8x8
    return chroma, 1 + deep


def _skip_scaling_list(bits: _Bits, size: int) -> None:
    last = after = 8
    for _ in range(size):
        if after:
            after = (last + bits.signed()) % 256
        last = after or last


def _skip_order(bits: _Bits) -> None:
    """pic_order_cnt_type and what belongs to it."""
    kind = bits.golomb()
    if kind == 0:
        bits.golomb()
    elif kind == 1:
        bits.take(1)
        bits.golomb()
        bits.golomb()
        for _ in range(bits.golomb()):
            bits.golomb()
