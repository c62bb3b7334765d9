"""``python -m benchmarks.audio``: how soon after its time each block of the mix is on its way, in a full room.

One mixer, everybody's Opus from prepared packets, and, in the same process, threads that load the machine as a video
mixer does: encoding without the interpreter's lock, and Python with it. A tick completes when the output has the block.

``--room`` is the whole of it instead: a room in this process, lean participants in another, nine cameras on a canvas
that is too large for the machine on purpose, and what reaches the participants.
"""

import argparse
import asyncio
import json
import os
import threading
import time
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from benchmarks.clips import vp8_clip
from benchmarks.lean.crowd import Crowd
from benchmarks.lean.media import library
from benchmarks.lean.peer import Part
from benchmarks.weigh import audio_gaps
from mcu.audio.mixer import AudioMixer, AudioOutput, MixedBlock
from mcu.audio.opus import OpusEncoder
from mcu.clock import MediaClock
from mcu.media import SAMPLES_PER_TICK, AudioCodec, AudioUnit
from mcu.memory import settle
from mcu.messages import RoomConfig, VideoConfig
from mcu.priority import prefer_this_process
from mcu.room import Room
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
    """Notes when each block was handed over, to ``output`` if there is one."""

    def __init__(self, clock: MediaClock, output: AudioOutput | None = None) -> None:
        self._clock = clock
        self._output = output
        self.late_ms: list[float] = []  # when the mix was there
        self.sent_ms: list[float] = []  # when it had gone out to everybody
        self.began_ms: list[float] = []  # after the time that the tick was due
        self.cpu_ms: list[float] = []  # of each tick
        self._cpu_s = 0.0

    def begins(self, tick: int) -> None:
        """A tick begins, on the audio thread."""
        self._cpu_s = time.thread_time()
        self.began_ms.append((self._clock.now_us() - tick * _TICK_US) / 1000)

    def write(self, block: MixedBlock) -> None:
        due_us = block.pts // SAMPLES_PER_TICK * _TICK_US
        self.late_ms.append((self._clock.now_us() - due_us) / 1000)
        if self._output is not None:
            self._output.write(block)
        self.sent_ms.append((self._clock.now_us() - due_us) / 1000)
        self.cpu_ms.append((time.thread_time() - self._cpu_s) * 1000)


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


STAGE = 9  # cameras on the canvas
SETTLE_S = 8.0  # until the overload control has done what it can


@dataclass(frozen=True)
class RoomRow:
    """What ``--room`` prints. ``gaps`` are packets missing or out of time at all receivers together."""

    participants: int
    talkers: int
    canvas: str
    seconds: float
    ticks: int
    p50_ms: float  # from the time a tick is due until its block is handed over
    p99_ms: float
    worst_ms: float
    sent_ms: tuple[float, float]  # until its last packet has left
    began_ms: tuple[float, float]  # of that, until it began: median, 99th percentile
    cpu_ms: tuple[float, float]  # of that, the thread's CPU time
    audio_waited: float  # share of the time in which the audio thread was ready to run and had no processor
    loop_waited: float
    skipped: int
    gaps: int
    overload_level: int
    video_ticks_skipped: int
    cores: dict[str, float]  # of the room's process, by what its threads do
    stolen_cores: float  # that the machine under this one gave to others in the meantime


Spent = dict[str, tuple[float, float]]  # seconds on a processor and in wait for one, by what the threads do


def spent() -> Spent:
    """Of this process so far: the loop, the audio and video mixers, and all others (decoders, encoders)."""
    names = {thread.native_id: thread.name for thread in threading.enumerate()}
    sums = dict.fromkeys(("loop", "audio", "video", "others"), (0.0, 0.0))
    for task in Path("/proc/self/task").iterdir():
        ran_ns, waited_ns, _ = map(int, (task / "schedstat").read_text().split())
        name = "loop" if task.name == str(os.getpid()) else names.get(int(task.name), "")
        purpose = next((purpose for purpose in sums if name.startswith(purpose)), "others")
        ran_s, waited_s = sums[purpose]
        sums[purpose] = (ran_s + ran_ns / 1e9, waited_s + waited_ns / 1e9)
    return sums


def stolen_s() -> float:
    """Seconds of processor time that a virtual machine wanted and did not get since its start (proc(5), ``steal``)."""
    return int(Path("/proc/stat").read_text().split(maxsplit=9)[8]) / os.sysconf("SC_CLK_TCK")


def middle_and_end(values: list[float]) -> tuple[float, float]:
    """Median and 99th percentile."""
    p50, p99 = np.percentile(values, (50, 99))
    return round(float(p50), 2), round(float(p99), 2)


def listen_in(room: Room) -> Completion:
    """Note what the audio thread does; what is measured lies between private parts."""
    mixer = room._media.audio  # noqa: SLF001
    output = Completion(room.clock, mixer._output)  # noqa: SLF001
    tick = mixer.tick

    def noted(number: int) -> None:
        output.begins(number)
        tick(number)

    mixer._output = output  # noqa: SLF001
    mixer.tick = noted  # type: ignore[method-assign]
    return output


async def fill(room: Room, crowd: Crowd, participants: int, talkers: int) -> None:
    """Everybody joins; the first ``STAGE`` have a camera, the first ``talkers`` talk."""
    for n in range(participants):
        part = Part(f"p{n}", n if n < STAGE else None, n if n < talkers else None, phase=n / participants)
        offer = await asyncio.to_thread(crowd.call, "offer", part)
        answer = await room.join(part.id, part.id, offer)
        await asyncio.to_thread(crowd.call, "accept", part.id, answer)
    async with asyncio.timeout(30):
        while not all(count.connected for count in (await asyncio.to_thread(crowd.counts)).values()):  # noqa: ASYNC110 - the other process has no event for us
            await asyncio.sleep(0.2)


async def run_room(participants: int, talkers: int, canvas: tuple[int, int], seconds: float) -> RoomRow:
    video = VideoConfig(width=canvas[0], height=canvas[1], fps=30)
    config = RoomConfig(name="bench", layout_options={"max_tiles": STAGE}, max_participants=participants, video=video)
    film = await asyncio.to_thread(vp8_clip, 0)  # one for all: nobody looks at the pictures
    with Crowd(library([film] * STAGE)) as crowd:
        prefer_this_process()  # this and the next as a room's own process does
        settle()
        room = Room(config, "bench", lambda _event: None)
        output = listen_in(room)
        room.start()
        await fill(room, crowd, participants, talkers)
        await asyncio.sleep(SETTLE_S)
        row = await weigh(room, crowd, output, seconds)
        await room.close()
    return row


async def weigh(room: Room, crowd: Crowd, output: Completion, seconds: float) -> RoomRow:
    counts, before = await asyncio.to_thread(crowd.counts), room.state(None).metrics
    warm, threads, stolen, began_us = len(output.late_ms), spent(), stolen_s(), room.clock.now_us()
    await asyncio.sleep(seconds)
    elapsed_s = (room.clock.now_us() - began_us) / 1e6
    used = {name: (ran - threads[name][0], waited - threads[name][1]) for name, (ran, waited) in spent().items()}
    late, after = output.late_ms[warm:], room.state(None).metrics
    gaps = audio_gaps(counts, await asyncio.to_thread(crowd.counts))

    def grown(name: str) -> int:
        return int(after.get(name, 0) - before.get(name, 0))

    p50_ms, p99_ms = middle_and_end(late)
    return RoomRow(
        participants=len(counts),
        talkers=int(after["tutti_audio_encoders"]) - 1,
        canvas=f"{room.config.video.width}x{room.config.video.height}",
        seconds=round(elapsed_s, 1),
        ticks=len(late),
        p50_ms=p50_ms,
        p99_ms=p99_ms,
        worst_ms=round(max(late), 2),
        sent_ms=middle_and_end(output.sent_ms[warm:]),
        began_ms=middle_and_end(output.began_ms[warm:]),
        cpu_ms=middle_and_end(output.cpu_ms[warm:]),
        audio_waited=round(used["audio"][1] / elapsed_s, 3),
        loop_waited=round(used["loop"][1] / elapsed_s, 3),
        skipped=grown("tutti_audio_ticks_skipped_total"),
        gaps=gaps,
        overload_level=int(after.get("tutti_video_overload_level", 0)),
        video_ticks_skipped=grown("tutti_video_ticks_skipped_total"),
        cores={name: round(ran / elapsed_s, 3) for name, (ran, _) in used.items()},
        stolen_cores=round((stolen_s() - stolen) / elapsed_s, 3),
    )


SCENARIOS: tuple[tuple[str, int, int, tuple[str, ...]], ...] = (
    ("9 in the room", 9, 3, ()),
    ("100 in the room", 100, 6, ()),
    ("100, a video encoder beside", 100, 6, ("encode",)),
    ("100, two video encoders beside", 100, 6, ("encode", "encode")),
    ("100, encoder and busy Python beside", 100, 6, ("encode", "compute")),
)


def mixer_alone(seconds: float) -> list[Row]:
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
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description="Tick completion of the audio mixer")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--room", action="store_true", help="a whole room, its video encoder overloaded")
    parser.add_argument("--participants", type=int, default=100, help="with --room")
    parser.add_argument("--talkers", type=int, default=3, help="with --room")
    parser.add_argument("--canvas", default="3840x2160", help="with --room; 1280x720 for one that can be borne")
    arguments = parser.parse_args()
    if arguments.room:
        if os.getpid() != os.getpgrp():
            os.setsid()  # a room has a session of its own, and the kernel shares processors out by sessions
        width, height = map(int, arguments.canvas.split("x"))
        row = asyncio.run(run_room(arguments.participants, arguments.talkers, (width, height), arguments.seconds))
        for name, value in asdict(row).items():
            print(f"{name:20} {value}")
        return
    rows = mixer_alone(arguments.seconds)
    RESULTS.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")


if __name__ == "__main__":
    main()
