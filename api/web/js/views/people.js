/** Who is here: muted, speaking, camera on or off; and what can be done about each. */

import { deedsFor, marksOf } from "../deeds.js";
import { h, keyed, setAttribute, setText } from "../dom.js";
import { initials } from "../format.js";
import { icon, setIcon } from "../icons.js";
import { participant, sharers } from "../state.js";
import { copyLink } from "./link.js";
import { openMenu } from "./menu.js";

export function people({ act }) {
  const list = h("ul", { class: "people" });
  let state = null;
  return {
    element: h("div", { class: "stack" }, h("div", {}, copyLink()), list),
    update(now) {
      state = now;
      keyed(list, now.participants, (each) => each.id, ({ id }) => row(id, () => state, act));
    },
  };
}

function row(id, state, act) {
  const avatar = h("span", { class: "avatar", "aria-hidden": "true" });
  const name = h("span", { class: "person-name" });
  const note = h("span", { class: "person-note" });
  const camera = h("span", { class: "person-sign" }, icon("camera-off"));
  const sound = h("span", { class: "person-sign" });
  const words = h("span", { class: "visually-hidden" });
  const menu = () => {
    const about = participant(state(), id);
    const entries = deedsFor(about, state().id).map((deed) => ({ ...deed, act: () => act(about, deed) }));
    openMenu(more, about.name, entries);
  };
  const more = h("button", { type: "button", class: "icon-button person-more", "aria-haspopup": "menu", onclick: menu }, icon("more"));
  const text = h("span", { class: "person-text" }, name, note);
  const element = h("li", { class: "person" }, avatar, text, words, camera, sound, more);
  element.update = (person) => {
    const here = person.state === "connected";
    const speaking = here && person.speaking;
    setText(avatar, initials(person.name));
    avatar.style.setProperty("--hue", hue(person.name));
    setText(name, person.name);
    setText(note, here || person.id === state().id ? notes(state(), person) : "connecting…");
    setAttribute(more, "aria-label", `More about ${person.name}`);
    more.hidden = !here;
    camera.hidden = !here || person.camera_on;
    sound.hidden = !here;
    setIcon(sound, person.muted ? "mic-off" : "mic");
    setAttribute(element, "data-speaking", speaking);
    setAttribute(element, "data-muted", here && person.muted);
    setText(words, here ? marksOf(person).filter((mark) => !SHOWN.has(mark)).join(", ") : "");
  };
  return element;
}

const SHOWN = new Set(["pinned", "in the spotlight", "hidden from the picture", "muted for everybody"]); // in the note already

function notes(state, person) {
  const said = [
    person.id === state.id && "You",
    sharers(state).includes(person.id) && "shares a screen",
    ...marksOf(person).filter((mark) => SHOWN.has(mark)),
  ];
  const text = said.filter(Boolean).join(" · ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** A colour of one's own, the same on every visit. */
function hue(name) {
  let sum = 0;
  for (const character of name) sum = (sum * 31 + character.codePointAt(0)) % 360;
  return String(sum);
}
