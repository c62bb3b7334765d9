"""What we use of aiortc, aioice and asyncio beyond what they promise.

When one of these fails after an upgrade, the code named in the test has to be looked at again.
"""

import asyncio
import inspect
from importlib.metadata import version

import aioice
import pytest
from aiortc import RTCCertificate, RTCDtlsTransport, RTCIceGatherer, RTCIceTransport, rtp
from aiortc.rtcdtlstransport import State
from OpenSSL import SSL

pytestmark = pytest.mark.unit


def _transports() -> tuple[RTCIceTransport, RTCDtlsTransport]:
    ice = RTCIceTransport(RTCIceGatherer([], local_username="abcdefgh"))
    return ice, RTCDtlsTransport(ice, [RTCCertificate.generateCertificate()])


def test_the_versions_are_those_that_were_read() -> None:
    assert version("aiortc").startswith("1.16.")
    assert version("aioice").startswith("0.13.")
    assert version("pylibsrtp").startswith("1.")


async def test_no_servers_means_none_not_a_public_one() -> None:
    ice, _ = _transports()
    assert ice._connection.stun_server is None
    assert ice._connection.turn_server is None
    assert ice._connection.local_username == "abcdefgh"


async def test_the_ice_connection_has_what_the_gate_needs() -> None:
    """hostile.py: Gate; transport.py: _route."""
    ice, _ = _transports()
    connection = ice._connection
    assert isinstance(connection, aioice.Connection)
    assert isinstance(connection._queue, asyncio.Queue)
    assert connection._protocols == []
    assert connection._remote_candidates == []
    assert connection._nominated == {}
    assert list(inspect.signature(connection.data_received).parameters) == ["data", "component"]
    await connection.add_remote_candidate(aioice.Candidate("f", 1, "udp", 1, "192.0.2.9", 77, "host"))
    assert [(c._network_host, c.port) for c in connection._remote_candidates] == [("192.0.2.9", 77)]
    await ice.stop()


async def test_consent_is_asked_for_by_what_the_instance_says() -> None:
    """consent.py: connect() starts what the attribute names, close() cancels the task."""
    ice, _ = _transports()
    assert "create_task(self.query_consent())" in inspect.getsource(aioice.Connection.connect)
    assert ice._connection._query_consent_task is None
    parameters = inspect.signature(aioice.ice.StunProtocol.request).parameters
    assert list(parameters) == ["self", "request", "addr", "integrity_key", "retransmissions"]
    await ice.stop()


async def test_sockets_are_reached_through_the_protocols() -> None:
    """hostile.py: an attribute of the instance is what asyncio and TURN call; transport.py: max_size, sendto."""
    ice, _ = _transports()
    await ice.iceGatherer.gather()
    (protocol, *_) = ice._connection._protocols
    assert isinstance(protocol.transactions, dict)
    assert protocol.local_candidate.component == 1
    assert callable(protocol.transport.get_write_buffer_size)  # type: ignore[attr-defined]  # asyncio's has it
    assert protocol.transport.max_size == 256 * 1024  # type: ignore[attr-defined]  # asyncio's has it
    received = asyncio.Event()
    protocol.datagram_received = (  # type: ignore[method-assign]  # as the gate does
        lambda data, addr: received.set()  # noqa: ARG005 - named as mypy wants them
    )
    protocol.transport.sendto(b"to itself", (protocol.local_candidate.host, protocol.local_candidate.port))
    await asyncio.wait_for(received.wait(), 2)
    await ice.stop()


async def test_a_peers_candidate_pair_names_socket_and_address() -> None:
    """transport.py: _route."""
    pair = aioice.ice.CandidatePair
    assert isinstance(pair.remote_addr, property)
    assert "protocol" in inspect.getsource(pair.__init__)


async def test_the_dtls_transport_has_what_we_reach_into() -> None:
    """transport.py: sessions, role, task, shutdown state."""
    _, dtls = _transports()
    assert dtls._rx_srtp is None
    assert dtls._tx_srtp is None
    assert dtls._task is None
    assert dtls._ssl is None
    assert callable(dtls._setup_srtp)  # that it gives the same keys again, every sound in tests/media shows
    assert dtls.state == "new"
    dtls._set_role("server")
    assert dtls._role == "server"
    heard = []
    dtls.on("statechange", lambda: heard.append(dtls.state))
    dtls._set_state(State.CLOSED)
    assert heard == ["closed"]
    assert callable(SSL.Connection.get_shutdown)
    assert SSL.RECEIVED_SHUTDOWN


async def test_a_gatherer_takes_candidates_until_told_of_the_end() -> None:
    """transport.py never tells of the end, for peers may be reached by addresses that were not announced."""
    ice, _ = _transports()
    assert ice._connection._remote_candidates_end is False
    await ice.stop()


def test_rtcp_packets_have_the_fields_we_use() -> None:
    """rtcp.py."""
    assert rtp.RtcpSenderInfo.__match_args__ == ("ntp_timestamp", "rtp_timestamp", "packet_count", "octet_count")
    assert rtp.RtcpPsfbPacket.__match_args__ == ("fmt", "ssrc", "media_ssrc", "fci")
    assert rtp.RtcpRtpfbPacket.__match_args__ == ("fmt", "ssrc", "media_ssrc", "lost")
    assert rtp.RtcpReceiverInfo.__match_args__[-2:] == ("lsr", "dlsr")
    assert (rtp.RTCP_PSFB_PLI, rtp.RTCP_PSFB_FIR, rtp.RTCP_PSFB_APP, rtp.RTCP_RTPFB_NACK) == (1, 4, 15, 1)
