/** Who is here: muted, speaking, camera on or off. */

import { h, keyed, setAttribute, setText } from "../dom.js";
import { initials } from "../format.js";
import { icon, setIcon } from "../icons.js";
import { copyLink } from "./link.js";

export function people() {
  const list = h("ul", { class: "people" });
  let state = null;
  return {
    element: h("div", { class: "stack" }, h("div", {}, copyLink()), list),
    update(now) {
      state = now;
      keyed(list, now.participants, (each) => each.id, () => row(() => state));
    },
  };
}

function row(state) {
  const avatar = h("span", { class: "avatar", "aria-hidden": "true" });
  const name = h("span", { class: "person-name" });
  const note = h("span", { class: "person-note" });
  const camera = h("span", { class: "person-sign" }, icon("camera-off"));
  const sound = h("span", { class: "person-sign" });
  const words = h("span", { class: "visually-hidden" });
  const element = h("li", { class: "person" }, avatar, h("span", { class: "person-text" }, name, note), words, camera, sound);
  element.update = (person) => {
    const here = person.state === "connected";
    const speaking = here && person.speaking;
    setText(avatar, initials(person.name));
    avatar.style.setProperty("--hue", hue(person.name));
    setText(name, person.name);
    setText(note, person.id === state().id ? "You" : here ? "" : "connecting…");
    camera.hidden = !here || person.camera_on;
    sound.hidden = !here;
    setIcon(sound, person.muted ? "mic-off" : "mic");
    setAttribute(element, "data-speaking", speaking);
    setAttribute(element, "data-muted", here && person.muted);
    setText(words, here ? [person.muted ? "muted" : null, speaking ? "speaking" : null, person.camera_on ? null : "camera off"].filter(Boolean).join(", ") : "");
  };
  return element;
}

/** A colour of one's own, the same on every visit. */
function hue(name) {
  let sum = 0;
  for (const character of name) sum = (sum * 31 + character.codePointAt(0)) % 360;
  return String(sum);
}
