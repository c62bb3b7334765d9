import pytest

from mcu.video.keyframes import KeyframeLimiter

pytestmark = pytest.mark.unit


def _keyframes(requests_us: list[int], until_us: int = 3_000_000, tick_us: int = 33_333) -> list[int]:
    """When an encoder that ticks at 30 Hz would make keyframes."""
    limiter = KeyframeLimiter(interval_us=500_000)
    made = []
    for now_us in range(0, until_us, tick_us):
        while requests_us and requests_us[0] <= now_us:
            requests_us.pop(0)
            limiter.request()
        if limiter.due(now_us):
            limiter.made(now_us)
            made.append(now_us)
    return made


def test_the_first_request_is_served_at_the_next_tick() -> None:
    assert _keyframes([100_000]) == [133_332]


def test_requests_of_one_moment_share_a_keyframe() -> None:
    assert len(_keyframes([100_000] * 50)) == 1


def test_a_request_soon_after_a_keyframe_waits_and_is_not_forgotten() -> None:
    first, second = _keyframes([0, 100_000])
    assert first == 0
    assert 500_000 <= second < 540_000


def test_a_flood_gets_two_a_second() -> None:
    assert len(_keyframes(list(range(0, 3_000_000, 1_000)))) == 6


def test_a_keyframe_made_anyway_serves_who_has_asked() -> None:
    limiter = KeyframeLimiter()
    limiter.request()
    limiter.made(0)
    assert not limiter.due(10_000_000)
    assert limiter.requests == 1
