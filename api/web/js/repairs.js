/** Lost sound is sent again: browsers do it where both descriptions name the feedback (RFC 4585), but ask for it in none. Pure. */

/** The offer, with retransmission of sound on request wherever it has Opus. */
export function withAudioNack(sdp) {
  return sdp.replace(/^a=rtpmap:(\d+) opus\/.*(\r?\n)/gim, (line, type, end) => {
    const feedback = `a=rtcp-fb:${type} nack${end}`;
    return sdp.includes(feedback) ? line : line + feedback;
  });
}
