/** In the room: the mix fills the page; controls below; panels beside it, or as a sheet on small screens. */

import { h, setAttribute, setText } from "../dom.js";
import { duration, timeMs } from "../format.js";
import { icon } from "../icons.js";
import { participant, runningRecording } from "../state.js";
import { controls } from "./controls.js";
import { panel } from "./panel.js";

/** @param {object} app `api`, `store`, `config`, `devices`, `stage`, `recordings`, `leave` */
export function call(app) {
  const { store, stage } = app;
  const parts = [overlay(app), controls(app), panel(app)];
  const element = h(
    "div",
    { class: "call" },
    h("main", { class: "stage", "aria-label": "The room" }, stage.element, parts[0].element),
    parts[2].element,
    parts[1].element,
  );
  const update = (state) => {
    for (const part of parts) part.update(state);
    const recording = runningRecording(state);
    setAttribute(element, "data-recording", Boolean(recording));
    setAttribute(element, "data-phase", state.phase);
    setAttribute(element, "data-panel", state.panel);
    document.title = `${recording ? "● REC " : ""}${state.room} – Tutti`;
  };
  update(store.state);
  const unsubscribe = store.subscribe(update);
  const timer = setInterval(() => parts[0].tick(), 250);
  return {
    element,
    close() {
      unsubscribe();
      clearInterval(timer);
      for (const part of parts) part.close?.();
    },
  };
}

/** What lies over the picture: that it is recorded, how the connection is, who speaks. */
function overlay({ api, store, stage }) {
  const elapsed = h("time", { class: "rec-time" });
  const rec = h("div", { class: "rec", hidden: true }, h("span", { class: "rec-dot" }), h("span", {}, "REC"), elapsed);
  const statusText = h("span", {});
  const status = h("div", { class: "status", hidden: true }, h("span", { class: "spinner" }), statusText);
  const waiting = h("div", { class: "waiting" }, h("span", { class: "spinner spinner-large" }), h("p", {}, "Waiting for the picture…"));
  const tap = h(
    "button",
    { type: "button", class: "button button-primary button-large tap", hidden: true, onclick: () => stage.unblock() },
    icon("sound"),
    "Tap to hear",
  );
  const speaking = h("p", { class: "speaking", hidden: true });
  const tick = () => {
    waiting.hidden = stage.hasPicture;
    const since = timeMs(runningRecording(store.state)?.started_at);
    setText(elapsed, since ? duration((Date.now() + api.clockOffsetMs - since) / 1000) : "");
  };
  return {
    element: h("div", { class: "overlay" }, h("div", { class: "overlay-top" }, rec, status), waiting, tap, speaking),
    tick,
    update(state) {
      rec.hidden = !runningRecording(state);
      status.hidden = !state.status;
      setText(statusText, state.status ?? "");
      tap.hidden = !state.soundBlocked;
      const speaker = participant(state, state.activeSpeaker);
      const shown = speaker?.speaking && speaker.id !== state.id;
      speaking.hidden = !shown;
      if (shown) setText(speaking, `${speaker.name} is speaking`);
      tick();
    },
  };
}
