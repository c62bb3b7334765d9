/** The room's events over a WebSocket that comes back by itself, with a growing delay, until it is closed. */

import { backoffMs } from "./backoff.js";

const SILENCE_MS = 30_000; // the server says something at least every 10 s

export class Events {
  #url;
  #onEvent;
  #onUp;
  #socket = null;
  #attempt = 0;
  #timer = 0;
  #watchdog = 0;
  #wanted = false;

  /**
   * @param {string} room
   * @param {(event: object) => void} onEvent
   * @param {(up: boolean) => void} onUp whether the server is there, at every change
   */
  constructor(room, onEvent, onUp) {
    const scheme = location.protocol === "https:" ? "wss:" : "ws:";
    this.#url = `${scheme}//${location.host}/v1/rooms/${encodeURIComponent(room)}/events`;
    this.#onEvent = onEvent;
    this.#onUp = onUp;
  }

  /** Connect, unless connected or about to be. */
  open() {
    if (this.#wanted) return;
    this.#wanted = true;
    this.#attempt = 0;
    this.#connect();
  }

  close() {
    this.#wanted = false;
    clearTimeout(this.#timer);
    this.#drop();
  }

  #connect() {
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    this.#watch();
    socket.addEventListener("message", ({ data }) => this.#heard(JSON.parse(data)));
    socket.addEventListener("close", () => {
      if (this.#socket === socket) this.#lost();
    });
  }

  #heard(event) {
    this.#watch();
    if (this.#attempt || event.type === "state") this.#onUp(true);
    this.#attempt = 0;
    if (event.type !== "heartbeat") this.#onEvent(event);
  }

  #watch() {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.#lost(), SILENCE_MS);
  }

  #lost() {
    this.#drop();
    if (!this.#wanted) return;
    this.#onUp(false);
    this.#attempt += 1;
    this.#timer = setTimeout(() => this.#connect(), backoffMs(this.#attempt));
  }

  #drop() {
    clearTimeout(this.#watchdog);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }
}
