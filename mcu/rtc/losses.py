"""What share of a stream is lost, by its receiver's reports. Pure.

A report's own share (RFC 3550, section 6.4.1) is that of the packets since the report before, and Chromium sends one
with every request for lost packets: it may be of three packets, one of them lost. So shares are taken of the running
totals, over packets enough.
"""

_SEQUENCES, _TOTALS = 1 << 32, 1 << 24


def expected_since(highest: int, before: int) -> int | None:
    """Packets between two reports by their highest numbers, with those lost; None when that makes no sense."""
    count = (highest - before) % _SEQUENCES
    return count if count <= _SEQUENCES // 2 else None


def lost_since(total: int, before: int) -> int:
    """Packets lost between two reports by their totals; negative when late ones came, or some twice."""
    return (total - before + _TOTALS // 2) % _TOTALS - _TOTALS // 2


class LossShare:
    """The share of some packets at a time.

    Args:
        least_packets: of fewer none is told.
    """

    def __init__(self, least_packets: int) -> None:
        self._least = least_packets
        self._before: tuple[int, int] | None = None  # highest sequence number, lost in all

    def reported(self, highest: int, lost: int) -> float | None:
        """Take a report; the share of what was lost since the last one that told, None while that is of too few."""
        if self._before is None:
            self._before = (highest, lost)
            return None
        count = expected_since(highest, self._before[0])
        if count is not None and count < self._least:
            return None
        missed = lost_since(lost, self._before[1])
        self._before = (highest, lost)
        return None if count is None else min(1.0, max(0, missed) / count)
