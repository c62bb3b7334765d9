/** What a camera has to send for what will be seen of it. Pure. */

const LARGE = { height: 720, bitrateBps: 1_800_000 };
const TILE = { height: 360, bitrateBps: 800_000 };
const ALONE_ON_CANVAS = 1;
const ENLARGED = 1.2; // by as much a camera may be stretched before it has to send more

/**
 * By the height of one's own tile, in lines of the room's picture; 0 for no tile. While that is not known: everybody's tile
 * in a grid of two or more is at most half as wide as the canvas; other layouts may show one large.
 */
export function cameraQuality(layout, participants, tileLines = null) {
  if (tileLines !== null) return tileLines > ENLARGED * TILE.height ? LARGE : TILE;
  const tiled = layout === "grid" || layout === "bestFit" || layout === "side-by-side" || layout === "auto";
  return tiled && participants > ALONE_ON_CANVAS ? TILE : LARGE;
}

/** How many lines of the room's picture somebody's camera has; 0 if it is not in it, null while that is not known. */
export function tileLines({ tiles, canvas }, id) {
  if (!tiles || !canvas) return null;
  const tile = tiles.tiles.find((each) => each.id === id);
  return tile ? tile.end.height * canvas.height : 0;
}

/** By how much to divide a camera of `cameraHeight` lines; never enlarges. */
export function scaleDownBy(cameraHeight, quality) {
  return Math.max(1, (cameraHeight || quality.height) / quality.height);
}
