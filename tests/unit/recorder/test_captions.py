import itertools

import pytest

from recorder.captions import Chapter, chapters, webvtt
from recorder.chronicle import Chronicle, Span

pytestmark = pytest.mark.unit

S = 90_000
PEOPLE = {"a": "Ann", "b": "Bob & <i>Co</i> -->\r\n\r\nNOTE", "c": "王" * 100, "d": "  "}


def turns(*spans: tuple[str, float, float], duration: float = 60) -> Chronicle:
    active = tuple(Span(who, round(start * S), round(end * S)) for who, start, end in spans)
    return Chronicle(round(duration * S), PEOPLE, active=active)


def test_a_cue_a_turn_with_names_escaped() -> None:
    told = turns(("a", 0.5, 2), ("b", 2, 3723.25), ("d", 3724, 3725), duration=4000)
    assert webvtt(told).decode() == (
        "WEBVTT\n"
        "\n"
        "00:00:00.500 --> 00:00:02.000\n"
        "Ann\n"
        "\n"
        "00:00:02.000 --> 01:02:03.250\n"
        "Bob &amp; &lt;i&gt;Co&lt;/i&gt; --&gt;    NOTE\n"
        "\n"
        "01:02:04.000 --> 01:02:05.000\n"
        "-\n"
    )


def test_turns_too_short_to_be_told_are_no_cues() -> None:
    assert webvtt(turns(("a", 1, 1.0001))).decode() == "WEBVTT\n"
    assert webvtt(turns()).decode() == "WEBVTT\n"


def test_chapters_fill_the_file_and_interjections_begin_none() -> None:
    told = turns(("a", 4, 12), ("b", 12, 14), ("a", 14, 30), ("b", 30, 60))
    assert chapters(told) == (Chapter("Ann", 0, 30 * S), Chapter(PEOPLE["b"], 30 * S, 60 * S))


def test_without_speakers_there_are_no_chapters() -> None:
    assert chapters(turns()) == ()
    assert chapters(Chronicle()) == ()


def test_there_are_never_more_chapters_than_the_file_can_hold() -> None:
    found = chapters(turns(*(("ab"[n % 2], n * 12, n * 12 + 12) for n in range(2000)), duration=24_000))
    assert len(found) == 255
    assert all(before.end == after.start for before, after in itertools.pairwise(found))


def test_of_too_many_turns_the_longest_count() -> None:
    starts = list(itertools.accumulate((100 if n % 10 == 0 else 20 for n in range(1000)), initial=0))
    people = ["abc"[n // 10 % 2] if n % 10 == 0 else "c" for n in range(1000)]
    spans = ((who, start, end) for who, (start, end) in zip(people, itertools.pairwise(starts), strict=True))
    found = chapters(turns(*spans, duration=starts[-1]))
    assert {starts[n] * S for n in range(0, 1000, 10)} <= {chapter.start for chapter in found}


def test_a_title_is_cut_between_characters() -> None:
    (chapter,) = chapters(turns(("c", 0, 60)))
    assert chapter.title == "王" * 85  # three bytes each
