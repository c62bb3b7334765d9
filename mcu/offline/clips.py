"""Pictures and sound out of clips, each read once, forward, as media time goes by.

Every track has a container of its own, so that the packets of the other one need not be kept meanwhile.
"""

from collections import deque
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer

from mcu.audio.samples import silence
from mcu.errors import UnreadableMediaError
from mcu.media import SAMPLE_RATE_HZ, Picture, Plane, Samples
from mcu.video.decode import MAX_PIXELS
from mcu.video.i420 import picture_of

# libav would also show text files as terminal art, and play lists would have it open files that nobody named
_FORMATS = "mov,matroska,webm,mpegts,mpeg,avi,flv,asf,ogg,ivf,h264,yuv4mpegpipe,gif,apng,wav,mp3,aac,flac,aiff,caf"
_DEFAULT_FRAME_US = 40_000
_JITTER_SAMPLES = 480  # timestamps may be off by this much without a gap being made or sound being cut
_PADDING_SAMPLES = 4800  # more than any codec fills its last block up with
_LONGEST_GAP_S = 600  # a hole larger than this is a broken timestamp


def open_clip(path: Path) -> InputContainer:
    """Open a media file.

    Raises:
        UnreadableMediaError: it is not there, or nothing that can be read.
    """
    try:
        return av.open(str(path), options={"format_whitelist": _FORMATS, "protocol_whitelist": "file"})
    except (av.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UnreadableMediaError(f"{path}: {reason.lower()}") from error


class PictureTrack:
    """The moving pictures of a clip.

    Args:
        path: a file that has a video stream.

    Raises:
        UnreadableMediaError: broken, empty, or larger than 4K; ``at`` raises it as well.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._container = open_clip(path)
        stream = self._container.streams.video[0]
        if stream.width * stream.height > MAX_PIXELS:
            raise UnreadableMediaError(f"{path}: {stream.width}x{stream.height} is more than 4K")
        self._frame_us = int(1_000_000 / stream.average_rate) if stream.average_rate else _DEFAULT_FRAME_US
        self._last_us = -1  # due time of the picture read last
        self._pictures = self._decode()
        self._now: Picture | None = None
        self._next = next(self._pictures, None)
        if self._next is None:
            raise UnreadableMediaError(f"{path}: there is no picture in it")
        self.first = self._next

    def at(self, now_us: int) -> Picture | None:
        """The picture to show at ``now_us``, which never goes back; the last one stays. None before the first."""
        while self._next is not None and self._next.due_us <= now_us:
            self._now = self._next
            self._next = next(self._pictures, None)
        return self._now

    def is_over(self, now_us: int) -> bool:
        """Whether the last picture has had its time, when ``at`` was asked up to now."""
        return self._next is None and self._last_us + self._frame_us <= now_us

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def _decode(self) -> Iterator[Picture]:
        start_us = self._container.start_time or 0  # libav counts microseconds here
        ratio = self._container.streams.video[0].sample_aspect_ratio or Fraction(1)
        try:
            for frame in self._container.decode(video=0):
                due_us = None if frame.time is None else round(frame.time * 1_000_000) - start_us
                if due_us is None or due_us <= self._last_us:
                    due_us = 0 if self._last_us < 0 else self._last_us + self._frame_us
                self._last_us = due_us
                yield _upright(frame, ratio, due_us)
        except (av.FFmpegError, ValueError) as error:
            raise UnreadableMediaError(f"{self._path}: broken after {self._last_us / 1e6:.2f} s: {error}") from error


def _upright(frame: av.VideoFrame, pixel_aspect: Fraction, due_us: int) -> Picture:
    """The frame as it is meant to be seen: turned, and with square pixels."""
    if pixel_aspect != 1:
        width = round(frame.width * pixel_aspect)
        frame = frame.reformat(width=min(max(1, width), 2 * frame.width))
    picture = picture_of(frame, due_us)
    turns = round(frame.rotation / 90) % 4  # counterclockwise, as np.rot90 turns
    if not turns:
        return picture
    y, u, v = (_turned(plane, turns) for plane in (picture.y, picture.u, picture.v))
    return Picture(y, u, v, due_us)


def _turned(plane: Plane, turns: int) -> Plane:
    return np.ascontiguousarray(np.rot90(plane, turns))


def _samples(frame: av.AudioFrame) -> Samples:
    return np.asarray(frame.to_ndarray().T, np.float32)


class SoundTrack:
    """The sound of a clip: mono, 48 kHz, holes filled with silence.

    Args:
        path: a file that has an audio stream.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._container = open_clip(path)
        self._blocks = self._decode()
        self._waiting: deque[Samples] = deque()
        self._taken = 0  # samples given out
        self._read = 0  # samples decoded, holes included
        self._ended = False
        stream = self._container.streams.audio[0]
        self._told: int | None = None  # samples, as the file says; often no more than an estimate
        if stream.duration is not None and stream.time_base is not None:
            self._told = int(stream.duration * stream.time_base * SAMPLE_RATE_HZ)

    def take(self, count: int) -> Samples:
        """The next ``count`` samples, silence after the end.

        Raises:
            UnreadableMediaError: the file is broken here.
        """
        self._fill(self._taken + count)
        parts: list[Samples] = []
        missing = count
        while missing and self._waiting:
            block = self._waiting.popleft()
            parts.append(block[:missing])
            if len(block) > missing:
                self._waiting.appendleft(block[missing:])
            missing -= len(parts[-1])
        self._taken += count
        return np.concatenate([*parts, silence(1, missing)])

    def is_over(self, now_us: int) -> bool:
        """Whether no sound is left at ``now_us``."""
        now = now_us * SAMPLE_RATE_HZ // 1_000_000
        self._fill(now + 1 + _PADDING_SAMPLES)
        return self._ended and self._end <= now

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    @property
    def _end(self) -> int:
        """Where the sound ends: what the file tells, if what was read is only the last block's padding longer."""
        padded = self._told is not None and 0 < self._read - self._told <= _PADDING_SAMPLES
        return self._told if self._told is not None and padded else self._read

    def _fill(self, until: int) -> None:
        while not self._ended and self._read < until:
            block = next(self._blocks, None)
            if block is None:
                self._ended = True
            else:
                self._waiting.append(block)
                self._read += len(block)

    def _decode(self) -> Iterator[Samples]:
        start_s = (self._container.start_time or 0) / 1_000_000
        resampler = av.AudioResampler("fltp", "mono", SAMPLE_RATE_HZ)
        try:
            for frame in self._container.decode(audio=0):
                begin = None if frame.time is None else round((frame.time - start_s) * SAMPLE_RATE_HZ)
                frame.pts = None  # the resampler would fill holes in a way of its own
                for resampled in resampler.resample(frame):
                    yield from self._fit(_samples(resampled), begin)
                    begin = None
            for resampled in resampler.resample(None):
                yield _samples(resampled)
        except (av.FFmpegError, ValueError) as error:
            at_s = self._read / SAMPLE_RATE_HZ
            raise UnreadableMediaError(f"{self._path}: the sound is broken after {at_s:.2f} s: {error}") from error

    def _fit(self, block: Samples, begin: int | None) -> Iterator[Samples]:
        """Put a block that begins at sample ``begin`` behind what was read so far."""
        hole = 0 if begin is None else begin - self._read
        if hole > _LONGEST_GAP_S * SAMPLE_RATE_HZ:
            raise ValueError(f"a hole of {hole // SAMPLE_RATE_HZ} s")
        if hole > (_JITTER_SAMPLES if self._read else 0):
            yield silence(1, hole)
        elif hole < -_JITTER_SAMPLES:
            block = block[-hole:]
        if len(block):
            yield block
