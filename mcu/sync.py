"""Lip sync: a participant's picture leaves the mixer with the sound that was captured with it.

Both are stamped with the sender's clock. The sound tells by how much media time its playout is off the capture clock;
a picture is due at its capture time plus that offset. Pure apart from one lock; times are integer microseconds.
"""

import threading

from mcu.readiness import Readiness

MAX_WAIT_US = 500_000
_SLEW = 0.1  # of the time gone by: the offset in use moves no faster, so pictures never jump
_FAST_SLEW = 0.3  # while it is off by more than _FAR_US: out of sync is worse than a little slow or fast
_FAR_US = 20_000
_NEW_TIMELINE_US = 1_000_000  # an offset this far away is another clock, not another delay
_SMOOTHING = 0.05  # weight of one block's measurement; one that stands for several blocks weighs as much as they
_MOVED_US, _MOVED_SMOOTHING = 15_000, 0.4  # so far off the sound has been moved, which no mean has to prove
_BLOCK_US = 20_000
_AUDIO_MEMORY_US = 2_000_000  # after this long without sound, pictures go by their own arrival
_PICTURE_MEMORY_US = 2_000_000  # after this long without pictures, the sound does not wait for them
_DE_JITTER_US = 50_000  # how long pictures wait at most for evenness' sake when there is no sound


class LipSync:
    """The offset between one sender's capture clock and media time, seen by its sound and used by its pictures."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._audio_offset_us: float | None = None  # playout minus capture, smoothed
        self._audio_us = 0  # when it was measured last
        self._used_offset_us: float | None = None  # what pictures are shown by
        self._used_us = 0
        self._readiness: Readiness | None = None  # of the pictures of one timeline
        self._picture = (0, 0)  # arrival of the last one, arrival - capture
        self._sound_delay_us: int | None = None  # from a packet's arrival to its playout, on a line without jitter
        self._hold_us: float | None = None  # how long pictures are held while their capture time is unknown
        self._held_us = 0  # arrival of the last picture so held

    def note_delay(self, delay_us: int) -> None:
        """The sound is played this long after its arrival: all there is to go by before the first sender report."""
        with self._lock:
            self._sound_delay_us = delay_us

    def note_audio(self, capture_us: int, playout_us: int) -> None:
        """Sound captured at ``capture_us`` of the sender's clock leaves the mixer at ``playout_us`` of media time."""
        offset = playout_us - capture_us
        with self._lock:
            old = self._audio_offset_us
            if old is None or abs(offset - old) > _NEW_TIMELINE_US:
                self._audio_offset_us = float(offset)
            else:
                blocks = max(1, (playout_us - self._audio_us) // _BLOCK_US)
                smoothing = _MOVED_SMOOTHING if abs(offset - old) > _MOVED_US else _SMOOTHING
                self._audio_offset_us = old + (offset - old) * (1 - (1 - smoothing) ** blocks)
            self._audio_us = playout_us

    def pictures_offset_us(self, now_us: int) -> int | None:
        """Media time minus capture time at which most pictures are here; None when none came lately.

        The sound waits for them, within its own limits.
        """
        with self._lock:
            if self._readiness is None or self._picture[0] < now_us - _PICTURE_MEMORY_US:
                return None
            return self._readiness.ready_us

    def due_us(self, capture_us: int | None, arrival_us: int) -> int:
        """Media time at which a picture captured and arrived at these times is to be shown."""
        with self._lock:
            if capture_us is None:
                return arrival_us + self._hold(arrival_us)
            readiness = self._note_picture(capture_us, arrival_us)
            offset = self._slew(capture_us, arrival_us, self._wanted_offset(readiness, arrival_us))
            return min(max(capture_us + round(offset), arrival_us), arrival_us + MAX_WAIT_US)

    def _hold(self, arrival_us: int) -> int:
        """Sound and picture of one capture instant are taken to arrive together; what changes is slewed."""
        wanted = float(min(self._sound_delay_us or 0, MAX_WAIT_US))
        if self._hold_us is None:
            self._hold_us = wanted
        self._hold_us += _slewed(wanted - self._hold_us, arrival_us - self._held_us)
        self._held_us = arrival_us
        return round(self._hold_us)

    def _note_picture(self, capture_us: int, arrival_us: int) -> Readiness:
        transit_us = arrival_us - capture_us
        readiness = self._readiness
        if readiness is None or abs(transit_us - self._picture[1]) > _NEW_TIMELINE_US:
            readiness = self._readiness = Readiness()
        readiness.note(arrival_us, transit_us)
        self._picture = (arrival_us, transit_us)
        return readiness

    def _wanted_offset(self, readiness: Readiness, arrival_us: int) -> float:
        if self._audio_offset_us is not None and arrival_us - self._audio_us < _AUDIO_MEMORY_US:
            return self._audio_offset_us
        return min(readiness.ready_us, readiness.fastest_us + _DE_JITTER_US)

    def _slew(self, capture_us: int, arrival_us: int, wanted: float) -> float:
        used = self._used_offset_us
        if used is None or abs(arrival_us - capture_us - used) > _NEW_TIMELINE_US:
            used = arrival_us + (self._hold_us or 0.0) - capture_us  # go on from where pictures were shown before
        else:
            used += _slewed(wanted - used, arrival_us - self._used_us)
        self._used_offset_us, self._used_us = used, arrival_us
        return used


def _slewed(error_us: float, elapsed_us: int) -> float:
    """How much of an error is made good in the time gone by."""
    step = max(0, elapsed_us) * (_FAST_SLEW if abs(error_us) > _FAR_US else _SLEW)
    return min(max(error_us, -step), step)
