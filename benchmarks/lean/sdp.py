"""The offer of a lean participant, as a browser's: one line of sound, one of picture, all feedback."""

from benchmarks.lean.link import Link

OPUS, VP8, VP8_RTX, H264, H264_RTX = 111, 96, 97, 98, 99
AUDIO_LEVEL_ID, ABS_SEND_TIME_ID, MID_ID = 1, 2, 3
_FEEDBACK = ("nack", "nack pli", "ccm fir", "goog-remb")


def offer(link: Link, audio_ssrc: int, video_ssrc: int, *, h264: bool) -> str:
    """What is sent to the room. Without ``h264`` the mix has to come as VP8."""
    codecs = [(VP8, "VP8", VP8_RTX)] + ([(H264, "H264", H264_RTX)] if h264 else [])
    formats = " ".join(f"{media} {rtx}" for media, _, rtx in codecs)
    lines = [
        "v=0",
        "o=- 1 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0 1",
        "a=ice-lite",
        f"m=audio 9 UDP/TLS/RTP/SAVPF {OPUS}",
        "c=IN IP4 0.0.0.0",
        *link.lines(),
        "a=mid:0",
        "a=sendrecv",
        f"a=extmap:{AUDIO_LEVEL_ID} urn:ietf:params:rtp-hdrext:ssrc-audio-level",
        f"a=extmap:{MID_ID} urn:ietf:params:rtp-hdrext:sdes:mid",
        f"a=rtpmap:{OPUS} opus/48000/2",
        f"a=fmtp:{OPUS} minptime=10;useinbandfec=1",
        f"a=ssrc:{audio_ssrc} cname:lean",
        f"m=video 9 UDP/TLS/RTP/SAVPF {formats}",
        "c=IN IP4 0.0.0.0",
        *link.lines(),
        "a=mid:1",
        "a=sendrecv",
        "a=rtcp-rsize",
        f"a=extmap:{ABS_SEND_TIME_ID} http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
        f"a=extmap:{MID_ID} urn:ietf:params:rtp-hdrext:sdes:mid",
    ]
    for payload_type, name, rtx in codecs:
        lines.append(f"a=rtpmap:{payload_type} {name}/90000")
        lines += [f"a=rtcp-fb:{payload_type} {feedback}" for feedback in _FEEDBACK]
        if name == "H264":
            lines.append(
                f"a=fmtp:{payload_type} level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
            )
        lines += [f"a=rtpmap:{rtx} rtx/90000", f"a=fmtp:{rtx} apt={payload_type}"]
    lines += [f"a=ssrc:{video_ssrc} cname:lean"]
    return "\r\n".join(lines) + "\r\n"
