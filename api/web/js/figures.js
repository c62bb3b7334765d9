/** From two readings of `getStats` to the figures of the seconds between them. Pure. */

const NOTHING = Object.freeze({});
const PARTS = { full: 1, half: 1 / 2, quarter: 1 / 4 }; // of the canvas's height
const [CAMERA_LINE, SCREEN_LINE] = ["1", "2"]; // as `peer.js` offers them, after the microphone's

/**
 * Figures of the connection; null where the browser does not say (yet).
 * @param {object[]} now reports of one `getStats`
 * @param {?object[]} before those of the reading before
 * @param {{width: number, height: number}} canvas the room's own picture
 */
export function figures(now, before, canvas) {
  const is = pick(now);
  const was = before ? pick(before) : null;
  const rate = (report, key, scale = 1) => perSecond(is[report], was?.[report], key, scale);
  return {
    atMs: is.pictureIn.timestamp ?? is.line.timestamp ?? 0,
    inBps: rate("line", "bytesReceived", 8),
    outBps: rate("line", "bytesSent", 8),
    pictureInBps: rate("pictureIn", "bytesReceived", 8),
    cameraOutBps: rate("cameraOut", "bytesSent", 8),
    screenOutBps: rate("screenOut", "bytesSent", 8),
    lossIn: lossIn(is, was),
    lossOut: is.told.length ? Math.max(...is.told.map((report) => report.fractionLost ?? 0)) : null,
    jitterMs: ms(is.soundIn.jitter),
    pictureJitterMs: ms(is.pictureIn.jitter),
    roundTripMs: ms(is.path.currentRoundTripTime),
    soundBufferMs: meanMs(is.soundIn, was?.soundIn, "jitterBufferDelay", "jitterBufferEmittedCount"),
    pictureBufferMs: meanMs(is.pictureIn, was?.pictureIn, "jitterBufferDelay", "jitterBufferEmittedCount"),
    fpsIn: is.pictureIn.framesPerSecond ?? null,
    fpsOut: is.cameraOut.framesPerSecond ?? null,
    width: is.pictureIn.frameWidth ?? null,
    height: is.pictureIn.frameHeight ?? null,
    rung: rungOf(is.pictureIn.frameHeight, canvas.height),
    rungPart: PARTS[rungOf(is.pictureIn.frameHeight, canvas.height)] ?? null,
    sentHeight: is.cameraOut.frameHeight ?? null,
    limitedBy: is.cameraOut.qualityLimitationReason ?? null,
    dropped: is.pictureIn.framesDropped ?? null,
    freezes: is.pictureIn.freezeCount ?? null,
    codecIn: codecOf(is.pictureIn, now),
    codecOut: codecOf(is.cameraOut, now),
  };
}

/** The incoming picture's report among those of one `getStats`; an empty object before there is one. */
export function pictureReport(reports) {
  return pick(reports).pictureIn;
}

/** Which of the room's three sizes a picture has: `full`, `half` or `quarter`; null while there is none. */
export function rungOf(height, canvasHeight) {
  if (!height || !canvasHeight) return null;
  const rungs = ["full", "half", "quarter"];
  return rungs[Math.min(rungs.length - 1, Math.max(0, Math.round(Math.log2(canvasHeight / height))))];
}

/** The largest value that a graph's axis has to reach: 1, 2 or 5 times a power of ten, and at least `least`. */
export function axisTop(values, least) {
  const most = Math.max(least, ...values.filter((value) => value !== null));
  const power = 10 ** Math.floor(Math.log10(most));
  return [1, 2, 5, 10].map((step) => step * power).find((top) => top >= most * 0.999);
}

function pick(reports) {
  const of = (type, kind) => reports.filter((each) => each.type === type && each.kind === kind);
  const transport = reports.find((each) => each.type === "transport");
  const isInUse = (each) => (transport ? each.id === transport.selectedCandidatePairId : each.nominated);
  const path = reports.find((each) => each.type === "candidate-pair" && isInUse(each));
  const sent = (mid) => of("outbound-rtp", "video").find((each) => each.mid === mid) ?? NOTHING;
  return {
    line: transport ?? path ?? NOTHING, // the transport's counts outlive a change of path
    path: path ?? NOTHING,
    pictureIn: of("inbound-rtp", "video")[0] ?? NOTHING,
    soundIn: of("inbound-rtp", "audio")[0] ?? NOTHING,
    cameraOut: sent(CAMERA_LINE),
    screenOut: sent(SCREEN_LINE),
    told: reports.filter((each) => each.type === "remote-inbound-rtp"),
  };
}

function perSecond(is, was, key, scale) {
  const seconds = (is?.timestamp - was?.timestamp) / 1000;
  const grown = is?.[key] - was?.[key];
  return seconds > 0 && grown >= 0 ? (grown / seconds) * scale : null;
}

/** The part of what was sent to us since that never came; late ones make up for it, so it is never below 0. */
function lossIn(is, was) {
  if (!was) return null;
  const grown = (key) => sum(is, key) - sum(was, key);
  const [lost, received] = [grown("packetsLost"), grown("packetsReceived")];
  return lost + received > 0 ? Math.max(0, lost) / (Math.max(0, lost) + received) : null;
}

const sum = ({ pictureIn, soundIn }, key) => (pictureIn[key] ?? 0) + (soundIn[key] ?? 0);

function meanMs(is, was, total, count) {
  const counted = is[count] - (was?.[count] ?? 0);
  return counted > 0 ? ((is[total] - (was?.[total] ?? 0)) / counted) * 1000 : null;
}

function ms(seconds) {
  return Number.isFinite(seconds) ? seconds * 1000 : null;
}

function codecOf(report, reports) {
  return reports.find((each) => each.id === report.codecId)?.mimeType?.split("/")[1] ?? null;
}
