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
from recorder.torn import without_torn_index

if TYPE_CHECKING:
    from av.packet import Packet  # generic for the type checker only
    from av.stream import Stream

logger = logging.getLogger(__name__)

_OPTIONS = {"probesize": "500000", "analyzeduration": "0"}
_SAME_US = 1_000  # rounding between clocks


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


def opened(file: BinaryIO) -> InputContainer:
    """A segment's file as it was left, for FFmpeg. Raises ``av.FFmpegError`` when nothing of it can be used."""
    return av.open(without_torn_index(file), "r", format="mp4", options=_OPTIONS)


def _read(part: int, name: str, file: BinaryIO) -> Segment | None:
    try:
        with opened(file) as container:
            return _read_container(part, name, container)
    except (av.FFmpegError, IndexError) as error:
        logger.warning("part %d: %s cannot be used: %s", part, name, error)
        return None


def _read_container(part: int, name: str, container: InputContainer) -> Segment | None:
    video = container.streams.video[0]
    audio = container.streams.audio[0] if container.streams.audio else None
    pictures: list[Sample] = []
    sound: list[Sample] = []
    clocks = {video.index: _Clock(video, VIDEO_CLOCK_HZ, pictures)}
    if audio is not None:
        clocks[audio.index] = _Clock(audio, SAMPLE_RATE_HZ, sound)
    try:
        for packet in container.demux(*(clock.stream for clock in clocks.values())):
            clocks[packet.stream_index].take(packet)
    except av.FFmpegError as error:  # a torn end: what came before it is whole
        logger.info("part %d: %s ends early: %s", part, name, error)
    if not pictures or not pictures[0].keyframe:
        return None
    format_ = Format(video.width, video.height, video.codec_context.extradata or b"", _config(audio))
    return Segment(part, name, format_, tuple(pictures), tuple(sound))


def _config(audio: "Stream | None") -> bytes:
    return (audio.codec_context.extradata or b"") if audio is not None else b""


class _Clock:
    """Turns one stream's whole packets into samples on our clock."""

    def __init__(self, stream: "Stream", rate_hz: int, samples: list[Sample]) -> None:
        self.stream = stream
        scale = (stream.time_base or Fraction(1, rate_hz)) * rate_hz
        self._up, self._down = scale.numerator, scale.denominator
        self._samples = samples

    def take(self, packet: "Packet[Stream]") -> None:
        """Keep a packet, unless it is torn or only marks the stream's end."""
        if packet.pts is None or packet.is_corrupt or packet.size == 0:
            return
        pts, duration = packet.pts * self._up // self._down, (packet.duration or 0) * self._up // self._down
        self._samples.append(Sample(bytes(packet), pts, duration, packet.is_keyframe))
