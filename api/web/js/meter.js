/** How loud a microphone is, for a meter. */

const FLOOR_DB = -60;

export class Meter {
  #context = null;
  #source = null;
  #analyser = null;
  #samples = null;
  #timer = 0;
  #onLevel;

  /** @param {(level: number) => void} onLevel about 20 times a second, 0 (silence) to 1 (full scale) */
  constructor(onLevel) {
    this.#onLevel = onLevel;
  }

  /** Measure `track` from now on; null for none. */
  listen(track) {
    this.#source?.disconnect();
    this.#source = null;
    clearInterval(this.#timer);
    this.#onLevel(0);
    if (!track) return;
    this.#prepare();
    this.#source = this.#context.createMediaStreamSource(new MediaStream([track]));
    this.#source.connect(this.#analyser);
    this.#timer = setInterval(() => this.#onLevel(this.#level()), 50);
  }

  close() {
    this.listen(null);
    this.#context?.close();
    this.#context = null;
  }

  #prepare() {
    if (this.#context) return;
    this.#context = new AudioContext();
    this.#analyser = this.#context.createAnalyser();
    this.#analyser.fftSize = 2048;
    this.#samples = new Float32Array(this.#analyser.fftSize);
    const context = this.#context;
    const wake = () => context.state === "suspended" && context.resume();
    for (const gesture of ["pointerdown", "keydown"]) addEventListener(gesture, wake, { once: true, passive: true });
  }

  #level() {
    this.#analyser.getFloatTimeDomainData(this.#samples);
    let sum = 0;
    for (const sample of this.#samples) sum += sample * sample;
    const db = 10 * Math.log10(sum / this.#samples.length + 1e-12);
    return Math.min(1, Math.max(0, 1 - db / FLOOR_DB));
  }
}
