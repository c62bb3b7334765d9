"""The little that a recorder reads of an H.264 byte stream (ITU-T H.264, Annex B)."""

import re
from itertools import pairwise

SPS, PPS = 7, 8
_START_CODE = re.compile(rb"\x00\x00\x01")
_PARAMETER_SETS_WITHIN = 4096  # bytes; they come before the picture


def parameter_sets(access_unit: bytes) -> bytes:
    """The SPS and PPS at the head of ``access_unit``, each behind a start code; empty if there are none."""
    head = access_unit[:_PARAMETER_SETS_WITHIN]
    starts = [match.end() for match in _START_CODE.finditer(head)]
    sets = []
    for start, following in pairwise((*starts, len(head) + 3)):
        if head[start : start + 1] and head[start] & 0x1F in (SPS, PPS):
            sets.append(b"\x00\x00\x00\x01" + head[start : following - 3].rstrip(b"\x00"))
    return b"".join(sets)
