"""How much the line from one peer to us bears. Pure: packets and time go in, a bitrate comes out.

In the manner of Google's congestion control (draft-ietf-rmcat-gcc-02, and draft-alvestrand-rmcat-congestion before it):
one controller goes by delay, one by loss, and REMB (draft-alvestrand-rmcat-remb) carries the result to the sender.
Unlike there the estimate begins as none at all: a sender that fills its line is to be held, and no other.

The delay is that between departure (abs-send-time) and arrival. Its least within a window is above the least of late
only if a queue never ran empty meanwhile. Jitter and overtaking packets do not bring that about, whereas a trend over
neighbouring packets, as in the draft, is mostly jitter where there is much of it.
"""

from collections.abc import Callable

WINDOW_US, WINDOW_PACKETS = 250_000, 20  # at least, for its least delay to say something
STANDING_US = 50_000  # a queue of two windows that is too long
DRAINED, DRAINED_US = 0.1, 20_000  # a queue shorter by so much within SETTLE_US, whichever is less, gets empty
BASE_US = 15_000_000  # the least delay is that of so long, and of as long before
JUMP_US = 8_000_000  # a delay so far from the least is another clock, or another way
MAX_LATE_US = 100_000  # so far behind, the loop makes queues of its own
LOSS = 0.1  # of each of two reports, since an outage is in one
CLEAN_LOSS = 0.05  # with more there is no way up
LEAST_SHARE = 0.5  # of what came through when it began, for want of packets alone
FEW_PACKETS = 3  # so few lost ones prove nothing
DOWN = 0.85  # of what came through while the queue stood
SETTLE_US = 1_000_000  # until a sender was told, and what it sends shows it
AGAIN_US = 3_000_000  # so soon after, it is the same trouble
IN_VAIN = 3  # so often told without a shorter queue: it is somebody else's
UP, UP_NEAR = 1.08, 1.02  # a second; near what the line last bore
NEAR = 0.8, 1.1  # of that
HEADROOM = 1.5  # above what is received there is nothing to learn
FORGET_US = 60_000_000  # without trouble: nothing is known any more
LEAST_BPS = 100_000
_HALF_RANGE, _MASK = 1 << 23, (1 << 24) - 1
_TICKS = 1 << 18  # of abs-send-time, a second
_US = 1_000_000


class UplinkEstimate:
    """What one peer's line bears: ``bps``, None while nothing speaks against more.

    Args:
        most_bps: that is ever wanted of the peer.
        late_us: tells by how much packets may have come sooner than it is said.
    """

    def __init__(self, most_bps: float, late_us: Callable[[], int] = lambda: 0) -> None:
        self.bps: float | None = None
        self.queue_us = 0  # what waited at least, in the last window
        self._most_bps = most_bps
        self.late_us = late_us
        self._octets = 0  # received in all
        self._reference: int | None = None  # departure to arrival of the first packet, ticks: the zero of all delays
        self._bases = [_HALF_RANGE, _HALF_RANGE]  # least delay, ticks: of the last period and of this one
        self._base_until_us = 0
        self._window: tuple[int, int] = (0, 0)  # when it began, with so many octets
        self._window_before = (0, 0)
        self._packets = 0  # of the window
        self._least = _HALF_RANGE  # delay of the window, ticks
        self._stood = False  # a queue, in the window before
        self._told_us = -AGAIN_US
        self._told_queue_us = 0
        self._in_vain = 0
        self._capacity_bps = 0.0  # what came through when it was last too much
        self._reported: tuple[int, int] | None = None  # when, and octets until then
        self._loss = 0.0  # of the last report
        self._losing = False  # since then: the sender was told for want of packets
        self._trouble_us = 0  # when there was some last

    def packet(self, octets: int, send_time: bytes | None, now_us: int) -> bool:
        """Take a packet of video, ``send_time`` as on the wire; whether the sender has to be told to send less."""
        self._octets += octets
        if send_time is None:
            return False
        ticks = now_us * _TICKS // _US - int.from_bytes(send_time)
        reference = self._begin(ticks, now_us) if self._reference is None else self._reference
        self._least = min(self._least, ((ticks - reference + _HALF_RANGE) & _MASK) - _HALF_RANGE)
        self._packets += 1
        return self._packets >= WINDOW_PACKETS and now_us - self._window[0] >= WINDOW_US and self._close(now_us)

    # --- delay --------------------------------------------------------------------------------------------------------

    def _begin(self, ticks: int, now_us: int) -> int:
        self._reference, self._base_until_us = ticks, now_us + BASE_US
        self._window = self._window_before = (now_us, self._octets)
        return ticks

    def _close(self, now_us: int) -> bool:
        """The end of a window."""
        least, self._least, self._packets = self._least, _HALF_RANGE, 0
        self.queue_us = self._above_base(least, now_us)
        stood, self._stood = self._stood, self.queue_us > STANDING_US and self.late_us() <= MAX_LATE_US
        then_us, octets = self._window_before
        self._window_before, self._window = self._window, (now_us, self._octets)
        if not (stood and self._stood):
            return False
        self._trouble_us = now_us
        since_us = now_us - self.queue_us - self._told_us  # until what comes now was sent
        if since_us < SETTLE_US:
            return False
        came_bps = (self._octets - octets) * 8 * _US / (now_us - then_us)
        if self.bps is None or since_us >= AGAIN_US:
            self._in_vain, self._capacity_bps = 0, came_bps
            return self._fall(DOWN * came_bps, now_us)
        return self._stands_still(self.bps, least, now_us)

    def _above_base(self, least: int, now_us: int) -> int:
        if now_us >= self._base_until_us:
            self._base_until_us = now_us + BASE_US
            self._bases = [self._bases[1], least]
        self._bases[1] = min(self._bases[1], least)
        above_us = (least - min(self._bases)) * _US // _TICKS
        if above_us > JUMP_US:
            self._bases = [least, least]
            return 0
        return above_us

    def _stands_still(self, bps: float, least: int, now_us: int) -> bool:
        """There is a queue although the sender was told: wait while it shrinks, else ask for less, if that helps."""
        if self.queue_us < self._told_queue_us - min(DRAINED * self._told_queue_us, DRAINED_US):
            self._told_us, self._told_queue_us = now_us, self.queue_us
            return False
        self._in_vain += 1
        if self._in_vain < IN_VAIN:
            return self._fall(DOWN * bps, now_us)
        self._bases, self._stood = [least, least], False
        self.bps = max(bps, self._capacity_bps)
        return False

    def _fall(self, bps: float, now_us: int) -> bool:
        before = self._most_bps if self.bps is None else self.bps
        self._told_us, self._told_queue_us, self._trouble_us = now_us, self.queue_us, now_us
        self.bps = max(LEAST_BPS, min(before, bps))
        return self.bps < before

    # --- loss, and the way up -----------------------------------------------------------------------------------------

    def report(self, expected: int, lost: int, now_us: int) -> None:
        """Take what was expected and lost of all video since the last call; to be called about once a second."""
        before, self._reported = self._reported, (now_us, self._octets)
        if before is None or now_us <= before[0] or expected <= 0:
            return
        came_bps = (self._octets - before[1]) * 8 * _US / (now_us - before[0])
        loss_before, self._loss = self._loss, (max(0, lost) / expected if lost >= FEW_PACKETS else 0.0)
        self._losing = self._losing and self._loss >= CLEAN_LOSS
        if now_us - self._told_us < SETTLE_US or self.late_us() > MAX_LATE_US:
            return
        if min(self._loss, loss_before) >= LOSS:
            self._loses(came_bps, now_us)
        elif self.bps is not None and self._loss < CLEAN_LOSS and not self._stood:
            self._rise(self.bps, came_bps, (now_us - before[0]) / _US, now_us)

    def _loses(self, came_bps: float, now_us: int) -> None:
        """Send less, but not ever less: there are lines that lose whatever is sent."""
        if self.bps is None or not self._losing:
            self._losing, self._capacity_bps = True, came_bps
            self._fall(DOWN * came_bps, now_us)
        else:
            self._fall(max(self.bps * (1 - self._loss / 2), LEAST_SHARE * self._capacity_bps), now_us)

    def _rise(self, bps: float, came_bps: float, seconds: float, now_us: int) -> None:
        near = NEAR[0] * self._capacity_bps <= bps <= NEAR[1] * self._capacity_bps
        grown_bps = bps * (UP_NEAR if near else UP) ** seconds
        self.bps = max(bps, min(grown_bps, HEADROOM * came_bps))
        if self.bps >= self._most_bps or now_us - self._trouble_us >= FORGET_US:
            self.bps = None
