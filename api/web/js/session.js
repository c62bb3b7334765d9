/** Being in a room: the connection, the room's events, and coming back when either is lost. Devices stay open. */

import { backoffMs } from "./backoff.js";
import { Events } from "./events.js";
import { Peer } from "./peer.js";
import { participant } from "./state.js";
import { ofError } from "./words.js";

const PATIENCE_MS = 5_000; // a connection that stalls for longer is made anew
const FINAL = new Set(["bad_offer", "invalid_name", "room_not_found", "unsupported_media_type"]);
const OVER = new Set(["closed", "empty"]); // endings of a room after which nobody comes back by themselves

export class Session {
  #api;
  #store;
  #devices;
  #onStream;
  #events;
  #peer = null;
  #over = false;
  #rejoining = false;
  #stalled = 0; // timer
  #hurry = () => {}; // ends the present wait
  #unsubscribe;

  /** @param {(stream: MediaStream) => void} onStream gets the mix, again after every reconnection */
  constructor({ api, store, devices, onStream }) {
    this.#api = api;
    this.#store = store;
    this.#devices = devices;
    this.#onStream = onStream;
    this.#events = new Events(store.state.room, (event) => this.#heard(event), (up) => this.#serverIs(up));
    devices.onTrack = (kind, track) => this.#send(kind, track);
    this.#unsubscribe = store.subscribe((now, before) => {
      if (participant(now, now.id) !== participant(before, before.id)) this.#limitCamera();
    });
    addEventListener("online", this.#online);
  }

  get peer() {
    return this.#peer;
  }

  /** The first attempt: what fails is told in words, and it is over. */
  async join() {
    const { dispatch } = this.#store;
    dispatch({ type: "local.joining" });
    try {
      await this.#place();
    } catch (error) {
      this.#finish();
      dispatch({ type: "local.refused", problem: ofError(error) });
      return;
    }
    this.#peer.whenConnected().catch((error) => this.#rejoin(ofError(error)));
  }

  leave() {
    this.#end("left");
  }

  /** The page goes away. */
  vanish() {
    this.#over = true;
    this.#peer?.close({ unheard: true });
  }

  // --- the connection -------------------------------------------------------------------------------------------------

  async #place() {
    this.#peer?.close();
    const { room, name } = this.#store.state;
    const { ice_servers: iceServers } = await this.#api.config(); // anew: TURN credentials expire
    const music = await this.#api.isForMusic(room);
    await this.#devices.setMusic(music);
    if (this.#over) return;
    const tracks = Object.fromEntries(
      ["microphone", "camera", "screen"].map((kind) => [kind, this.#devices.track(kind)]),
    );
    const peer = new Peer(this.#api, {
      iceServers: iceServers.map(withoutNulls),
      tracks,
      music,
      onStream: this.#onStream,
      onState: (state) => this.#peer === peer && this.#mediaIs(state),
    });
    this.#peer = peer;
    try {
      await peer.join(room, name || "Guest");
    } catch (error) {
      peer.close();
      throw error;
    }
    this.#store.dispatch({ type: "local.placed", id: peer.id });
    this.#events.open();
  }

  #mediaIs(state) {
    clearTimeout(this.#stalled);
    if (this.#over || this.#rejoining) return;
    if (state === "connected") {
      this.#store.dispatch({ type: "local.connected" });
      this.#limitCamera();
    } else if (state === "disconnected") {
      this.#store.dispatch({ type: "local.status", status: "The connection is unstable…" });
      this.#stalled = setTimeout(() => this.#rejoin("The connection was lost."), PATIENCE_MS);
    } else if (state === "failed") {
      this.#rejoin("The connection was lost.");
    }
  }

  async #rejoin(why) {
    if (this.#over || this.#rejoining) return;
    this.#rejoining = true;
    clearTimeout(this.#stalled);
    let words = why;
    for (let attempt = 0; !this.#over; attempt += 1) {
      this.#store.dispatch({ type: "local.reconnecting", status: `${words} Reconnecting…` });
      await this.#pause(backoffMs(attempt));
      if (this.#over) break;
      try {
        await this.#place();
        await this.#peer.whenConnected();
        this.#rejoining = false;
        this.#store.dispatch({ type: "local.connected" });
        this.#limitCamera();
        return;
      } catch (error) {
        if (this.#over) break;
        words = error.code === "left" ? why : ofError(error).replace(/ (Check|Try) .*$/, "");
        if (FINAL.has(error.code)) this.#end("failed", ofError(error));
      }
    }
    this.#rejoining = false;
  }

  #pause(ms) {
    return new Promise((resolve) => {
      this.#hurry = resolve;
      setTimeout(resolve, ms);
    });
  }

  #online = () => this.#hurry();

  #send(kind, track) {
    this.#peer
      ?.replace(kind, track)
      .then(() => this.#limitCamera())
      .catch((error) => console.debug("replacing a track:", error.name)); // closed meanwhile
  }

  #limitCamera() {
    const { state } = this.#store;
    this.#peer?.limitCamera(participant(state, state.id)?.camera_wanted ?? null);
  }

  // --- the room's events ----------------------------------------------------------------------------------------------

  #heard(event) {
    const { dispatch, state } = this.#store;
    dispatch(event);
    if (event.type === "room_lost") {
      this.#peer?.abandon(Object.assign(new Error("room lost"), { code: "room_gone" }));
      this.#peer?.close({ tell: false });
      this.#rejoin("The room had to start again.");
    } else if (event.type === "room_ending") {
      if (OVER.has(event.reason)) this.#end(event.reason);
      else this.#rejoin("The room had to end.");
    } else if (event.type === "participant_left" && event.participant_id === state.id) {
      if (event.reason === "timeout" || event.reason === "failed") this.#rejoin("The connection was lost.");
      else this.#end(event.reason === "closed" ? "closed" : "removed");
    } else if (event.type === "state") {
      this.#check(state.id, event);
    }
  }

  /** A whole state without us means that the room is another one; ask again, as it may be older than our place in it. */
  async #check(id, { participants }) {
    if (!id || participants.some((each) => each.id === id)) return;
    try {
      const now = await this.#api.participants(this.#store.state.room);
      const { state } = this.#store;
      if (state.id === id && !now.some((each) => each.id === id)) this.#rejoin("The room had to start again.");
    } catch (error) {
      console.debug("checking who is here:", error.code); // the next state will be checked
    }
  }

  #serverIs(up) {
    const { dispatch, state } = this.#store;
    if (this.#over || state.phase !== "joined") return;
    if (up) {
      if (state.status === AWAY) dispatch({ type: "local.status", status: null });
    } else if (this.#peer.pc.connectionState === "connected") {
      dispatch({ type: "local.status", status: AWAY });
    }
  }

  // --- the end --------------------------------------------------------------------------------------------------------

  #end(reason, message) {
    if (this.#over) return;
    this.#finish();
    this.#store.dispatch({ type: "local.ended", reason, message });
  }

  #finish() {
    this.#over = true;
    clearTimeout(this.#stalled);
    this.#hurry();
    this.#unsubscribe();
    this.#events.close();
    this.#peer?.close();
    this.#devices.onTrack = () => {};
    removeEventListener("online", this.#online);
  }
}

const AWAY = "The server does not answer. Your call goes on; reconnecting…";

function withoutNulls(server) {
  return Object.fromEntries(Object.entries(server).filter(([, value]) => value !== null));
}
