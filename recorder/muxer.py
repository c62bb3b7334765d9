"""Fragmented MP4 from packets that are already encoded: H.264 and AAC-LC, nothing is encoded again.

What FFmpeg's muxer needs to know of the streams (avcC, colours, esds) is read by its own demuxers from the first
keyframe and the first access unit of sound, so it always fits the bitstream.
"""

import io
from fractions import Fraction

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream

from mcu.errors import CodecError
from mcu.media import SAMPLE_RATE_HZ, VIDEO_CLOCK_HZ, EncodedFrame, VideoCodec
from recorder.segments import SegmentFile

FRAGMENT_US = 500_000  # what a killed process loses at most, together with what the muxer holds
_OPTIONS = {
    "movflags": "empty_moov+default_base_moof+frag_discont+skip_trailer",  # frag_discont: keep the times given
    "frag_duration": str(FRAGMENT_US),
    "flush_packets": "1",
    "avoid_negative_ts": "disabled",
    "max_interleave_delta": "100000",  # us to wait for the other stream before writing
}
_BUFFER_BYTES = 256 * 1024
_VIDEO_TIME_BASE = Fraction(1, VIDEO_CLOCK_HZ)
_AUDIO_TIME_BASE = Fraction(1, SAMPLE_RATE_HZ)


class SegmentMuxer:
    """Writes one segment.

    Args:
        file: where to; closed by ``close``.
        keyframe: the first picture; not written by this.
        sound: any access unit of the sound that goes with it; None: the segment is silent for good.

    Raises:
        CodecError: the keyframe or the sound makes no sense to FFmpeg.
    """

    def __init__(self, file: SegmentFile, keyframe: EncodedFrame, sound: EncodedFrame | None) -> None:
        self._file = file
        self._container: OutputContainer = av.open(
            _WriteOnly(file), "w", format="mp4", options=_OPTIONS, buffer_size=_BUFFER_BYTES
        )
        try:
            self._video = _add_video(self._container, keyframe)
            self._audio = None if sound is None else _add_audio(self._container, sound)
        except (av.FFmpegError, IndexError, ValueError) as error:
            raise CodecError(f"these packets cannot be put into MP4: {error}") from error

    @property
    def has_sound(self) -> bool:
        """Whether sound can be written."""
        return self._audio is not None

    def write(self, frame: EncodedFrame) -> None:
        """Append a frame; within a stream, times increase. Raises OSError, CodecError."""
        is_video = isinstance(frame.codec, VideoCodec)
        stream = self._video if is_video else self._audio
        if stream is None:
            return
        packet = av.Packet(frame.data)
        packet.stream = stream
        packet.time_base = _VIDEO_TIME_BASE if is_video else _AUDIO_TIME_BASE
        packet.pts = packet.dts = frame.pts
        packet.duration = frame.duration
        packet.is_keyframe = frame.keyframe
        try:
            self._container.mux_one(packet)
        except av.FFmpegError as error:
            raise _as_disk_or_codec_error(error) from error

    def close(self) -> None:
        """Write what is held and make the file durable. Raises OSError, CodecError; the file is closed in any case."""
        try:
            self._container.close()
        except av.FFmpegError as error:
            raise _as_disk_or_codec_error(error) from error
        finally:
            self._file.close()


class _WriteOnly:
    """A file that FFmpeg cannot seek in, so that it never goes back over what is written."""

    def __init__(self, file: SegmentFile) -> None:
        self._file = file

    def write(self, data: bytes) -> int:
        return self._file.write(data)


def _as_disk_or_codec_error(error: av.FFmpegError) -> Exception:
    return error if isinstance(error, OSError) else CodecError(f"the muxer refuses a packet: {error}")


def _add_video(container: OutputContainer, keyframe: EncodedFrame) -> VideoStream:
    with av.open(io.BytesIO(keyframe.data), format="h264") as source:
        stream = container.add_stream_from_template(source.streams.video[0], opaque=True)
    stream.time_base = _VIDEO_TIME_BASE
    return stream


def _add_audio(container: OutputContainer, sound: EncodedFrame) -> AudioStream:
    with av.open(io.BytesIO(adts_header(sound.config, len(sound.data)) + sound.data), format="aac") as source:
        stream = container.add_stream_from_template(source.streams.audio[0])
    stream.codec_context.extradata = sound.config
    stream.time_base = _AUDIO_TIME_BASE
    return stream


def adts_header(config: bytes, size: int) -> bytes:
    """The ADTS header (ISO/IEC 13818-7, 6.2) of an access unit of ``size`` bytes, from an AudioSpecificConfig."""
    profile = (config[0] >> 3) - 1
    rate = (config[0] & 7) << 1 | config[1] >> 7
    channels = config[1] >> 3 & 15
    length = size + 7
    return bytes(
        (
            0xFF,
            0xF1,
            profile << 6 | rate << 2 | channels >> 2,
            (channels & 3) << 6 | length >> 11,
            length >> 3 & 0xFF,
            (length & 7) << 5 | 0x1F,
            0xFC,
        )
    )
