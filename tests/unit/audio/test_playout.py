import numpy as np
import pytest

from mcu.audio.arrivals import MAX_PACKETS
from mcu.audio.playout import Playout
from mcu.media import AudioCodec, AudioUnit
from tests.unit.audio.stream import KnownDecoder, delayed, largest_step, listen, packets, tone

pytestmark = pytest.mark.unit

PACKET_MS = 20  # the sender's packets hold 20 ms, so a delay of 20 ms from capture is the least there can be


def test_every_block_is_20_ms_whatever_the_packets() -> None:
    for packet_ms in (10, 20, 40, 60):
        _, heard = listen(packets(3, packet_ms=packet_ms), 3)
        assert {block.samples.shape for block in heard.played} == {(960, 1)}


@pytest.mark.parametrize("packet_ms", [10, 20, 40, 60, 120])
def test_a_clean_stream_comes_out_whole_and_soon(packet_ms: int) -> None:
    buffer, heard = listen(packets(8, packet_ms=packet_ms), 8)
    assert heard.delay_between(6, 8).max() < 2 * packet_ms + 12
    assert largest_step(heard.sound[48_000:]) < 0.005
    assert (buffer.stats.lost, buffer.stats.late, buffer.stats.concealed) == (0, 0, 0)


def test_the_tone_keeps_its_pitch_and_its_strength() -> None:
    _, heard = listen(packets(9), 9, sound=tone(440, 0.3))
    steady = heard.sound[-96_000:]
    spectrum = np.abs(np.fft.rfft(steady * np.hanning(len(steady))))
    assert np.argmax(spectrum) / 2 == pytest.approx(440, abs=0.5)
    assert steady.std() == pytest.approx(0.3 / np.sqrt(2), rel=0.01)


@pytest.mark.parametrize(("least_ms", "most_ms"), [(0, 80), (20, 180)])
def test_the_delay_follows_jitter_and_hardly_anything_is_late(least_ms: int, most_ms: int) -> None:
    rng = np.random.default_rng(7)
    buffer, heard = listen(delayed(packets(12), lambda _: rng.uniform(least_ms, most_ms)), 12)
    steady = heard.delay_between(6, 12)
    assert most_ms <= steady.mean() < most_ms + 2 * PACKET_MS + 20
    assert buffer.stats.late < 0.03 * buffer.stats.received


def test_the_delay_shrinks_when_the_line_gets_better() -> None:
    _, heard = listen(delayed(packets(12), lambda n: 105 if n < 250 else 5), 12)
    assert heard.delay_between(4, 5).mean() > 120
    assert heard.delay_between(7.2, 12).max() < 75
    assert largest_step(heard.sound[48_000:]) < 0.005  # by splices that nobody hears


def test_a_line_that_gets_worse_costs_one_gap_only() -> None:
    buffer, heard = listen(delayed(packets(12), lambda n: 5 if n < 250 else 105), 12)
    assert heard.delay_between(8, 12).max() < 105 + 60
    assert (buffer.stats.late, buffer.stats.lost) == (0, 0)


def test_reordering_loses_nothing() -> None:
    buffer, _ = listen(delayed(packets(10), lambda n: 25 if n % 5 == 0 else 3), 10)
    assert (buffer.stats.lost, buffer.stats.late, buffer.stats.duplicate) == (0, 0, 0)


def test_duplicates_are_counted_and_change_nothing() -> None:
    once = packets(5)
    _, plain = listen(once, 5)
    buffer, doubled = listen([unit for unit in once for _ in range(2)], 5)
    assert buffer.stats.duplicate == len([unit for unit in once if unit.arrival_us < 4_987_000])
    assert np.array_equal(plain.sound, doubled.sound)


def test_lost_packets_are_concealed_one_for_one() -> None:
    lost = {100, 150, 151, 200}
    buffer, heard = listen(delayed(packets(8), lambda n: None if n in lost else 5), 8)
    assert buffer.stats.lost == len(lost)
    assert buffer.stats.concealed == len(lost) * 960
    assert np.ptp(heard.delay_between(5, 8)) < 15


def test_fec_fills_the_hole_with_the_true_sound() -> None:
    rng = np.random.default_rng(3)
    lost = {n for n in range(60, 480) if rng.random() < 0.05 and n % 2}  # never two in a row
    buffer, heard = listen(delayed(packets(10), lambda n: None if n in lost else 5), 10, fec=True)
    assert buffer.stats.fec_recovered >= len(lost) - 1  # at the first loss the buffer may hold too little
    assert largest_step(heard.sound[100_000:]) < 0.005


def test_after_an_outage_the_delay_is_normal_within_2_s() -> None:
    buffer, heard = listen(delayed(packets(20), lambda n: None if 250 <= n < 750 else 5), 20)
    silent = heard.sound[48_000 * 6 : 48_000 * 15]
    assert np.abs(silent).max() == 0  # concealment fades, it does not hum for ten seconds
    assert heard.delay_between(17, 20).max() < 60
    assert buffer.stats.lost == 500


def test_what_was_held_back_for_10_s_is_skipped() -> None:
    _, heard = listen(delayed(packets(20), lambda n: max(5, (750 - n) * PACKET_MS) if 250 <= n < 750 else 5), 20)
    assert heard.delay_between(17, 20).max() < 70
    assert len(heard.delay_between(17, 20)) == 150  # and the sound is back


def test_a_stall_of_half_a_second_is_made_up_for_within_2_s() -> None:
    _, heard = listen(delayed(packets(12), lambda n: max(5, (275 - n) * PACKET_MS) if 250 <= n < 275 else 5), 12)
    assert heard.delay_between(7.5, 12).max() < 75


@pytest.mark.parametrize("drift_ppm", [-200, 200])
def test_clock_drift_never_adds_up(drift_ppm: int) -> None:
    buffer, heard = listen(packets(600, drift_ppm=drift_ppm), 600)  # 120 ms apart at the end
    early, late = heard.delay_between(10, 20).mean(), heard.delay_between(580, 598).mean()
    assert abs(late - early) < 5
    assert (buffer.stats.lost, buffer.stats.overdue, buffer.stats.overflow) == (0, 0, 0)
    assert largest_step(heard.sound[48_000:-9_600]) < 0.005  # resampled away, no clicks


def test_dtx_is_silence_not_loss() -> None:
    units = packets(10)
    talking = [n for n in range(len(units)) if n % 100 < 50 or n % 20 == 0]  # one packet each 400 ms in the pauses
    sent = [
        AudioUnit(u.codec, u.data, 100 + i, u.rtp_time, u.arrival_us, u.capture_us)
        for i, u in enumerate(units[n] for n in talking)
    ]
    buffer, heard = listen(sent, 10)
    assert (buffer.stats.lost, buffer.stats.concealed, buffer.stats.late) == (0, 0, 0)
    assert heard.delay_between(6, 10).max() < 75
    assert np.abs(heard.sound[48_000 * 7 : 48_000 * 7 + 24_000]).max() == pytest.approx(0.3, abs=0.01)


@pytest.mark.parametrize("jump", [2**31, -(2**31), 96_000 * 40, -96_000 * 40])
def test_a_jump_of_timestamps_restarts_the_stream(jump: int) -> None:
    before = packets(5)
    after = packets(10, first_rtp=1_000_000 + jump, first_sequence=9_000_000)[250:]
    buffer, heard = listen([*before, *after], 10)
    assert buffer.stats.restarts == 1
    back = heard.delay_between(5.5, 10)
    assert len(back) > 200  # heard again within half a second
    assert back[-100:].max() < 75


def test_garbage_is_counted_and_dropped() -> None:
    garbage = [AudioUnit(AudioCodec.OPUS, b"", n, n * 960, n * 20_000, None) for n in range(50)]
    buffer, heard = listen(garbage, 1)
    assert buffer.stats.malformed == 50
    assert not heard.sound.any()


def test_overlapping_packets_cannot_turn_time_back() -> None:
    rng = np.random.default_rng(11)
    units = [
        AudioUnit(u.codec, u.data, u.sequence, u.rtp_time + int(rng.integers(-900, 900)), u.arrival_us, u.capture_us)
        for u in packets(10)
    ]
    buffer, heard = listen(units, 10)
    assert len(heard.played) == 500
    assert heard.delay_between(5, 10).max() < 150
    assert buffer.stats.late > 50


@pytest.mark.parametrize("seed", range(5))
def test_chaos_gives_20_ms_every_tick_and_bounded_delay(seed: int) -> None:
    rng = np.random.default_rng(seed)

    def chaos(_: int) -> float | None:
        return None if rng.random() < 0.2 else float(rng.choice([0, 5, 50, 500, 3_000]))

    units = [unit for unit in delayed(packets(20), chaos) for _ in range(int(rng.integers(1, 3)))]
    _, heard = listen(units, 20)
    assert {block.samples.shape for block in heard.played} == {(960, 1)}
    assert all(np.isfinite(block.samples).all() for block in heard.played)
    assert heard.delay_between(0, 20).max() < 700


def test_a_change_of_codec_in_the_middle_is_followed() -> None:
    made: list[AudioCodec] = []

    def make(codec: AudioCodec, _channels: int) -> KnownDecoder:
        made.append(codec)
        return KnownDecoder(tone(), fec=False)

    changed = [
        AudioUnit(AudioCodec.PCMU, u.data, u.sequence, u.rtp_time // 6, u.arrival_us, u.capture_us)
        if 100 <= n < 200
        else AudioUnit(u.codec, u.data, u.sequence, u.rtp_time // 6 * 6, u.arrival_us, u.capture_us)
        for n, u in enumerate(packets(6, first_rtp=960_000))
    ]
    buffer, heard = listen(changed, 6, playout=Playout(make=make))
    assert made == [AudioCodec.OPUS, AudioCodec.PCMU]
    assert largest_step(heard.sound[48_000:]) < 0.005
    assert buffer.stats.lost == 0


def test_a_flood_is_bounded() -> None:
    buffer = Playout(make=lambda _codec, _channels: KnownDecoder(tone(), fec=False))
    for unit in packets(60):
        buffer.push(AudioUnit(unit.codec, unit.data, unit.sequence, unit.rtp_time, 1_000, None))
    assert buffer.stats.overflow == 3000 - MAX_PACKETS


def test_nothing_is_decoded_that_nobody_hears_and_time_goes_on() -> None:
    decoder = KnownDecoder(tone(), fec=False)
    buffer = Playout(make=lambda _codec, _channels: decoder)
    _, unheard = listen(packets(4, level_dbov=90), 4, playout=buffer, decode=False)
    assert decoder.decoded == 0
    assert buffer.level() == -90
    assert not unheard.sound.any()
    assert unheard.delay_between(3, 4).max() < 60


def test_the_sound_waits_for_pictures_that_take_longer() -> None:
    buffer = Playout(make=lambda _codec, _channels: KnownDecoder(tone(), fec=False))
    units = packets(6)
    delays_ms = []
    for tick in range(300):
        now_us = tick * 20_000 + 7_000
        for unit in units:
            if now_us - 20_000 < unit.arrival_us <= now_us:
                buffer.push(unit)
        played = buffer.pull(now_us, pictures_offset_us=150_000 if tick > 100 else None)
        if played.capture_us is not None:
            delays_ms.append((now_us - played.capture_us) / 1000)
    assert delays_ms[90] < 70
    assert delays_ms[-1] == pytest.approx(150, abs=5)
