import pytest

from recorder.timeline import PictureLine, Sample, SoundLine, sound_until

pytestmark = pytest.mark.unit

SILENCE = b"-"


def picture(pts: int) -> Sample:
    return Sample(b"p", pts, 3000, keyframe=False)


def sound(pts: int) -> Sample:
    return Sample(b"s", pts, 1024)


def run_of_pictures(line: PictureLine, first: int, count: int) -> list[int]:
    line.begin_run(first)
    placed = [line.place(picture(first + 3000 * n)) for n in range(count)]
    return [sample.pts for sample in placed if sample is not None]


def test_the_first_picture_is_at_zero_and_spacing_is_kept() -> None:
    assert run_of_pictures(PictureLine(), 1_234_567, 4) == [0, 3000, 6000, 9000]


def test_a_hole_is_closed_up() -> None:
    line = PictureLine()
    run_of_pictures(line, 900_000, 30)
    assert run_of_pictures(line, 5_000_017, 3) == [90_000, 93_000, 96_000]


def test_a_picture_whose_place_is_taken_is_left_out() -> None:
    line = PictureLine()
    run_of_pictures(line, 900_000, 2)
    assert line.place(picture(903_000)) is None
    assert line.place(picture(909_000)) == Sample(b"p", 9_000, 3000, keyframe=False)


def test_sound_before_the_first_picture_keeps_its_exact_offset() -> None:
    line = PictureLine()
    line.begin_run(90_000)  # 48000 in samples
    track = SoundLine(SILENCE)
    assert track.place(sound(46_500), line) == [Sample(b"s", -1500, 1024)]
    assert track.place(sound(47_524), line) == [Sample(b"s", -476, 1024)]


def test_sound_that_starts_late_is_preceded_by_silence() -> None:
    line = PictureLine()
    line.begin_run(0)
    track = SoundLine(SILENCE)
    placed = track.place(sound(3000), line)
    assert [(sample.data, sample.pts) for sample in placed] == [(b"-", 0), (b"-", 1024), (b"-", 2048), (b"s", 3072)]


def test_after_a_hole_sound_stays_gapless_and_within_half_a_frame_of_its_pictures() -> None:
    line = PictureLine()
    track = SoundLine(SILENCE)
    run_of_pictures(line, 0, 30)  # 1 s
    ends = [track.place(sound(1024 * n), line)[-1].pts + 1024 for n in range(47)]
    assert ends[-1] == 48_128  # a little more than the pictures
    run_of_pictures(line, 900_000, 30)  # ten seconds on
    for start in range(478_000, 481_024, 7):  # wherever the new run's sound happens to lie
        fresh_line, fresh = PictureLine(), SoundLine(SILENCE)
        run_of_pictures(fresh_line, 0, 30)
        for n in range(47):
            fresh.place(sound(1024 * n), fresh_line)
        run_of_pictures(fresh_line, 900_000, 30)
        placed: list[Sample] = []
        media: list[int] = []
        for n in range(20):
            for sample in fresh.place(sound(start + 1024 * n), fresh_line):
                placed.append(sample)
                media.append(start + 1024 * n)
        positions = [sample.pts for sample in placed]
        assert positions == [48_128 + 1024 * n for n in range(len(positions))]
        wanted = [pts - 480_000 + 48_000 for pts, sample in zip(media, placed, strict=True) if sample.data == b"s"]
        got = [sample.pts for sample in placed if sample.data == b"s"]
        assert max(abs(a - b) for a, b in zip(wanted, got, strict=True)) <= 512


def test_lost_sound_is_filled_with_silence() -> None:
    line = PictureLine()
    line.begin_run(0)
    track = SoundLine(SILENCE)
    track.place(sound(0), line)
    placed = track.place(sound(1024 * 4), line)
    assert [(sample.data, sample.pts) for sample in placed] == [(b"-", 1024), (b"-", 2048), (b"-", 3072), (b"s", 4096)]


def test_a_runs_sound_ends_with_its_pictures() -> None:
    kept = sound_until([sound(0), sound(47_999), sound(48_000)], 90_000)
    assert [sample.pts for sample in kept] == [0, 47_999]
