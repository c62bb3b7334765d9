"""What rooms cost: the one table that admission and ``tutti doctor`` reckon with. Pure.

Cores are CPU seconds a second, and megabytes 10⁶ bytes, of a room's process on the machine that ``WORK`` was measured
on; elsewhere the cores are multiplied by a factor (``factor_of``; ``tutti doctor`` measures it). A cost is what the
people in a room may come to, not what they take now: who has a microphone may talk, who has a camera may switch it on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mcu.media import Rung, VideoCodec
from mcu.messages import Demand, Load, VideoConfig


@dataclass(frozen=True, slots=True)
class Cost:
    """Processor and memory."""

    cores: float = 0.0
    memory_mb: float = 0.0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.cores + other.cores, self.memory_mb + other.memory_mb)

    def __sub__(self, other: "Cost") -> "Cost":
        return Cost(self.cores - other.cores, self.memory_mb - other.memory_mb)

    def __mul__(self, times: float) -> "Cost":
        return Cost(self.cores * times, self.memory_mb * times)


NOTHING = Cost()

ROOM = Cost(0.005, 72)  # with nobody in it
OCCUPIED = Cost(0.040, 4)  # as soon as somebody is in it: sound is mixed and encoded
PARTICIPANT = Cost(0.002, 0.5)  # anybody: their connection, the mix's sound out
LISTENER = Cost(0.002, 0.3)  # sent the mix's picture, of which only the packets are their own
MICROPHONE = Cost(0.004, 0.2)  # received, and heard through for a voice
CAMERA = Cost(0.006, 0.5)  # received
STAGE = Cost(0.027, 4)  # and decoded and painted, because it has a tile
SCREEN = Cost(0.050, 12)  # shared
TALKER = Cost(0.010, 3)  # decoded, and sent a mix of their own
MOST_TALKERS = 6  # at once in a room; nobody else is heard (``mcu.audio.mixer``)
RECORDING = Cost(0.020, 20)  # AAC, and the writing; its picture counts as an encoder, if nobody else takes it
ENCODERS = {  # of 1280x720 at 30 pictures a second
    (VideoCodec.H264, Rung.FULL): Cost(0.115, 38),
    (VideoCodec.H264, Rung.HALF): Cost(0.050, 12),
    (VideoCodec.H264, Rung.QUARTER): Cost(0.020, 5),
    (VideoCodec.VP8, Rung.FULL): Cost(0.250, 38),
    (VideoCodec.VP8, Rung.HALF): Cost(0.070, 12),
    (VideoCodec.VP8, Rung.QUARTER): Cost(0.025, 5),
}


ONE_THREAD = 0.8  # cores that the packets of one room may take: they all go through one thread


@dataclass(frozen=True, slots=True)
class Work:
    """One thing that rooms do all the time."""

    what: str
    reference_us: float  # CPU time of doing it once, on the machine that the table was made on
    per_second: float = 0.0  # how often a room of nine does it, three of whom talk; 0 says nothing about how fast it is


WORK = {
    "decode_vp8": Work("decode a picture of 640x360, VP8", 475, 9 * 30),
    "decode_h264": Work("decode a picture of 640x360, H.264", 260),
    "compose": Work("paint nine tiles on 1280x720", 1030, 30),
    "encode_h264_full": Work("encode 1280x720, H.264", 2470, 30),
    "encode_h264_half": Work("encode 640x360, H.264", 865),
    "encode_h264_quarter": Work("encode 320x180, H.264", 270),
    "encode_vp8_full": Work("encode 1280x720, VP8", 4550),
    "decode_opus": Work("decode 20 ms of sound, Opus", 14, 3 * 50),
    "encode_opus": Work("encode 20 ms of sound, Opus", 38, 4 * 50),
    "send_picture": Work("send a packet of a picture (SRTP, UDP)", 4, 9 * 7 * 30),
    "send_sound": Work("send a packet of sound (SRTP, UDP)", 6.6, 9 * 50),
    "receive": Work("receive a packet (UDP, SRTP)", 8, 9 * (75 + 50)),
}


def factor_of(measured_us: Mapping[str, float]) -> float:
    """How many times the table's cores a machine takes that does its work in so much CPU time.

    What could not be measured is left out, on both sides.
    """
    weights = {name: work.per_second for name, work in WORK.items() if name in measured_us}
    reference_us = sum(WORK[name].reference_us * times for name, times in weights.items())
    return sum(measured_us[name] * times for name, times in weights.items()) / reference_us


def cost_of(load: Load, factor: float = 1.0) -> Cost:
    """What a room with this load may come to.

    Args:
        load: who is in it, or will be.
        factor: how many times the table's cores this machine takes.
    """
    people = load.demands
    counts = (
        (ROOM, 1),
        (OCCUPIED, bool(people)),
        *_packets(people),
        (STAGE, sum(each.on_stage for each in people)),
        (SCREEN, sum(each.sharing for each in people)),
        (TALKER, min(MOST_TALKERS, sum(each.microphone for each in people))),
        (RECORDING, load.recording),
    )
    cost = sum((each * count for each, count in counts), NOTHING)
    for codec, rung in _encoders(load):
        cost += ENCODERS[codec, rung] * _share_of_reference(load.video)
    return Cost(cost.cores * factor, cost.memory_mb)


def thread_cores(load: Load, factor: float = 1.0) -> float:
    """How much of a room's cost falls on the one thread that its packets go through, about."""
    return sum(each.cores * count for each, count in _packets(load.demands)) * factor


def _packets(people: Sequence[Demand]) -> tuple[tuple[Cost, int], ...]:
    """What people send and are sent."""
    return (
        (PARTICIPANT, len(people)),
        (LISTENER, sum(each.codec is not None for each in people)),
        (MICROPHONE, sum(each.microphone for each in people)),
        (CAMERA, sum(each.camera for each in people)),
    )


def _encoders(load: Load) -> set[tuple[VideoCodec, Rung]]:
    """One for each codec and size that somebody takes; a recording takes H.264 in full size."""
    taken = {(each.codec, each.rung) for each in load.demands if each.codec is not None}
    return taken | {(VideoCodec.H264, Rung.FULL)} if load.recording else taken


def _share_of_reference(video: VideoConfig) -> float:
    return video.width * video.height * video.fps / (1280 * 720 * 30)
