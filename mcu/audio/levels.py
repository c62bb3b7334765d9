"""Whether a sender's audio levels (RFC 6464) are true: what he claims against what his packets hold. Pure."""

_AVERAGE = 0.05  # weight of one block; claims and sound are up to 40 ms apart, averages of their powers are not
_TOLERANCE_DB, _TRUE_DB = 10.0, 6.0
_CAUGHT_AFTER = 15  # blocks in a row over the tolerance
_FORGIVEN_AFTER = 500  # blocks in a row that were true
_HARMLESS_DBOV = -55.0  # a claim that takes nobody's place
_FLOOR = 1e-9


class LevelCheck:
    """Call ``note`` for every decoded block that has a claim.

    Who claims much more than he sends is no longer ``trusted``: he is decoded and measured as if he had sent no levels,
    until his claims have been true for 10 s.
    """

    def __init__(self) -> None:
        self.trusted = True
        self._claimed = _FLOOR
        self._measured = _FLOOR
        self._run = 0  # blocks in a row that speak against the present verdict

    def note(self, claimed_dbov: float, measured_dbfs: float) -> bool:
        """One block's claim and measurement; whether this one has cost the trust."""
        self._claimed += (10 ** (claimed_dbov / 10) - self._claimed) * _AVERAGE
        self._measured += (10 ** (measured_dbfs / 10) - self._measured) * _AVERAGE
        if claimed_dbov < _HARMLESS_DBOV:
            return False
        excess = max(self._claimed, _FLOOR) / max(self._measured, _FLOOR)
        against = excess > 10 ** (_TOLERANCE_DB / 10) if self.trusted else excess < 10 ** (_TRUE_DB / 10)
        self._run = self._run + 1 if against else 0
        if self._run < (_CAUGHT_AFTER if self.trusted else _FORGIVEN_AFTER):
            return False
        self.trusted, self._run = not self.trusted, 0
        return not self.trusted
