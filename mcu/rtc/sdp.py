"""Reading session descriptions: an offer, or a fragment with trickled candidates (RFC 8840).

Lenient in what does not concern us, strict and clear in what we need. What comes out is plain data.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from mcu.errors import BadOfferError

MAX_CHARS = 100_000
MAX_LINES = 16  # media lines in one offer
MAX_CANDIDATES = 32  # taken from one peer; the others are ignored
DIRECTIONS = ("inactive", "sendonly", "recvonly", "sendrecv")  # bit 0: sends, bit 1: receives

_REPAIRS = frozenset({"rtx", "red", "ulpfec"})
_CREDENTIAL = re.compile(r"[!-~]{1,256}")
_MEDIA = re.compile(r"(\S+) (\d{1,5})(?:/\d+)? (\S+)((?: \S+)*)")


@dataclass(frozen=True, slots=True)
class Codec:
    """One payload type of a media line. ``name`` is in lower case."""

    payload_type: int
    name: str
    clock_hz: int
    channels: int = 1
    parameters: dict[str, str] = field(default_factory=dict)
    feedback: frozenset[str] = frozenset()

    @property
    def is_media(self) -> bool:
        """Whether it is sound or picture, not a way to make up for losses."""
        return self.name not in _REPAIRS


@dataclass(frozen=True, slots=True)
class Candidate:
    """An ICE candidate (RFC 8839)."""

    foundation: str
    component: int
    protocol: str
    priority: int
    host: str
    port: int
    type: str


@dataclass(slots=True)
class MediaLine:
    """One m= section as the offer has it."""

    kind: str
    port: int
    protocol: str
    formats: tuple[str, ...]
    mid: str = ""
    direction: str = "sendrecv"
    codecs: dict[int, Codec] = field(default_factory=dict)
    extensions: dict[str, int] = field(default_factory=dict)  # id by URI
    ice_ufrag: str = ""
    ice_pwd: str = ""
    fingerprints: list[tuple[str, str]] = field(default_factory=list)  # algorithm in lower case, value
    setup: str = ""
    rtcp_mux: bool = False
    rtcp_rsize: bool = False
    bundle_only: bool = False
    candidates: list[Candidate] = field(default_factory=list)
    end_of_candidates: bool = False
    ssrcs: list[int] = field(default_factory=list)
    rtx_of: dict[int, int] = field(default_factory=dict)  # media SSRC by the SSRC of its retransmissions

    @property
    def sends(self) -> bool:
        """Whether the peer wants to send here."""
        return bool(DIRECTIONS.index(self.direction) & 1)

    @property
    def receives(self) -> bool:
        """Whether the peer wants to receive here."""
        return bool(DIRECTIONS.index(self.direction) & 2)

    @property
    def rejected(self) -> bool:
        """Whether the offer itself has this line switched off."""
        return self.port == 0 and not self.bundle_only


@dataclass(slots=True)
class Offer:
    """A whole offer."""

    lines: list[MediaLine] = field(default_factory=list)
    bundle: tuple[str, ...] = ()
    ice_lite: bool = False


@dataclass(frozen=True, slots=True)
class Fragment:
    """Trickled candidates."""

    ufrag: str
    mids: tuple[str, ...]
    candidates: tuple[Candidate, ...]
    end_of_candidates: bool


def parse_offer(text: str) -> Offer:
    """Read an offer.

    Raises:
        BadOfferError: it is too long, no SDP, or malformed in something that we need.
    """
    if len(text) > MAX_CHARS:
        raise BadOfferError(f"the offer has {len(text)} characters, more than {MAX_CHARS}")
    if not text.startswith("v=0"):
        raise BadOfferError("the offer is no session description: it does not begin with v=0")
    offer = Offer()
    session = MediaLine("session", 0, "", ())  # what holds for all lines that say nothing of their own
    for number, line in _codecs_first(_numbered(text)):
        try:
            _read_line(offer, session, line)
        except (ValueError, IndexError) as error:
            raise BadOfferError(f"line {number} of the offer is malformed: {line[:80]!r}") from error
        if len(offer.lines) > MAX_LINES:
            raise BadOfferError(f"the offer has more than {MAX_LINES} media lines")
    for media in offer.lines:
        _inherit(media, session)
    return offer


def _numbered(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split("\n"), start=1):
        stripped = line.rstrip("\r ")
        if stripped:
            yield number, stripped


def _codecs_first(lines: Iterable[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """In each section what says which codecs there are, then what says more of them: Firefox has it the other way."""
    section, ranked = 0, []
    for number, line in lines:
        section += line.startswith("m=")
        ranked.append((section, not line.startswith(("m=", "a=rtpmap:")), number, line))
    yield from ((number, line) for *_, number, line in sorted(ranked))


def _read_line(offer: Offer, session: MediaLine, line: str) -> None:
    kind, value = line[0], line[2:]
    if line[1] != "=":
        raise ValueError("not of the form x=…")
    if kind == "m":
        match = _MEDIA.fullmatch(value)
        if match is None:
            raise ValueError("no media line")
        offer.lines.append(MediaLine(match[1], int(match[2]), match[3], tuple(match[4].split())))
    elif kind == "a":
        name, _, argument = value.partition(":")
        if name == "group" and argument.startswith("BUNDLE"):
            offer.bundle = tuple(argument.split()[1:])
        elif name == "ice-lite":
            offer.ice_lite = True
        else:
            _read_attribute(offer.lines[-1] if offer.lines else session, name, argument)


def _read_attribute(media: MediaLine, name: str, value: str) -> None:
    if name in DIRECTIONS:
        media.direction = name
    elif name in _FLAGS:
        setattr(media, _FLAGS[name], True)
    elif name in _VALUES:
        setattr(media, _VALUES[name], value)
    elif name in _READERS:
        _READERS[name](media, value)


def _read_fingerprint(media: MediaLine, value: str) -> None:
    algorithm, digest = value.split()
    media.fingerprints.append((algorithm.lower(), digest))


def _read_candidate(media: MediaLine, value: str) -> None:
    if len(media.candidates) < MAX_CANDIDATES:
        media.candidates.append(parse_candidate(value))


def _read_extension(media: MediaLine, value: str) -> None:
    id_, uri = value.split()[:2]
    media.extensions.setdefault(uri, int(id_.partition("/")[0]))


def _read_rtpmap(media: MediaLine, value: str) -> None:
    payload_type, encoding = value.split()[:2]
    name, clock, *channels = encoding.split("/")
    codec = Codec(int(payload_type), name.lower(), int(clock), int(channels[0]) if channels else 1)
    if not 0 <= codec.payload_type < 128:  # noqa: PLR2004 - seven bits
        raise ValueError("no payload type")
    media.codecs[codec.payload_type] = codec


def _read_fmtp(media: MediaLine, value: str) -> None:
    payload_type, _, parameters = value.partition(" ")
    codec = media.codecs.get(int(payload_type))
    for parameter in parameters.split(";") if codec else ():
        key, _, setting = parameter.strip().partition("=")
        codec.parameters[key.lower()] = setting  # type: ignore[union-attr]  # the loop is empty without a codec


def _read_feedback(media: MediaLine, value: str) -> None:
    payload_type, _, feedback = value.partition(" ")
    for number, codec in media.codecs.items():
        if payload_type in {"*", str(number)}:
            media.codecs[number] = Codec(
                number, codec.name, codec.clock_hz, codec.channels, codec.parameters, codec.feedback | {feedback}
            )


def _read_ssrc(media: MediaLine, value: str) -> None:
    ssrc = int(value.split(maxsplit=1)[0])
    if ssrc not in media.ssrcs:
        media.ssrcs.append(ssrc)


def _read_ssrc_group(media: MediaLine, value: str) -> None:
    semantics, *ssrcs = value.split()
    if semantics == "FID" and len(ssrcs) == 2:  # noqa: PLR2004 - a pair
        media.rtx_of[int(ssrcs[1])] = int(ssrcs[0])


_FLAGS = {
    "rtcp-mux": "rtcp_mux",
    "rtcp-rsize": "rtcp_rsize",
    "bundle-only": "bundle_only",
    "end-of-candidates": "end_of_candidates",
}
_VALUES = {"mid": "mid", "ice-ufrag": "ice_ufrag", "ice-pwd": "ice_pwd", "setup": "setup"}
_READERS = {
    "fingerprint": _read_fingerprint,
    "candidate": _read_candidate,
    "extmap": _read_extension,
    "rtpmap": _read_rtpmap,
    "fmtp": _read_fmtp,
    "rtcp-fb": _read_feedback,
    "ssrc": _read_ssrc,
    "ssrc-group": _read_ssrc_group,
}


def _inherit(media: MediaLine, session: MediaLine) -> None:
    for attribute in ("ice_ufrag", "ice_pwd", "setup"):
        setattr(media, attribute, getattr(media, attribute) or getattr(session, attribute))
    media.fingerprints = media.fingerprints or session.fingerprints
    media.candidates = media.candidates or session.candidates
    media.end_of_candidates = media.end_of_candidates or session.end_of_candidates
    for ufrag_or_pwd in (media.ice_ufrag, media.ice_pwd):
        if ufrag_or_pwd and not _CREDENTIAL.fullmatch(ufrag_or_pwd):
            raise BadOfferError("the ICE credentials hold characters that no credentials have")


def parse_candidate(value: str) -> Candidate:
    """Read what follows ``a=candidate:``; raises ``ValueError``."""
    foundation, component, protocol, priority, host, port, typ, type_ = value.split()[:8]
    if typ != "typ":
        raise ValueError("no candidate type")
    number = int(port)
    if not 0 <= number < 65536:  # noqa: PLR2004 - sixteen bits
        raise ValueError("no port")
    return Candidate(foundation, int(component), protocol.lower(), int(priority), host, number, type_)


def parse_fragment(text: str) -> Fragment:
    """Read the body of an ``application/trickle-ice-sdpfrag`` request.

    Raises:
        BadOfferError: it is too long, malformed, or holds nothing.
    """
    if len(text) > MAX_CHARS:
        raise BadOfferError(f"the fragment has {len(text)} characters, more than {MAX_CHARS}")
    ufrag, mids, candidates, ended = "", [], [], False
    for number, line in _numbered(text):
        name, _, value = line.removeprefix("a=").partition(":")
        if name == "ice-ufrag":
            ufrag = value
        elif name == "mid":
            mids.append(value)
        elif name == "end-of-candidates":
            ended = True
        elif name == "candidate":
            try:
                candidates.append(parse_candidate(value))
            except ValueError as error:
                raise BadOfferError(f"line {number} of the fragment is malformed: {line[:80]!r}") from error
    if not candidates and not ended and not ufrag:
        raise BadOfferError("the fragment holds no ICE candidate")
    return Fragment(ufrag, tuple(mids), tuple(candidates[:MAX_CANDIDATES]), ended)
