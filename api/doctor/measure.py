"""What one thing that rooms do costs on this machine, in CPU time: other programs disturb that little."""

import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count

import numpy as np

from layouts.geometry import Size
from layouts.model import Source
from layouts.select import resolve
from mcu.audio.codecs import make_decoder, make_encoder
from mcu.media import SAMPLE_RATE_HZ, SAMPLES_PER_TICK, AudioCodec, Picture, Rung, Samples, VideoCodec
from mcu.messages import VideoConfig
from mcu.video.compositor import Compositor
from mcu.video.decode import Decoder
from mcu.video.encode import ENCODERS
from mcu.video.i420 import Canvas
from mcu.video.overlay import Overlays
from mcu.video.scene import Scene, TileInfo

CANVAS, CAMERA = Size(1280, 720), Size(640, 360)
_RUNS = 5
_GRAIN = 3.0  # steps of luma


def least_us(work: Callable[[], object], rounds: int) -> float:
    """CPU microseconds of one call: of five runs of so many rounds the least, which was disturbed least."""
    work()
    return min(_run_us(work, rounds) for _ in range(_RUNS))


def _run_us(work: Callable[[], object], rounds: int) -> float:
    started_ns = time.process_time_ns()
    for _ in range(rounds):
        work()
    return (time.process_time_ns() - started_ns) / 1000 / rounds


def steps() -> Iterator[tuple[str, Callable[[], float]]]:
    """What can be measured without a network, by its name in ``api.costs.WORK``, and how."""
    yield "decode_vp8", partial(decode_us, VideoCodec.VP8)
    yield "decode_h264", partial(decode_us, VideoCodec.H264)
    yield "compose", compose_us
    for rung in Rung:
        yield f"encode_h264_{rung.name.lower()}", partial(encode_us, VideoCodec.H264, rung)
    yield "encode_vp8_full", partial(encode_us, VideoCodec.VP8, Rung.FULL)
    yield "decode_opus", decode_opus_us
    yield "encode_opus", encode_opus_us


# --- pictures ---------------------------------------------------------------------------------------------------------


def slide(canvas: Canvas, step: int) -> None:
    """Paint smooth content that moves with the step, with a camera's grain: encoders need all their bitrate for it."""
    rows, columns = np.mgrid[0 : canvas.size.height, 0 : canvas.size.width]
    waves = 125 + 60 * np.sin((columns + 3 * step) / 37) * np.cos((rows + step) / 23)
    canvas.y[:] = (waves + np.random.default_rng(step).normal(0, _GRAIN, waves.shape)).astype(np.uint8)
    canvas.u[:] = canvas.y[::2, ::2] // 2 + 64
    canvas.v[:] = 192 - canvas.y[::2, ::2] // 2


def noise(size: Size, seed: int) -> Picture:
    """A picture that no cache or fast path makes cheap."""
    random = np.random.default_rng(seed)
    half = (size.height // 2, size.width // 2)
    return Picture(
        random.integers(16, 236, (size.height, size.width), np.uint8),
        random.integers(16, 241, half, np.uint8),
        random.integers(16, 241, half, np.uint8),
    )


def encode_us(codec: VideoCodec, rung: Rung) -> float:
    """An encode of the mix at 2 Mbps, or of a smaller size of it."""
    config = VideoConfig().at(rung)
    encoder = ENCODERS[codec](config)
    canvases = [Canvas(Size(config.width, config.height)) for _ in range(15)]
    for step, canvas in enumerate(canvases):
        slide(canvas, step)
    ticks = count()

    def encode() -> None:
        tick = next(ticks)
        there_and_back = abs(tick % 28 - 14)
        encoder.encode(canvases[there_and_back], tick * 3000, 3000, keyframe=False)

    return least_us(encode, rounds=20 << rung)


def decode_us(codec: VideoCodec) -> float:
    """A decode of what a camera sends at 600 kbps."""
    encoder = ENCODERS[codec](VideoConfig(width=CAMERA.width, height=CAMERA.height, bitrate_bps=600_000))
    canvas, units = Canvas(CAMERA), []
    for step in range(30):
        slide(canvas, step)
        frame = encoder.encode(canvas, step * 3000, 3000, keyframe=step == 0)
        if frame is not None:
            units.append(frame.data)
    decoder = Decoder(codec)

    def decode() -> None:
        for data in units:
            decoder.decode(data)

    return least_us(decode, rounds=4) / len(units)


def compose_us() -> float:
    """A tick of a grid of nine moving pictures with names and frames."""
    ids = [str(number) for number in range(9)]
    compositor = Compositor(Canvas(CANVAS), Overlays())
    scene = Scene(
        resolve("grid", CANVAS, [Source(id_) for id_ in ids]),
        dict.fromkeys(ids, TileInfo("Ada Lovelace", muted=True, speaking=True)),
    )
    sets = [{id_: noise(CAMERA, seed=9 * turn + number) for number, id_ in enumerate(ids)} for turn in range(2)]
    turns = count()
    return least_us(lambda: compositor.paint(scene, sets[next(turns) % 2]), rounds=40)


# --- sound ------------------------------------------------------------------------------------------------------------


def voice() -> list[Samples]:
    """A second of something like a voice, in blocks of 20 ms."""
    at = np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    sound = sum(0.1 / k * np.sin(2 * np.pi * 150 * k * at) for k in range(1, 9)) * (0.6 + 0.4 * np.sin(8 * np.pi * at))
    return list(np.asarray(sound, np.float32).reshape(-1, SAMPLES_PER_TICK, 1))


def encode_opus_us() -> float:
    """An encode of a block of the mix."""
    encoder, blocks, turns = make_encoder(AudioCodec.OPUS), voice(), count()
    return least_us(lambda: encoder.encode(blocks[next(turns) % len(blocks)]), rounds=300)


def decode_opus_us() -> float:
    """A decode of a packet of somebody's voice."""
    encoder = make_encoder(AudioCodec.OPUS, bitrate_bps=32_000)
    packets = [encoder.encode(block) for block in voice()]
    decoder, turns = make_decoder(AudioCodec.OPUS), count()
    return least_us(lambda: decoder.decode(packets[next(turns) % len(packets)]), rounds=300)
