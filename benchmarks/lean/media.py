"""What lean participants send, cut into payloads once and for all."""

from dataclasses import dataclass

from benchmarks.clips import FPS, LITTLE_FPS, little_clip, opus_packets, voice_packets

_CHUNK = 1150  # bytes of a frame in one packet
_FIRST, _FURTHER = b"\x10", b"\x00"  # the VP8 payload descriptor, RFC 7741
_SILENT, _TALKING = 127, 0x80 | 20  # RFC 6464: level, and whether it is a voice
SAMPLES = 960


@dataclass(frozen=True)
class Film:
    """A clip in packets: for each frame its payloads."""

    frames: tuple[tuple[bytes, ...], ...]
    fps: int


@dataclass(frozen=True)
class Voice:
    """A loop of sound, one packet for 20 ms, and the level that each tells."""

    packets: tuple[bytes, ...]
    level: int

    @property
    def silent(self) -> bool:
        """Whether nobody speaks."""
        return self.level == _SILENT


@dataclass(frozen=True)
class Library:
    """All that the participants of a run can send; goes to their process once."""

    films: tuple[Film, ...]
    little: Film  # what a camera sends that is told to send next to nothing
    voices: tuple[Voice, ...]
    silence: Voice


def film(clip: list[bytes], fps: int) -> Film:
    """Cut a VP8 clip."""
    return Film(tuple(_payloads(frame) for frame in clip), fps)


def _payloads(frame: bytes) -> tuple[bytes, ...]:
    chunks = [frame[at : at + _CHUNK] for at in range(0, len(frame), _CHUNK)]
    return (_FIRST + chunks[0], *(_FURTHER + chunk for chunk in chunks[1:]))


def library(clips: list[list[bytes]]) -> Library:
    """Everything from the clips of those on stage."""
    return Library(
        films=tuple(film(clip, FPS) for clip in clips),
        little=film(little_clip(), LITTLE_FPS),
        voices=tuple(Voice(tuple(voice_packets(n)), _TALKING + n) for n in range(len(clips))),
        silence=Voice(tuple(opus_packets(None)), _SILENT),
    )
