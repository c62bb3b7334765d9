/** The bar of buttons. On small screens the rarer ones move behind "More". */

import { h, setAttribute, setText } from "../dom.js";
import { setIcon } from "../icons.js";
import { canShareScreen } from "../media.js";
import { runningRecording } from "../state.js";
import { ofError } from "../words.js";
import { toast } from "./toasts.js";

export function controls(app) {
  const { store, devices } = app;
  const parts = [
    microphoneButton(devices),
    cameraButton(devices),
    ...(canShareScreen() && app.config.features?.screen !== false ? [screenButton(devices)] : []),
    recordButton(app),
    panelButton(store, "people", "people", "People"),
    panelButton(store, "layout", "layout", "Layout"),
    panelButton(store, "recordings", "film", "Recordings"),
    panelButton(store, "stats", "graph", "Statistics"),
    panelButton(store, "settings", "settings", "Devices"),
  ];
  const leave = control({ name: "leave", label: "Leave", onclick: app.leave });
  setIcon(leave.icon, "leave");
  const room = h("span", { class: "bar-room" }, store.state.room);
  const extra = h("div", { class: "bar-extra", id: "more-controls" });
  const more = control({ name: "more", label: "More", onclick: () => toggleMore() });
  setIcon(more.icon, "more");
  setAttribute(more.element, "aria-controls", extra.id);
  setAttribute(more.element, "aria-expanded", "false");
  const toggleMore = (open = !extra.classList.contains("open")) => {
    extra.classList.toggle("open", open);
    setAttribute(more.element, "aria-expanded", String(open));
  };
  extra.addEventListener("click", () => toggleMore(false));
  const closeMore = (event) => {
    const outside = event.type === "keydown" ? event.key === "Escape" : !element.contains(event.target);
    if (outside) toggleMore(false);
  };
  extra.append(...parts.filter((part) => part.rare).map((part) => part.element));
  const often = (names) => parts.filter((part) => names.includes(part.name)).map((part) => part.element);
  const element = h(
    "footer",
    { class: "bar", role: "toolbar", "aria-label": "Controls" },
    room,
    h("div", { class: "bar-main" }, often(["microphone", "camera", "record"])),
    h("div", { class: "bar-side" }, often(["people"]), extra, more.element, leave.element),
  );
  for (const type of ["pointerdown", "keydown"]) addEventListener(type, closeMore);
  return {
    element,
    update(state) {
      for (const part of parts) part.update(state);
    },
    close() {
      for (const type of ["pointerdown", "keydown"]) removeEventListener(type, closeMore);
    },
  };
}

/** One button: icon above a short label; `describe` renames it for screen readers and tooltips. */
function control({ name, label, onclick, key, rare = false }) {
  const holder = h("span", { class: "control-icon" });
  const text = h("span", { class: "control-label" }, label);
  const element = h("button", { type: "button", class: `control control-${name}`, "data-control": name, onclick }, holder, text);
  const describe = (words) => {
    setAttribute(element, "aria-label", words);
    setAttribute(element, "title", key ? `${words} (${key})` : words);
  };
  describe(label);
  return { name, rare, element, icon: holder, text, describe };
}

function microphoneButton(devices) {
  const part = control({ name: "microphone", label: "Mute", key: "m", onclick: () => devices.toggle("microphone") });
  return {
    ...part,
    update({ devices: { microphone } }) {
      setIcon(part.icon, microphone.on ? "mic" : "mic-off");
      part.element.classList.toggle("off", !microphone.on);
      part.element.disabled = microphone.busy;
      setText(part.text, microphone.on ? "Mute" : "Unmute");
      part.describe(microphone.on ? "Mute microphone" : "Unmute microphone");
    },
  };
}

function cameraButton(devices) {
  const part = control({ name: "camera", label: "Camera", key: "v", onclick: () => devices.toggle("camera") });
  return {
    ...part,
    update({ devices: { camera } }) {
      setIcon(part.icon, camera.on ? "camera" : "camera-off");
      part.element.classList.toggle("off", !camera.on);
      part.element.disabled = camera.busy;
      part.describe(camera.on ? "Turn camera off" : "Turn camera on");
    },
  };
}

function screenButton(devices) {
  const onclick = () => (devices.isOn("screen") ? devices.switchOff("screen") : devices.shareScreen());
  const part = control({ name: "screen", label: "Share", onclick, rare: true });
  return {
    ...part,
    update({ devices: { screen } }) {
      setIcon(part.icon, screen.on ? "screen-off" : "screen");
      part.element.classList.toggle("active", screen.on);
      part.element.disabled = screen.busy;
      setText(part.text, screen.on ? "Stop sharing" : "Share");
      part.describe(screen.on ? "Stop sharing your screen" : "Share your screen");
    },
  };
}

function recordButton({ store, recordings }) {
  let pending = false;
  const press = async () => {
    const running = runningRecording(store.state);
    pending = true;
    update(store.state);
    try {
      await (running ? recordings.stop(running.id) : recordings.start());
    } catch (error) {
      toast(ofError(error), "error");
    } finally {
      pending = false;
      update(store.state);
    }
  };
  const part = control({ name: "record", label: "Record", onclick: press });
  const update = (state) => {
    const running = runningRecording(state);
    setIcon(part.icon, running ? "stop" : "record");
    part.element.classList.toggle("is-recording", Boolean(running));
    part.element.disabled = pending || state.phase !== "joined";
    setText(part.text, running ? "Stop" : "Record");
    part.describe(running ? "Stop recording" : "Start recording");
  };
  return { ...part, update };
}

function panelButton(store, panel, iconName, label) {
  const onclick = () => store.dispatch({ type: "local.panel", panel });
  const part = control({ name: panel, label, onclick, rare: panel !== "people" });
  setIcon(part.icon, iconName);
  const count = h("span", { class: "control-count", hidden: true, "aria-hidden": "true" });
  if (panel === "people") part.icon.append(count);
  return {
    ...part,
    update(state) {
      setAttribute(part.element, "aria-pressed", String(state.panel === panel));
      count.hidden = state.participants.length === 0;
      setText(count, String(state.participants.length));
      if (panel === "people") part.describe(`${label}: ${state.participants.length} here`);
    },
  };
}
