"""The active speakers of a recording as WebVTT captions and as chapters of its MP4. Pure."""

from dataclasses import dataclass

from mcu.media import VIDEO_CLOCK_HZ
from recorder.chronicle import Chronicle

CHAPTER_TICKS = 10 * VIDEO_CLOCK_HZ  # who speaks for less than this (or a tenth of the file) gets no chapter
MAX_CHAPTERS = 255  # the `chpl` box counts them in a byte …
MAX_TITLE_BYTES = 255  # … and their titles' bytes, too
_TICKS_PER_MS = VIDEO_CLOCK_HZ // 1000


def webvtt(chronicle: Chronicle) -> bytes:
    """One cue a turn of the active speaker, with the speaker's name (W3C WebVTT)."""
    cues = []
    for turn in chronicle.active:
        start, end = _time(turn.start), _time(turn.end)
        if start != end:  # a cue must not be empty
            cues.append(f"{start} --> {end}\n{_escaped(chronicle.name(turn.what))}\n")
    return "\n".join(("WEBVTT\n", *cues)).encode()


def _time(ticks: int) -> str:
    seconds, ms = divmod(round(ticks / _TICKS_PER_MS), 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{ms:03}"


def _escaped(name: str) -> str:
    """Cue text: one line, no markup."""
    line = "".join(" " if character in "\0\r\n" else character for character in name).strip()
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") or "-"


@dataclass(frozen=True, slots=True)
class Chapter:
    """From ``start`` up to ``end``, 90 kHz."""

    title: str
    start: int
    end: int


def chapters(chronicle: Chronicle) -> tuple[Chapter, ...]:
    """A chapter whenever somebody else takes over; none if nobody ever speaks. They fill the file's time.

    Interjections begin no chapter; in a file with very many turns only the longest do.
    """
    shortest = min(CHAPTER_TICKS, chronicle.duration // 10)
    long = [turn for turn in chronicle.active if turn.end - turn.start >= shortest]
    longest = sorted(long, key=lambda turn: turn.start - turn.end)[:MAX_CHAPTERS]
    begins: list[tuple[int, str]] = []
    for turn in sorted(longest, key=lambda turn: turn.start):
        title = chronicle.name(turn.what).encode()[:MAX_TITLE_BYTES].decode(errors="ignore")
        if not begins or begins[-1][1] != title:
            begins.append((turn.start if begins else 0, title))
    if not begins:
        return ()
    ends = [*(start for start, _ in begins[1:]), chronicle.duration]
    return tuple(Chapter(title, start, end) for (start, title), end in zip(begins, ends, strict=True))
