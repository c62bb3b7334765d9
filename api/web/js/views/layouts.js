/** The choice of a layout, each with a small drawing. */

import { h } from "../dom.js";
import { tiles } from "../icons.js";
import { ofError, ofLayout } from "../words.js";
import { toast } from "./toasts.js";

const ALIASES = new Set(["bestFit"]); // the same as another
const DRAWINGS = {
  auto: [[0, 0, 20, 18], [22, 0, 10, 8], [22, 10, 10, 8]],
  grid: [[0, 0, 15, 8], [17, 0, 15, 8], [0, 10, 15, 8], [17, 10, 15, 8]],
  speaker: [[4, 0, 24, 12], [0, 14, 9.3, 4], [11.3, 14, 9.3, 4], [22.7, 14, 9.3, 4]],
  "single-speaker": [[0, 0, 32, 18]],
  "side-by-side": [[0, 4, 15, 10], [17, 4, 15, 10]],
  pip: [[0, 0, 32, 18], [21, 10.5, 9, 5.5]],
  presentation: [[0, 0, 32, 12], [0, 14, 9.3, 4], [11.3, 14, 9.3, 4], [22.7, 14, 9.3, 4]],
  verticalPresentation: [[0, 0, 23, 18], [25, 0, 7, 5], [25, 6.5, 7, 5], [25, 13, 7, 5]],
  horizontalPresentation: [[0, 0, 32, 12], [0, 14, 9.3, 4], [11.3, 14, 9.3, 4], [22.7, 14, 9.3, 4]],
};
const ORDER = Object.keys(DRAWINGS);

export function layoutChoice({ api, store, config }) {
  const known = (config.layouts ?? ["grid", "speaker"]).filter((name) => !ALIASES.has(name));
  const rank = (name) => (ORDER.indexOf(name) + ORDER.length) % ORDER.length;
  const names = [...known].sort((one, other) => rank(one) - rank(other));
  const choose = (name) => api.setLayout(store.state.room, name).catch((error) => {
    toast(ofError(error), "error");
    update(store.state);
  });
  const options = names.map((name) => option(name, choose));
  const update = ({ layout }) => {
    for (const { name, input } of options) input.checked = name === layout || (layout === "bestFit" && name === "grid");
  };
  return {
    element: h(
      "fieldset",
      { class: "layouts" },
      h("legend", { class: "hint" }, "For everybody in the room, and for its recording."),
      options.map((each) => each.element),
    ),
    update,
  };
}

function option(name, choose) {
  const input = h("input", { type: "radio", name: "layout", value: name, onchange: () => choose(name) });
  const drawing = tiles(DRAWINGS[name] ?? DRAWINGS.grid);
  return { name, input, element: h("label", { class: "layout" }, input, drawing, h("span", {}, ofLayout(name))) };
}
