"""``python -m benchmarks.audio``: how soon after its time each block of the mix is on its way, in a full room.

One mixer, everybody's Opus from prepared packets, and, in the same process, threads that load the machine as a video
mixer does: encoding without the interpreter's lock, and Python with it. A tick completes when the output has the block.
"""

import argparse
import json
import threading
import time
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from mcu.audio.mixer import AudioMixer, MixedBlock
from mcu.audio.opus import OpusEncoder
from mcu.clock import MediaClock
from mcu.media import SAMPLES_PER_TICK, AudioCodec, AudioUnit
from mcu.sync import LipSync

RESULTS = Path(__file__).parent / "results-audio.json"
_TICK_US = 20_000
_MUTE = 127
_LOOP = 100  # packets prepared of each voice


@dataclass(frozen=True)
class Row:
    """One line of the table; times in ms."""

    scenario: str
    participants: int
    talkers: int
    ticks: int
    p50_ms: float
    p99_ms: float
    worst_ms: float
    skipped: int
    cores: float


class Completion:
    """Notes when each block was handed over."""

    def __init__(self, clock: MediaClock) -> None:
        self._clock = clock
        self.late_ms: list[float] = []

    def write(self, block: MixedBlock) -> None:
        due_us = block.pts // SAMPLES_PER_TICK * _TICK_US
        self.late_ms.append((self._clock.now_us() - due_us) / 1000)


def voice() -> list[bytes]:
    """Packets of something like a voice; the first follows the last."""
    at = np.arange(_LOOP * SAMPLES_PER_TICK) / 48_000
    sound = sum(0.1 / k * np.sin(2 * np.pi * 150 * k * at) for k in range(1, 9)) * (0.6 + 0.4 * np.sin(8 * np.pi * at))
    encoder = OpusEncoder(bitrate_bps=32_000)
    blocks = np.asarray(sound, np.float32).reshape(_LOOP, SAMPLES_PER_TICK, 1)
    return [encoder.encode(block) for block in blocks]


class Senders(threading.Thread):
    """Everybody's packets, every 20 ms; the first ``talkers`` talk, the others say that they are silent.

    Microphones are not in step: a quarter of the people send every 5 ms.
    """

    def __init__(self, mixer: AudioMixer, clock: MediaClock, participants: int, talkers: int) -> None:
        super().__init__(daemon=True)
        self._inputs = [mixer.add(f"p{n}", LipSync(), codec_out=AudioCodec.OPUS) for n in range(participants)]
        self._clock, self._talkers, self._packets = clock, talkers, voice()
        self.ended = threading.Event()

    def run(self) -> None:
        start_us, turn = self._clock.now_us(), 0
        while not self.ended.wait(max(0, start_us + turn * _TICK_US // 4 - self._clock.now_us()) / 1e6):
            number = turn // 4
            for n, each in list(enumerate(self._inputs))[turn % 4 :: 4]:
                data = self._packets[(number + 7 * n) % _LOOP]
                level = 20 + n if n < self._talkers else _MUTE
                arrival_us = self._clock.now_us()
                each.push(AudioUnit(AudioCodec.OPUS, data, number, number * 960, arrival_us, arrival_us, level))
            turn += 1


def encode_video(ended: threading.Event) -> None:
    """x264 as fast as it goes, which leaves the interpreter alone but takes a core."""
    context = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = 1280, 720, "yuv420p"
    context.time_base = Fraction(1, 30)
    context.options = {"preset": "superfast", "tune": "zerolatency", "threads": "1"}
    noise = np.random.default_rng(1).integers(16, 235, (1080, 1280 + 64), np.uint8)
    number = 0
    while not ended.is_set():
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(noise[:, number % 64 : number % 64 + 1280]), "yuv420p")
        frame.pts = number
        context.encode(frame)
        number += 1


def compute(ended: threading.Event) -> None:
    """Python that never waits, as a busy event loop."""
    while not ended.is_set():
        sum(n * n for n in range(1_000))


def run(scenario: str, participants: int, talkers: int, seconds: float, loads: tuple[str, ...]) -> Row:
    clock = MediaClock()
    output = Completion(clock)
    mixer = AudioMixer(clock, output)
    ended = threading.Event()
    work = {"encode": encode_video, "compute": compute}
    threads = [threading.Thread(target=work[load], args=(ended,), daemon=True) for load in loads]
    senders = Senders(mixer, clock, participants, talkers)
    mixer.start()
    for thread in (senders, *threads):
        thread.start()
    time.sleep(1)
    warm, began_us, before = len(output.late_ms), clock.now_us(), mixer.metrics()
    time.sleep(seconds)
    elapsed_us, after = clock.now_us() - began_us, mixer.metrics()
    late = np.array(output.late_ms[warm:])
    mixer.stop()
    senders.ended.set()
    ended.set()
    for thread in (senders, *threads):
        thread.join()
    skipped = after["tutti_audio_ticks_skipped_total"] - before["tutti_audio_ticks_skipped_total"]
    busy_s = after["tutti_audio_busy_seconds_total"] - before["tutti_audio_busy_seconds_total"]
    p50, p99 = np.percentile(late, (50, 99))
    return Row(
        scenario,
        participants,
        talkers,
        len(late),
        round(float(p50), 2),
        round(float(p99), 2),
        round(float(late.max()), 2),
        int(skipped),
        round(busy_s / elapsed_us * 1e6, 3),
    )


SCENARIOS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("9 in the room", 9, 3, ()),
    ("100 in the room", 100, 6, ()),
    ("100, a video encoder beside", 100, 6, ("encode",)),
    ("100, two video encoders beside", 100, 6, ("encode", "encode")),
    ("100, encoder and busy Python beside", 100, 6, ("encode", "compute")),
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Tick completion of the audio mixer")
    parser.add_argument("--seconds", type=float, default=10)
    seconds = parser.parse_args().seconds
    print(f"{'scenario':38}{'ticks':>6}{'p50 ms':>8}{'p99 ms':>8}{'worst':>8}{'skipped':>9}{'busy':>7}")
    rows = []
    for scenario, participants, talkers, loads in SCENARIOS:
        row = run(scenario, participants, talkers, seconds, loads)
        rows.append(row)
        print(
            f"{row.scenario:38}{row.ticks:6}{row.p50_ms:8.2f}{row.p99_ms:8.2f}{row.worst_ms:8.2f}"
            f"{row.skipped:9}{row.cores:7.3f}",
            flush=True,
        )
    RESULTS.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")


if __name__ == "__main__":
    main()
