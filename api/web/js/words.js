/** What goes wrong, in words for people: what happened, and what they can do. Pure. */

const OF_CODE = {
  unreachable: "The server cannot be reached. Check your connection and try again.",
  timeout: "The server takes too long to answer. Try again in a moment.",
  room_full: "This room is full. Try again when somebody has left.",
  room_not_found: "There is no such room. It has to be opened before anybody can join.",
  no_capacity_room: "The server has no capacity for another room right now. Try again later.",
  no_capacity_participant: "The server has no capacity for another participant right now. Try again when somebody has left.",
  no_capacity_recording: "The server has no capacity for another recording right now. Try again later.",
  busy: "The server is busy. Try again in a moment.",
  room_gone: "The room is just starting again. Try once more in a moment.",
  room_ending: "The room of that name is just ending. Try once more in a moment.",
  room_start_failed: "The room could not be started. Try again in a moment.",
  room_timeout: "The room does not answer. Try again in a moment.",
  recording_conflict: "This room is being recorded already.",
  recording_not_active: "This recording has been stopped already.",
  recording_not_found: "This recording is no longer there.",
  recording_not_complete: "This recording is not finished yet.",
  recording_active: "This recording is still running. Stop it first.",
  recording_not_started: "The recording could not be started: no picture came in time. Try again.",
  disk_full: "The server's disk is full, so nothing can be recorded.",
  store_failed: "The recording's store does not answer. Try again later.",
  no_media: "No connection for sound and picture could be made. A firewall may be in the way.",
};

/** A sentence for an error of `api.js`. The server's own words serve where we have no better ones. */
export function ofError(error) {
  return OF_CODE[error.code] ?? sentence(error.message || "Something went wrong.");
}

/** Begins with a capital and ends with a full stop. */
export function sentence(text) {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}

const DEVICE = { camera: "camera", microphone: "microphone" };

/** A sentence for what `getUserMedia` throws; `kind` is `camera` or `microphone`. */
export function ofDevice(kind, error) {
  const device = DEVICE[kind];
  switch (error.name) {
    case "NotAllowedError":
    case "SecurityError":
      return `Your browser does not let this page use the ${device}. Allow it beside the address, then try again.`;
    case "NotFoundError":
    case "OverconstrainedError":
      return `No ${device} was found. You can join without one.`;
    case "NotReadableError":
    case "AbortError":
      return `The ${device} is in use by another program, or does not respond.`;
    case "EndedError":
      return `The ${device} was disconnected.`;
    case "InsecureError":
      return `Browsers give the ${device} to secure pages only. Open this page with https.`;
    default:
      return `The ${device} cannot be used: ${error.message || error.name}`;
  }
}

/** What is wrong with a display name, or null. */
export function ofName(name, maxLength) {
  const length = [...name.normalize("NFC").trim()].length;
  return length > maxLength ? `A name may have ${maxLength} characters; this one has ${length}.` : null;
}

/** What is wrong with a room's name, or null. */
export function ofRoomName(name, maxLength) {
  const trimmed = name.trim();
  if (!trimmed) return "Give the room a name.";
  if (/[/\\]/.test(trimmed)) return "A room's name must not contain slashes.";
  if (trimmed === "." || trimmed === "..") return "A room's name needs more than dots.";
  return ofName(trimmed, maxLength);
}

const ENDINGS = {
  removed: ["You were removed from the room", "Somebody made you leave."],
  closed: ["The room was closed", "Everybody has left. Its recording is finished by itself."],
  empty: ["The room has ended", "Nobody was in it any more."],
};

/** Heading and text for why a call is over; reasons that are no error of `api.js` are given by name. */
export function ofEnding(reason, message) {
  return ENDINGS[reason] ?? (reason === "left" ? ["You left the room", ""] : ["The call has ended", message ?? ""]);
}

const LAYOUTS = {
  auto: "Automatic",
  grid: "Grid",
  speaker: "Speaker",
  "single-speaker": "Speaker only",
  "side-by-side": "Side by side",
  pip: "Picture in picture",
  presentation: "Presentation",
  verticalPresentation: "Presentation, people beside",
  horizontalPresentation: "Presentation, people below",
};

/** A layout's name as people read it. */
export function ofLayout(name) {
  return LAYOUTS[name] ?? name;
}

/** What the room gives up while it has too much to do; sound never. `canvas` is its picture in full. */
export function ofOverload({ level, fps, width }, canvas) {
  const given = [`${Math.round(fps)} pictures a second`];
  const size = Math.round(canvas.width / width);
  if (size > 1) given.push(size > 2 ? "a quarter of the size" : "half the size");
  if (level >= IN_TURNS) given.push("tiles refreshed in turns");
  return `The server is busy: ${given.join(", ")}.`;
}

const IN_TURNS = 5; // the last level: `docs/operations.md`

/** A recording that came to nothing. */
export function ofBroken({ status, error }) {
  const what = status === "failed" ? "The recording has failed" : "The recording could not be started";
  return error ? sentence(`${what}: ${error}`) : `${what}.`;
}

const RECORDING = {
  starting: "Starting",
  active: "Recording",
  paused: "Paused",
  ending: "Finishing",
  complete: "Ready",
  failed: "Failed",
  aborted: "Cancelled",
};

/** A recording's state as people read it. */
export function ofRecording(status) {
  return RECORDING[status] ?? status;
}
