"""From the time of rooms to the time of the file: holes are closed up, sound stays gapless. Pure.

Positions in the file are counted in 90 kHz ticks for pictures and in samples for sound, media time likewise.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from mcu.media import SAMPLE_RATE_HZ, VIDEO_CLOCK_HZ

HOLE_TICKS = VIDEO_CLOCK_HZ // 2  # pictures missing between two segments for longer than this are a hole
AAC_SAMPLES = 1024  # in a frame
_TOLERANCE = AAC_SAMPLES // 2


@dataclass(frozen=True, slots=True)
class Sample:
    """One encoded picture or frame of sound with its time; sound and picture alike are in decoding order."""

    data: bytes
    pts: int
    duration: int
    keyframe: bool = True


def samples(ticks: int) -> int:
    """A 90 kHz time in 48 kHz samples."""
    return round(ticks * SAMPLE_RATE_HZ / VIDEO_CLOCK_HZ)


class PictureLine:
    """Places pictures in the file.

    A run is a stretch of one part without a hole; within it the pictures' spacing is kept to the tick.
    """

    def __init__(self) -> None:
        self.end = 0  # position after the last picture
        self.origin = 0  # media time of the run's first picture …
        self.at = 0  # … and its position in the file
        self._last = -1  # position of the last picture

    def begin_run(self, media_ticks: int) -> None:
        """The next picture, at this media time, follows directly on the last."""
        self.origin, self.at = media_ticks, self.end

    def place(self, picture: Sample) -> Sample | None:
        """The picture at its position; None if that is taken (it cannot be shown twice)."""
        pts = picture.pts - self.origin + self.at
        if pts <= self._last:
            return None
        self._last, self.end = pts, max(self.end, pts + picture.duration)
        return replace(picture, pts=pts)


class SoundLine:
    """Places sound in the file without a gap: every player then keeps it together with the pictures.

    A frame goes where the pictures of its time are, give or take half a frame (11 ms); missing frames are filled with
    ``silence``, frames whose place is taken are left out.
    """

    def __init__(self, silence: bytes) -> None:
        self._silence = silence
        self._end: int | None = None  # None: nothing placed yet

    def place(self, sound: Sample, pictures: PictureLine) -> list[Sample]:
        """What is written for this frame: nothing, itself, or silence and itself.

        The first frames may lie before position 0: they prime the decoder, and the file says so (edit list).
        """
        ideal = sound.pts - samples(pictures.origin) + samples(pictures.at)
        if self._end is None:
            self._end = min(ideal, 0)
        late = ideal - self._end
        if late < -_TOLERANCE:
            return []
        return [*self.fill(late), self._take(sound.data)]

    def fill(self, missing: int) -> list[Sample]:
        """Silence for about that many samples."""
        return [self._take(self._silence) for _ in range(round(missing / AAC_SAMPLES))]

    def missing_until(self, position: int) -> int:
        """Samples that are not there yet before this 48 kHz position."""
        return max(0, position - (self._end or 0))

    def _take(self, data: bytes) -> Sample:
        pts = self._end or 0
        self._end = pts + AAC_SAMPLES
        return Sample(data, pts, AAC_SAMPLES)


def sound_until(sound: Sequence[Sample], end_ticks: int) -> list[Sample]:
    """The frames that begin before the pictures end (media time)."""
    return [frame for frame in sound if frame.pts < samples(end_ticks)]
