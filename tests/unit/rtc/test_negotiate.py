from collections.abc import Sequence

import pytest

from mcu.errors import BadOfferError
from mcu.media import AudioCodec, VideoCodec
from mcu.rtc.answer import LocalTransport, OutgoingStream, write_answer
from mcu.rtc.negotiate import Agreement, negotiate
from mcu.rtc.rtp import ABS_SEND_TIME_URI, AUDIO_LEVEL_URI, MID_URI
from mcu.rtc.sdp import Candidate, parse_offer
from tests.unit.rtc.test_sdp import CHROMIUM, FIREFOX

pytestmark = pytest.mark.unit

HEAD = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
TRANSPORT = (
    "a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\n"
    "a=fingerprint:sha-256 AA:BB\r\na=setup:actpass\r\na=rtcp-mux\r\n"
)
VP8 = "a=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"
H264 = "a=rtpmap:98 H264/90000\r\na=fmtp:98 packetization-mode=1;profile-level-id=42e01f\r\n"
PLAIN = "UDP/TLS/RTP/SAVPF"


def _audio(mid: str, direction: str = "sendrecv", formats: str = "0", more: str = "") -> str:
    return f"m=audio 9 {PLAIN} {formats}\r\na=mid:{mid}\r\na={direction}\r\n{TRANSPORT}{more}"


def _video(mid: str, direction: str = "sendrecv", formats: str = "96 97 98", more: str = VP8 + H264) -> str:
    return f"m=video 9 {PLAIN} {formats}\r\na=mid:{mid}\r\na={direction}\r\n{TRANSPORT}{more}"


def _agree(*lines: str, bundle: Sequence[str] = ("0", "1", "2", "3")) -> Agreement:
    return negotiate(parse_offer(HEAD + f"a=group:BUNDLE {' '.join(bundle)}\r\n" + "".join(lines)))


def _directions(agreement: Agreement) -> list[tuple[str | None, str]]:
    return [(line.role, line.direction) for line in agreement.lines]


@pytest.mark.parametrize("offer", [CHROMIUM, FIREFOX])
def test_opus_is_asked_for_in_stereo_where_the_room_is(offer: str) -> None:
    (opus,) = negotiate(parse_offer(offer), stereo=True).lines[0].codecs
    wanted = {"stereo": "1", "sprop-stereo": "1", "useinbandfec": "1"}
    assert opus.parameters.items() >= wanted.items()
    assert int(opus.parameters["maxaveragebitrate"]) >= 128_000
    (mono,) = negotiate(parse_offer(offer)).lines[0].codecs
    assert not mono.parameters.keys() & {"stereo", "sprop-stereo", "maxaveragebitrate"}


def test_silence_may_be_left_out_of_speech_but_not_of_music() -> None:
    (speech,) = negotiate(parse_offer(CHROMIUM)).lines[0].codecs
    (music,) = negotiate(parse_offer(CHROMIUM), stereo=True).lines[0].codecs
    assert speech.parameters["usedtx"] == "1"
    assert "usedtx" not in music.parameters


def test_g711_has_no_stereo_to_ask_for() -> None:
    lines = HEAD + "a=group:BUNDLE 0\r\n" + _audio("0")
    (pcmu,) = negotiate(parse_offer(lines), stereo=True).lines[0].codecs
    assert (pcmu.name, pcmu.parameters) == ("pcmu", {})


def test_chromium_sends_vp8_and_gets_h264() -> None:
    agreement = negotiate(parse_offer(CHROMIUM))
    assert _directions(agreement) == [("audio", "sendrecv"), ("camera", "sendrecv"), ("screen", "recvonly")]
    camera = agreement.lines[1]
    assert [(c.payload_type, c.name) for c in camera.codecs[:4]] == [
        (96, "vp8"),
        (97, "rtx"),
        (108, "h264"),  # constrained baseline, packetization mode 1
        (109, "rtx"),
    ]
    assert 104 not in {c.payload_type for c in camera.codecs}  # packetization mode 0
    assert camera.send_codec is not None
    assert camera.send_codec.payload_type == 108
    assert camera.rtx_for(108) == 109
    assert camera.extensions == {MID_URI: 4, ABS_SEND_TIME_URI: 2}
    assert agreement.lines[0].extensions == {MID_URI: 4, AUDIO_LEVEL_URI: 1}
    assert agreement.negotiated.video_out is VideoCodec.H264
    assert agreement.negotiated.audio_out is AudioCodec.OPUS
    assert agreement.transport.dtls_role == "server"  # it leaves that to us


def test_firefox_without_h264_gets_vp8() -> None:
    agreement = negotiate(parse_offer(FIREFOX))
    assert agreement.negotiated.video_out is VideoCodec.VP8
    assert agreement.negotiated.screen_in


FEC = "a=rtpmap:35 red/90000\r\na=rtpmap:36 rtx/90000\r\na=fmtp:36 apt=35\r\na=rtpmap:37 ulpfec/90000\r\n"
PROTECTED = ["red", "rtx", "ulpfec"]


@pytest.mark.parametrize(
    ("formats", "offered", "names"),
    [
        ("35 36 37 96 97", VP8 + FEC, ["vp8", "rtx", *PROTECTED]),
        ("96 97 98 35 36 37", VP8 + H264 + FEC, ["vp8", "rtx", "h264", *PROTECTED]),
        ("98 35 36 37", H264 + FEC, ["h264"]),  # its pictures have no numbers
        ("96 97 37", VP8 + FEC, ["vp8", "rtx"]),
        ("96 97 35 36", VP8 + FEC, ["vp8", "rtx"]),
    ],
)
def test_numbered_pictures_may_be_protected(formats: str, offered: str, names: list[str]) -> None:
    line = _agree(_video("0", formats=formats, more=offered)).lines[0]
    assert [codec.name for codec in line.codecs] == names
    assert line.send_codec is not None
    assert line.send_codec.name in {"vp8", "h264"}


@pytest.mark.parametrize("offer", [CHROMIUM, FIREFOX])
def test_browsers_are_asked_to_protect_their_pictures(offer: str) -> None:
    agreement = negotiate(parse_offer(offer))
    camera = agreement.lines[1]
    assert [codec.name for codec in camera.codecs[-3:]] == PROTECTED
    red, rtx, ulpfec = camera.codecs[-3:]
    answer = write_answer(agreement, LocalTransport(1, "u", "p", [], [], "s", "c"), {})
    assert f"a=rtpmap:{red.payload_type} red/90000\r\n" in answer
    assert f"a=rtpmap:{ulpfec.payload_type} ulpfec/90000\r\n" in answer
    assert f"a=fmtp:{rtx.payload_type} apt={red.payload_type}\r\n" in answer
    assert f"a=fmtp:{red.payload_type}" not in answer


@pytest.mark.parametrize("offer", [CHROMIUM, FIREFOX])
def test_lost_pictures_can_be_asked_for_again_by_both_sides(offer: str) -> None:
    """Whatever the order in which a browser says what of its codecs."""
    _, camera, _ = negotiate(parse_offer(offer)).lines
    vp8 = camera.codecs[0]
    assert vp8.feedback == {"nack", "nack pli", "ccm fir", "goog-remb"}
    assert camera.rtx_for(vp8.payload_type) is not None


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([_audio("0"), _video("1")], [("audio", "sendrecv"), ("camera", "sendrecv")]),
        ([_audio("0", "recvonly"), _video("1", "recvonly")], [("audio", "sendonly"), ("camera", "sendonly")]),
        ([_audio("0", "sendonly"), _video("1", "sendonly")], [("audio", "recvonly"), ("camera", "recvonly")]),
        ([_video("0", "inactive"), _audio("1")], [("camera", "inactive"), ("audio", "sendrecv")]),
        ([_video("0"), _video("1")], [("camera", "sendrecv"), ("screen", "recvonly")]),
        ([_video("0"), _video("1", "recvonly")], [("camera", "sendrecv"), ("screen", "inactive")]),
        ([_video("0", "sendonly"), _video("1", "recvonly")], [("camera", "recvonly"), ("screen", "sendonly")]),
        ([_video("0"), _video("1"), _video("2")], [("camera", "sendrecv"), ("screen", "recvonly"), (None, "inactive")]),
        ([_audio("0", "sendonly"), _audio("1", "recvonly")], [("audio", "recvonly"), ("audio", "sendonly")]),
        ([_audio("0"), _audio("1")], [("audio", "sendrecv"), ("audio", "inactive")]),
    ],
)
def test_the_mix_goes_out_once_and_each_line_comes_in_once(
    lines: list[str], expected: list[tuple[str | None, str]]
) -> None:
    assert _directions(_agree(*lines)) == expected


@pytest.mark.parametrize(
    ("formats", "more", "expected"),
    [
        ("0 8 9", "", AudioCodec.G722),
        ("8 0", "", AudioCodec.PCMU),
        ("8", "", AudioCodec.PCMA),
        ("0 111", "a=rtpmap:111 opus/48000/2\r\n", AudioCodec.OPUS),
        ("0 111", "a=rtpmap:111 OPUS/48000/2\r\n", AudioCodec.OPUS),
        ("0 111", "a=rtpmap:111 speex/16000\r\n", AudioCodec.PCMU),
    ],
)
def test_sound_is_answered_in_kind(formats: str, more: str, expected: AudioCodec) -> None:
    agreement = _agree(_audio("0", formats=formats, more=more))
    assert agreement.negotiated.audio_out is expected
    assert agreement.negotiated.audio_in


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ("packetization-mode=1;profile-level-id=42e01f", VideoCodec.H264),
        ("packetization-mode=1;profile-level-id=42001f", VideoCodec.H264),
        ("packetization-mode=1;profile-level-id=640c1f", VideoCodec.H264),  # decodes baseline too
        ("packetization-mode=0;profile-level-id=42e01f", VideoCodec.VP8),
        ("profile-level-id=42e01f", VideoCodec.VP8),
        ("packetization-mode=1;profile-level-id=f4001f", VideoCodec.VP8),
    ],
)
def test_only_h264_that_we_can_send_is_sent(parameters: str, expected: VideoCodec) -> None:
    more = VP8 + f"a=rtpmap:98 H264/90000\r\na=fmtp:98 {parameters}\r\n"
    assert _agree(_video("0", more=more)).negotiated.video_out is expected


@pytest.mark.parametrize(
    ("offer", "message"),
    [
        (HEAD, "no media lines"),
        (HEAD + f"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\n{TRANSPORT}", "neither audio nor"),
        (HEAD + _video("0", formats="99", more="a=rtpmap:99 AV1/90000\r\n"), "no video codec in common"),
        (HEAD + _audio("0").replace("a=ice-ufrag:abcd\r\n", ""), "no ICE credentials"),
        (HEAD + _audio("0").replace("a=fingerprint:sha-256", "a=fingerprint:md5"), "no certificate fingerprint"),
        (HEAD + _audio("0").replace("a=rtcp-mux\r\n", ""), "rtcp-mux"),
        (HEAD + _audio("0").replace("actpass", "holdconn"), "holdconn"),
        (HEAD + _audio("0").replace(PLAIN, "RTP/AVP"), "RTP/AVP"),
        (HEAD + _audio("0").replace("m=audio 9", "m=audio 0"), "switched off"),
        (HEAD + _audio("0") + _video("1"), "does not bundle"),
        (HEAD + "a=group:BUNDLE 0\r\n" + _audio("0") + _video("0"), "same a=mid"),
        (HEAD + _audio("a-mid-that-is-far-too-long"), "16 characters"),
    ],
)
def test_offers_without_a_way_are_refused_in_words(offer: str, message: str) -> None:
    with pytest.raises(BadOfferError, match=message):
        negotiate(parse_offer(offer))


def test_a_data_channel_beside_media_is_only_rejected() -> None:
    data = f"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:1\r\n{TRANSPORT}"
    agreement = _agree(_audio("0"), data)
    assert _directions(agreement) == [("audio", "sendrecv"), (None, "inactive")]
    lines = _answer(agreement).split("\r\n")
    assert "m=application 0 UDP/DTLS/SCTP webrtc-datachannel" in lines
    assert "a=group:BUNDLE 0" in lines


def test_an_active_peer_makes_us_the_server() -> None:
    agreement = _agree(_audio("0").replace("actpass", "active"))
    assert agreement.transport.dtls_role == "server"
    assert "a=setup:passive" in _answer(agreement)


def _answer(agreement: Agreement) -> str:
    candidates = [Candidate("f", 1, "udp", 100, "192.0.2.1", 4000, "host")]
    local = LocalTransport(5, "ours", "secret", [("sha-256", "CC:DD")], candidates, "stream", "cname")
    streams = {
        line.offered.mid: OutgoingStream(11, None, "sound")
        if line.role == "audio"
        else OutgoingStream(22, 23, "picture")
        for line in agreement.lines
        if line.sends
    }
    return write_answer(agreement, local, streams)


def test_the_answer_says_what_browsers_have_to_know() -> None:
    sections = _answer(negotiate(parse_offer(CHROMIUM))).split("m=")
    session, audio, camera, screen = sections
    assert "a=group:BUNDLE 0 1 2\r\n" in session
    assert "a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1\r\n" in audio
    assert "a=setup:passive\r\n" in audio
    assert "a=candidate:f 1 udp 100 192.0.2.1 4000 typ host\r\na=end-of-candidates\r\n" in audio
    assert "a=msid:stream sound\r\n" in audio
    assert "a=msid:stream picture\r\n" in camera
    assert "a=ssrc-group:FID 22 23\r\n" in camera
    assert camera.startswith("video 9 UDP/TLS/RTP/SAVPF 96 97 108 109")
    assert "a=fmtp:96 x-google-start-bitrate=1000\r\n" in camera
    assert "a=rtcp-fb:96 nack pli\r\n" in camera
    assert "transport-cc" not in camera
    assert "a=recvonly\r\n" in screen
    assert "a=msid" not in screen
    assert "a=candidate" not in screen


def test_a_lone_line_needs_no_mid() -> None:
    agreement = _agree(_audio("x").replace("a=mid:x\r\n", ""))
    assert "BUNDLE" not in _answer(agreement)
    assert agreement.negotiated.audio_in


def test_sound_is_sent_again_for_who_offers_it() -> None:
    offered = CHROMIUM.replace("a=rtcp-fb:111 transport-cc", "a=rtcp-fb:111 transport-cc\r\na=rtcp-fb:111 nack")
    feedback = [
        next(line.codecs[0].feedback for line in negotiate(parse_offer(offer)).lines if line.role == "audio")
        for offer in (CHROMIUM, offered)
    ]
    assert feedback == [frozenset(), frozenset({"nack"})]
