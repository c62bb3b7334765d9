"""Who gets a processor first on a machine that does other work too.

Media before the rest; among those sound before all, then packets, then pictures, which take the most.
All only ask: without the right to it (CAP_SYS_NICE) priorities stay as they are.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

_AUTOGROUP = Path("/proc/self/autogroup")
_SWITCH_INTERVAL_S, _UNDISTURBED_S = 0.0005, 0.005
_RAISE, _DEFER = 15, 10  # steps of niceness
_RAISE_GROUP = 10  # for all threads of the process together, beside other programs


def prefer_this_process() -> None:
    """Let the threads that will be started from here on, and the calling one, go before other programs.

    A tick that waits for a processor behind somebody's batch job is a picture that everybody misses. Where the kernel
    groups processes by session (sched(7), "The autogroup feature"), niceness counts within the group only, and the
    group has to be raised as well; a room's process has a session, and so a group, of its own.
    """
    _change(-_RAISE)
    with contextlib.suppress(OSError):
        _AUTOGROUP.write_text(str(-_RAISE_GROUP))


def prefer_this_thread() -> None:
    """Let the calling thread go before the others of its process.

    It becomes a real-time thread of the lowest rank (sched(7), SCHED_RR), which niceness alone leaves in the queue for
    some milliseconds; so it is for threads that work little at a time. The interpreter's switch interval becomes 0.5 ms
    for the whole process: by default a thread that computes in Python keeps the interpreter for 5 ms from the calling
    thread, each time it asks.
    """
    sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_INTERVAL_S))
    _change(-_RAISE)  # what remains where real time is refused
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            policy = os.SCHED_RR | os.SCHED_RESET_ON_FORK  # not for what it starts
            os.sched_setscheduler(threading.get_native_id(), policy, os.sched_param(1))


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Let threads that want the interpreter wait for longer, 5 ms, in what follows: the work that must not be late.

    Each that takes it from a tick of 3 ms adds its own work and the way back. Only for the thread that
    ``prefer_this_thread`` has preferred: the short interval comes back afterwards, by which it gets the interpreter
    again.
    """
    sys.setswitchinterval(_UNDISTURBED_S)
    try:
        yield
    finally:
        sys.setswitchinterval(_SWITCH_INTERVAL_S)


def defer_this_thread() -> None:
    """Let the process's other threads go before the calling one, which works for long at a time, mostly in codecs.

    Only in a process that was raised: nobody is to fall behind other programs. It stays so, also while the thread runs
    Python: who goes before it wants the interpreter, too, and leaves it the processor to give that back. Going back
    and forth around each call of a codec is worse, since it is done with the interpreter held: a processor that is
    taken from it there is taken for up to 4 ms.
    """
    niceness = _niceness()
    if niceness <= -_DEFER:
        _set(niceness + _DEFER)


def _niceness() -> int:
    """Of the calling thread, whose id counts as a process on Linux; 0 elsewhere."""
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) if sys.platform == "linux" else 0


def _change(steps: int) -> None:
    _set(_niceness() + steps)


def _set(niceness: int) -> None:
    """Of the calling thread, if that is allowed."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
