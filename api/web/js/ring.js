/** The last `capacity` values, oldest first; what is older is forgotten. */
export class Ring {
  #capacity;
  #values = [];
  #next = 0; // where the oldest is, once full

  constructor(capacity) {
    this.#capacity = capacity;
  }

  push(value) {
    if (this.#values.length < this.#capacity) this.#values.push(value);
    else this.#values[this.#next] = value;
    this.#next = (this.#next + 1) % this.#capacity;
  }

  get values() {
    if (this.#values.length < this.#capacity) return [...this.#values];
    return [...this.#values.slice(this.#next), ...this.#values.slice(0, this.#next)];
  }

  get last() {
    return this.#values.at((this.#next || this.#values.length) - 1) ?? null;
  }
}
