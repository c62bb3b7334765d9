import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcu.errors import BadOfferError
from mcu.rtc import sdp
from mcu.rtc.sdp import Candidate, parse_fragment, parse_offer

pytestmark = pytest.mark.unit

OFFERS = Path(__file__).parent / "offers"
CHROMIUM = (OFFERS / "chromium.sdp").read_bytes().decode()
FIREFOX = (OFFERS / "firefox.sdp").read_bytes().decode()


def test_a_browsers_offer_is_read() -> None:
    offer = parse_offer(CHROMIUM)
    assert [(line.kind, line.mid, line.direction) for line in offer.lines] == [
        ("audio", "0", "sendrecv"),
        ("video", "1", "sendrecv"),
        ("video", "2", "sendonly"),
    ]
    assert offer.bundle == ("0", "1", "2")
    audio, camera, screen = offer.lines
    assert audio.ice_ufrag == camera.ice_ufrag == screen.ice_ufrag != ""
    assert audio.codecs[111].name == "opus"
    assert (audio.codecs[111].clock_hz, audio.codecs[111].channels) == (48_000, 2)
    assert audio.codecs[111].parameters == {"minptime": "10", "useinbandfec": "1"}
    assert camera.codecs[97].parameters == {"apt": "96"}
    assert "nack pli" in camera.codecs[96].feedback
    assert camera.rtx_of == {camera.ssrcs[1]: camera.ssrcs[0]}
    assert len(audio.ssrcs) == 1
    assert audio.fingerprints[0][0] == "sha-256"
    assert audio.candidates[0].protocol == "udp"


def test_bundle_only_lines_are_not_taken_for_rejected() -> None:
    offer = parse_offer(FIREFOX)
    assert [(line.port == 0, line.rejected) for line in offer.lines] == [(False, False), (True, False), (True, False)]
    assert all(line.fingerprints for line in offer.lines)  # said once, for all


def test_line_ends_and_unknown_lines_do_not_matter() -> None:
    text = "v=0\no=x\ns=-\nz=whatever\na=ice-ufrag:abcd\nm=audio 9 UDP/TLS/RTP/SAVPF 0\na=fmtp:99 x=y\na=future:thing\n"
    (line,) = parse_offer(text).lines
    assert (line.ice_ufrag, line.formats) == ("abcd", ("0",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "v=0"),
        ("hello", "v=0"),
        ("v=0\r\nx", "line 2 of the offer is malformed: 'x'"),
        ("v=0\r\nm=audio", "line 2"),
        ("v=0\r\nm=audio nine UDP/TLS/RTP/SAVPF 0", "line 2"),
        ("v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=rtpmap:0", "line 3"),
        ("v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=rtpmap:999 opus/48000", "line 3"),
        ("v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=candidate:1 1 udp 1 host", "line 3"),
        ("v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=candidate:1 1 udp 1 1.2.3.4 99999 typ host", "line 3"),
        ("v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=fingerprint:sha-256", "line 3"),
        ("v=0\r\na=ice-ufrag:a b\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0", "credentials"),
        ("v=0\r\na=ice-ufrag:\u00e9\u00e9\u00e9\u00e9\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0", "credentials"),
        ("v=0\r\n" + "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n" * 17, "more than 16 media lines"),
        ("v=0\r\n" + "a" * 200_000, "characters"),
    ],
)
def test_malformed_offers_are_refused_in_words(text: str, message: str) -> None:
    with pytest.raises(BadOfferError, match=message):
        parse_offer(text)


def test_candidates_are_bounded() -> None:
    line = "a=candidate:1 1 udp 1 192.0.2.1 1000 typ host\r\n"
    offer = parse_offer("v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n" + line * 500)
    assert len(offer.lines[0].candidates) == sdp.MAX_CANDIDATES
    assert len(parse_fragment(line * 500).candidates) == sdp.MAX_CANDIDATES


def test_a_fragment_is_read() -> None:
    fragment = parse_fragment(
        "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n"
        "a=candidate:1 1 udp 2113937151 4b2b.local 5000 typ host generation 0\r\na=end-of-candidates\r\n"
    )
    assert fragment.ufrag == "EsAw"
    assert fragment.mids == ("0",)
    assert fragment.candidates == (Candidate("1", 1, "udp", 2113937151, "4b2b.local", 5000, "host"),)
    assert fragment.end_of_candidates


@pytest.mark.parametrize("text", ["", "a=mid:0\r\n", "a=candidate:nonsense\r\n", "x" * 200_000])
def test_malformed_fragments_are_refused(text: str) -> None:
    with pytest.raises(BadOfferError):
        parse_fragment(text)


@given(st.data())
def test_nothing_but_a_bad_offer_comes_of_a_mutated_one(data: st.DataObject) -> None:
    lines = data.draw(st.sampled_from([CHROMIUM, FIREFOX])).split("\r\n")
    index = data.draw(st.integers(1, len(lines) - 1))
    how = data.draw(st.integers(0, 2))
    if how == 0:
        lines[index] = lines[index][: data.draw(st.integers(0, max(0, len(lines[index]) - 1)))]
    elif how == 1:
        lines[index] = data.draw(st.text(max_size=60))
    else:
        position = data.draw(st.integers(0, len(lines[index])))
        lines[index] = lines[index][:position] + data.draw(st.text(min_size=1, max_size=5)) + lines[index][position:]
    for parse in (parse_offer, parse_fragment):
        with contextlib.suppress(BadOfferError):
            parse("\r\n".join(lines))
