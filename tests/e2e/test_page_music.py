"""A room for music, in Chromium: what is played on the left is heard on the left."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, async_playwright

from tests.e2e.support.page import AUTOPLAY, FAKE_DEVICES, GRANT_ALL, Guest, launch
from tests.e2e.support.server import Server

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

LEFT_HZ, RIGHT_HZ = 440, 1_000
STEREO_MICROPHONE = """([left, right]) => {
  const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (constraints) => {
    window.asked = constraints.audio;
    const context = new AudioContext();
    const merger = new ChannelMergerNode(context, { numberOfInputs: 2 });
    [left, right].forEach((frequency, side) => {
      const tone = new OscillatorNode(context, { frequency });
      tone.connect(new GainNode(context, { gain: 0.2 })).connect(merger, 0, side);
      tone.start();
    });
    const played = new MediaStreamAudioDestinationNode(context, { channelCount: 2 });
    merger.connect(played);
    const camera = await real({ video: constraints.video });
    return new MediaStream([...camera.getTracks(), ...played.stream.getTracks()]);
  };
}"""
SPECTRA = """async ([left, right]) => {
  const { track } = tutti.pc.getReceivers().find((receiver) => receiver.track.kind === "audio");
  const context = new AudioContext();
  const splitter = new ChannelSplitterNode(context, { numberOfOutputs: 2 });
  new MediaStreamAudioSourceNode(context, { mediaStream: new MediaStream([track]) }).connect(splitter);
  const sides = [0, 1].map((side) => {
    const analyser = new AnalyserNode(context, { fftSize: 16384, smoothingTimeConstant: 0 });
    splitter.connect(analyser, side);
    return analyser;
  });
  await new Promise((resolve) => setTimeout(resolve, 2000));
  return sides.map((analyser) => {
    const levels = new Float32Array(analyser.frequencyBinCount);
    analyser.getFloatFrequencyData(levels);
    const bin = (hz) => Math.round((hz * analyser.fftSize) / context.sampleRate);
    return [left, right].map((hz) => Math.max(...levels.slice(bin(hz) - 2, bin(hz) + 3)));
  });
}"""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Its rooms wait for their first participant as long as a browser takes to start."""
    service = Server()
    yield service.start()
    service.close()


@pytest_asyncio.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await launch(playwright, *FAKE_DEVICES, *GRANT_ALL, *AUTOPLAY)
        yield browser
        await browser.close()


async def test_left_and_right_stay_apart(browser: Browser, server: Server, room: str) -> None:
    assert server.post("/v1/rooms", {"name": room, "audio": {"music": True}})["audio"] == {"music": True}
    band, listener = [await Guest.of(browser, server.url) for _ in range(2)]
    await band.page.add_init_script(f"({STEREO_MICROPHONE})([{LEFT_HZ}, {RIGHT_HZ}])")
    await band.join(room, "Band")
    await listener.join(room, "Listener")
    asked = await band.page.evaluate("asked")
    assert [asked[name] for name in ("echoCancellation", "noiseSuppression", "autoGainControl")] == [False] * 3
    assert asked["channelCount"] == {"ideal": 2}
    left, right = await listener.page.evaluate(SPECTRA, [LEFT_HZ, RIGHT_HZ])
    assert left[0] > -40  # dBFS: it is there
    assert left[0] - left[1] > 30
    assert right[1] - right[0] > 30
    for guest in (band, listener):
        await guest.close()
        assert guest.errors == []
