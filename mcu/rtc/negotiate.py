"""From an offer to what is agreed on: which lines, which codecs, who sends what. Pure.

Camera is the first video line, screen the second. The mix goes out on the first line of its kind that the peer receives
on. VP8 stands first in our answer, so browsers send VP8 (cheapest to decode); H.264 is listed too, and sent by us to
whoever takes it.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from mcu.errors import BadOfferError
from mcu.media import AudioCodec, VideoCodec
from mcu.rtc.rtp import ABS_SEND_TIME_URI, AUDIO_LEVEL_URI, MID_URI
from mcu.rtc.sdp import Codec, MediaLine, Offer

_AUDIO_IN_ORDER = (AudioCodec.OPUS, AudioCodec.G722, AudioCodec.PCMU, AudioCodec.PCMA)
_AUDIO_CLOCK_HZ = {AudioCodec.OPUS: 48_000, AudioCodec.G722: 8_000, AudioCodec.PCMU: 8_000, AudioCodec.PCMA: 8_000}
_STATIC = {"0": Codec(0, "pcmu", 8_000), "8": Codec(8, "pcma", 8_000), "9": Codec(9, "g722", 8_000)}  # RFC 3551
_OPUS = {"minptime": "10", "useinbandfec": "1"}
_SPEECH = {"usedtx": "1"}  # in silence a packet every 400 ms is enough (RFC 7587, section 3.1.3)
_STEREO = {"stereo": "1", "sprop-stereo": "1", "maxaveragebitrate": "128000"}
_FEC = ("red", "ulpfec")  # the one wraps packets of the other and of media
_AUDIO_FEEDBACK = frozenset({"nack"})  # lost packets are sent again, on the same SSRC
_VIDEO_FEEDBACK = frozenset({"nack", "nack pli", "ccm fir", "goog-remb"})
_EXTENSIONS = {"audio": (MID_URI, AUDIO_LEVEL_URI), "video": (MID_URI, ABS_SEND_TIME_URI)}
_MAX_ONE_BYTE_ID = 14
_H264_PROFILES = ("42e0", "42c0", "4200", "42", "4d", "64")  # prefixes, those that fit what we send first
_FINGERPRINTS = frozenset({"sha-256", "sha-384", "sha-512"})
_ROLE_FOR_SETUP: dict[str, Literal["client", "server"]] = {"": "client", "actpass": "server", "passive": "client"}

Role = Literal["audio", "camera", "screen"]


@dataclass(frozen=True, slots=True)
class TrackInfo:
    """One track in one direction, as people are told."""

    kind: Literal["audio", "video", "screen"]
    direction: Literal["in", "out"]
    codec: str


@dataclass(frozen=True, slots=True)
class Negotiated:
    """What a peer and we agreed on."""

    audio_out: AudioCodec | None = None
    video_out: VideoCodec | None = None
    audio_in: bool = False
    camera_in: bool = False
    screen_in: bool = False
    tracks: tuple[TrackInfo, ...] = ()


@dataclass(slots=True)
class AnswerLine:
    """One line of the answer. A line without a role is rejected."""

    offered: MediaLine
    role: Role | None = None
    codecs: tuple[Codec, ...] = ()  # in the order of the answer, retransmissions included
    extensions: dict[str, int] = field(default_factory=dict)
    sends: bool = False  # we send
    receives: bool = False  # we receive
    send_codec: Codec | None = None

    @property
    def direction(self) -> str:
        """The direction attribute, seen from our side."""
        return ("inactive", "sendonly", "recvonly", "sendrecv")[self.sends + 2 * self.receives]

    def rtx_for(self, payload_type: int) -> int | None:
        """The payload type that retransmits ``payload_type``."""
        return next((c.payload_type for c in self.codecs if apt(c) == payload_type), None)


@dataclass(frozen=True, slots=True)
class Transport:
    """The one bundled transport, as the peer describes it."""

    ice_ufrag: str
    ice_pwd: str
    ice_lite: bool
    fingerprints: tuple[tuple[str, str], ...]
    dtls_role: Literal["client", "server"]  # ours


@dataclass(frozen=True, slots=True)
class Agreement:
    """An offer, answered."""

    lines: tuple[AnswerLine, ...]
    transport: Transport
    negotiated: Negotiated


def apt(codec: Codec) -> int | None:
    """The payload type that a retransmission codec stands for; None for any other codec."""
    value = codec.parameters.get("apt", "")
    return int(value) if codec.name == "rtx" and value.isdecimal() else None


def negotiate(offer: Offer, *, stereo: bool = False) -> Agreement:
    """Agree on what is possible.

    Args:
        offer: theirs.
        stereo: ask for Opus in stereo, and say that ours is (RFC 7587, section 6.1).

    Raises:
        BadOfferError: nothing is, or the transport cannot be built.
    """
    if not offer.lines:
        raise BadOfferError("the offer has no media lines")
    lines = tuple(AnswerLine(line) for line in offer.lines)
    reasons = [_accept(line, lines[:index], stereo=stereo) for index, line in enumerate(lines)]
    accepted = [line for line in lines if line.role is not None]
    if not accepted:
        raise BadOfferError("the offer has nothing for us: " + "; ".join(sorted(filter(None, set(reasons)))))
    _check_bundle(offer, accepted)
    _assign_sending(accepted)
    return Agreement(lines, _transport(offer, accepted), _negotiated(accepted))


# --- lines ------------------------------------------------------------------------------------------------------------


def _accept(line: AnswerLine, before: Sequence[AnswerLine], *, stereo: bool) -> str | None:
    """Give the line its role, or leave it rejected and say why."""
    offered = line.offered
    if offered.kind not in {"audio", "video"}:
        return f"a line of {offered.kind[:40]!r} is neither audio nor video"
    if offered.rejected:
        return f"a line of {offered.kind} is switched off"
    if not offered.protocol.endswith("TLS/RTP/SAVPF"):
        return f"media is carried over UDP/TLS/RTP/SAVPF, not {offered.protocol[:40]}"
    taken = [other.role for other in before]
    if offered.kind == "audio":
        line.codecs = _audio_codecs(offered, stereo=stereo)
        role: Role = "audio"
        free = taken.count("audio") < 2  # noqa: PLR2004 - one to send on, one to receive on
    else:
        line.codecs = _video_codecs(offered)
        role = "screen" if "camera" in taken else "camera"
        free = "screen" not in taken
    if not line.codecs:
        return f"no {offered.kind} codec in common (we speak Opus, G.722, PCMU, PCMA; VP8, H.264)"
    if not free:
        return f"one line of {offered.kind} too many"
    line.role = role
    line.extensions = {
        uri: id_ for uri in _EXTENSIONS[offered.kind] if 0 < (id_ := offered.extensions.get(uri, 0)) <= _MAX_ONE_BYTE_ID
    }
    return None


def _audio_codecs(offered: MediaLine, *, stereo: bool) -> tuple[Codec, ...]:
    codecs = [_codec(offered, format_) for format_ in offered.formats]
    for wanted in _AUDIO_IN_ORDER:
        for codec in codecs:
            if codec is not None and codec.name == wanted and codec.clock_hz == _AUDIO_CLOCK_HZ[wanted]:
                parameters = _OPUS | (_STEREO if stereo else _SPEECH) if wanted is AudioCodec.OPUS else {}
                feedback = codec.feedback & _AUDIO_FEEDBACK
                return (Codec(codec.payload_type, codec.name, codec.clock_hz, codec.channels, parameters, feedback),)
    return ()


def _video_codecs(offered: MediaLine) -> tuple[Codec, ...]:
    codecs = [codec for format_ in offered.formats if (codec := _codec(offered, format_)) is not None]
    vp8 = [codec for codec in codecs if codec.name == VideoCodec.VP8]
    h264 = sorted((codec for codec in codecs if _h264_rank(codec) is not None), key=lambda c: _h264_rank(c) or 0)
    chosen: list[Codec] = []
    for codec in [*vp8, *h264]:
        chosen.append(_answered(codec, codec.feedback & _VIDEO_FEEDBACK))
        chosen += _rtx_of(codec, codecs)
    if vp8:
        chosen += _protection(codecs)
    return tuple(chosen)


def _rtx_of(codec: Codec, codecs: Sequence[Codec]) -> Iterator[Codec]:
    yield from (_answered(rtx, frozenset()) for rtx in codecs if apt(rtx) == codec.payload_type)


def _protection(codecs: Sequence[Codec]) -> Iterator[Codec]:
    """Forward error correction, for pictures that are numbered: a lost packet of it is then seen to be no picture's."""
    offered = {codec.name: codec for codec in codecs}
    for name in _FEC if offered.keys() >= set(_FEC) else ():
        yield _answered(offered[name], frozenset())
        yield from _rtx_of(offered[name], codecs)


def _answered(codec: Codec, feedback: frozenset[str]) -> Codec:
    return Codec(codec.payload_type, codec.name, codec.clock_hz, codec.channels, dict(codec.parameters), feedback)


def _codec(offered: MediaLine, format_: str) -> Codec | None:
    return offered.codecs.get(int(format_)) or _STATIC.get(format_) if format_.isdecimal() else None


def _h264_rank(codec: Codec) -> int | None:
    """How well an H.264 flavour fits what we send (0 best); None if it does not."""
    if codec.name != VideoCodec.H264 or codec.parameters.get("packetization-mode") != "1":
        return None
    profile = codec.parameters.get("profile-level-id", "42e01f").lower()
    return next((rank for rank, prefix in enumerate(_H264_PROFILES) if profile.startswith(prefix)), None)


# --- directions -------------------------------------------------------------------------------------------------------


def _assign_sending(accepted: Sequence[AnswerLine]) -> None:
    for kind in ("audio", "video"):
        lines = [line for line in accepted if line.offered.kind == kind]
        for line in lines:
            another = any(other.receives for other in lines if other.role == line.role)
            line.receives = line.offered.sends and not another
        out = next((line for line in lines if line.offered.receives), None)
        if out is not None:
            out.sends = True
            out.send_codec = _send_codec(out.codecs)


def _send_codec(codecs: Iterable[Codec]) -> Codec:
    """H.264 for who takes it, else VP8, else (sound) the only one."""
    media = [codec for codec in codecs if codec.is_media]
    return next((codec for codec in media if codec.name == VideoCodec.H264), media[0])


def _negotiated(accepted: Sequence[AnswerLine]) -> Negotiated:
    tracks: list[TrackInfo] = []
    for line in accepted:
        kind: Literal["audio", "video"] = "audio" if line.role == "audio" else "video"
        if line.receives:
            tracks.append(TrackInfo("screen" if line.role == "screen" else kind, "in", line.codecs[0].name))
        if line.send_codec is not None:
            tracks.append(TrackInfo(kind, "out", line.send_codec.name))
    out = {track.kind: track.codec for track in tracks if track.direction == "out"}
    incoming = {line.role for line in accepted if line.receives}
    return Negotiated(
        audio_out=AudioCodec(out["audio"]) if "audio" in out else None,
        video_out=VideoCodec(out["video"]) if "video" in out else None,
        audio_in="audio" in incoming,
        camera_in="camera" in incoming,
        screen_in="screen" in incoming,
        tracks=tuple(tracks),
    )


# --- transport --------------------------------------------------------------------------------------------------------


def _check_bundle(offer: Offer, accepted: Sequence[AnswerLine]) -> None:
    mids = [line.offered.mid for line in accepted]
    if len(mids) > 1 and not set(mids) <= set(offer.bundle):
        raise BadOfferError("the offer does not bundle its media lines (a=group:BUNDLE with every a=mid)")
    if len(set(mids)) < len(mids):
        raise BadOfferError("two media lines of the offer have the same a=mid")
    if any(len(mid.encode()) > 16 or not mid.isascii() for mid in mids):  # noqa: PLR2004 - one-byte header extension
        raise BadOfferError("an a=mid of the offer is longer than 16 characters, or not ASCII")


def _transport(offer: Offer, accepted: Sequence[AnswerLine]) -> Transport:
    tagged = accepted[0].offered
    for line in offer.lines:
        if offer.bundle and line.mid == offer.bundle[0] and not line.rejected:
            tagged = line
    if not tagged.ice_ufrag or not tagged.ice_pwd:
        raise BadOfferError("the offer has no ICE credentials (a=ice-ufrag, a=ice-pwd)")
    if not any(algorithm in _FINGERPRINTS for algorithm, _ in tagged.fingerprints):
        raise BadOfferError("the offer has no certificate fingerprint (a=fingerprint with sha-256 or better)")
    if not tagged.rtcp_mux:
        raise BadOfferError("the offer does not multiplex RTP and RTCP (a=rtcp-mux)")
    role = "server" if tagged.setup == "active" else _ROLE_FOR_SETUP.get(tagged.setup)
    if role is None:
        raise BadOfferError(f"the offer has an unknown a=setup:{tagged.setup[:40]}")
    return Transport(tagged.ice_ufrag, tagged.ice_pwd, offer.ice_lite, tuple(tagged.fingerprints), role)
