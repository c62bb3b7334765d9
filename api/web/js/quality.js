/** What a camera has to send for what will be seen of it. Pure. */

const LARGE = { height: 720, bitrateBps: 1_800_000 };
const TILE = { height: 360, bitrateBps: 800_000 };
const ALONE_ON_CANVAS = 1;

/** Everybody's tile in a grid of two or more is at most half as wide as the canvas; other layouts may show one large. */
export function cameraQuality(layout, participants) {
  const tiled = layout === "grid" || layout === "bestFit" || layout === "side-by-side" || layout === "auto";
  return tiled && participants > ALONE_ON_CANVAS ? TILE : LARGE;
}

/** By how much to divide a camera of `cameraHeight` lines; never enlarges. */
export function scaleDownBy(cameraHeight, quality) {
  return Math.max(1, (cameraHeight || quality.height) / quality.height);
}
