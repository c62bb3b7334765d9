"""Several datagrams to one address by one system call: UDP generic segmentation offload (Linux 4.18 and later).

The kernel cuts one buffer into datagrams of one size, of which the last may be smaller; what leaves the machine is what
single calls would send. Measured here on loopback: 3.3 µs a packet by ``sendto``, 0.9 µs when seven share a call
(``mcu.rtc.datagrams`` makes it).
"""

import errno
from collections.abc import Iterator, Sequence

MAX_SEGMENTS = 24  # of one call, a picture has seven; the kernel takes 64 (128 later), and no 32 of the longest
_REFUSALS = frozenset({errno.EINVAL, errno.EIO, errno.ENOPROTOOPT, errno.EOPNOTSUPP, errno.EMSGSIZE, errno.ENOSYS})


def runs(packets: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Neighbours that may share a call: of one size, the last one of any smaller size."""
    start = 0
    while start < len(packets):
        size = len(packets[start])
        most = min(len(packets), start + MAX_SEGMENTS)
        end = start + 1
        while end < most and len(packets[end]) == size:
            end += 1
        if end < most and len(packets[end]) < size:
            end += 1
        yield packets[start:end]
        start = end


def is_refusal(error: OSError) -> bool:
    """Whether the kernel, or the way out, cannot do it and single datagrams are to be sent from now on."""
    return error.errno in _REFUSALS
