"""Firefox's remote control, as much as the tests need: length-prefixed JSON on a TCP connection.

A command is ``[0, id, name, parameters]``, its answer ``[1, id, error, result]`` (Marionette protocol, version 3).
"""

import json
import socket
from typing import Any


class MarionetteError(Exception):
    """Firefox refused a command, or a script threw."""


class Marionette:
    """One connection; commands run one after another."""

    def __init__(self, port: int, timeout_s: float) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=timeout_s)
        self._stream = self._socket.makefile("rb")
        self._last_id = 0
        self._read()  # the greeting

    def _read(self) -> Any:
        length = b""
        while (digit := self._stream.read(1)) != b":":
            if not digit:
                raise MarionetteError("Firefox closed the connection")
            length += digit
        return json.loads(self._stream.read(int(length)))

    def command(self, name: str, **parameters: object) -> Any:
        """Send one command and wait for its result."""
        self._last_id += 1
        payload = json.dumps([0, self._last_id, name, parameters]).encode()
        self._socket.sendall(b"%d:%b" % (len(payload), payload))
        _, _, error, result = self._read()
        if error:
            raise MarionetteError(f"{error['error']}: {error['message']}")
        return result

    def close(self) -> None:
        """Hang up."""
        self._stream.close()
        self._socket.close()
