"""Which pictures of a sender in a hurry need not be decoded. Pure.

Of 120 pictures a second a canvas shows 30. Those that others are predicted from have to be decoded all the same; those
that nothing is predicted from need not. H.264 tells them by ``nal_ref_idc`` 0 (ITU-T H.264, section 7.4.1); a VP8 frame
tells it only deep inside, so there a sender's decode budget is all that holds it.
"""

import re

from mcu.media import VIDEO_CLOCK_HZ, VideoCodec, VideoUnit

MOST_HZ = 60  # pictures a second that are worth decoding
_REFERENCE = re.compile(rb"\x00\x00\x01[\x20-\x7f]")  # a unit that others need: a slice, or parameters


class Thinner:
    """One source's; sees every unit that would be decoded."""

    def __init__(self) -> None:
        self._kept: int | None = None  # RTP time of the last one kept

    def spares(self, unit: VideoUnit) -> bool:
        """Whether this one may be left out: it comes too soon after the one before, by the sender's own clock."""
        too_soon = self._kept is not None and 0 < (unit.rtp_time - self._kept) * MOST_HZ < VIDEO_CLOCK_HZ
        if too_soon and is_disposable(unit):
            return True
        self._kept = unit.rtp_time
        return False


def is_disposable(unit: VideoUnit) -> bool:
    """Whether no other picture is predicted from this one."""
    return unit.codec is VideoCodec.H264 and not unit.keyframe and _REFERENCE.search(unit.data) is None
