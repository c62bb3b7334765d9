/** The panel beside the mix: people, layout, recordings, statistics or devices; a sheet on small screens. */

import { h, setText } from "../dom.js";
import { icon } from "../icons.js";
import { ofError } from "../words.js";
import { layoutChoice } from "./layouts.js";
import { people } from "./people.js";
import { devicePickers } from "./pickers.js";
import { recordingList } from "./recordings.js";
import { statistics } from "./stats.js";
import { toast } from "./toasts.js";

const TITLES = { people: "People", layout: "Layout", recordings: "Recordings", stats: "Statistics", settings: "Devices" };

export function panel(app) {
  const { store } = app;
  const contents = {
    people: people(app),
    layout: layoutChoice(app),
    recordings: recordingList(app.recordings, app.api, { withRoom: false }),
    stats: statistics(app),
    settings: settings(app),
  };
  const title = h("h2", { id: "panel-title" });
  const close = h(
    "button",
    { type: "button", class: "icon-button", "aria-label": "Close", onclick: () => store.dispatch({ type: "local.panel", panel: null }) },
    icon("close"),
  );
  const body = h("div", { class: "panel-body" });
  let shown = null;
  return {
    element: h("aside", { class: "panel", "aria-labelledby": "panel-title" }, h("header", { class: "panel-header" }, title, close), body),
    update(state) {
      if (state.panel && state.panel !== shown) {
        setText(title, TITLES[state.panel]);
        body.replaceChildren(contents[state.panel].element);
        contents[state.panel].opened?.();
        if (state.panel === "recordings") app.recordings.refresh().catch((error) => toast(ofError(error), "error"));
      }
      shown = state.panel;
      if (shown) contents[shown].update(state);
    },
  };
}

function settings({ devices }) {
  const pickers = devicePickers(devices);
  const keys = h(
    "p",
    { class: "hint" },
    h("kbd", {}, "m"),
    " mutes and unmutes your microphone, ",
    h("kbd", {}, "v"),
    " turns your camera off and on.",
  );
  return { element: h("div", { class: "stack" }, pickers.element, keys), opened: pickers.refresh, update() {} };
}
