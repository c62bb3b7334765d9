/** After the call: why it is over, the way back, and what was recorded. */

import { h } from "../dom.js";
import { ofEnding } from "../words.js";
import { brand } from "./brand.js";
import { recordingList } from "./recordings.js";

export function ended({ api, store, recordings }) {
  const { ending, room } = store.state;
  const [heading, text] = ofEnding(ending.reason, ending.message);
  const list = recordingList(recordings, api, { withRoom: false });
  const section = h("section", { class: "home-recordings" }, h("h2", {}, `Recordings of ${room}`), list.element);
  const update = (state) => {
    list.update(state);
    section.hidden = state.recordings.items.length === 0;
  };
  const unsubscribe = store.subscribe(update);
  update(store.state);
  recordings.refresh().catch((error) => console.debug("recordings:", error.code)); // they are not why one is here
  document.title = `${room} – Tutti`;
  return {
    element: h(
      "div",
      { class: "home" },
      h("header", { class: "home-header" }, brand()),
      h(
        "main",
        { class: "home-main" },
        h(
          "section",
          { class: "hero" },
          h("h1", { tabindex: -1 }, heading),
          text ? h("p", { class: "lead" }, text) : null,
          h(
            "div",
            { class: "button-row" },
            h("a", { class: "button button-primary button-large", href: `/r/${encodeURIComponent(room)}` }, "Join again"),
            h("a", { class: "button button-large", href: "/" }, "To the start page"),
          ),
        ),
        section,
      ),
    ),
    close: unsubscribe,
  };
}
