"""Sound and pictures of one sender, captured together: how far apart do they leave the mixer?

Virtual time. The sound is a coded chirp every 250 ms, found again in what a listener decodes; each picture asks
``LipSync`` when it is due, as the video mixer does.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from mcu.media import AudioUnit
from mcu.sync import LipSync
from tests.unit.audio.chirps import SLOT_S, chirps, found
from tests.unit.audio.line import Listener, spoken_packets

pytestmark = pytest.mark.media

SENDER_US = 1_700_000_000_000_000  # the sender's wall clock when the listener's media time was 0
FRAME_MS = 1_000 / 30


class Sender:
    """Camera and microphone behind different delays. Times in seconds of capture."""

    def __init__(self, seconds: float, *, sound_ms: float, picture_ms: float, jitter_ms: float = 0) -> None:
        self.sync = LipSync()
        rng = np.random.default_rng(1)
        self.seconds = seconds
        self._units = list(spoken_packets(chirps(seconds), lambda _: sound_ms + rng.uniform(0, jitter_ms or 1e-3)))
        self._pictures = [
            (n * FRAME_MS + picture_ms + rng.uniform(0, jitter_ms or 1e-3), n * FRAME_MS)
            for n in range(int(seconds * 30))
        ]
        self._pictures.sort()
        self.due_ms: dict[float, float] = {}  # of each picture, by its time of capture

    def units(self, keep: Callable[[float], bool] = lambda _s: True, report_s: float = 0) -> Iterable[AudioUnit]:
        for unit in self._units:
            at_s = unit.rtp_time / 48_000
            if keep(at_s):
                known = at_s >= report_s and unit.capture_us is not None
                yield AudioUnit(
                    unit.codec,
                    unit.data,
                    unit.sequence,
                    unit.rtp_time,
                    unit.arrival_us,
                    SENDER_US + (unit.capture_us or 0) if known else None,
                    unit.level_dbov,
                )

    def show(self, now_us: int, keep: Callable[[float], bool] = lambda _s: True, report_s: float = 0) -> None:
        """All pictures that have arrived by now."""
        while self._pictures and self._pictures[0][0] * 1_000 <= now_us:
            arrival_ms, captured_ms = self._pictures.pop(0)
            if keep(captured_ms / 1_000):
                known = captured_ms / 1_000 >= report_s
                capture_us = SENDER_US + round(captured_ms * 1_000) if known else None
                self.due_ms[captured_ms] = self.sync.due_us(capture_us, round(arrival_ms * 1_000)) / 1_000

    def apart_ms(self, listener: Listener, from_s: float, until_s: float) -> npt.NDArray[np.float64]:
        """By how much each chirp is heard after its picture is shown; 13 ms are the look-ahead of two Opus encoders."""
        captured = np.array(sorted(self.due_ms))
        due = np.array([self.due_ms[at_ms] for at_ms in captured])
        apart = [
            second * 1_000 - float(np.interp(number * SLOT_S * 1_000, captured, due))
            for number, second in found(listener.heard[:, 0], round(self.seconds / SLOT_S))
            if from_s <= number * SLOT_S < until_s
        ]
        assert len(apart) > (until_s - from_s) / SLOT_S * 0.7
        return np.array(apart)


def together(apart_ms: npt.NDArray[np.float64]) -> bool:
    return bool(abs(apart_ms.mean()) <= 20 and np.abs(apart_ms).max() <= FRAME_MS)


@pytest.mark.parametrize(
    ("sound_ms", "picture_ms", "jitter_ms"),
    [(20, 20, 0), (20, 150, 0), (200, 30, 0), (30, 60, 80), (20, 300, 0)],
    ids=["alike", "slow pictures", "slow sound", "jitter", "very slow pictures"],
)
def test_whatever_the_network_delays(sound_ms: float, picture_ms: float, jitter_ms: float) -> None:
    sender, listener = Sender(14, sound_ms=sound_ms, picture_ms=picture_ms, jitter_ms=jitter_ms), Listener()
    listener.send("a", sender.units(), sender.sync)
    listener.run(15, sender.show)
    assert together(sender.apart_ms(listener, 8, 13))


def test_after_the_first_sender_report() -> None:
    sender, listener = Sender(18, sound_ms=180, picture_ms=30), Listener()
    listener.send("a", sender.units(report_s=5), sender.sync)
    listener.run(19, lambda now_us: sender.show(now_us, report_s=5))
    assert together(sender.apart_ms(listener, 11, 17))


def test_after_a_rejoin() -> None:
    first = Sender(8, sound_ms=20, picture_ms=150)
    listener = Listener()
    listener.send("a", first.units(), first.sync)
    listener.run(8, first.show)
    listener.leave("a")
    again = Sender(24, sound_ms=120, picture_ms=30)  # by another way than before
    listener.send("a", again.units(lambda at_s: at_s >= 10), again.sync)
    listener.run(25, lambda now_us: again.show(now_us, lambda at_s: at_s >= 10))
    assert together(again.apart_ms(listener, 16, 23))


def test_after_mute_and_unmute_at_the_sender() -> None:
    """A muted track goes on with silence in some browsers; others stop sending, with timestamps that go on."""

    def sounds(at_s: float) -> bool:
        return not 6 <= at_s < 12

    sender, listener = Sender(20, sound_ms=150, picture_ms=30), Listener()
    listener.send("a", sender.units(sounds), sender.sync)
    listener.run(21, sender.show)
    assert together(sender.apart_ms(listener, 4, 6))
    assert together(sender.apart_ms(listener, 15, 19))


def test_after_silence_on_a_line_that_changes() -> None:
    """Nobody looks into silent packets; that they take longer is noted, so the first word is in time."""
    early, late = Sender(24, sound_ms=40, picture_ms=30), Sender(24, sound_ms=160, picture_ms=30)
    units = [*early.units(lambda at_s: at_s < 8), *late.units(lambda at_s: at_s >= 8)]
    listener = Listener()
    listener.send("a", [replace(u, level_dbov=127 if 4 <= u.rtp_time / 48_000 < 12 else 20) for u in units], early.sync)
    listener.run(25, early.show)
    assert together(early.apart_ms(listener, 1, 4))
    assert together(early.apart_ms(listener, 12.2, 23))


def test_after_mute_and_unmute_in_the_mixer() -> None:
    sender, listener = Sender(18, sound_ms=150, picture_ms=30), Listener()
    listener.send("a", sender.units(), sender.sync)
    listener.run(6, sender.show)
    listener.mixer.set_muted("a", muted=True)
    listener.run(11, sender.show)
    listener.mixer.set_muted("a", muted=False)
    listener.run(19, sender.show)
    assert together(sender.apart_ms(listener, 11.5, 17))


def test_after_camera_off_and_on() -> None:
    def films(at_s: float) -> bool:
        return not 6 <= at_s < 12

    sender, listener = Sender(20, sound_ms=20, picture_ms=150), Listener()
    listener.send("a", sender.units(), sender.sync)
    listener.run(21, lambda now_us: sender.show(now_us, films))
    assert together(sender.apart_ms(listener, 15, 19))
