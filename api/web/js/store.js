import { INITIAL, reduce } from "./state.js";

/** Holds the state and tells whoever shows it: `listener(now, before)` after every change, in order. */
export class Store {
  #state = INITIAL;
  #listeners = new Set();
  #queue = [];
  #busy = false;

  get state() {
    return this.#state;
  }

  /** Actions that listeners dispatch wait until all have seen the one before. */
  dispatch = (action) => {
    this.#queue.push(action);
    if (this.#busy) return;
    this.#busy = true;
    try {
      while (this.#queue.length) this.#apply(this.#queue.shift());
    } finally {
      this.#busy = false;
    }
  };

  /** Listen; the function that comes back ends it. */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #apply(action) {
    const before = this.#state;
    this.#state = Object.freeze(reduce(before, action));
    if (this.#state !== before) for (const listener of [...this.#listeners]) listener(this.#state, before);
  }
}
