"""Noticing that sources came alive, fell silent, changed their shape or cost too much."""

from collections.abc import Mapping

from mcu.video.scene import SourceState

_SHORTEST_US = 200_000  # a sender that changes its shape with every picture must not keep the room busy
_SAME_SHAPE = 0.02  # relative difference of aspects that no layout would show


class SourceWatch:
    """Compares the sources with what was told last."""

    def __init__(self) -> None:
        self._told: Mapping[str, SourceState] = {}
        self._told_us: int | None = None

    def changed(self, states: Mapping[str, SourceState], now_us: int) -> bool:
        """Whether to tell the room now; a source that is new counts as silent and 16:9 before."""
        if self._told_us is not None and now_us - self._told_us < _SHORTEST_US:
            return False
        if not any(_differs(self._told.get(id_, SourceState()), state) for id_, state in states.items()):
            return False
        self._told = dict(states)
        self._told_us = now_us
        return True


def _differs(a: SourceState, b: SourceState) -> bool:
    return a.live != b.live or a.costly != b.costly or abs(a.aspect - b.aspect) > _SAME_SHAPE * a.aspect
