/** What a camera has to send for what will be seen of it. Pure. */

/** Until the room has said what it wants: no more than a browser dares at its start, or it goes far below that for long. */
const UNTOLD = { width: 640, height: 360, bitrate_bps: 1_100_000 };
const FPS = 30;
const OFF_STAGE = { height: 180, fps: 5 }; // seen by nobody; enough to tell that there is a camera

/**
 * What to set on the camera's encoding.
 * @param {?{width: number, height: number, bitrate_bps: number}} wanted the participant's `camera_wanted`
 * @param {{width?: number, height?: number}} camera what it takes
 */
export function cameraLimits(wanted, camera) {
  const { width, height, bitrate_bps: maxBitrate } = wanted ?? UNTOLD;
  const isOffStage = width === 0;
  const scale = isOffStage ? camera.height / OFF_STAGE.height : Math.min(camera.width / width, camera.height / height);
  return {
    maxBitrate,
    maxFramerate: isOffStage ? OFF_STAGE.fps : FPS,
    scaleResolutionDownBy: Math.max(1, scale || 1), // never larger than it is, and whole while anything is unknown
  };
}
