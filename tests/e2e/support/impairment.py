"""A bad line: packets are lost, delayed and overtaken, by a seed."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass

from tests.e2e.support.udp_line import UdpLine

HELD_BACK_S = 0.03  # who is overtaken


@dataclass(frozen=True)
class Impairment:
    """What becomes of packets.

    Attributes:
        loss: the share that is lost.
        burst: how many in a row on average (Gilbert's model); 1 for each by itself.
        delay_ms: on top of the line's own.
        jitter_ms: each takes so much more or less, evenly spread; so they overtake each other too.
        overtaken: the share that is held back for 30 ms.
    """

    loss: float = 0.0
    burst: float = 1.0
    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    overtaken: float = 0.0


CLEAN = Impairment()
DEAD = Impairment(loss=1.0)


class Fates:
    """One fate after the other, as long as the same impairment holds."""

    def __init__(self, impairment: Impairment, seed: int) -> None:
        self._of = impairment
        self._random = random.Random(seed)
        self._losing = False

    def next_s(self) -> float | None:
        """How long the next packet takes; None when it is lost."""
        of, draw = self._of, self._random.random
        if of.burst <= 1 or of.loss >= 1:
            self._losing = draw() < of.loss
        else:
            begins = of.loss / (1 - of.loss) / of.burst
            self._losing = draw() >= 1 / of.burst if self._losing else draw() < begins
        if self._losing:
            return None
        held_s = HELD_BACK_S if draw() < of.overtaken else 0.0
        return (of.delay_ms + self._random.uniform(-of.jitter_ms, of.jitter_ms)) / 1000 + held_s


class ImpairedLine(UdpLine):
    """As good as none until ``impair``; both directions alike."""

    def __init__(self, seed: int = 1) -> None:
        super().__init__()
        self.lost = 0
        self.passed = 0
        self._seed = seed
        self.impair(CLEAN)

    def impair(self, impairment: Impairment) -> None:
        """From now on."""
        self._up_fates, self._down_fates = Fates(impairment, self._seed), Fates(impairment, self._seed + 1)

    def _send_up(self, data: bytes) -> None:
        self._later(self._up_fates, super()._send_up, data)

    def _send_down(self, data: bytes) -> None:
        self._later(self._down_fates, super()._send_down, data)

    def _later(self, fates: Fates, send: Callable[[bytes], None], data: bytes) -> None:
        held_s = fates.next_s()
        if held_s is None:
            self.lost += 1
            return
        self.passed += 1
        if held_s:
            asyncio.get_running_loop().call_later(held_s, send, data)
        else:
            send(data)
