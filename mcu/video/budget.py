"""How much of the processors each source's decoding may take. Pure: what was spent, and the time, are arguments."""

from collections.abc import Iterable, Mapping

CEILING = 0.4  # of one core, for one source: a 1080p camera takes half of that, a 4K one at full rate about a core
EACH, MOST = 0.15, 1.0  # of all cores, where that is more; decoding has one thread
TOGETHER = 0.5  # of all cores, for all sources; mixing and encoding need the rest
BURST_US = 200_000  # that may be spent ahead
RESUME_US = 50_000  # in hand again before work goes on: a few pictures at a time, not one
_EVERY_US = 1_000_000
_MODEST = 0.9  # of an even part: who takes more would perhaps take more still


class DecodeBudget:
    """Decode time of one source: it gains ``share`` of the time that goes by, and ends when more than all is spent.

    What a picture costs shows only afterwards, so the last one may overdraw; its successors wait the longer.
    """

    def __init__(self) -> None:
        self.share = CEILING
        self.spent_us = 0  # in all
        self._left_us = float(BURST_US)
        self._overdrawn = False
        self._then_us: int | None = None

    def spend(self, cost_us: int) -> None:
        """Note what was worked."""
        self.spent_us += cost_us
        self._left_us -= cost_us
        self._overdrawn = self._overdrawn or self._left_us < 0

    def allows(self, now_us: int) -> bool:
        """Whether there may be work at ``now_us``."""
        if self._then_us is not None and now_us > self._then_us:
            self._left_us = min(BURST_US, self._left_us + (now_us - self._then_us) * self.share)
        self._then_us = now_us if self._then_us is None else max(now_us, self._then_us)
        if self._left_us >= RESUME_US:
            self._overdrawn = False
        return not self._overdrawn


class Shares:
    """Divides the cores among the sources, about once a second.

    Who needs little gets it; what is left is divided evenly among those who would take more, so that many costly
    sources starve each other and nobody else.

    Args:
        cores: of the machine.
    """

    def __init__(self, cores: int) -> None:
        self._total = TOGETHER * cores
        self._ceiling = min(MOST, max(CEILING, EACH * cores))
        self._spent_us: dict[str, int] = {}
        self._then_us: int | None = None

    def divide(self, budgets: Mapping[str, DecodeBudget], now_us: int) -> None:
        """Set every share by what was spent since the last time."""
        if self._then_us is not None and now_us - self._then_us < _EVERY_US:
            return
        known = budgets.keys() & self._spent_us.keys()
        if self._then_us is not None:
            spent_us = [budgets[id_].spent_us - self._spent_us[id_] for id_ in known]
            share = min(self._ceiling, _even_part([us / (now_us - self._then_us) for us in spent_us], self._total))
            for budget in budgets.values():
                budget.share = share
        self._spent_us = {id_: budget.spent_us for id_, budget in budgets.items()}
        self._then_us = now_us


def _even_part(loads: Iterable[float], total: float) -> float:
    """What each may have at most so that together they stay within ``total``, the modest ones unhindered."""
    ordered = sorted(loads)
    for number, load in enumerate(ordered):
        part = total / (len(ordered) - number)
        if load > _MODEST * part:
            return part
        total -= load
    return MOST
