"""A network of its own for a browser, whose line to this machine is as narrow as the kernel is told.

The kernel keeps time where a program of the tests would be late, as they share the processors with browsers.
"""

import itertools
import os
import subprocess
from pathlib import Path

import pytest

_NUMBERS = itertools.count(1)
_BURST_BYTES = 3000


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


class Namespace:
    """A network namespace behind a pair of virtual Ethernet devices; skips the test where none may be made.

    Args:
        chromium: the browser that ``executable`` starts in there.
        folder: where to keep that.
    """

    def __init__(self, chromium: str, folder: Path) -> None:
        number = next(_NUMBERS)
        self.name = f"tutti-{os.getpid()}-{number}"
        self._device = f"tv{os.getpid()}-{number}"[:14]
        subnet = f"10.{200 + number % 50}.{os.getpid() % 256}"
        self.address = f"{subnet}.1"  # of this machine, seen from there
        self.executable = folder / "chromium"
        self.executable.write_text(f'#!/bin/sh\nexec ip netns exec {self.name} {chromium} "$@"\n')
        self.executable.chmod(0o755)
        try:
            _run("ip", "netns", "add", self.name)
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"no network namespace can be made here (apt-get install iproute2; root): {error}")
        _run("ip", "link", "add", self._device, "type", "veth", "peer", "name", "up0", "netns", self.name)
        _run("ip", "address", "add", f"{self.address}/24", "dev", self._device)
        _run("ip", "link", "set", self._device, "up")
        self._inside("ip", "address", "add", f"{subnet}.2/24", "dev", "up0")
        self._inside("ip", "link", "set", "up0", "up")
        self._inside("ip", "link", "set", "lo", "up")

    def narrow_up(self, bps: int, queue_bytes: int = 30_000) -> None:
        """Let so many bits a second out of there, headers included, from now on; who waits beyond the queue is lost."""
        rate = ("rate", f"{bps}bit", "burst", str(_BURST_BYTES), "limit", str(queue_bytes))
        self._inside("tc", "qdisc", "replace", "dev", "up0", "root", "tbf", *rate)

    def _inside(self, *command: str) -> None:
        _run("ip", "netns", "exec", self.name, *command)

    def remove(self) -> None:
        """End it, with its devices."""
        _run("ip", "netns", "delete", self.name)
