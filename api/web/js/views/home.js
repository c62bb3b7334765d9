/** The entrance: choose a room; what was recorded. */

import { h } from "../dom.js";
import { icon } from "../icons.js";
import { Recordings } from "../recordings.js";
import { ofError, ofRoomName } from "../words.js";
import { brand } from "./brand.js";
import { recordingList } from "./recordings.js";

export function home({ api, store, config }) {
  const recordings = new Recordings(api, store, null);
  const list = recordingList(recordings, api, { withRoom: true });
  const trouble = h("p", { class: "notice", role: "alert", hidden: true });
  store.subscribe((state) => list.update(state));
  recordings.refresh().catch((error) => {
    trouble.textContent = ofError(error);
    trouble.hidden = false;
  });
  document.title = "Tutti";
  return h(
    "div",
    { class: "home" },
    h("header", { class: "home-header" }, brand()),
    h(
      "main",
      { class: "home-main" },
      h(
        "section",
        { class: "hero" },
        h("h1", {}, "One room, one picture, one sound"),
        h("p", { class: "lead" }, "Everybody is mixed into a single stream. What you see is what is recorded."),
        roomForm(config),
      ),
      h(
        "section",
        { class: "home-recordings", "aria-labelledby": "recordings-heading" },
        h("h2", { id: "recordings-heading" }, "Recordings"),
        trouble,
        list.element,
      ),
    ),
  );
}

function roomForm(config) {
  const input = h("input", {
    id: "room-name",
    class: "input input-large",
    name: "room",
    type: "text",
    placeholder: "standup",
    autocomplete: "off",
    autocapitalize: "off",
    spellcheck: "false",
    "aria-describedby": "room-problem",
  });
  const problem = h("p", { id: "room-problem", class: "field-problem", role: "alert" });
  const submit = (event) => {
    event.preventDefault();
    const wrong = ofRoomName(input.value, config.max_name_length);
    problem.textContent = wrong ?? "";
    input.toggleAttribute("aria-invalid", Boolean(wrong));
    if (wrong) input.focus();
    else location.assign(`/r/${encodeURIComponent(input.value.trim())}`);
  };
  return h(
    "form",
    { class: "room-form", onsubmit: submit, novalidate: true },
    h("label", { class: "label", for: "room-name" }, "Name of the room"),
    h(
      "div",
      { class: "room-form-row" },
      input,
      h("button", { type: "submit", class: "button button-primary button-large" }, "Go to room", icon("arrow")),
    ),
    problem,
  );
}
