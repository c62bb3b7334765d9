/** Before joining: see yourself, hear that you are heard, say who you are. */

import { h, setAttribute, setText } from "../dom.js";
import { initials } from "../format.js";
import { icon, setIcon } from "../icons.js";
import { Meter } from "../meter.js";
import { remember } from "../prefs.js";
import { ofName } from "../words.js";
import { brand } from "./brand.js";
import { copyLink } from "./link.js";
import { devicePickers } from "./pickers.js";

const GUEST = "Guest"; // who gives no name

/**
 * @param {object} app `api`, `store`, `config`, `devices`
 * @param {(name: string) => void} join
 */
export function lobby({ api, store, config, devices }, join) {
  const preview = previewCard(devices);
  const pickers = devicePickers(devices);
  const here = h("p", { class: "lobby-here" }, "\u00a0");
  const form = joinForm(store.state.name, config, join);
  const update = (state) => {
    preview.update(state);
    form.update(state);
  };
  const unsubscribe = store.subscribe((now, before) => {
    update(now);
    if (now.devices !== before.devices) pickers.refresh();
  });
  update(store.state);
  pickers.refresh();
  whoIsHere(api, store.state.room, here);
  document.title = `${store.state.room} – Tutti`;
  const element = h(
    "div",
    { class: "lobby" },
    h("header", { class: "home-header" }, brand(), copyLink()),
    h(
      "main",
      { class: "lobby-main" },
      preview.element,
      h(
        "section",
        { class: "lobby-side", "aria-label": "Join" },
        h("div", {}, h("h1", {}, store.state.room), here),
        form.element,
        pickers.element,
      ),
    ),
  );
  return {
    element,
    close() {
      unsubscribe();
      preview.close();
    },
  };
}

async function whoIsHere(api, room, element) {
  try {
    const names = (await api.participants(room)).map((each) => each.name);
    setText(element, inWords(names));
  } catch {
    setText(element, ""); // joining will say what is wrong
  }
}

function inWords(names) {
  if (!names.length) return "Nobody is here yet.";
  if (names.length === 1) return `${names[0]} is here.`;
  const [first, second] = names;
  if (names.length === 2) return `${first} and ${second} are here.`;
  return `${first}, ${second} and ${names.length - 2} more are here.`;
}

function previewCard(devices) {
  const video = h("video", { class: "preview-video", muted: true, autoplay: true, playsinline: true, "aria-label": "Your camera" });
  const avatar = h("span", { class: "avatar avatar-huge" });
  const words = h("span", {});
  const placeholder = h("div", { class: "preview-placeholder" }, avatar, words);
  const level = h("span", { class: "meter", role: "presentation" }, h("span", { class: "meter-bar" }));
  const meter = new Meter((value) => level.style.setProperty("--level", value.toFixed(2)));
  const buttons = {
    microphone: toggle(devices, "microphone", "mic"),
    camera: toggle(devices, "camera", "camera"),
  };
  const problems = h("div", { class: "preview-problems", role: "status" });
  let metered;
  return {
    element: h(
      "section",
      { class: "preview", "aria-label": "Your camera and microphone" },
      h(
        "div",
        { class: "preview-frame" },
        video,
        placeholder,
        h("div", { class: "preview-controls" }, buttons.microphone.element, level, buttons.camera.element),
      ),
      problems,
    ),
    update({ devices: told, name }) {
      const track = devices.track("camera");
      if (video.srcObject?.getVideoTracks()[0] !== (track ?? undefined)) {
        video.srcObject = track ? new MediaStream([track]) : null;
      }
      video.hidden = !track;
      placeholder.hidden = Boolean(track);
      setText(avatar, initials(name || GUEST));
      setText(words, told.camera.busy ? "Starting your camera…" : "Your camera is off");
      for (const kind of ["microphone", "camera"]) buttons[kind].update(told[kind]);
      const sound = told.microphone.on ? devices.track("microphone") : null;
      if (sound !== metered) meter.listen((metered = sound));
      const list = [told.camera.problem, told.microphone.problem].filter(Boolean);
      if (problems.dataset.shown !== list.join()) {
        problems.dataset.shown = list.join();
        problems.replaceChildren(...list.map((text) => h("p", { class: "notice" }, icon("alert"), h("span", {}, text))));
      }
    },
    close() {
      meter.close();
      video.srcObject = null;
    },
  };
}

function toggle(devices, kind, iconName) {
  const key = kind === "microphone" ? "m" : "v";
  const element = h("button", { type: "button", class: "round-button", onclick: () => devices.toggle(kind) });
  return {
    element,
    update({ on, busy }) {
      setIcon(element, on ? iconName : `${iconName}-off`);
      element.classList.toggle("off", !on);
      element.disabled = busy;
      const label = `Turn ${kind} ${on ? "off" : "on"}`;
      setAttribute(element, "aria-label", label);
      setAttribute(element, "title", `${label} (${key})`);
    },
  };
}

function joinForm(name, config, join) {
  const input = h("input", {
    id: "name",
    class: "input",
    name: "name",
    type: "text",
    value: name,
    placeholder: GUEST,
    autocomplete: "name",
    "aria-describedby": "name-problem",
  });
  const problem = h("p", { id: "name-problem", class: "field-problem", role: "alert" });
  const label = h("span", {}, "Join");
  const button = h("button", { type: "submit", class: "button button-primary button-large button-wide" }, label);
  const submit = (event) => {
    event.preventDefault();
    const wrong = ofName(input.value, config.max_name_length);
    setText(problem, wrong ?? "");
    input.toggleAttribute("aria-invalid", Boolean(wrong));
    if (wrong) {
      input.focus();
      return;
    }
    remember("name", input.value.trim());
    join(input.value.trim());
  };
  return {
    element: h(
      "form",
      { class: "join-form", onsubmit: submit, novalidate: true },
      h("div", { class: "field" }, h("label", { class: "label", for: "name" }, "Your name"), input, problem),
      button,
    ),
    update(state) {
      const joining = state.phase === "joining";
      button.disabled = joining;
      setText(label, joining ? "Joining…" : "Join");
      if (state.problem || joining) setText(problem, state.problem ?? "");
    },
  };
}
