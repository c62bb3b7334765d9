/** Recordings as the page knows them: fetched, started, stopped, deleted; looked after until each is finished. */

import { isUnfinished } from "./state.js";

const POLL_MS = 2_000;

export class Recordings {
  #api;
  #store;
  #room;
  #timer = 0;
  #closed = false;

  /** @param {?string} room only those of this room; null for all */
  constructor(api, store, room) {
    this.#api = api;
    this.#store = store;
    this.#room = room;
  }

  /** Fetch the list, and again as long as anything in it is unfinished. Throws ApiError. */
  async refresh() {
    clearTimeout(this.#timer);
    try {
      const recordings = await this.#api.recordings(this.#room);
      if (!this.#closed) this.#store.dispatch({ type: "local.recordings", recordings });
    } finally {
      this.#poll();
    }
  }

  async start() {
    this.#tell(await this.#api.startRecording(this.#room));
  }

  async stop(id) {
    this.#tell(await this.#api.stopRecording(id));
  }

  async retry(id) {
    this.#tell(await this.#api.retryRecording(id));
  }

  async remove(id) {
    await this.#api.deleteRecording(id);
    this.#store.dispatch({ type: "local.recording_deleted", id });
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #tell(recording) {
    this.#store.dispatch({ type: "recording", recording });
    this.#poll();
  }

  #poll() {
    clearTimeout(this.#timer);
    if (this.#closed || !this.#store.state.recordings.items.some(isUnfinished)) return;
    const again = () => this.refresh().catch((error) => console.debug("recordings:", error.code));
    this.#timer = setTimeout(() => (document.hidden ? this.#poll() : again()), POLL_MS);
  }
}
