"""What is noted of a picture or a sound on its way through the mixer; all times are media time in microseconds.

A trace goes along with what it is of, from thread to thread, and is read at the end (``mcu.delays``).
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PictureTrace:
    """One picture of one source, until it is decoded."""

    first_us: int  # its first packet came
    last_us: int  # its last one
    whole_us: int  # it was handed on, the frames before it being there too
    decoded_us: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture that a tick took, to show it for the first time."""

    trace: PictureTrace
    due_us: int
    taken_us: int


@dataclass(slots=True)
class MixTrace:
    """A picture of the mix. ``encoded`` and ``sent`` are set by whoever is the first to do so."""

    shown: Mapping[str, Shown]  # by source, what no encoded picture before has shown
    painted_us: int
    encoded: bool = False
    sent: bool = False


@dataclass(frozen=True, slots=True)
class SoundTrace:
    """A block of the mix."""

    arrivals: Mapping[str, int]  # by participant, when the newest packet came that begins to be heard in it
    begun_us: int
    mixed_us: int
