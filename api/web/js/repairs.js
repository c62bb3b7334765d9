/** Feedback by which lost sound can be sent again (RFC 4585): browsers accept it, but do not offer it. Pure. */

/** The offer, with retransmission of sound on request wherever it has Opus. */
export function withAudioNack(sdp) {
  return sdp.replace(/^a=rtpmap:(\d+) opus\/.*(\r?\n)/gim, (line, type, end) => {
    const feedback = `a=rtcp-fb:${type} nack${end}`;
    return sdp.includes(feedback) ? line : line + feedback;
  });
}
