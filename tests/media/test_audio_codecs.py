import ctypes
import ctypes.util

import av
import numpy as np
import pytest

from mcu.audio import opus
from mcu.audio.codecs import make_decoder, make_encoder
from mcu.audio.opus import Application, OpusDecoder, OpusEncoder
from mcu.errors import CodecError
from mcu.media import AudioCodec, Samples

pytestmark = [pytest.mark.media, pytest.mark.beside]


def tone(frequency_hz: float, seconds: float = 2.0, amplitude: float = 0.3) -> Samples:
    wave = amplitude * np.sin(2 * np.pi * frequency_hz * np.arange(round(seconds * 48_000)) / 48_000)
    return np.asarray(wave, np.float32)[:, np.newaxis]


def blocks(sound: Samples) -> list[Samples]:
    return [sound[n : n + 960] for n in range(0, len(sound) - 959, 960)]


def snr_db(sound: Samples, frequency_hz: float) -> float:
    """Power of the tone over all else in the steady part of ``sound``."""
    steady = sound[9_600:, 0]
    power = np.abs(np.fft.rfft(steady * np.hanning(len(steady)))) ** 2
    hertz = np.fft.rfftfreq(len(steady), 1 / 48_000)
    near = np.abs(hertz - frequency_hz) < 10
    return float(10 * np.log10(power[near].sum() / power[~near].sum()))


@pytest.mark.parametrize(
    ("codec", "least_db"),
    [(AudioCodec.OPUS, 30), (AudioCodec.G722, 30), (AudioCodec.PCMU, 33), (AudioCodec.PCMA, 33)],
)
@pytest.mark.parametrize("frequency_hz", [440, 1_000, 2_500])
def test_a_tone_goes_there_and_back(codec: AudioCodec, least_db: float, frequency_hz: float) -> None:
    encoder, decoder = make_encoder(codec), make_decoder(codec)
    packets = [encoder.encode(block) for block in blocks(tone(frequency_hz))]
    assert all(decoder.duration(packet) == 960 for packet in packets)
    sound = np.concatenate([decoder.decode(packet) for packet in packets])
    assert sound.shape == (96_000, 1)
    assert snr_db(sound, frequency_hz) > least_db
    assert np.sqrt(2) * sound[9_600:].std() == pytest.approx(0.3, rel=0.05)


@pytest.mark.parametrize("codec", [AudioCodec.PCMU, AudioCodec.PCMA, AudioCodec.G722])
def test_telephone_codecs_send_160_bytes_in_20_ms(codec: AudioCodec) -> None:
    encoder = make_encoder(codec)
    assert [len(encoder.encode(block)) for block in blocks(tone(440, 0.2))] == [160] * 10


def test_opus_keeps_to_its_bit_rate() -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, (96_000, 1)).astype(np.float32)
    for vbr, tolerance in ((True, 0.15), (False, 0.02)):
        encoder = OpusEncoder(bitrate_bps=48_000, vbr=vbr, application=Application.AUDIO, loss_percent=0)
        sizes = [len(encoder.encode(block)) for block in blocks(noise)]
        assert sum(sizes) * 8 / 2 == pytest.approx(48_000, rel=tolerance)
        assert vbr or len(set(sizes)) == 1


def test_fec_brings_a_lost_packet_back() -> None:
    encoder = make_encoder(AudioCodec.OPUS)
    encoder.expect_loss(15)
    wobble = tone(220) * (0.5 + 0.5 * np.sin(2 * np.pi * 3 * np.arange(96_000) / 48_000))[:, np.newaxis]
    packets = [encoder.encode(block) for block in blocks(np.asarray(wobble, np.float32))]
    whole, holed, concealed = OpusDecoder(), OpusDecoder(), OpusDecoder()
    fec_error = plc_error = 0.0
    recovered = 0
    for n, packet in enumerate(packets):
        true = whole.decode(packet)
        if n >= 20 and n % 10 == 0:  # lost
            found = holed.recover(packets[n + 1], 960)
            made_up = concealed.conceal(960)
            if found is not None:
                recovered += 1
                fec_error += float(np.sum((found - true) ** 2))
                plc_error += float(np.sum((made_up - true) ** 2))
        else:
            holed.decode(packet)
            concealed.decode(packet)
    assert recovered >= 7
    assert fec_error < plc_error / 2


def test_without_loss_reported_no_bits_go_to_fec() -> None:
    encoder = make_encoder(AudioCodec.OPUS)
    assert not any(opus.has_fec(encoder.encode(block)) for block in blocks(tone(220)))


@pytest.mark.parametrize("codec", [AudioCodec.OPUS, AudioCodec.PCMU, AudioCodec.G722])
def test_concealment_joins_at_both_ends(codec: AudioCodec) -> None:
    encoder, decoder = make_encoder(codec), make_decoder(codec)
    packets = [encoder.encode(block) for block in blocks(tone(400, 1))]
    parts = []
    for n, packet in enumerate(packets):
        parts.append(decoder.conceal(960) if n in {20, 30, 31} else decoder.decode(packet))
    sound = np.concatenate(parts)[9_600:, 0]
    assert np.abs(np.diff(sound)).max() < 3 * 0.3 * 2 * np.pi * 400 / 48_000


@pytest.mark.parametrize("codec", [AudioCodec.OPUS, AudioCodec.PCMU, AudioCodec.G722])
@pytest.mark.parametrize("samples", [1, 120, 441, 960, 5_760])
def test_concealment_has_any_length(codec: AudioCodec, samples: int) -> None:
    assert make_decoder(codec).conceal(samples).shape == (samples, 1)


@pytest.mark.parametrize("codec", [AudioCodec.OPUS, AudioCodec.PCMU, AudioCodec.G722])
@pytest.mark.parametrize("data", [b"", b"\xff" * 9_000, b"\xff\xff"])
def test_garbage_is_an_error_of_ours_or_harmless(codec: AudioCodec, data: bytes) -> None:
    decoder = make_decoder(codec)
    try:
        samples = decoder.duration(data)
        decoder.decode(data)
    except CodecError:
        return
    assert 0 < samples <= 5_760


def test_random_packets_never_hurt_the_decoder() -> None:
    rng = np.random.default_rng(5)
    decoder, encoder = OpusDecoder(), make_encoder(AudioCodec.OPUS)
    for _ in range(500):
        data = rng.bytes(int(rng.integers(1, 200)))
        try:
            decoder.duration(data)
            assert np.isfinite(decoder.decode(data)).all()
        except CodecError:
            continue
    for block in blocks(tone(440, 0.5)):  # and after all that it plays
        sound = decoder.decode(encoder.encode(block))
    assert np.abs(sound).max() == pytest.approx(0.3, abs=0.05)


def test_stereo_is_decoded_to_mono_and_the_other_way_round() -> None:
    both = np.repeat(tone(440, 0.5), 2, axis=1)
    encoder = OpusEncoder(channels=2)
    packets = [encoder.encode(block) for block in blocks(both)]
    mono, stereo = OpusDecoder(1), OpusDecoder(2)
    assert mono.decode(packets[5]).shape == (960, 1)
    assert stereo.decode(packets[5]).shape == (960, 2)


def test_a_block_of_the_wrong_shape_is_refused() -> None:
    for codec in (AudioCodec.OPUS, AudioCodec.PCMU):
        with pytest.raises(CodecError):
            make_encoder(codec).encode(np.zeros((480, 1), np.float32))


def test_a_machine_without_libopus_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(av, "__file__", "/nonexistent/av/__init__.py")
    monkeypatch.setattr(ctypes.util, "find_library", lambda _name: None)
    opus._library.cache_clear()
    try:
        with pytest.raises(CodecError, match="libopus0"):
            OpusDecoder()
    finally:
        opus._library.cache_clear()


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("level", [0, 1e-30])
def test_digital_silence_is_silence_and_takes_no_bits(channels: int, level: float) -> None:
    """By FFmpeg's own decoder; sound that follows is there."""
    encoder, decoder = make_encoder(AudioCodec.OPUS, channels), av.CodecContext.create("opus", "r")
    decoder.sample_rate, decoder.layout = 48_000, "mono" if channels == 1 else "stereo"
    nothing = np.full((960, channels), level, np.float32)
    packets = [encoder.encode(nothing) for _ in range(20)]
    assert max(map(len, packets)) <= 3
    heard = np.concatenate([f.to_ndarray() for p in packets for f in decoder.decode(av.Packet(p))], axis=-1)
    assert heard.shape[-1] >= 19 * 960
    assert np.abs(heard).max() < 1e-5
    loud = np.repeat(0.5 * np.sin(2 * np.pi * 440 * np.arange(960) / 48_000).astype(np.float32)[:, None], channels, 1)
    heard = np.concatenate([f.to_ndarray() for _ in range(3) for f in decoder.decode(av.Packet(encoder.encode(loud)))])
    assert np.abs(heard).max() > 0.3
