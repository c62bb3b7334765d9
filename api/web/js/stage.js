/** The one element that plays the mix, picture and sound, and lives as long as the page. */

import { h } from "./dom.js";

export class Stage {
  element = h("video", { class: "mix", autoplay: true, playsinline: true, "aria-label": "Everybody in this room" });
  #onBlocked;

  /** @param {(blocked: boolean) => void} onBlocked whether the browser wants a gesture before it plays sound */
  constructor(onBlocked) {
    this.#onBlocked = onBlocked;
  }

  /** Whether there has been a picture of the present stream. */
  get hasPicture() {
    return this.element.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA && this.element.videoWidth > 0;
  }

  show(stream) {
    if (this.element.srcObject !== stream) this.element.srcObject = stream;
    this.#play();
  }

  /** After a gesture: sound, too. */
  unblock() {
    this.element.muted = false;
    this.#onBlocked(false);
    this.#play();
  }

  clear() {
    this.element.srcObject = null;
  }

  async #play() {
    try {
      await this.element.play();
    } catch (error) {
      if (error.name !== "NotAllowedError") return; // another stream came meanwhile
      this.element.muted = true; // pictures at least
      this.#onBlocked(true);
      this.element.play().catch((again) => console.debug("playing:", again.name));
    }
  }
}
