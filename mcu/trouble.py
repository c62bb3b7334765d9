"""Whether a participant's line is in trouble, from what its packets say. Pure."""

TROUBLE_SHARE = 0.05  # of the packets lost in a second: from here on
CALM_SHARE = 0.02  # until here again
_ENOUGH = 20  # packets a second below which a share says nothing


class TroubleMeter:
    """Call ``update`` about once a second with the counters since the beginning."""

    def __init__(self) -> None:
        self.trouble = False
        self._packets = 0.0
        self._lost = 0.0

    def update(self, packets: float, lost: float) -> bool:
        """Take the numbers of packets received and lost so far; returns whether ``trouble`` changed."""
        received, gone = packets - self._packets, max(0.0, lost - self._lost)
        self._packets, self._lost = packets, lost
        if received + gone < _ENOUGH:
            return False
        share = gone / (received + gone)
        before, self.trouble = self.trouble, share >= (CALM_SHARE if self.trouble else TROUBLE_SHARE)
        return self.trouble != before
