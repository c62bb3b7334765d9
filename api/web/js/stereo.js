/** Opus in stereo: browsers talk and listen in mono unless the session description asks for more (RFC 7587). Pure. */

const STEREO = ["stereo=1", "sprop-stereo=1"];

/** The offer, with stereo asked for wherever it has Opus. */
export function inStereo(sdp) {
  const opus = new Set([...sdp.matchAll(/^a=rtpmap:(\d+) opus\//gim)].map(([, type]) => type));
  return sdp.replace(/^a=fmtp:(\d+) ([^\r\n]*)/gm, (line, type, parameters) => {
    if (!opus.has(type)) return line;
    const others = parameters.split(";").filter((each) => !/^\s*(sprop-)?stereo=/.test(each));
    return `a=fmtp:${type} ${[...others, ...STEREO].join(";")}`;
  });
}
