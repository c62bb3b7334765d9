"""Reads segments as they were left, also by a process that was killed while writing one."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, BinaryIO

import av
from av.container import InputContainer

from mcu.media import SAMPLE_RATE_HZ, VIDEO_CLOCK_HZ
from recorder.segments import Manifest, SegmentStore
from recorder.timeline import Sample

if TYPE_CHECKING:
    from av.packet import Packet  # generic for the type checker only
    from av.stream import Stream

logger = logging.getLogger(__name__)

_OPTIONS = {"probesize": "500000", "analyzeduration": "0"}
_SAME_US = 1_000  # rounding between clocks
_VIDEO_TIME_BASE = Fraction(1, VIDEO_CLOCK_HZ)
_AUDIO_TIME_BASE = Fraction(1, SAMPLE_RATE_HZ)


@dataclass(frozen=True, slots=True)
class Format:
    """How a segment's streams are to be decoded: avcC and AudioSpecificConfig, which is empty without sound."""

    width: int
    height: int
    avcc: bytes
    sound_config: bytes


@dataclass(frozen=True, slots=True)
class Segment:
    """What a segment holds: pictures from a keyframe on, and sound, each on media time."""

    part: int
    name: str
    format: Format
    pictures: tuple[Sample, ...]
    sound: tuple[Sample, ...]

    @property
    def start(self) -> int:
        """Media time of the first picture, 90 kHz."""
        return self.pictures[0].pts

    @property
    def end(self) -> int:
        """Media time at which the last picture ends, 90 kHz."""
        return self.pictures[-1].pts + self.pictures[-1].duration


@dataclass(frozen=True, slots=True)
class PartOnDisk:
    """One part as its folder holds it."""

    number: int
    store: SegmentStore
    manifest: Manifest | None

    @classmethod
    def find(cls, number: int, store: SegmentStore) -> "PartOnDisk":
        """Look into a folder. Raises OSError."""
        return cls(number, store, store.load_manifest())

    def segments(self) -> Iterator[Segment]:
        """All segments of which something can be used, in order. Raises OSError."""
        for name in self.store.names():
            segment = self.segment(name)
            if segment is not None:
                yield segment

    def segment(self, name: str) -> Segment | None:
        """One segment; None if not even its first picture is whole. Raises OSError."""
        with self.store.open(name) as file:
            return _read(self.number, name, file)

    def last_segment(self) -> Segment | None:
        """The last of which something can be used. Raises OSError."""
        found = (self.segment(name) for name in reversed(self.store.names()))
        return next((segment for segment in found if segment is not None), None)

    def wall_offset_us(self, segment: Segment) -> int:
        """The Unix time of media time zero; without a manifest judged by when ``segment`` was written."""
        if self.manifest is not None:
            return self.manifest.wall_offset_us
        return self.store.modified_us(segment.name) - segment.end * 1_000_000 // VIDEO_CLOCK_HZ

    def hole_reason(self, media_us: int) -> str:
        """Why there are no pictures from this media time on."""
        holes = self.manifest.holes if self.manifest else ()
        return next((hole.reason for hole in holes if abs(hole.from_us - media_us) < _SAME_US), "a segment is damaged")


def _read(part: int, name: str, file: BinaryIO) -> Segment | None:
    try:
        with av.open(file, "r", format="mp4", options=_OPTIONS) as container:
            return _read_container(part, name, container)
    except (av.FFmpegError, IndexError) as error:
        logger.warning("part %d: %s cannot be used: %s", part, name, error)
        return None


def _read_container(part: int, name: str, container: InputContainer) -> Segment | None:
    video = container.streams.video[0]
    audio = container.streams.audio[0] if container.streams.audio else None
    pictures: list[Sample] = []
    sound: list[Sample] = []
    try:
        for packet in container.demux():
            sample = _sample(packet)
            if sample is not None:
                (pictures if packet.stream is video else sound).append(sample)
    except av.FFmpegError as error:  # a torn end: what came before it is whole
        logger.info("part %d: %s ends early: %s", part, name, error)
    if not pictures or not pictures[0].keyframe:
        return None
    format_ = Format(video.width, video.height, video.codec_context.extradata or b"", _config(audio))
    return Segment(part, name, format_, tuple(pictures), tuple(sound))


def _config(audio: "Stream | None") -> bytes:
    return (audio.codec_context.extradata or b"") if audio is not None else b""


def _sample(packet: "Packet[Stream]") -> Sample | None:
    """A whole packet in our clocks; None for the end of the stream or a torn packet."""
    if packet.pts is None or packet.is_corrupt or packet.size == 0:
        return None
    is_video = packet.stream.type == "video"
    scale = packet.time_base / (_VIDEO_TIME_BASE if is_video else _AUDIO_TIME_BASE)
    return Sample(bytes(packet), int(packet.pts * scale), int((packet.duration or 0) * scale), packet.is_keyframe)
