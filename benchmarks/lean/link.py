"""The transport of a lean participant: one UDP socket, ICE lite, DTLS in the role the answer leaves, SRTP.

ICE lite answers binding requests and never asks on its own but for consent; the room does the rest.
"""

from __future__ import annotations

import contextlib
import re
import secrets
import socket
import struct
from typing import TYPE_CHECKING

import pylibsrtp
from aioice import stun
from aioice.ice import get_host_addresses
from aiortc import RTCCertificate
from aiortc.rtcdtlstransport import SRTP_PROFILES
from OpenSSL import SSL

from mcu.rtc.srtp import SrtpSession

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiortc.rtcdtlstransport import SRTPProtectionProfile

_CERTIFICATE = RTCCertificate.generateCertificate()  # one for all; making them takes a while
_CONTEXT = _CERTIFICATE._create_ssl_context(SRTP_PROFILES)  # noqa: SLF001  # what aiortc's transport uses; no public way
_HOST = next(iter(get_host_addresses(use_ipv4=True, use_ipv6=False)), "127.0.0.1")
_RECEIVE_BUFFER = 1 << 21
_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("=qq")
_PRIORITY = 2130706431
_MTU = 1500


class Link:
    """From an offer's transport lines to datagrams encrypted and decrypted.

    Args:
        stamped: have the kernel note when each datagram came; ``receive`` then tells.
    """

    def __init__(self, *, stamped: bool = False) -> None:
        self.connected = False
        self.on_connected: Callable[[], None] = lambda: None
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setblocking(False)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        if stamped:
            self.socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self.socket.bind((_HOST, 0))
        self.protect: Callable[[bytes], bytes]
        self.protect_rtcp: Callable[[bytes], bytes]
        self.unprotect: Callable[[bytes], bytes]
        self.unprotect_rtcp: Callable[[bytes], bytes]
        self._address: tuple[str, int] | None = None
        self._ufrag, self._pwd = secrets.token_hex(4), secrets.token_hex(12)
        self._their_ufrag = self._their_pwd = ""
        self._ssl = SSL.Connection(_CONTEXT)
        self._ssl.set_accept_state()
        self._client = False  # in DTLS; told by the answer

    def lines(self) -> list[str]:
        """What every media line of the offer says of the transport."""
        host, port = self.socket.getsockname()
        fingerprint = next(f for f in _CERTIFICATE.getFingerprints() if f.algorithm == "sha-256")
        return [
            f"a=candidate:1 1 udp {_PRIORITY} {host} {port} typ host",
            "a=end-of-candidates",
            f"a=ice-ufrag:{self._ufrag}",
            f"a=ice-pwd:{self._pwd}",
            f"a=fingerprint:sha-256 {fingerprint.value}",
            "a=setup:actpass",
            "a=rtcp-mux",
        ]

    def accept(self, answer: str) -> None:
        """Note the room's credentials."""
        self._their_ufrag = _value("ice-ufrag", answer)
        self._their_pwd = _value("ice-pwd", answer)
        self._client = _value("setup", answer) == "passive"
        if self._client:
            self._ssl.set_connect_state()
            if self._address is not None:  # the room's requests were faster than its answer
                self._shake_hands(self._address)

    def receive(self, room: bytearray) -> tuple[int, float]:
        """One datagram into ``room``: its length, and its arrival in Unix seconds (0 when not stamped).

        Raises:
            BlockingIOError: there is none.
        """
        size, ancillary, _, _ = self.socket.recvmsg_into([room], 64)
        for _, kind, data in ancillary:
            if kind == _SO_TIMESTAMPNS:
                seconds, nanoseconds = _TIMESPEC.unpack(data)
                return size, seconds + nanoseconds / 1e9
        return size, 0.0

    def control(self, data: bytes, address: tuple[str, int]) -> None:
        """Take a datagram that is no media."""
        if data[0] < 4:
            self._stun(data, address)
        elif 20 <= data[0] < 64:
            self._dtls(data, address)

    def _stun(self, data: bytes, address: tuple[str, int]) -> None:
        message = stun.parse_message(data)
        if message.message_class is not stun.Class.REQUEST:
            return
        if "USE-CANDIDATE" in message.attributes or self._address is None:
            self._address = address
        answer = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, message.transaction_id)
        answer.attributes["XOR-MAPPED-ADDRESS"] = address
        answer.add_message_integrity(self._pwd.encode())
        self.socket.sendto(bytes(answer), address)
        if self._client and not self.connected:
            self._shake_hands(address)

    def ask_consent(self) -> None:
        """As a browser does every few seconds (RFC 7675); the answer is not waited for."""
        request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{self._their_ufrag}:{self._ufrag}"
        request.attributes["PRIORITY"] = _PRIORITY
        request.attributes["ICE-CONTROLLED"] = 1
        request.add_message_integrity(self._their_pwd.encode())
        with contextlib.suppress(OSError):  # as any datagram that is lost
            self.socket.send(bytes(request))

    def _dtls(self, data: bytes, address: tuple[str, int]) -> None:
        self._ssl.bio_write(data)
        if not self.connected:
            self._shake_hands(address)
            return
        with contextlib.suppress(SSL.Error):  # the room said goodbye
            self._ssl.recv(_MTU)
        self._flush(address)

    def _shake_hands(self, address: tuple[str, int]) -> None:
        try:
            self._ssl.do_handshake()
            self._established(address)
        except SSL.Error:
            pass  # more is needed
        self._flush(address)

    def _flush(self, address: tuple[str, int]) -> None:
        while True:
            try:
                self.socket.sendto(self._ssl.bio_read(_MTU), address)
            except SSL.Error:
                return

    def _established(self, address: tuple[str, int]) -> None:
        agreed = self._ssl.get_selected_srtp_profile()
        profile = next(each for each in SRTP_PROFILES if each.openssl_profile == agreed)
        size = 2 * (profile.key_length + profile.salt_length)
        material = self._ssl.export_keying_material(b"EXTRACTOR-dtls_srtp", size)
        client, server = (profile.get_key_and_salt(material, each) for each in (0, 1))
        ours, theirs = (client, server) if self._client else (server, client)
        outgoing = _session(profile, ours, pylibsrtp.Policy.SSRC_ANY_OUTBOUND)
        incoming = _session(profile, theirs, pylibsrtp.Policy.SSRC_ANY_INBOUND)
        # encrypted as the room does it: what participants cost is taken from it on a small machine
        self.protect, self.protect_rtcp = outgoing.protect, outgoing.protect_rtcp
        self.unprotect, self.unprotect_rtcp = incoming.unprotect, incoming.unprotect_rtcp
        self._address = address
        self._flush(address)
        self.socket.connect(address)  # from here on nobody else's datagrams come in, and sending needs no address
        self.connected = True
        self.on_connected()

    def close(self) -> None:
        """Say goodbye and close the socket."""
        if self.connected:
            with contextlib.suppress(SSL.Error, OSError):  # the room may be gone
                self._ssl.shutdown()
                self._flush(self.socket.getpeername())
        self.socket.close()


def _session(profile: SRTPProtectionProfile, key: bytes, direction: int) -> SrtpSession:
    policy = pylibsrtp.Policy(key=key, ssrc_type=direction, srtp_profile=profile.libsrtp_profile)
    policy.allow_repeat_tx = True
    policy.window_size = 1024
    return SrtpSession(pylibsrtp.Session(policy))


def _value(name: str, sdp: str) -> str:
    found = re.search(rf"^a={name}:(\S+)", sdp, re.MULTILINE)
    assert found is not None, sdp
    return found[1]
