"""Writes the segments of all parts into one MP4, packet by packet; nothing is decoded or encoded."""

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, pairwise
from pathlib import Path

import av
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.container import OutputContainer
from av.stream import Stream

from mcu.media import SAMPLE_RATE_HZ, VIDEO_CLOCK_HZ
from recorder.captions import chapters
from recorder.chronicle import Chronicle, Run, chronicle_of
from recorder.errors import FinishInterruptedError, NothingRecordedError, UnjoinableError
from recorder.model import Gap, Part
from recorder.notes import Notes, load_notes
from recorder.reading import Format, PartOnDisk, Segment, opened
from recorder.timeline import AAC_SAMPLES, HOLE_TICKS, PictureLine, Sample, SoundLine, samples, sound_until

logger = logging.getLogger(__name__)

_OPTIONS = {"movflags": "faststart", "avoid_negative_ts": "disabled", "movie_timescale": str(VIDEO_CLOCK_HZ)}
"""Negative times are kept: sound before zero primes the decoder, and the muxer writes the edit list that skips it."""


_VIDEO_TIME_BASE = Fraction(1, VIDEO_CLOCK_HZ)
_AUDIO_TIME_BASE = Fraction(1, SAMPLE_RATE_HZ)


@dataclass(frozen=True, slots=True)
class Joined:
    """What was written. Wall-clock times are Unix microseconds."""

    started_us: int
    ended_us: int
    duration: Fraction  # seconds
    pictures: int
    sounds: int
    width: int
    height: int
    gaps: tuple[Gap, ...]
    parts: tuple[Part, ...]
    chronicle: Chronicle


def join(parts: Sequence[PartOnDisk], target: Path, cancelled: threading.Event) -> Joined:
    """Write ``target`` from the parts, in order.

    Raises:
        NothingRecordedError: not one picture can be used.
        UnjoinableError: the picture's size changes.
        FinishInterruptedError: ``cancelled`` was set.
        OSError: the disk failed.
        av.FFmpegError: the muxer failed.
    """
    segments = chain.from_iterable(_of_part(part) for part in parts)
    first = next(segments, None)
    if first is None:
        raise NothingRecordedError("nothing was recorded that could be played")
    sound_from = _first_with_sound(parts)
    notes = {part.number: load_notes(part.store) for part in parts}
    with av.open(str(target), "w", format="mp4", options=_OPTIONS) as output:
        joiner = _Joiner(output, first, sound_from)
        for this, following in pairwise(chain((first,), segments, (None,))):
            assert this is not None
            if cancelled.is_set():
                raise FinishInterruptedError("finishing was interrupted")
            joiner.add(this, following)
        return joiner.end(notes)


@dataclass(frozen=True, slots=True)
class _Located:
    """A segment and the part that it belongs to."""

    part: PartOnDisk
    segment: Segment

    def wall_us(self, media_ticks: int) -> int:
        return self.part.wall_offset_us(self.segment) + media_ticks * 1_000_000 // VIDEO_CLOCK_HZ


def _of_part(part: PartOnDisk) -> Iterator[_Located]:
    return (_Located(part, segment) for segment in part.segments())


def _first_with_sound(parts: Sequence[PartOnDisk]) -> _Located | None:
    return next((found for part in parts for found in _of_part(part) if found.segment.format.sound_config), None)


class _Joiner:
    """The output being written."""

    def __init__(self, output: OutputContainer, first: _Located, sound_from: _Located | None) -> None:
        self._output = output
        self._format: Format = first.segment.format
        self._video = _copy_stream(output, first, "video")
        self._pictures = PictureLine()
        self._audio: Stream | None = None
        self._sound: SoundLine | None = None
        if sound_from is not None:
            self._audio = _copy_stream(output, sound_from, "audio")
            self._sound = SoundLine(silent_frame(sound_from.segment.format.sound_config))
        self._count = {"video": 0, "audio": 0}
        self._gaps: list[Gap] = []
        self._runs: list[Run] = []
        self._parts: dict[int, Part] = {}
        self._started_us = first.wall_us(first.segment.start)
        self._ended_us = self._started_us
        self._begin_run(first.segment)

    def add(self, this: _Located, following: _Located | None) -> None:
        """Write one segment; what follows decides where its sound ends."""
        segment = this.segment
        self._refuse_other_size(segment)
        self._ended_us = this.wall_us(segment.end)
        self._note_part(this)
        is_run_end = following is None or _is_hole(segment, following.segment)
        for picture in segment.pictures:
            placed = self._pictures.place(picture)
            if placed is not None:
                self._write(self._video, placed)
        if self._sound is not None:
            for sound in sound_until(segment.sound, segment.end) if is_run_end else segment.sound:
                self._write_sound(self._sound.place(sound, self._pictures))
        if following is not None and is_run_end:
            self._gaps.append(self._gap(this, following))
            self._begin_run(following.segment)

    def end(self, notes: Mapping[int, Notes]) -> Joined:
        """Complete the sound, and tell who was seen and heard by the parts' ``notes``."""
        end = self._pictures.end
        if self._sound is not None:
            self._write_sound(self._sound.fill(self._sound.missing_until(samples(end))))
        chronicle = chronicle_of(self._runs, notes, end)
        self._write_chapters(chronicle)
        return Joined(
            started_us=self._started_us,
            ended_us=self._ended_us,
            duration=Fraction(end, VIDEO_CLOCK_HZ),
            pictures=self._count["video"],
            sounds=self._count["audio"],
            width=self._format.width,
            height=self._format.height,
            gaps=tuple(self._gaps),
            parts=tuple(self._parts.values()),
            chronicle=chronicle,
        )

    def _begin_run(self, segment: Segment) -> None:
        self._pictures.begin_run(segment.start)
        self._runs.append(Run(segment.part, segment.start, self._pictures.at))

    def _write_chapters(self, chronicle: Chronicle) -> None:
        """The muxer writes them with the index, at the end."""
        self._output.set_chapters(
            [
                {
                    "id": number,
                    "start": chapter.start,
                    "end": chapter.end,
                    "time_base": _VIDEO_TIME_BASE,
                    "metadata": {"title": chapter.title},
                }
                for number, chapter in enumerate(chapters(chronicle))
            ]
        )

    def _note_part(self, this: _Located) -> None:
        number, manifest = this.part.number, this.part.manifest
        known = self._parts.get(number)
        self._parts[number] = Part(
            number=number,
            started_at=known.started_at if known else this.wall_us(this.segment.start) / 1_000_000,
            ended_at=self._ended_us / 1_000_000,
            error=manifest.error if manifest else None,
        )

    def _refuse_other_size(self, segment: Segment) -> None:
        old, new = self._format, segment.format
        if (old.width, old.height) != (new.width, new.height):
            raise UnjoinableError(
                f"part {segment.part}: the picture changes from {old.width}x{old.height} to {new.width}x{new.height}"
            )
        if old.avcc != new.avcc:
            # every keyframe carries its SPS and PPS in band, so decoders follow
            logger.info("part %d, %s: other parameter sets of the same size", segment.part, segment.name)
            self._format = new

    def _gap(self, this: _Located, following: _Located) -> Gap:
        from_us, until_us = self._ended_us, following.wall_us(following.segment.start)
        same_part = this.segment.part == following.segment.part
        end_us = this.segment.end * 1_000_000 // VIDEO_CLOCK_HZ
        return Gap(
            at=self._pictures.end / VIDEO_CLOCK_HZ,
            missing=max(0, until_us - from_us) / 1_000_000,
            from_time=from_us / 1_000_000,
            until_time=until_us / 1_000_000,
            reason=this.part.hole_reason(end_us) if same_part else "the room was lost",
        )

    def _write_sound(self, frames: Sequence[Sample]) -> None:
        assert self._audio is not None
        for frame in frames:
            self._write(self._audio, frame)

    def _write(self, stream: Stream, sample: Sample) -> None:
        packet = av.Packet(sample.data)
        packet.stream = stream
        packet.time_base = _VIDEO_TIME_BASE if stream is self._video else _AUDIO_TIME_BASE
        packet.pts = packet.dts = sample.pts
        packet.duration = sample.duration
        packet.is_keyframe = sample.keyframe
        self._output.mux_one(packet)
        self._count[stream.type] += 1


def _is_hole(segment: Segment, following: Segment) -> bool:
    return following.part != segment.part or following.start - segment.end > HOLE_TICKS


def _copy_stream(output: OutputContainer, located: _Located, kind: str) -> Stream:
    with located.part.store.open(located.segment.name) as file, opened(file) as source:
        template = source.streams.video[0] if kind == "video" else source.streams.audio[0]
        stream: Stream = output.add_stream_from_template(template, opaque=True)
    stream.time_base = _VIDEO_TIME_BASE if kind == "video" else _AUDIO_TIME_BASE
    return stream


def silent_frame(config: bytes) -> bytes:
    """An AAC-LC access unit of silence for this AudioSpecificConfig (48 kHz)."""
    channels = config[1] >> 3 & 15
    context = av.CodecContext.create("aac", "w")
    assert isinstance(context, AudioCodecContext)
    context.sample_rate = SAMPLE_RATE_HZ
    context.layout = {1: "mono", 2: "stereo"}[channels]
    context.format = "fltp"
    context.open()
    units = []
    for number in range(4):
        frame = av.AudioFrame.from_ndarray(np.zeros((channels, AAC_SAMPLES), np.float32), "fltp", context.layout.name)
        frame.sample_rate, frame.pts, frame.time_base = (
            SAMPLE_RATE_HZ,
            number * AAC_SAMPLES,
            Fraction(1, SAMPLE_RATE_HZ),
        )
        units += [bytes(packet) for packet in context.encode(frame)]
    return units[-1]
