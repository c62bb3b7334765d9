"""Sound before everything else: the audio thread gets a processor in time."""

import contextlib
import os
import sys
import threading

_SWITCH_INTERVAL_S = 0.001
_RAISE = 10  # steps of niceness


def prefer_this_thread() -> None:
    """Let the calling thread go first, if this process has the right to say so (CAP_SYS_NICE); else its priority stays.

    The interpreter's switch interval becomes 1 ms for the whole process: by default a thread that computes in Python
    keeps the interpreter for 5 ms from the audio thread, each time it asks.
    """
    sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_INTERVAL_S))
    if sys.platform == "linux":  # there a thread's id counts as a process
        with contextlib.suppress(OSError):
            thread = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, thread, os.getpriority(os.PRIO_PROCESS, thread) - _RAISE)
