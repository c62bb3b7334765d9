import numpy as np
import pytest

from mcu.audio.outputs import Listener, Outputs
from mcu.media import AudioCodec, Samples

pytestmark = pytest.mark.unit

OPUS, PCMU = AudioCodec.OPUS, AudioCodec.PCMU


class Spy:
    """An encoder whose packets tell which block they hold."""

    def __init__(self) -> None:
        self.blocks: list[float] = []
        self.independent: list[bool] = []
        self.resets = 0
        self.loss_percent = 0

    def encode(self, block: Samples, *, independent: bool = False) -> bytes:
        self.blocks.append(float(block[0, 0]))
        self.independent.append(independent)
        return str(float(block[0, 0])).encode()

    def reset(self) -> None:
        self.resets += 1

    def expect_loss(self, percent: int) -> None:
        self.loss_percent = percent


def _outputs() -> tuple[Outputs, list[Spy]]:
    spies: list[Spy] = []

    def make(_codec: AudioCodec, _channels: int) -> Spy:
        spies.append(Spy())
        return spies[-1]

    return Outputs(1, make), spies


def _block(value: float) -> Samples:
    return np.full((960, 1), value, np.float32)


def test_all_who_only_listen_share_one_encode() -> None:
    outputs, spies = _outputs()
    listeners = {str(n): Listener(OPUS) for n in range(100)}
    shared, own = outputs.encode(_block(1), {}, listeners)
    assert (shared, own, outputs.running, len(spies)) == ({OPUS: b"1.0"}, {}, 1, 1)


def test_one_encode_for_each_codec_in_use_and_one_for_each_talker() -> None:
    outputs, _ = _outputs()
    listeners = {"a": Listener(OPUS), "b": Listener(PCMU), "c": Listener(OPUS), "d": Listener(PCMU)}
    shared, own = outputs.encode(_block(1), {"a": _block(2), "b": _block(3)}, listeners)
    assert shared == {OPUS: b"1.0", PCMU: b"1.0"}
    assert own == {"a": b"2.0", "b": b"3.0"}
    assert outputs.running == 4


def test_nobody_listens_nothing_is_encoded() -> None:
    outputs, _ = _outputs()
    assert outputs.encode(_block(1), {"a": _block(2)}, {}) == ({}, {})
    assert outputs.encodes == 0


def test_no_shared_encode_when_all_talk() -> None:
    outputs, _ = _outputs()
    shared, own = outputs.encode(_block(1), {"a": _block(2)}, {"a": Listener(OPUS)})
    assert (shared, own) == ({}, {"a": b"2.0"})


def test_a_new_talkers_encoder_knows_what_he_heard() -> None:
    outputs, spies = _outputs()
    both = {"a": Listener(OPUS), "b": Listener(OPUS)}
    for value in (1, 2, 3, 4, 5, 6):
        outputs.encode(_block(value), {}, both)
    outputs.encode(_block(7), {"a": _block(70)}, both)
    assert spies[1].blocks == [3, 4, 5, 6, 70]
    assert spies[1].independent == [False, False, False, False, True]
    outputs.encode(_block(8), {"a": _block(80)}, both)
    assert spies[1].independent[-1] is False


def test_who_comes_back_to_the_shared_stream_finds_a_packet_that_needs_no_past() -> None:
    outputs, spies = _outputs()
    both = {"a": Listener(OPUS), "b": Listener(OPUS)}
    outputs.encode(_block(1), {"a": _block(1)}, both)
    outputs.encode(_block(2), {}, both)
    outputs.encode(_block(3), {}, both)
    assert spies[0].independent == [False, True, False]


def test_a_rested_shared_stream_starts_from_the_mix_that_was() -> None:
    outputs, spies = _outputs()
    alone = {"a": Listener(OPUS)}
    outputs.encode(_block(1), {}, alone)
    for value in (2, 3, 4, 5, 6):
        outputs.encode(_block(value), {"a": _block(value)}, alone)
    outputs.encode(_block(7), {}, alone)
    assert spies[0].blocks == [1, 3, 4, 5, 6, 7]
    assert spies[0].resets == 2


def test_loss_of_one_listener_reaches_the_stream_he_hears() -> None:
    outputs, spies = _outputs()
    outputs.encode(_block(1), {"b": _block(2)}, {"a": Listener(OPUS, 9), "b": Listener(OPUS), "c": Listener(OPUS)})
    assert [spy.loss_percent for spy in spies] == [9, 0]
