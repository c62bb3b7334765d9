/** This person's camera, microphone and screen: opened, switched, muted, closed. Problems are kept in words. */

import { ofDevice } from "./words.js";

const CAMERA = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30, max: 30 } };
const SCREEN = {
  video: { width: { max: 1920 }, height: { max: 1080 }, frameRate: { ideal: 15, max: 30 } },
  audio: false,
  selfBrowserSurface: "exclude", // the room in the room in the room
  surfaceSwitching: "include",
};
const KINDS = { camera: "videoinput", microphone: "audioinput" };

export const canShareScreen = () => Boolean(navigator.mediaDevices?.getDisplayMedia);

class Device {
  track = null;
  on = false;
  busy = false;
  problem = null;
  chosen; // device id, if somebody chose

  told() {
    return { on: this.on, busy: this.busy, problem: this.problem };
  }
}

export class Devices {
  /** Told when a track comes, goes or is replaced: `(kind, track or null)`. */
  onTrack = () => {};
  #devices = { camera: new Device(), microphone: new Device(), screen: new Device() };
  #processing;
  #music = false;
  #changed;

  /**
   * @param {{processing: boolean, camera?: string, microphone?: string}} options device ids chosen on an earlier visit
   * @param {(kind: string, device: {on: boolean, busy: boolean, problem: ?string}) => void} changed
   */
  constructor(options, changed) {
    this.#processing = options.processing;
    this.#devices.camera.chosen = options.camera;
    this.#devices.microphone.chosen = options.microphone;
    this.#changed = changed;
  }

  track(kind) {
    return this.#devices[kind].track;
  }

  isOn(kind) {
    return this.#devices[kind].on;
  }

  /** Ask for both at once (one question to the person); where that fails, for each by itself. */
  async open() {
    const kinds = ["camera", "microphone"];
    try {
      const stream = await getUserMedia({ video: this.#constraints("camera"), audio: this.#constraints("microphone") });
      this.#take("camera", stream.getVideoTracks()[0]);
      this.#take("microphone", stream.getAudioTracks()[0]);
    } catch (error) {
      const refused = error.name === "NotAllowedError";
      for (const kind of kinds) {
        if (refused && !(await isGranted(kind))) this.#fail(kind, error);
        else await this.switchOn(kind);
      }
    }
  }

  /** Camera: open it. Microphone: open it if need be, and unmute. */
  async switchOn(kind) {
    const device = this.#devices[kind];
    if (device.busy) return;
    if (kind === "microphone" && device.track) {
      device.track.enabled = true;
      device.on = true;
      this.#tell(kind);
      return;
    }
    await this.#acquire(kind, () => this.#open(kind));
  }

  /** Camera and screen: close the device, so that its light goes off. Microphone: mute, which must be quick to undo. */
  switchOff(kind) {
    const device = this.#devices[kind];
    if (device.busy) return;
    device.on = false;
    if (kind === "microphone") {
      if (device.track) device.track.enabled = false;
    } else {
      this.#drop(kind);
    }
    this.#tell(kind);
  }

  toggle(kind) {
    return this.isOn(kind) ? this.switchOff(kind) : this.switchOn(kind);
  }

  /** Use another device; it is opened unless the camera is off. */
  async choose(kind, deviceId) {
    const device = this.#devices[kind];
    device.chosen = deviceId;
    if (kind === "camera" && !device.on && !device.problem) return; // off by choice
    const muted = kind === "microphone" && device.track !== null && !device.on;
    await this.#acquire(kind, () => this.#open(kind));
    if (muted) this.switchOff(kind);
  }

  async shareScreen() {
    await this.#acquire("screen", async () => {
      const stream = await navigator.mediaDevices.getDisplayMedia(SCREEN);
      const [track] = stream.getVideoTracks();
      track.contentHint = "detail"; // sharp letters before smooth motion
      return track;
    });
  }

  /** Take the microphone as it is and in stereo, or as speech. */
  async setMusic(music) {
    if (music === this.#music) return;
    this.#music = music;
    const { track, on } = this.#devices.microphone;
    if (!track) return;
    await this.#acquire("microphone", () => this.#open("microphone")); // browsers do not change these on an open track
    if (!on) this.switchOff("microphone");
  }

  /** Devices by kind; names are known only once one of the kind has been allowed. */
  async list() {
    const all = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    const of = (kind) => all.filter((device) => device.kind === KINDS[kind] && device.deviceId);
    return { camera: of("camera"), microphone: of("microphone") };
  }

  /** The id of the device in use. */
  current(kind) {
    return this.#devices[kind].track?.getSettings().deviceId ?? this.#devices[kind].chosen;
  }

  /** Close everything. */
  close() {
    for (const kind of Object.keys(this.#devices)) {
      this.#drop(kind);
      this.#devices[kind].on = false;
      this.#tell(kind);
    }
  }

  // --- how ------------------------------------------------------------------------------------------------------------

  #constraints(kind) {
    const { chosen } = this.#devices[kind];
    const device = chosen ? { deviceId: { ideal: chosen } } : {};
    if (kind === "camera") return { ...CAMERA, ...device };
    const on = this.#processing && !this.#music;
    const channels = this.#music ? { channelCount: { ideal: 2 } } : {};
    return { echoCancellation: on, noiseSuppression: on, autoGainControl: on, ...channels, ...device };
  }

  async #open(kind) {
    const constraints = this.#constraints(kind);
    if (kind === "camera") return (await getUserMedia({ video: constraints })).getVideoTracks()[0];
    return (await getUserMedia({ audio: constraints })).getAudioTracks()[0];
  }

  async #acquire(kind, open) {
    const device = this.#devices[kind];
    if (device.busy) return;
    Object.assign(device, { busy: true, problem: null });
    this.#tell(kind);
    try {
      const before = device.track;
      const track = await open();
      before?.stop();
      this.#take(kind, track);
    } catch (error) {
      this.#fail(kind, error);
    }
  }

  #take(kind, track) {
    const device = this.#devices[kind];
    Object.assign(device, { track, on: true, busy: false, problem: null });
    track.addEventListener("ended", () => this.#ended(kind, track));
    this.onTrack(kind, track);
    this.#tell(kind);
  }

  #fail(kind, error) {
    const device = this.#devices[kind];
    device.busy = false;
    if (kind === "screen") {
      // refusing to pick a screen is no problem that has to be said
      device.problem = error.name === "NotAllowedError" ? null : "The screen cannot be shared.";
    } else {
      device.problem = ofDevice(kind, error);
    }
    device.on = device.track !== null && device.track.enabled;
    this.#tell(kind);
  }

  #drop(kind) {
    const device = this.#devices[kind];
    if (!device.track) return;
    device.track.stop();
    device.track = null;
    this.onTrack(kind, null);
  }

  /** The device was unplugged, or sharing was ended in the browser's own bar (`stop` does not come here). */
  #ended(kind, track) {
    const device = this.#devices[kind];
    if (device.track !== track) return;
    this.#drop(kind);
    device.on = false;
    device.problem = kind === "screen" ? null : ofDevice(kind, { name: "EndedError" });
    this.#tell(kind);
  }

  #tell(kind) {
    this.#changed(kind, this.#devices[kind].told());
  }
}

async function getUserMedia(constraints) {
  if (!navigator.mediaDevices) throw Object.assign(new Error("not a secure page"), { name: "InsecureError" });
  return navigator.mediaDevices.getUserMedia(constraints);
}

async function isGranted(kind) {
  try {
    return (await navigator.permissions.query({ name: kind })).state === "granted";
  } catch {
    return false; // a browser that does not say is not asked twice
  }
}
