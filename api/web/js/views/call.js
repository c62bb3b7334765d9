/** In the room: the mix fills the page; controls below; panels beside it, or as a sheet on small screens. */

import { h, setAttribute, setText } from "../dom.js";
import { duration, timeMs } from "../format.js";
import { icon } from "../icons.js";
import { participant, runningRecording } from "../state.js";
import { Sampler } from "../sampler.js";
import { ofError, ofOverload } from "../words.js";
import { controls } from "./controls.js";
import { marks } from "./marks.js";
import { closeOrphan } from "./menu.js";
import { panel } from "./panel.js";
import { toast } from "./toasts.js";

/** @param {object} page `api`, `store`, `config`, `devices`, `stage`, `recordings`, `readStats`, `leave` */
export function call(page) {
  const { api, store, stage } = page;
  const sampler = new Sampler(page.readStats, () => store.state.canvas ?? page.config.video);
  const pictureTimeS = () => sampler.pictureTimeS(api.clockOffsetMs);
  const app = { ...page, sampler, pictureTimeS, act: (person, deed) => act(page, person, deed) };
  const parts = [overlay(app), controls(app), panel(app), marks(app)];
  const element = h(
    "div",
    { class: "call" },
    h("main", { class: "stage", "aria-label": "The room" }, stage.element, parts[3].element, parts[0].element),
    parts[2].element,
    parts[1].element,
  );
  const update = (state) => {
    for (const part of parts) part.update(state);
    closeOrphan();
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
      sampler.close();
      for (const part of parts) part.close?.();
    },
  };
}

/** Do what a menu offers about somebody (`deeds.js`); everybody sees what comes of it. */
async function act({ api, store }, { id }, { wish }) {
  const { room } = store.state;
  try {
    if (!wish) await api.remove(room, id);
    else await api.wish(room, id, wish);
  } catch (error) {
    toast(ofError(error), "error");
  }
}

/** What lies over the picture: that it is recorded, how the connection and the server are, who speaks. */
function overlay({ api, store, stage, devices, config }) {
  const elapsed = h("time", { class: "rec-time" });
  const rec = h("div", { class: "rec", hidden: true }, h("span", { class: "rec-dot" }), h("span", {}, "REC"), elapsed);
  const statusText = h("span", {});
  const status = h("div", { class: "status", hidden: true }, h("span", { class: "spinner" }), statusText);
  const overload = h("div", { class: "overload", hidden: true });
  const silenced = h("div", { class: "silenced", hidden: true }, icon("mic-off"), h("span", {}, "You are muted for everybody"));
  const stopSharing = h("button", { type: "button", class: "sharing-stop", onclick: () => devices.switchOff("screen") }, "Stop");
  const sharing = h("div", { class: "sharing", hidden: true }, icon("screen"), h("span", {}, "You are sharing your screen"), stopSharing);
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
    element: h("div", { class: "overlay" }, h("div", { class: "overlay-top" }, rec, sharing, silenced, status, overload), waiting, tap, speaking),
    tick,
    update(state) {
      rec.hidden = !runningRecording(state);
      sharing.hidden = !state.devices.screen.on;
      status.hidden = !state.status;
      setText(statusText, state.status ?? "");
      silenced.hidden = !participant(state, state.id)?.silenced;
      overload.hidden = !state.overload;
      if (state.overload) setText(overload, ofOverload(state.overload, state.canvas ?? config.video));
      tap.hidden = !state.soundBlocked;
      const speaker = participant(state, state.activeSpeaker);
      const shown = speaker?.speaking && speaker.id !== state.id;
      speaking.hidden = !shown;
      if (shown) setText(speaking, `${speaker.name} is speaking`);
      tick();
    },
  };
}
