/**
 * One RTCPeerConnection from its offer to its end. It is negotiated once: microphone, camera and screen have their lines
 * from the start, and tracks come and go by `replaceTrack`. After a failure make a new one.
 */

import { ApiError } from "./api.js";
import { fragment } from "./fragment.js";
import { cameraLimits } from "./quality.js";
import { withAudioNack } from "./repairs.js";
import { inStereo } from "./stereo.js";

const GATHER_MS = 500; // candidates found by then go with the offer, later ones are trickled
const CONNECT_MS = 15_000;
const SCREEN_BPS = 2_500_000;
const FAREWELL_MS = 1_000;

export class Peer {
  /** Where the server keeps this participant; null until it has answered. */
  location = null;
  #api;
  #music;
  #pc;
  #senders = {};
  #onState;
  #candidates = []; // found after the offer went out
  #offered = false;
  #gathered = false;
  #connected = Promise.withResolvers ? Promise.withResolvers() : resolvers();
  #closed = false;
  #limiting = Promise.resolve(); // one change of an encoding at a time

  /**
   * @param {object} options
   * @param {RTCIceServer[]} options.iceServers
   * @param {Record<string, ?MediaStreamTrack>} options.tracks microphone, camera, screen
   * @param {boolean} options.music sound in both directions is stereo
   * @param {(stream: MediaStream) => void} options.onStream the mix, as soon as one of its tracks is there
   * @param {(state: RTCPeerConnectionState) => void} options.onState
   */
  constructor(api, { iceServers, tracks, music, onStream, onState }) {
    this.#api = api;
    this.#music = music;
    this.#onState = onState;
    this.#pc = new RTCPeerConnection({ iceServers, bundlePolicy: "max-bundle" });
    this.#addLines(tracks);
    this.#connected.promise.catch(() => {}); // told to whoever waits; nobody has to
    const mix = new MediaStream();
    this.#pc.addEventListener("track", ({ track }) => {
      mix.addTrack(track);
      onStream(mix);
    });
    this.#pc.addEventListener("icecandidate", ({ candidate }) => this.#found(candidate));
    this.#pc.addEventListener("connectionstatechange", () => this.#stateChanged());
  }

  get pc() {
    return this.#pc;
  }

  /** Our participant id. */
  get id() {
    return this.location?.split("/").pop() ?? null;
  }

  /** Offer, and take the answer. Throws ApiError. */
  async join(room, name) {
    const offer = await this.#pc.createOffer();
    const sdp = withAudioNack(this.#music ? inStereo(offer.sdp) : offer.sdp);
    await this.#pc.setLocalDescription({ type: "offer", sdp });
    await this.#gatherForAWhile();
    this.#offered = true;
    const answer = await this.#api.join(room, name, this.#pc.localDescription.sdp);
    this.location = answer.location;
    if (this.#closed) {
      this.#api.leaveUnheard(this.location);
      throw new ApiError("left");
    }
    await this.#pc.setRemoteDescription({ type: "answer", sdp: answer.sdp });
    this.#trickle();
    this.#preferScreen().catch((error) => console.debug("preferring the screen:", error.name)); // closed meanwhile
    setTimeout(() => this.abandon(new ApiError("no_media")), CONNECT_MS);
  }

  /** Resolves when media can flow; rejects with ApiError when it never will. */
  whenConnected() {
    return this.#connected.promise;
  }

  /** Stop waiting for a connection, if it does not stand yet. */
  abandon(error) {
    this.#connected.reject(error);
  }

  /** Send another track, or none, on the line of `kind`. */
  replace(kind, track) {
    return this.#senders[kind].replaceTrack(track);
  }

  /** Let the camera send what the room wants of it: `camera_wanted`, null while that is not known. */
  limitCamera(wanted) {
    this.#limiting = this.#limiting
      .then(() => this.#limit(wanted))
      .catch((error) => console.debug("limiting the camera:", error.name)); // closed meanwhile
  }

  async #limit(wanted) {
    const sender = this.#senders.camera;
    const parameters = sender.getParameters();
    if (!parameters.encodings?.length) return; // not negotiated
    const limits = cameraLimits(wanted, sender.track?.getSettings() ?? {});
    const [encoding] = parameters.encodings;
    if (Object.entries(limits).every(([key, value]) => encoding[key] === value)) return;
    Object.assign(encoding, limits);
    await sender.setParameters(parameters);
  }

  /** On a narrow line letters matter more than faces. */
  async #preferScreen() {
    const sender = this.#senders.screen;
    const parameters = sender.getParameters();
    if (!parameters.encodings?.length) return; // not negotiated
    Object.assign(parameters.encodings[0], { maxBitrate: SCREEN_BPS, priority: "high" });
    await sender.setParameters(parameters);
  }

  /** The connection's statistics, as plain objects. */
  async stats() {
    return [...(await this.#pc.getStats()).values()];
  }

  /**
   * End the connection; tells the server unless it is the one that ended it. The server hears of it before the line goes
   * down, so that it reads as a farewell, not as a loss.
   */
  async close({ tell = true, unheard = false } = {}) {
    if (this.#closed) return;
    this.#closed = true;
    this.#connected.reject(new ApiError("left"));
    if (tell && this.location && unheard) this.#api.leaveUnheard(this.location);
    else if (tell && this.location) await Promise.race([this.#farewell(), wait(FAREWELL_MS)]);
    this.#pc.close();
  }

  async #farewell() {
    try {
      await this.#api.leave(this.location);
    } catch (error) {
      console.debug("leaving:", error.code); // gone already, say
    }
  }

  // --- how ------------------------------------------------------------------------------------------------------------

  #addLines({ microphone, camera, screen }) {
    const stream = new MediaStream(); // one for all, so that the other side keeps sound and picture together
    const line = (track, kind, direction, sendEncodings) =>
      this.#pc.addTransceiver(track ?? kind, { direction, streams: [stream], sendEncodings }).sender;
    this.#senders.microphone = line(microphone, "audio", "sendrecv");
    this.#senders.camera = line(camera, "video", "sendrecv", [cameraLimits(null, camera?.getSettings() ?? {})]);
    this.#senders.screen = line(screen, "video", "sendonly");
  }

  #gatherForAWhile() {
    if (this.#pc.iceGatheringState === "complete") return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, GATHER_MS);
      this.#pc.addEventListener("icegatheringstatechange", () => {
        if (this.#pc.iceGatheringState !== "complete") return;
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #found(candidate) {
    if (!candidate) this.#gathered = true;
    else if (this.#offered && candidate.candidate) {
      this.#candidates.push({ candidate: candidate.candidate, mid: candidate.sdpMid ?? "0" });
    }
    if (this.location) this.#trickle();
  }

  #trickle() {
    const candidates = this.#candidates.splice(0);
    if (this.#closed || (!candidates.length && !this.#gathered)) return;
    const text = fragment(this.#pc.localDescription.sdp, candidates, this.#gathered);
    this.#api.trickle(this.location, text).catch((error) => console.debug("trickling:", error.code));
  }

  #stateChanged() {
    if (this.#closed) return;
    const state = this.#pc.connectionState;
    if (state === "connected") this.#connected.resolve();
    if (state === "failed" || state === "closed") this.abandon(new ApiError("no_media"));
    this.#onState(state);
  }
}

function wait(ms) {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

function resolvers() {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
}
