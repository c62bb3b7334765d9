"""Two streams, one order: pictures and sound of a part by time, started together. Pure."""

from collections import deque

from mcu.media import EncodedFrame, VideoCodec

PATIENCE_US = 300_000  # how far one stream may run ahead before it stops waiting for the other
PRIMING_FRAMES = 1  # an AAC frame decodes cleanly only after the one before it
_BACKLOG_FRAMES = 256  # of sound, kept before the first picture; older ones are of no use


class Interleaver:
    """Orders frames by time; begins with a keyframe and the sound that belongs to it.

    The sound starts with the frame that plays while the first picture appears, and the one before that for priming.
    """

    def __init__(self) -> None:
        self._video: deque[EncodedFrame] = deque()
        self._audio: deque[EncodedFrame] = deque()
        self._origin_us: int | None = None  # time of the first picture, None while there is none
        self._newest_us = {True: -1, False: -1}  # by "is video"

    @property
    def started(self) -> bool:
        """Whether the first picture is there."""
        return self._origin_us is not None

    @property
    def first_sound(self) -> EncodedFrame | None:
        """The oldest sound that waits."""
        return self._audio[0] if self._audio else None

    def push(self, frame: EncodedFrame) -> None:
        """Add a frame; each stream comes in its own order."""
        is_video = isinstance(frame.codec, VideoCodec)
        if is_video and self._origin_us is None:
            if not frame.keyframe:
                return
            self._begin(frame)
        if not is_video and self._is_before_start(frame):
            return
        (self._video if is_video else self._audio).append(frame)
        if not is_video and self._origin_us is None and len(self._audio) > _BACKLOG_FRAMES:
            self._audio.popleft()
        self._newest_us[is_video] = max(self._newest_us[is_video], frame.time_us)

    def restart(self) -> None:
        """Forget what is held and wait for a keyframe again: after a hole."""
        self._video.clear()
        self._audio.clear()
        self._origin_us = None
        self._newest_us = {True: -1, False: -1}

    def take(self, *, everything: bool = False) -> list[EncodedFrame]:
        """Frames whose place in the order is certain (or all, at the end)."""
        if self._origin_us is None:
            return []
        newest = self._newest_us.values()
        limit_us = max(min(newest), max(newest) - PATIENCE_US)
        ready: list[EncodedFrame] = []
        while queue := self._earliest():
            if not everything and queue[0].time_us > limit_us:
                break
            ready.append(queue.popleft())
        return ready

    def _begin(self, keyframe: EncodedFrame) -> None:
        self._origin_us = keyframe.time_us
        while self._audio and self._is_before_start(self._audio[0]):
            self._audio.popleft()

    def _is_before_start(self, sound: EncodedFrame) -> bool:
        if self._origin_us is None:
            return False
        end = sound.pts + sound.duration * (1 + PRIMING_FRAMES)
        return sound.pts < 0 or end * 1_000_000 <= self._origin_us * sound.clock_rate_hz

    def _earliest(self) -> deque[EncodedFrame]:
        if not self._video or not self._audio:
            return self._video or self._audio
        return self._audio if self._audio[0].time_us <= self._video[0].time_us else self._video
