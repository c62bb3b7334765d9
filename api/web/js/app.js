/** The page: reads its address, puts the parts together, and shows the view that the state asks for. */

import { Api } from "./api.js";
import { h } from "./dom.js";
import { installKeys } from "./keys.js";
import { Devices } from "./media.js";
import { remembered } from "./prefs.js";
import { Recordings } from "./recordings.js";
import { Session } from "./session.js";
import { Stage } from "./stage.js";
import { brokenRecording } from "./state.js";
import { Store } from "./store.js";
import { announce } from "./views/announcer.js";
import { brand } from "./views/brand.js";
import { call } from "./views/call.js";
import { ended } from "./views/ended.js";
import { home } from "./views/home.js";
import { lobby } from "./views/lobby.js";
import { toast } from "./views/toasts.js";
import { ofBroken, ofError } from "./words.js";

const root = document.getElementById("app");
const api = new Api();
const store = new Store();
const parameters = new URLSearchParams(location.search);
let session = null;

/** For tests and the curious: what the page knows and how its connection does. Read only. */
window.tutti = Object.freeze({
  get pc() {
    return session?.peer?.pc ?? null;
  },
  get state() {
    return store.state;
  },
  stats: async () => (await session?.peer?.stats()) ?? [],
});

start();

async function start() {
  let config;
  try {
    config = await api.config();
  } catch (error) {
    root.replaceChildren(unavailable(error));
    return;
  }
  const room = roomOf(location.pathname);
  if (room === null) root.replaceChildren(home({ api, store, config }));
  else enter(room, config);
}

/** The room's name in a path such as `/r/standup`; null for the start page. */
function roomOf(path) {
  const name = /^\/r\/([^/]+)\/?$/.exec(path)?.[1];
  return name ? decodeURIComponent(name).normalize("NFC").trim() : null;
}

function enter(room, config) {
  store.dispatch({ type: "local.room", room, name: parameters.get("name") ?? remembered("name") ?? "" });
  const devices = openDevices();
  const app = {
    api,
    store,
    config,
    devices,
    stage: new Stage((blocked) => store.dispatch({ type: "local.sound", blocked })),
    recordings: new Recordings(api, store, room),
    readStats: async () => (await session?.peer?.stats()) ?? [],
    leave: () => session?.leave(),
  };
  const join = (name) => {
    store.dispatch({ type: "local.name", name });
    session = new Session({ api, store, devices, onStream: (stream) => app.stage.show(stream) });
    session.join();
  };
  showViews(app, join);
  announce(store);
  installKeys(store, devices);
  tellProblems();
  store.subscribe((now, before) => {
    if (now.phase === "ended" && before.phase !== "ended") release(app);
  });
  addEventListener("pagehide", () => session?.vanish());
  addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
  openFor(room, devices).then(() => parameters.get("autojoin") === "1" && join(store.state.name));
}

/** Open camera and microphone, the latter as the room wants it. */
async function openFor(room, devices) {
  const music = await api.isForMusic(room).catch(() => false); // joining will say what is wrong
  await devices.setMusic(music);
  await devices.open();
}

function openDevices() {
  const options = {
    processing: parameters.get("echo") !== "0",
    camera: remembered("camera") ?? undefined,
    microphone: remembered("microphone") ?? undefined,
  };
  return new Devices(options, (kind, device) => store.dispatch({ type: "local.device", kind, device }));
}

function release({ devices, stage }) {
  devices.close();
  stage.clear();
}

function viewOf(phase) {
  if (phase === "joined" || phase === "reconnecting") return "call";
  return phase === "ended" ? "ended" : "lobby";
}

function showViews(app, join) {
  const make = { lobby: () => lobby(app, join), call: () => call(app), ended: () => ended(app) };
  let name = null;
  let view = null;
  const show = (state) => {
    if (viewOf(state.phase) === name) return;
    name = viewOf(state.phase);
    view?.close();
    view = make[name]();
    root.replaceChildren(view.element);
    view.element.querySelector("h1[tabindex]")?.focus();
  };
  show(store.state);
  store.subscribe(show);
}

/** In the lobby problems stand beside the preview; in the room they come up once. */
function tellProblems() {
  store.subscribe((now, before) => {
    if (viewOf(now.phase) !== "call") return;
    const broken = brokenRecording(now, before);
    if (broken) toast(ofBroken(broken), "error");
    for (const [kind, { problem }] of Object.entries(now.devices)) {
      if (problem && problem !== before.devices[kind].problem) toast(problem, "error");
    }
  });
}

function unavailable(error) {
  return h(
    "div",
    { class: "home" },
    h("header", { class: "home-header" }, brand()),
    h(
      "main",
      { class: "home-main" },
      h(
        "section",
        { class: "hero", role: "alert" },
        h("h1", {}, "Tutti does not answer"),
        h("p", { class: "lead" }, ofError(error)),
        h("button", { type: "button", class: "button button-primary button-large", onclick: () => location.reload() }, "Try again"),
      ),
    ),
  );
}
