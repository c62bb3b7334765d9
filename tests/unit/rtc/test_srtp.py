"""Our way into libsrtp beside pylibsrtp's own: each reads what the other wrote."""

import pylibsrtp
import pytest

from mcu.rtc.srtp import Error, SrtpSession, Workspace

pytestmark = pytest.mark.unit

KEYS = {
    pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80: b"k" * 30,
    pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_128_GCM: b"k" * 28,
    pylibsrtp.Policy.SRTP_PROFILE_AEAD_AES_256_GCM: b"k" * 44,
}
RTP = bytes.fromhex("8060 0007 00000001 01020304") + b"sixteen octets, or more"
RTCP = bytes.fromhex("80c9 0001 01020304")

profiles = pytest.mark.parametrize("profile", KEYS)


def library_session(profile: int, direction: int) -> pylibsrtp.Session:
    return pylibsrtp.Session(pylibsrtp.Policy(key=KEYS[profile], ssrc_type=direction, srtp_profile=profile))


def outgoing(profile: int) -> pylibsrtp.Session:
    return library_session(profile, pylibsrtp.Policy.SSRC_ANY_OUTBOUND)


def incoming(profile: int) -> pylibsrtp.Session:
    return library_session(profile, pylibsrtp.Policy.SSRC_ANY_INBOUND)


@profiles
def test_the_library_reads_what_we_write(profile: int) -> None:
    ours, theirs = SrtpSession(outgoing(profile)), incoming(profile)
    protected = ours.protect(RTP)
    assert protected[:12] == RTP[:12]
    assert RTP[12:] not in protected
    assert theirs.unprotect(protected) == RTP
    assert theirs.unprotect_rtcp(ours.protect_rtcp(RTCP)) == RTCP


@profiles
def test_we_read_what_the_library_writes(profile: int) -> None:
    ours, theirs = SrtpSession(incoming(profile)), outgoing(profile)
    assert ours.unprotect(theirs.protect(RTP)) == RTP
    assert ours.unprotect_rtcp(theirs.protect_rtcp(RTCP)) == RTCP


@profiles
def test_packets_of_every_size_come_through_whole(profile: int) -> None:
    ours, theirs = SrtpSession(outgoing(profile)), SrtpSession(incoming(profile))
    for size in range(1450):
        packet = RTP[:2] + size.to_bytes(2) + RTP[4:12] + bytes([size % 251]) * size
        assert theirs.unprotect(ours.protect(packet)) == packet


@profiles
def test_a_run_is_the_packets_one_behind_the_other(profile: int) -> None:
    packets = [RTP[:2] + bytes([0, number]) + RTP[4:12] + bytes([number]) * 1190 for number in range(12)]
    packets[-1] = packets[-1][:500]
    run, size = SrtpSession(outgoing(profile), Workspace(12)).protect_run(packets)
    theirs = incoming(profile)
    tag = 10 if profile == pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80 else 16  # bytes, RFC 3711 and 7714
    assert size == len(packets[0]) + tag
    assert [theirs.unprotect(run[start : start + size]) for start in range(0, len(run), size)] == packets


@profiles
def test_sessions_share_a_workspace(profile: int) -> None:
    workspace = Workspace()
    ours, theirs = SrtpSession(outgoing(profile), workspace), SrtpSession(incoming(profile), workspace)
    protected = ours.protect(RTP)
    assert theirs.unprotect(protected) == RTP
    assert incoming(profile).unprotect(protected) == RTP


def test_more_than_a_run_takes_is_refused() -> None:
    profile = pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80
    packets = [RTP[:2] + bytes([0, number]) + RTP[4:] for number in range(3)]
    ours = SrtpSession(outgoing(profile), Workspace(2))
    with pytest.raises(Error):
        ours.protect_run(packets)
    assert ours.protect_run(packets[:2])


def test_forged_repeated_and_oversized_packets_are_refused() -> None:
    profile = pylibsrtp.Policy.SRTP_PROFILE_AES128_CM_SHA1_80
    protected = outgoing(profile).protect(RTP)
    ours = SrtpSession(incoming(profile))
    with pytest.raises(Error):
        ours.unprotect(protected[:-1] + bytes([protected[-1] ^ 1]))
    assert ours.unprotect(protected) == RTP
    with pytest.raises(Error):
        ours.unprotect(protected)
    with pytest.raises(Error):
        ours.unprotect(protected[:12])
    with pytest.raises(Error):
        ours.unprotect(bytes([0x80, 96]) + bytes(4000))
