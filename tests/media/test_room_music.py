"""A room for music keeps left and right apart, all the way into the recording; a room for speech is mono."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from aiortc import MediaStreamTrack, RTCRtpCodecCapability

from api.rooms.handler import RoomHandler
from mcu.media import Samples
from mcu.messages import AudioConfig, Close, Done, Join, Joined, Open, RoomConfig, StartPart, StopPart, VideoConfig
from recorder.finish import finish
from tests.media.rtc_world import Client, until
from tests.unit.audio.room import strength

pytestmark = [pytest.mark.media, pytest.mark.usefixtures("no_standstill")]

LEFT_HZ, RIGHT_HZ = 440, 1_000
VIDEO = VideoConfig(width=320, height=180, fps=15, bitrate_bps=200_000)


class StereoTrack(MediaStreamTrack):
    """A microphone with one tone on the left and another on the right."""

    kind = "audio"

    def __init__(self, amplitude: float = 6_000) -> None:
        super().__init__()
        self._amplitude = amplitude
        self._pts = 0

    async def recv(self) -> av.AudioFrame:
        await asyncio.sleep(0.02)
        at = (self._pts + np.arange(960)) / 48_000
        tones = [self._amplitude * np.sin(2 * np.pi * hz * at) for hz in (LEFT_HZ, RIGHT_HZ)]
        samples = np.stack(tones, axis=1).astype(np.int16).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, self._pts, Fraction(1, 48_000)
        self._pts += 960
        return frame


@asynccontextmanager
async def room(*, music: bool) -> AsyncIterator[RoomHandler]:
    handler = RoomHandler(lambda _event: None)
    config = RoomConfig(name="stage", video=VIDEO, audio=AudioConfig(music=music))
    assert isinstance(await handler.answer(Open(config=config, instance="i")), Done)
    try:
        yield handler
    finally:
        await handler.answer(Close(reason="closed"))


async def join(handler: RoomHandler, name: str, client: Client) -> str:
    answer = await handler.answer(Join(participant_id=name, name=name, sdp=await client.offer()))
    assert isinstance(answer, Joined), answer
    await client.accept(answer.sdp)
    return answer.sdp


def telephone() -> Client:
    client = Client()
    line = client.pc.addTransceiver("audio", direction="recvonly")
    line.setCodecPreferences([RTCRtpCodecCapability("audio/PCMU", 8_000, 1)])
    return client


def last_second(client: Client) -> Samples:
    """Shape (samples, 2), at 48 kHz."""
    resampler = av.AudioResampler("fltp", "stereo", 48_000)
    frames: list[Any] = []
    for frame in client.frames["audio"][-60:]:
        frame.pts = None
        frames += resampler.resample(frame)
    return np.concatenate([frame.to_ndarray().T for frame in frames])[-48_000:]


def level(sound: Samples, hz: float) -> float:
    """Amplitude of a tone, the median of its tenths of a second: a gap on a busy machine is not what is looked at."""
    return float(np.median([strength(sound[n : n + 4_800], hz) for n in range(0, len(sound) - 4_799, 4_800)]))


def db(sound: Samples, strong_hz: float, weak_hz: float) -> float:
    return float(20 * np.log10(level(sound, strong_hz) / level(sound, weak_hz)))


async def test_left_and_right_stay_apart_from_microphone_to_listener_and_recording(tmp_path: Path) -> None:
    band, listener, phone = Client(), Client(), telephone()
    band.pc.addTrack(StereoTrack())
    listener.pc.addTransceiver("audio", direction="recvonly")
    async with room(music=True) as handler:
        try:
            sdp = await join(handler, "band", band)
            await join(handler, "listener", listener)
            await join(handler, "phone", phone)
            assert "stereo=1;sprop-stereo=1" in sdp
            await until(lambda: len(listener.frames["audio"]) > 25)
            await handler.answer(StartPart(recording_id="r", part=1, directory=str(tmp_path / "part-0001")))
            await until(lambda: min(len(each.frames["audio"]) for each in (listener, phone)) > 150)
            await handler.answer(StopPart(recording_id="r"))
        finally:
            for client in (band, listener, phone):
                await client.close()
    heard = last_second(listener)
    assert level(heard[:, 0], LEFT_HZ) == pytest.approx(6_000 / 32_768, rel=0.1)  # neither evened nor gated
    assert db(heard[:, 0], LEFT_HZ, RIGHT_HZ) > 30
    assert db(heard[:, 1], RIGHT_HZ, LEFT_HZ) > 30
    mono = last_second(phone)[:, 0]
    assert abs(db(mono, LEFT_HZ, RIGHT_HZ)) < 3  # both, in the one channel there is
    finish(tmp_path, tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as file:
        blocks = [frame.to_ndarray() for frame in file.decode(audio=0)]
    recorded = np.concatenate(blocks, axis=1, dtype=np.float32).T[-48_000:-4_800]
    assert db(recorded[:, 0], LEFT_HZ, RIGHT_HZ) > 30
    assert db(recorded[:, 1], RIGHT_HZ, LEFT_HZ) > 30


async def test_a_room_for_speech_is_mono() -> None:
    band, listener = Client(), Client()
    band.pc.addTrack(StereoTrack())
    listener.pc.addTransceiver("audio", direction="recvonly")
    async with room(music=False) as handler:
        try:
            assert "stereo=1" not in await join(handler, "band", band)
            await join(handler, "listener", listener)
            await until(lambda: len(listener.frames["audio"]) > 100)
        finally:
            for client in (band, listener):
                await client.close()
    heard = last_second(listener)
    assert np.array_equal(heard[:, 0], heard[:, 1])
    assert abs(db(heard[:, 0], LEFT_HZ, RIGHT_HZ)) < 3


async def test_soft_music_is_heard_as_it_is() -> None:
    band, listener = Client(), Client()
    band.pc.addTrack(StereoTrack(amplitude=33))  # -60 dB
    listener.pc.addTransceiver("audio", direction="recvonly")
    async with room(music=True) as handler:
        try:
            await join(handler, "band", band)
            await join(handler, "listener", listener)
            await until(lambda: len(listener.frames["audio"]) > 100)
        finally:
            for client in (band, listener):
                await client.close()
    assert level(last_second(listener)[:, 0], LEFT_HZ) == pytest.approx(33 / 32_768, rel=0.2)
