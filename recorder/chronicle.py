"""Who was where and who spoke, on the time of the finished file: holes are closed up as those of the pictures. Pure.

Times are 90 kHz ticks: of media time in notes and runs, of the file in what comes out.
"""

import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Generic, TypeVar

from mcu.media import VIDEO_CLOCK_HZ
from recorder.notes import NO_NOTES, Notes, Occupant

VERSION = 1
K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of a part without a hole: media time ``start`` is at position ``at`` of the file."""

    part: int
    start: int
    at: int


@dataclass(frozen=True, slots=True)
class Span(Generic[K]):
    """Something was so from ``start`` up to ``end``."""

    what: K
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Chronicle:
    """What can be told of a file's time, each list in order of beginning."""

    duration: int = 0
    people: Mapping[str, str] = field(default_factory=dict)  # names by id
    tiles: tuple[Span[Occupant], ...] = ()
    speaking: tuple[Span[str], ...] = ()
    active: tuple[Span[str], ...] = ()

    def name(self, id_: str) -> str:
        """What somebody is called."""
        return self.people.get(id_, id_)

    def to_json(self) -> bytes:
        """As UTF-8 JSON, times in seconds."""
        told = {
            "version": VERSION,
            "duration": _seconds(self.duration),
            "participants": [{"id": id_, "name": name} for id_, name in self.people.items()],
            "tiles": [{**asdict(span.what), **_times(span)} for span in self.tiles],
            "speaking": [self._turn(span) for span in self.speaking],
            "active": [self._turn(span) for span in self.active],
        }
        return json.dumps(told, ensure_ascii=False).encode()

    def _turn(self, span: Span[str]) -> dict[str, Any]:
        return {"id": span.what, "name": self.name(span.what), **_times(span)}


def chronicle_of(runs: Sequence[Run], notes: Mapping[int, Notes], duration: int) -> Chronicle:
    """Put the parts' notes on the file's time.

    Args:
        runs: in the order of the file.
        notes: by part.
        duration: where the file ends.
    """
    of = {run.part: notes.get(run.part, NO_NOTES) for run in runs}
    people: dict[str, str] = {}
    for noted in of.values():
        people |= noted.people
    return Chronicle(
        duration=duration,
        people=people,
        tiles=tuple(_spans(runs, {part: noted.tiles for part, noted in of.items()}, duration)),
        speaking=tuple(_spans(runs, {part: noted.speaking for part, noted in of.items()}, duration)),
        active=tuple(_spans(runs, {part: noted.active for part, noted in of.items()}, duration)),
    )


def _spans(
    runs: Sequence[Run], states: Mapping[int, Sequence[tuple[int, Sequence[K]]]], duration: int
) -> list[Span[K]]:
    """For how long each thing was in the state; what goes on over a hole is one span."""
    spans: list[Span[K]] = []
    since: dict[K, int] = {}  # what is so at present, and from when on
    ends = [*(run.at for run in runs[1:]), duration]
    for run, end in zip(runs, ends, strict=True):
        for at, state in _placed(run, end, states[run.part]):
            spans += [Span(what, start, at) for what, start in since.items() if what not in state and start < at]
            since = {what: since.get(what, at) for what in state}
    spans += [Span(what, start, duration) for what, start in since.items() if start < duration]
    return sorted(spans, key=lambda span: (span.start, span.end))


def _placed(run: Run, end: int, states: Sequence[tuple[int, Sequence[K]]]) -> list[tuple[int, Sequence[K]]]:
    """The states of a run at their positions: first what is in force as it begins (nothing, if that is not known)."""
    before: Sequence[K] = ()
    placed: list[tuple[int, Sequence[K]]] = []
    for media, state in states:
        if media <= run.start:
            before = state
        elif (at := media - run.start + run.at) < end:
            placed.append((at, state))
    return [(run.at, before), *placed]


def _times(span: Span[Any]) -> dict[str, float]:
    return {"from": _seconds(span.start), "to": _seconds(span.end)}


def _seconds(ticks: int) -> float:
    return round(ticks / VIDEO_CLOCK_HZ, 6)
