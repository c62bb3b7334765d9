"""Writing the answer. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mcu.rtc.negotiate import Agreement, AnswerLine
from mcu.rtc.sdp import Candidate, Codec

_IN_LOWER_CASE = frozenset({"opus", "rtx", "red", "ulpfec"})  # as they are registered; all others in capitals
START_KBPS = 1000
"""What a Chromium is told to begin with; left alone it begins at 300 and takes 20 s to reach 1000."""


@dataclass(frozen=True, slots=True)
class OutgoingStream:
    """What the answer says of a stream of ours."""

    ssrc: int
    rtx_ssrc: int | None
    track_id: str


@dataclass(frozen=True, slots=True)
class LocalTransport:
    """Our end of the transport."""

    session_id: int
    ice_ufrag: str
    ice_pwd: str
    fingerprints: Sequence[tuple[str, str]]  # algorithm, value
    candidates: Sequence[Candidate]
    stream_id: str  # ties our sound and our picture together
    cname: str


def write_answer(agreement: Agreement, local: LocalTransport, streams: dict[str, OutgoingStream]) -> str:
    """The answer to an offer.

    Args:
        agreement: what was agreed on.
        local: our transport.
        streams: what we send, by the mid of its line.
    """
    accepted = [line.offered.mid for line in agreement.lines if line.role is not None]
    text = [
        "v=0",
        f"o=- {local.session_id} 2 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
    ]
    if all(accepted):  # a lone line may come without a mid
        text.append("a=group:BUNDLE " + " ".join(accepted))
    text.append("a=msid-semantic: WMS *")
    with_candidates = True
    for line in agreement.lines:
        if line.role is None:
            text += _rejected(line)
        else:
            text += _accepted(line, agreement, local, streams.get(line.offered.mid))
            text += _candidates(local) if with_candidates else ()
            with_candidates = False  # bundled lines share those of the first
    return "\r\n".join(text) + "\r\n"


def _rejected(line: AnswerLine) -> Iterator[str]:
    offered = line.offered
    yield f"m={offered.kind} 0 {offered.protocol} {' '.join(offered.formats) or '0'}"
    yield "c=IN IP4 0.0.0.0"
    yield "a=inactive"
    if offered.mid:
        yield f"a=mid:{offered.mid}"


def _accepted(
    line: AnswerLine, agreement: Agreement, local: LocalTransport, stream: OutgoingStream | None
) -> Iterator[str]:
    offered = line.offered
    formats = " ".join(str(codec.payload_type) for codec in line.codecs)
    yield f"m={offered.kind} 9 UDP/TLS/RTP/SAVPF {formats}"
    yield "c=IN IP4 0.0.0.0"
    yield f"a={line.direction}"
    if offered.mid:
        yield f"a=mid:{offered.mid}"
    yield "a=rtcp:9 IN IP4 0.0.0.0"
    yield "a=rtcp-mux"
    if offered.rtcp_rsize:
        yield "a=rtcp-rsize"
    yield f"a=ice-ufrag:{local.ice_ufrag}"
    yield f"a=ice-pwd:{local.ice_pwd}"
    yield from (f"a=fingerprint:{algorithm} {value}" for algorithm, value in local.fingerprints)
    yield "a=setup:" + ("active" if agreement.transport.dtls_role == "client" else "passive")
    yield from (f"a=extmap:{id_} {uri}" for uri, id_ in line.extensions.items())
    for codec in line.codecs:
        yield from _codec(codec, video=offered.kind == "video")
    if stream is not None:
        yield from _stream(stream, local)


def _codec(codec: Codec, *, video: bool) -> Iterator[str]:
    channels = "/2" if codec.channels == 2 else ""  # noqa: PLR2004 - stereo
    name = codec.name if codec.name in _IN_LOWER_CASE else codec.name.upper()
    yield f"a=rtpmap:{codec.payload_type} {name}/{codec.clock_hz}{channels}"
    yield from (f"a=rtcp-fb:{codec.payload_type} {feedback}" for feedback in sorted(codec.feedback))
    parameters = dict(codec.parameters)
    if video and codec.is_media:
        parameters["x-google-start-bitrate"] = str(START_KBPS)
    if parameters:
        settings = ";".join(f"{key}={value}" if value else key for key, value in parameters.items())
        yield f"a=fmtp:{codec.payload_type} {settings}"


def _stream(stream: OutgoingStream, local: LocalTransport) -> Iterator[str]:
    yield f"a=msid:{local.stream_id} {stream.track_id}"
    if stream.rtx_ssrc is not None:
        yield f"a=ssrc-group:FID {stream.ssrc} {stream.rtx_ssrc}"
    for ssrc in filter(None, (stream.ssrc, stream.rtx_ssrc)):
        yield f"a=ssrc:{ssrc} cname:{local.cname}"
        yield f"a=ssrc:{ssrc} msid:{local.stream_id} {stream.track_id}"


def _candidates(local: LocalTransport) -> Iterator[str]:
    for c in local.candidates:
        yield f"a=candidate:{c.foundation} {c.component} {c.protocol} {c.priority} {c.host} {c.port} typ {c.type}"
    yield "a=end-of-candidates"
