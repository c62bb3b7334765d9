"""Sound through real Opus, a bad network and the mixer, on virtual time: what is left of it for who listens."""

from collections import deque
from collections.abc import Callable

import numpy as np
import pytest

from mcu.audio.playout import Playout
from mcu.media import AudioUnit, Samples
from mcu.sync import LipSync
from tests.unit.audio.chirps import SLOT_S, chirps, found
from tests.unit.audio.line import Listener, Network, bursts, clean, random_loss, spoken_packets
from tests.unit.audio.resend import ResendingLine
from tests.unit.audio.speech import human_speech, quality, speech
from tests.unit.audio.stream import listen

pytestmark = pytest.mark.media

LEAD_IN = np.zeros(48_000, np.float32)  # the buffer settles


def through(sound: Samples, network: Network, **sender: float) -> Listener:
    listener = Listener()
    listener.send("speaker", spoken_packets(sound, network, **sender))  # type: ignore[arg-type] # numbers all
    listener.run(len(sound) / 48_000 + 1)
    return listener


def heard_quality(spoken: Samples, network: Network, loss_percent: int) -> float:
    sound = np.concatenate([LEAD_IN, spoken])
    return quality(sound, through(sound, network, loss_percent=loss_percent).heard[:, 0])


@pytest.mark.parametrize("spoken", [human_speech, lambda: speech(voice="en-us+f3")], ids=["human", "synthetic"])
@pytest.mark.parametrize("seed", [7, 8, 9])
def test_speech_at_five_percent_of_random_loss(spoken: Callable[[], Samples], seed: int) -> None:
    assert heard_quality(spoken(), random_loss(0.05, seed), 5) >= 3.0


@pytest.mark.parametrize("seed", [7, 8, 9, 10, 11])
def test_speech_at_ten_percent_of_loss_in_bursts(seed: int) -> None:
    assert heard_quality(human_speech(), bursts(0.1, 2, seed), 10) >= 2.5


def repaired_quality(network: Network, back: Network, loss_percent: int) -> float:
    """Where the sender sends lost packets again, which may be lost as well, as may the requests."""
    sound = np.concatenate([LEAD_IN, human_speech()])
    units = ResendingLine(network, back=back).carry(sound, loss_percent=loss_percent)
    listener = Listener()
    listener.send("speaker", units)
    listener.run(len(sound) / 48_000 + 1)
    return quality(sound, listener.heard[:, 0])


@pytest.mark.parametrize("seed", [9, 16, 20, 26])
def test_speech_at_ten_percent_of_loss_in_long_bursts_that_is_sent_again(seed: int) -> None:
    """Without it 3.0, 2.0, 2.8 and 2.5; the worst of 20 seeds is 1.8."""
    assert repaired_quality(bursts(0.1, 3, seed), bursts(0.1, 3, seed + 1000), 10) >= 2.5


@pytest.mark.parametrize("seed", [7, 8])
def test_speech_at_five_percent_of_random_loss_that_is_sent_again(seed: int) -> None:
    assert repaired_quality(random_loss(0.05, seed), random_loss(0.05, seed + 1000), 5) >= 3.4


def listened_quality(line: Network, reported_percent: int) -> float:
    """Where the speaker's line is clean, and the listener's is not."""
    sound = np.concatenate([LEAD_IN, human_speech()])
    listener = Listener(line=line)
    listener.send("speaker", spoken_packets(sound, loss_percent=0))
    listener.run(len(sound) / 48_000 + 1, lambda _: listener.mixer.report_loss("listener", reported_percent))
    return quality(sound, listener.heard[:, 0])


@pytest.mark.parametrize("reported_percent", [2, 5, 10])
@pytest.mark.parametrize("seed", [7, 8, 9])
def test_speech_for_who_loses_five_percent_of_the_mix(seed: int, reported_percent: int) -> None:
    """Reports of one loss differ from second to second; whatever they say, FEC is on."""
    assert listened_quality(random_loss(0.05, seed), reported_percent) >= 3.0


@pytest.mark.parametrize("seed", [7, 8, 9, 10, 11])
def test_speech_for_who_loses_ten_percent_of_the_mix_in_bursts(seed: int) -> None:
    assert listened_quality(bursts(0.1, 2, seed), 10) >= 2.5


def held_up(share: float, for_ms: float) -> list[tuple[int, int]]:
    """Arrival and capture of pictures at 30 fps, of which some are waited for, as are those behind them."""
    rng, free_us = np.random.default_rng(5), 0
    pictures = []
    for number in range(30 * 20):
        captured_us = number * 33_333
        free_us = max(free_us, captured_us + 30_000 + (round(for_ms * 1_000) if rng.random() < share else 0))
        pictures.append((free_us, captured_us))
    return pictures


@pytest.mark.parametrize("for_ms", [115, 315])
@pytest.mark.parametrize("share", [0.01, 0.05, 0.1, 0.2])
def test_speech_whose_pictures_are_held_up_by_repairs(share: float, for_ms: float) -> None:
    """The sound waits for pictures that are always late; it does not follow every hold-up there and back."""
    sound, sync = np.concatenate([LEAD_IN, human_speech()]), LipSync()
    pictures = deque(held_up(share, for_ms))

    def show(now_us: int) -> None:
        while pictures and pictures[0][0] <= now_us:
            arrival_us, captured_us = pictures.popleft()
            sync.due_us(captured_us, arrival_us)

    listener = Listener()
    listener.send("speaker", spoken_packets(sound, loss_percent=0), sync)
    listener.run(len(sound) / 48_000 + 1, show)
    assert quality(sound, listener.heard[:, 0]) >= 4.0


def test_speech_on_a_clean_line() -> None:
    assert heard_quality(human_speech(), clean, 0) >= 4.0


def jitter(least_ms: float, most_ms: float) -> Network:
    rng = np.random.default_rng(5)
    return lambda _number: rng.uniform(least_ms, most_ms)


def reordering(share: float) -> Network:
    rng = np.random.default_rng(5)
    return lambda _number: 65.0 if rng.random() < share else 20.0


@pytest.mark.parametrize(
    ("network", "least_share"),
    [
        (clean, 1.0),
        (jitter(20, 180), 0.97),
        (reordering(0.2), 1.0),
        (random_loss(0.05), 0.97),
        (bursts(0.1, 3), 0.85),
    ],
    ids=["clean", "jitter", "reordering", "loss", "bursts"],
)
def test_order_is_kept(network: Network, least_share: float) -> None:
    sent = round(20 / SLOT_S)
    places = found(through(chirps(20), network).heard[:, 0], sent)
    numbers = [number for number, _ in places]
    assert numbers == sorted(numbers)
    assert len([number for number in numbers if number >= 4]) >= least_share * (sent - 4)


def delays_ms(listener: Listener, seconds: float) -> dict[int, float]:
    places = found(listener.heard[:, 0], round(seconds / SLOT_S))
    return {number: (second - number * SLOT_S) * 1000 for number, second in places}


def test_the_delay_on_a_clean_line() -> None:
    late = [ms for number, ms in delays_ms(through(chirps(20), clean), 20).items() if number > 12]
    assert np.percentile(late, 95) <= 60 + 20 + 20  # packets of 20 ms, 20 ms of network


@pytest.mark.parametrize("held_back", [False, True], ids=["lost", "held back"])
def test_the_delay_is_back_to_normal_2_s_after_an_outage_of_10_s(held_back: bool) -> None:
    def network(number: int) -> float | None:
        if not 500 <= number < 1_000:
            return 20.0
        return (1_000 - number) * 20.0 + 20 if held_back else None

    delays = delays_ms(through(chirps(26), network), 26)
    before = np.median([ms for number, ms in delays.items() if 12 < number < 36])
    after = [ms for number, ms in delays.items() if number * SLOT_S >= 22]
    assert len(after) >= 4 / SLOT_S - 1  # all of them
    assert max(after) < before + 25


@pytest.mark.parametrize("drift_ppm", [-200, 200])
def test_drift_of_the_senders_clock_never_adds_up(drift_ppm: int) -> None:
    """12 ms in this minute. Chirps are sent, and looked for, by the sender's clock."""
    listener = through(chirps(60), clean, drift_ppm=drift_ppm)
    delays = delays_ms(listener, 60)
    true = {number: ms - number * SLOT_S * 1e3 * (1 / (1 + drift_ppm * 1e-6) - 1) for number, ms in delays.items()}
    early = np.median([ms for number, ms in true.items() if 20 <= number < 60])
    late = np.median([ms for number, ms in true.items() if number >= 200])
    assert abs(late - early) < 5
    assert len(delays) >= 60 / SLOT_S - 6
    assert listener.mixer.metrics()["tutti_audio_packets_lost_total"] == 0


def test_who_comes_late_is_heard_as_early_as_the_first() -> None:
    listener, pause = Listener(), np.zeros(48_000 * 20, np.float32)
    listener.send("first", spoken_packets(np.concatenate([chirps(10), pause])))
    listener.run(20)
    listener.send("late", spoken_packets(chirps(10), start_us=20_000_000))
    listener.run(31)
    late = [
        (second - number * SLOT_S) * 1000 for number, second in found(listener.heard[960_000:, 0], round(10 / SLOT_S))
    ]
    assert len(late) >= 10 / SLOT_S - 2
    assert abs(np.median(late) - np.median(list(delays_ms(listener, 10).values()))) < 5


@pytest.mark.parametrize("dtx", [0, 1])
def test_comfort_noise_fills_the_pauses_of_a_dtx_sender(dtx: int) -> None:
    """Who stops sending in silence is not heard as holes: the noise goes on about as loud."""
    noise = (0.001 * np.random.default_rng(2).standard_normal(48_000 * 8)).astype(np.float32)
    sound = noise.copy()
    sound[:96_000] += np.tile(human_speech(), 2)[:96_000]
    packets: list[AudioUnit] = list(spoken_packets(sound, dtx=dtx))
    assert len(packets) < 200  # of 400
    buffer, heard = listen(packets, 8, playout=Playout())
    assert (buffer.stats.lost, buffer.stats.concealed, buffer.stats.late) == (0, 0, 0)
    levels = 10 * np.log10(np.mean(heard.sound[48_000 * 4 : 48_000 * 7].reshape(-1, 960) ** 2, axis=1) + 1e-12)
    sent = 10 * np.log10(np.mean(noise**2))
    assert np.percentile(levels, 2) > sent - 12
    assert np.percentile(levels, 98) < sent + 3


def test_stereo_is_heard_in_stereo() -> None:
    at = np.arange(48_000 * 4) / 48_000
    music = np.stack([0.2 * np.sin(2 * np.pi * 440 * at), 0.1 * np.sin(2 * np.pi * 660 * at)], axis=1)
    listener = Listener(channels=2, even_loudness=False)
    listener.send("band", spoken_packets(music.astype(np.float32)))
    mono = 0.1 * np.sin(2 * np.pi * 1_000 * at)
    listener.send("voice", spoken_packets(mono.astype(np.float32)))
    listener.run(4)
    left, right = listener.heard[96_000:144_000].T
    spectra = [np.abs(np.fft.rfft(side)) / len(side) * 2 for side in (left, right)]
    assert [spectra[0][hertz] for hertz in (440, 660, 1_000)] == pytest.approx([0.2, 0, 0.1], abs=0.015)
    assert [spectra[1][hertz] for hertz in (440, 660, 1_000)] == pytest.approx([0, 0.1, 0.1], abs=0.015)


def test_two_voices_of_different_loudness_are_heard_alike() -> None:
    listener = Listener()
    soft, loud = np.tile(human_speech(rms_dbfs=-33), 2), np.tile(human_speech(rms_dbfs=-17), 2)
    length, pause = len(soft), np.zeros(48_000, np.float32)
    listener.send("soft", spoken_packets(np.concatenate([soft, pause])))
    listener.send("loud", spoken_packets(loud, start_us=round((length / 48_000 + 1) * 1e6)))
    listener.run(2 * length / 48_000 + 2)
    heard = listener.heard[:, 0]
    halves = [heard[length // 2 : length], heard[length + length // 2 + 48_000 : 2 * length + 48_000]]
    first, second = (10 * np.log10(np.mean(half**2)) for half in halves)
    assert abs(first - second) < 3
