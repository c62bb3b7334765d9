/** Camera and microphone by name, as two selects that follow what is plugged in. */

import { h } from "../dom.js";
import { remember } from "../prefs.js";

const LABELS = { camera: "Camera", microphone: "Microphone" };

/**
 * @param {import("../media.js").Devices} devices
 * @returns {{element: HTMLElement, refresh: () => Promise<void>}}
 */
export function devicePickers(devices) {
  const selects = { camera: select(devices, "camera"), microphone: select(devices, "microphone") };
  const element = h("div", { class: "pickers" }, field("camera", selects.camera), field("microphone", selects.microphone));
  const refresh = async () => {
    const lists = await devices.list();
    for (const kind of Object.keys(selects)) fill(selects[kind], lists[kind], devices.current(kind), LABELS[kind]);
  };
  navigator.mediaDevices?.addEventListener("devicechange", () => element.isConnected && refresh());
  return { element, refresh };
}

function select(devices, kind) {
  return h("select", {
    id: `picker-${kind}-${Math.random().toString(36).slice(2, 8)}`,
    class: "input select",
    "data-picker": kind,
    onchange: ({ target }) => {
      remember(kind, target.value);
      devices.choose(kind, target.value);
    },
  });
}

function field(kind, element) {
  return h("div", { class: "field" }, h("label", { class: "label", for: element.id }, LABELS[kind]), element);
}

function fill(element, list, current, label) {
  const options = list.map((device, index) =>
    h("option", { value: device.deviceId, selected: device.deviceId === current }, device.label || `${label} ${index + 1}`),
  );
  element.disabled = options.length === 0;
  element.replaceChildren(...(options.length ? options : [h("option", {}, `No ${label.toLowerCase()} available`)]));
}
