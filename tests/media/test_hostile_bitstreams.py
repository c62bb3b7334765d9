"""Recorded frames, damaged in every way that hypothesis can think of: decoders say no, or give something of a size."""

import functools
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcu.audio.opus import MAX_PACKET_SAMPLES, OpusDecoder
from mcu.audio.playout import MAX_DELAY_US, Playout
from mcu.errors import CodecError
from mcu.media import SAMPLES_PER_TICK, AudioCodec, AudioUnit, VideoCodec
from mcu.rtc.depacketize import is_keyframe_start, join, starts_frame
from mcu.rtc.packetize import packetizer
from mcu.video import decode
from mcu.video.decode import MAX_PIXELS, Decoder
from tests.media.hostile_peers import flat, tone_packets

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = [pytest.mark.media, pytest.mark.beside]

SIZE = (176, 144)
ENCODERS = {
    "vp8": ("libvpx", {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}),
    "vp8 in parts": ("libvpx", {"deadline": "realtime", "cpu-used": "8", "slices": "4", "auto-alt-ref": "1"}),
    "h264 baseline": ("libx264", {"preset": "superfast", "tune": "zerolatency", "profile": "baseline"}),
    "h264 high": ("libx264", {"preset": "medium", "profile": "high", "x264-params": "bframes=2:slices=3"}),
    "h264 fields": ("libx264", {"preset": "medium", "profile": "main", "x264-params": "interlaced=1"}),
}
FUZZ = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])


@functools.cache
def recorded(name: str) -> tuple[bytes, ...]:
    """A dozen frames of a moving pattern."""
    library, options = ENCODERS[name]
    encoder: Any = av.CodecContext.create(library, "w")
    encoder.width, encoder.height, encoder.pix_fmt = *SIZE, "yuv420p"
    encoder.time_base, encoder.bit_rate, encoder.gop_size, encoder.thread_count = Fraction(1, 30), 300_000, 6, 1
    encoder.options = options
    frames: list[bytes] = []
    for n in range(12):
        picture = flat(SIZE, (60, 90, 160))
        picture[20:90, 10 * n : 10 * n + 40] = 200
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts = n
        frames += (bytes(packet) for packet in encoder.encode(frame))
    return (*frames, *(bytes(packet) for packet in encoder.encode(None)))


@functools.cache
def speech() -> tuple[bytes, ...]:
    """Opus packets, of one channel and of two."""
    return (*tone_packets(300)[:20], *tone_packets(700, channels=2)[:20])


@st.composite
def damaged(draw: st.DrawFn, frames: tuple[bytes, ...]) -> bytes:
    """One of the frames: whole, cut off, overwritten, with something put in, or of two halves."""
    data = draw(st.sampled_from(frames))
    at = draw(st.integers(0, len(data)))
    return draw(
        st.sampled_from(
            [
                data,
                data[:at],
                data[:at] + draw(st.binary(min_size=1, max_size=8)) + data[at + 1 :],
                data[:at] + draw(st.binary(max_size=40)) + data[at:],
                data[:at] + draw(st.sampled_from(frames))[at:],
            ]
        )
    )


@pytest.mark.parametrize("name", ENCODERS)
@FUZZ
@given(data=st.data())
def test_a_decoder_gives_pictures_or_refuses(name: str, data: st.DataObject) -> None:
    codec = VideoCodec(name.split(maxsplit=1)[0])
    decoder = Decoder(codec)
    for _ in range(data.draw(st.integers(1, 8))):
        try:
            picture = decoder.decode(data.draw(damaged(recorded(name))))
        except CodecError:
            decoder = Decoder(codec)  # as a source does
            continue
        if picture is not None:
            assert 0 < picture.width * picture.height <= MAX_PIXELS
            half = ((picture.height + 1) // 2, (picture.width + 1) // 2)
            assert picture.u.shape == picture.v.shape == half
            assert int(picture.y.min()) + int(picture.v.max()) >= 0  # all of it can be read


@pytest.mark.parametrize("codec", list(VideoCodec))
@FUZZ
@given(data=st.data())
def test_payloads_join_to_frames_or_are_refused(codec: VideoCodec, data: st.DataObject) -> None:
    frames = recorded("vp8" if codec is VideoCodec.VP8 else "h264 baseline")
    payloads = tuple(payload for frame in frames for payload in packetizer(codec)(frame))
    chosen = [data.draw(damaged(payloads)) for _ in range(data.draw(st.integers(1, 6)))]
    for payload in chosen:
        assert starts_frame(codec, payload) in {True, False}
        assert is_keyframe_start(codec, payload) in {True, False}
    try:
        frame, _ = join(codec, [payload for payload in chosen if payload] or [b"\0"])
    except ValueError:
        return
    assert len(frame) <= sum(map(len, chosen)) + 4 * sum(map(len, chosen))


@pytest.mark.parametrize("references", [4, 16])
def test_a_stream_that_wants_many_large_pictures_kept_is_refused(references: int) -> None:
    encoder: Any = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = 3840, 2160, "yuv420p", Fraction(1, 30)
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "x264-params": f"ref={references}:level=6.2"}
    (packet,) = encoder.encode(av.VideoFrame.from_ndarray(flat((3840, 2160), (60, 128, 128)), format="yuv420p"))
    decoder = Decoder(VideoCodec.H264)
    if references == 4:
        assert decoder.decode(bytes(packet)) is not None
    else:
        with pytest.raises(CodecError, match=r"keep 2115\d+ bytes"):  # 17 pictures of 12.4 MB
            decoder.decode(bytes(packet))


def test_a_decoder_that_keeps_pictures_to_itself_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    reordered = recorded("h264 high")  # with B pictures; the first two come out late
    decoder = Decoder(VideoCodec.H264)
    assert [decoder.decode(data) is None for data in reordered[:4]] == [True, True, False, False]
    monkeypatch.setattr(decode, "MAX_HELD", 1)
    decoder = Decoder(VideoCodec.H264)
    assert decoder.decode(reordered[0]) is None
    with pytest.raises(CodecError, match="held back"):
        decoder.decode(reordered[1])


# --- sound ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("channels", [1, 2])
@FUZZ
@given(data=st.data())
def test_opus_gives_sound_or_refuses(channels: int, data: st.DataObject) -> None:
    decoder = OpusDecoder(channels)
    steps: list[Callable[[bytes], Any]] = [
        decoder.decode,
        lambda _: decoder.conceal(SAMPLES_PER_TICK),
        lambda packet: decoder.recover(packet, SAMPLES_PER_TICK),
    ]
    for _ in range(data.draw(st.integers(1, 12))):
        try:
            sound = data.draw(st.sampled_from(steps))(data.draw(damaged(speech())))
        except CodecError:
            continue
        if sound is not None:
            assert len(sound) <= MAX_PACKET_SAMPLES
            assert np.isfinite(sound).all()


@FUZZ
@given(data=st.data())
def test_a_playout_buffer_takes_any_packets_at_any_time(data: st.DataObject) -> None:
    """Numbers, times and contents as a sender likes; each tick gets its 20 ms, and nothing piles up."""
    playout = Playout()
    now_us, sequence, time = 1_000_000, 0, 0
    wild = st.one_of(st.integers(-3, 3), st.integers(-(2**33), 2**33))
    for _ in range(data.draw(st.integers(1, 30))):
        for _ in range(data.draw(st.integers(0, 4))):
            sequence += data.draw(wild)
            time += data.draw(st.one_of(st.just(960), wild))
            capture_us = data.draw(st.one_of(st.none(), st.integers(0, 2**64)))
            codec = data.draw(st.sampled_from([AudioCodec.OPUS, AudioCodec.OPUS, AudioCodec.PCMU, AudioCodec.G722]))
            packet = data.draw(damaged(speech()))
            playout.push(AudioUnit(codec, packet, sequence, time, now_us, capture_us, data.draw(st.integers(0, 127))))
        offset_us = data.draw(st.one_of(st.none(), st.integers(-(2**63), 2**63)))
        played = playout.pull(now_us, decode=data.draw(st.booleans()), pictures_offset_us=offset_us)
        assert played.samples.shape == (SAMPLES_PER_TICK, 1)
        assert np.isfinite(played.samples).all()
        assert len(playout._arrivals) <= 128
        assert len(playout._sound) <= 48_000 * (MAX_DELAY_US // 1000) // 1000
        now_us += 20_000


def test_a_packet_of_no_frames_is_refused() -> None:
    """RFC 6716, section 3.2.5 [R5]: it stopped the clock of whoever played it."""
    playout = Playout()
    for sequence, packet in enumerate([speech()[0], b"\xfb\x00", speech()[1]]):
        playout.push(AudioUnit(AudioCodec.OPUS, packet, sequence, 1_000 * sequence, 20_000 * sequence, None, 20))
    for tick in range(20):
        assert playout.pull(20_000 * tick).samples.shape == (SAMPLES_PER_TICK, 1)
    assert playout.stats.malformed == 1
