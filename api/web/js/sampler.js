/** Reads the connection's statistics once a second while in the room, and keeps the last minutes. */

import { figures, pictureReport } from "./figures.js";
import { pictureOffsetMs } from "./placing.js";
import { Ring } from "./ring.js";

const PERIOD_MS = 1_000;
const KEPT = 300; // five minutes
const SLEW = 0.25; // of a new reading: one that came late must not shake the marks
const JUMP_MS = 400; // beyond this it is another stream or clock
const TYPICAL_DELAY_MS = 150; // from the room to the screen, until it is known

export class Sampler {
  ring = new Ring(KEPT);
  /** Told after each reading. */
  onSample = () => {};
  #read;
  #canvas;
  #before = null;
  #offsetMs = null;
  #timer;
  #busy = false;

  /**
   * @param {() => Promise<object[]>} read the reports; none before there is a connection
   * @param {() => {width: number, height: number}} canvas the room's picture
   */
  constructor(read, canvas) {
    this.#read = read;
    this.#canvas = canvas;
    this.#timer = setInterval(() => this.#sample(), PERIOD_MS);
    this.#sample();
  }

  /** The room's time of the picture that is on the screen now, Unix seconds. */
  pictureTimeS(clockOffsetMs) {
    const now = performance.timeOrigin + performance.now();
    return (now + (this.#offsetMs ?? clockOffsetMs - TYPICAL_DELAY_MS)) / 1000;
  }

  close() {
    clearInterval(this.#timer);
    this.onSample = () => {};
  }

  async #sample() {
    if (this.#busy) return; // a reading that takes its time is not joined by another
    this.#busy = true;
    try {
      const reports = await this.#read();
      if (!reports.length) return;
      this.ring.push(figures(reports, this.#before, this.#canvas()));
      this.#before = reports;
      this.#learn(pictureOffsetMs(pictureReport(reports)));
      this.onSample();
    } catch (error) {
      console.debug("statistics:", error.name); // the connection was just closed
    } finally {
      this.#busy = false;
    }
  }

  #learn(offsetMs) {
    if (offsetMs === null) return;
    const known = this.#offsetMs;
    const far = known === null || Math.abs(offsetMs - known) > JUMP_MS;
    this.#offsetMs = far ? offsetMs : known + (offsetMs - known) * SLEW;
  }
}
