"""Whatever one participant sends, the others go on seeing and hearing each other.

The room is a process of its own, as in service, with two honest members; somebody hostile joins, attacks and leaves.
Gaps are told by the RTP times of what the honest receive.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest
import pytest_asyncio

from mcu.video.budget import BURST_US, CEILING
from tests.media import hostile_attacks as attacks
from tests.media.hostile_peers import Hostile
from tests.media.hostile_room import MAX_GAP_MS, Scene, Watch, growth, scene

pytestmark = [pytest.mark.media, pytest.mark.asyncio(loop_scope="module")]

MAX_GROWTH_MB = 64  # after an attack; a 4K decoder that is kept would stay above it
MAX_PEAK_MB = 150  # during one: a 4K decoder has 80, one with all the references that H.264 allows 300
Attack = Callable[[Hostile], Awaitable[None]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    attacks.prepare()
    async with scene(tmp_path_factory.mktemp("room")) as made:
        yield made


def dropped(of: str, reason: str) -> str:
    return f'tutti_receive_dropped_total{{of="{of}",reason="{reason}"}}'


@dataclass(frozen=True)
class Case:
    """An attack, the metrics that have to tell of it, and the participant's figure that shows that it got through."""

    attack: Attack
    counted: tuple[str, ...] = ()
    shown_by: str = "packets_out"


AUDIO, VIDEO = "tutti_audio_dropped_{}_total", "tutti_video_dropped_{}_total"
CASES = [
    Case(
        attacks.garbage_datagrams,
        tuple(dropped("datagrams", reason) for reason in ("size", "kind", "stranger", "stun", "srtp")),
    ),
    Case(attacks.garbage_rtp, (dropped("packets", "unrouted"), dropped("camera", "rtx"))),
    Case(attacks.garbage_rtcp, (dropped("packets", "unrouted"),)),
    Case(attacks.stun_flood, (dropped("datagrams", "addresses"), dropped("datagrams", "stun_rate"))),
    Case(attacks.packet_flood, (dropped("datagrams", "media_rate"), dropped("camera", "given_up"))),
    Case(attacks.many_streams, (dropped("datagrams", "streams"),)),
    Case(attacks.broken_vp8, (VIDEO.format("undecodable"), VIDEO.format("no_keyframe"))),
    Case(attacks.broken_h264, (VIDEO.format("undecodable"), VIDEO.format("no_keyframe"))),
    Case(attacks.broken_opus, (AUDIO.format("malformed"),)),
    Case(attacks.resolution_each_frame, (VIDEO.format("late"),), "camera_frames_in"),
    Case(attacks.large_vp8, (VIDEO.format("over_budget"),)),
    Case(attacks.large_h264, shown_by="camera_frames_in"),
    Case(attacks.greedy_h264, (VIDEO.format("undecodable"),)),
    Case(attacks.one_picture_a_second, shown_by="camera_frames_in"),
    Case(attacks.many_pictures_a_second, (VIDEO.format("late"),)),
    Case(attacks.keyframe_flood, (dropped("datagrams", "rtcp_rate"), "tutti_send_h264_keyframes_refused_total")),
    Case(attacks.nack_flood, (dropped("datagrams", "rtcp_rate"),)),
    Case(attacks.lying_reports, shown_by="loss_out"),
    Case(attacks.absurd_estimates, shown_by="remb_bps"),
    Case(attacks.video_time_jumps, shown_by="camera_frames_in"),
    Case(attacks.audio_time_jumps, ("tutti_audio_stream_restarts_total",)),
    Case(attacks.absurd_clock, shown_by="camera_frames_in"),
    Case(attacks.sequence_jumps, (dropped("camera", "given_up"),)),
    Case(attacks.odd_opus, (dropped("audio", "empty"),)),
    Case(attacks.lying_levels, shown_by="packets_in"),
    Case(attacks.after_bye, shown_by="camera_frames_in"),
    Case(attacks.never_reads, shown_by="packets_out"),
]


FAULTS = (  # what nobody thought of, caught by the last net
    "tutti_video_faults_total",
    "tutti_audio_tick_failures_total",
    "tutti_audio_source_failures_total",
    dropped("datagrams", "malformed"),
)


async def attacked(world: Scene, attack: Attack) -> Watch:
    """Somebody comes, does it, and goes; then the honest get some more."""
    watch = await world.watch()
    hostile = Hostile()
    await hostile.join(world.room)
    await attack(hostile)
    await asyncio.sleep(0.1)
    during = await world.room.state()
    watch.metrics = during.metrics
    watch.memory_during_mb = world.room.memory_mb()
    watch.mallory = next(person.stats for person in during.participants if person.id == hostile.id)
    await hostile.leave(world.room)
    await world.goes_on()
    return watch


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.attack.__name__)
async def test_the_others_notice_nothing(world: Scene, case: Case) -> None:
    watch = await attacked(world, case.attack)
    assert world.longest_gap_ms(watch) <= MAX_GAP_MS
    world.tones_are_right()
    await world.pictures_are_right()
    grown = growth(watch.before, await world.room.state())
    assert [name for name in case.counted if grown(name) <= 0] == []
    assert watch.mallory[case.shown_by] > 0
    assert [name for name in FAULTS if grown(name)] == []
    assert watch.memory_during_mb - watch.memory_before_mb < MAX_PEAK_MB
    assert world.room.memory_mb() - watch.memory_before_mb < MAX_GROWTH_MB


async def test_no_sender_decodes_beyond_its_share(world: Scene) -> None:
    watch = await world.watch()
    began = [member.heard["audio"].times[-1] for member in world.members]
    await attacked(world, attacks.large_vp8)
    elapsed_s = max(m.heard["audio"].times[-1] - then for m, then in zip(world.members, began, strict=True)) / 48_000
    spent_s = growth(watch.before, await world.room.state())("tutti_video_decode_seconds_total")
    assert spent_s < CEILING * elapsed_s + BURST_US / 1e6 + 0.3  # the last one overdraws; the honest take a little


async def test_keyframes_for_one_are_not_everybodys_burden(world: Scene) -> None:
    watch = await attacked(world, attacks.keyframe_flood)
    grown = growth(watch.before, await world.room.state())
    assert grown("tutti_send_h264_keyframes_asked_total") > 500
    assert grown("tutti_video_h264_keyframes_total") <= 4  # one for who joins, three for who asks for more


async def test_who_lies_about_being_loud_is_not_heard_for_it(world: Scene) -> None:
    watch = await attacked(world, attacks.lying_levels)
    assert watch.metrics["tutti_audio_levels_distrusted"] == 1


async def test_nothing_is_left_behind(world: Scene) -> None:
    """Coming and going costs no memory either."""
    first = await attacked(world, attacks.after_bye)
    for _ in range(5):
        await attacked(world, attacks.join_only)
    assert world.room.memory_mb() - first.memory_before_mb < 16
    state = await world.room.state()
    assert [person.id for person in state.participants] == ["alice", "bob"]
    assert state.metrics["tutti_video_sources"] == 2
