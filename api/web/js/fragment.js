/** Trickled ICE candidates as `application/trickle-ice-sdpfrag` (RFC 8840). Pure. */

/**
 * @param {string} sdp the local description, for the credentials and the media lines
 * @param {{candidate: string, mid: string}[]} candidates
 * @param {boolean} end whether there will be no more
 */
export function fragment(sdp, candidates, end) {
  const ufrag = /^a=ice-ufrag:(.*?)\r?$/m.exec(sdp)?.[1] ?? "";
  const password = /^a=ice-pwd:(.*?)\r?$/m.exec(sdp)?.[1] ?? "";
  const sections = mediaSections(sdp);
  const lines = [`a=ice-ufrag:${ufrag}`, `a=ice-pwd:${password}`];
  const mids = [...new Set(candidates.map((candidate) => candidate.mid))];
  if (!mids.length) mids.push(sections[0]?.mid ?? "0");
  for (const mid of mids) {
    lines.push(sections.find((section) => section.mid === mid)?.line ?? "m=audio 9 UDP/TLS/RTP/SAVPF 0", `a=mid:${mid}`);
    for (const each of candidates) if (each.mid === mid) lines.push(`a=${each.candidate.replace(/^a=/, "")}`);
    if (end) lines.push("a=end-of-candidates");
  }
  return `${lines.join("\r\n")}\r\n`;
}

function mediaSections(sdp) {
  return sdp
    .split(/\r?\n(?=m=)/)
    .slice(1)
    .map((section) => ({ line: /^m=.*/.exec(section)[0].trim(), mid: /^a=mid:(.*?)\r?$/m.exec(section)?.[1] ?? "" }));
}
