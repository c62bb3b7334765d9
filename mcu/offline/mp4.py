"""Encoded pictures and sound into a fast-start MP4 that is the same bytes every time."""

import io
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
from av.stream import Stream
from av.video.stream import VideoStream

from mcu.audio.aac import BITRATE_BPS
from mcu.media import SAMPLE_RATE_HZ, EncodedFrame


class Mp4Writer:
    """One H.264 and one mono AAC track; both begin at time 0.

    Args:
        path: the file; overwritten.

    Raises:
        OSError: it cannot be written; ``write`` and ``close`` raise it as well.
    """

    def __init__(self, path: Path) -> None:
        # bitexact leaves out the muxer's version and the time of day
        self._container = av.open(
            str(path), "w", format="mp4", options={"movflags": "+faststart", "fflags": "+bitexact"}
        )
        self._video: Stream | None = None
        self._sound: Stream | None = None

    def write_picture(self, frame: EncodedFrame) -> None:
        """Append a picture; the first has to be a keyframe."""
        if self._video is None:
            self._video = self._container.add_stream_from_template(_described(frame.data), opaque=True)
            self._video.time_base = Fraction(1, frame.clock_rate_hz)
            self._sound = self._container.add_stream("aac", rate=SAMPLE_RATE_HZ, layout="mono", bit_rate=BITRATE_BPS[1])
        self._mux(self._video, frame)

    def write_sound(self, units: Iterable[EncodedFrame]) -> None:
        """Append access units; not before the first picture."""
        assert self._sound is not None
        for unit in units:
            self._mux(self._sound, unit)

    def close(self) -> None:
        """Write the index to the front and close the file."""
        self._container.close()

    def _mux(self, stream: Stream, frame: EncodedFrame) -> None:
        packet = av.Packet(frame.data)
        packet.stream = stream
        packet.time_base = Fraction(1, frame.clock_rate_hz)
        packet.pts = packet.dts = frame.pts
        packet.duration = frame.duration
        packet.is_keyframe = frame.keyframe
        self._container.mux(packet)


def _described(keyframe: bytes) -> VideoStream:
    """A stream with all that an Annex B keyframe tells: size, colours, SPS and PPS."""
    return av.open(io.BytesIO(keyframe), format="h264").streams.video[0]
