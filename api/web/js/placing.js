/** Where the tiles are on the page: from the room's `tiles` event to rectangles over the picture. Pure. */

const NTP_UNIX_MS = 2_208_988_800_000; // from 1900 to 1970
const FULL = Object.freeze({ x: 0, y: 0, width: 1, height: 1 });
const SCREEN = ":screen";

/** Whose tile it is, and whether it is the camera's or the screen's. */
export function ownerOf(id) {
  return id.endsWith(SCREEN) ? { id: id.slice(0, -SCREEN.length), screen: true } : { id, screen: false };
}

/** The part of `frame` (width, height) that a picture of `picture`'s shape fills under `object-fit: contain`. */
export function contained(frame, picture) {
  if (!(picture.width > 0 && picture.height > 0)) return { x: 0, y: 0, width: frame.width, height: frame.height };
  const scale = Math.min(frame.width / picture.width, frame.height / picture.height);
  const [width, height] = [picture.width * scale, picture.height * scale];
  return { x: (frame.width - width) / 2, y: (frame.height - height) / 2, width, height };
}

/** How far a change has come at `nowS` (Unix seconds), 0 to 1; one without a duration jumps. */
export function partGone({ begins_at: beginsAt, duration }, nowS) {
  if (nowS < beginsAt) return 0;
  return duration > 0 ? Math.min(1, (nowS - beginsAt) / duration) : 1;
}

/** Slow at both ends, as the room moves its tiles: p²(3 − 2p). */
export function eased(part) {
  return part * part * (3 - 2 * part);
}

/** The rectangle on the way from `start` to `end`; `way` is an eased part. Edges move, so sizes do as well. */
export function between(start, end, way) {
  const at = (key) => start[key] + (end[key] - start[key]) * way;
  return { x: at("x"), y: at("y"), width: at("width"), height: at("height") };
}

/** All tiles of an event at `nowS`: `{id, box}` in painting order, boxes as parts of the picture. */
export function boxesAt(event, nowS) {
  const way = eased(partGone(event, nowS));
  return event.tiles.map(({ id, start, end }) => ({ id, box: between(start, end, way) }));
}

/** Whether nothing moves any more at `nowS`. */
export function isSettled(event, nowS) {
  return partGone(event, nowS) >= 1;
}

/** A box given as parts of `area`, in `area`'s own units and place. */
export function scaled({ x, y, width, height }, area) {
  return {
    x: area.x + x * area.width,
    y: area.y + y * area.height,
    width: width * area.width,
    height: height * area.height,
  };
}

/**
 * How far the picture on the page is from our clock, ms, by a statistics report of the incoming picture: it tells the
 * room's time (NTP) of what is shown at the report's own time. Null while it does not know.
 */
export function pictureOffsetMs(report) {
  const shown = report?.estimatedPlayoutTimestamp;
  if (!shown || !Number.isFinite(report.timestamp)) return null;
  return shown - NTP_UNIX_MS - report.timestamp;
}

/** The tile that one comes to from `id` with an arrow key: the nearest whose centre lies in that direction; else null. */
export function neighbour(tiles, id, key) {
  const [dx, dy] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key] ?? [0, 0];
  const from = centre(tiles.find((tile) => tile.id === id)?.box ?? FULL);
  let best = null;
  let least = Infinity;
  for (const tile of tiles) {
    const to = centre(tile.box);
    const along = (to.x - from.x) * dx + (to.y - from.y) * dy;
    const aside = Math.abs((to.x - from.x) * dy) + Math.abs((to.y - from.y) * dx);
    const distance = along + 2 * aside; // straight ahead before askew
    if (tile.id === id || along <= 1e-6 || distance >= least) continue;
    [best, least] = [tile.id, distance];
  }
  return best;
}

function centre({ x, y, width, height }) {
  return { x: x + width / 2, y: y + height / 2 };
}
