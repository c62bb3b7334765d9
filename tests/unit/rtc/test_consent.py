"""Consent on virtual time: who answers late stays, who does not answer at all is let go after half a minute."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from aioice.stun import TransactionTimeout

from mcu.rtc.consent import keep_consent

pytestmark = pytest.mark.unit


class _World:
    """A connection whose peer answers the questions that ``answers`` says; each takes ``takes_s``."""

    def __init__(self, answers: Any, takes_s: float) -> None:
        self.now_s = 100.0
        self.asked = 0
        self.closed_s: float | None = None
        self.retransmissions: set[int] = set()
        self._answers, self._takes_s = answers, takes_s
        pair = SimpleNamespace(protocol=SimpleNamespace(request=self._request), remote_addr=("192.0.2.1", 4))
        self.connection = SimpleNamespace(
            remote_password="secret",
            _nominated={1: pair},
            _query_consent_task="this",
            build_request=lambda _pair, *, nominate: f"question, nominate={nominate}",
            close=self._close,
        )

    async def _request(self, _question: str, _addr: Any, *, integrity_key: bytes, retransmissions: int) -> None:
        assert integrity_key == b"secret"
        self.asked += 1
        self.retransmissions.add(retransmissions)
        self.now_s += self._takes_s
        if not self._answers(self.asked):
            raise TransactionTimeout

    async def _close(self) -> None:
        assert self.connection._query_consent_task is None  # else it would wait for itself
        self.closed_s = self.now_s

    async def _sleep(self, seconds: float) -> None:
        assert 4 <= seconds <= 6
        self.now_s += seconds
        if self.now_s > 1000:
            raise TimeoutError

    async def run(self) -> None:
        await keep_consent(cast("Any", self.connection), lambda: self.now_s, self._sleep)


async def test_who_answers_is_kept_and_asked_again_every_five_seconds() -> None:
    world = _World(lambda _number: True, 0.1)
    with pytest.raises(TimeoutError):
        await world.run()
    assert world.closed_s is None
    assert 900 / 6.1 <= world.asked <= 900 / 4.1


async def test_one_answer_in_three_is_enough() -> None:
    world = _World(lambda number: number % 3 == 0, 4.0)
    with pytest.raises(TimeoutError):
        await world.run()
    assert world.closed_s is None


async def test_who_never_answers_is_let_go_after_half_a_minute() -> None:
    world = _World(lambda _number: False, 7.5)
    await world.run()
    assert world.closed_s is not None
    assert 130 <= world.closed_s <= 130 + 6 + 7.5


async def test_an_unanswered_question_is_repeated() -> None:
    world = _World(lambda _number: False, 7.5)
    await world.run()
    assert world.retransmissions == {3}
