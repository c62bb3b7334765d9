/** The choice of a layout: the room's own and those that people brought, each with a drawing by the server. */

import { h } from "../dom.js";
import { tiles } from "../icons.js";
import { isForScreens, layoutNames } from "../layouts.js";
import { sharers } from "../state.js";
import { ofError, ofLayout } from "../words.js";
import { toast } from "./toasts.js";

const WIDTH = 256; // pixels of a drawing
const MOST_DRAWN = 16; // more people cannot be told apart in a drawing
const PLAIN = [[0, 0, 15, 8], [17, 0, 15, 8], [0, 10, 15, 8], [17, 10, 15, 8]]; // until there is a drawing

export function layoutChoice({ api, store, config }) {
  const box = h("div", { class: "layouts", role: "radiogroup", "aria-labelledby": "layouts-hint" });
  const now = h("p", { class: "hint" });
  let options = [];
  let names = [];
  const choose = (name) =>
    api.setLayout(store.state.room, name).catch((error) => {
      toast(ofError(error), "error");
      update(store.state);
    });
  const offer = (lists) => {
    const wanted = [...lists.builtIn, ...lists.stored];
    if (wanted.join("\n") === names.join("\n")) return;
    names = wanted;
    options = names.map((name) => option(api, name, choose));
    const own = options.slice(lists.builtIn.length);
    box.replaceChildren(...options.slice(0, lists.builtIn.length).map((each) => each.element));
    if (own.length) box.append(h("h3", { class: "layouts-own" }, "Your own"), ...own.map((each) => each.element));
    update(store.state);
  };
  const update = (state) => {
    const current = state.layout === "bestFit" ? "grid" : state.layout;
    const people = Math.min(MOST_DRAWN, Math.max(1, state.participants.length));
    const { width, height } = state.canvas ?? config.video;
    const wanted = { participants: people, width: WIDTH, height: 2 * Math.round((WIDTH * height) / width / 2) };
    for (const { name, input, draw } of options) {
      input.checked = name === current;
      if (box.isConnected) draw({ ...wanted, screen: isForScreens(name) || sharers(state).length > 0 });
    }
    now.hidden = !current || names.includes(current);
    now.textContent = now.hidden ? "" : `In use: ${ofLayout(current)}, which is not stored.`;
  };
  offer(layoutNames(config.layouts ?? ["grid", "speaker"]));
  return {
    element: h("div", { class: "stack" }, h("p", { class: "hint", id: "layouts-hint" }, "For everybody in the room, and for its recording."), now, box),
    async opened() {
      try {
        offer(layoutNames(await api.layouts()));
      } catch (error) {
        console.debug("layouts:", error.code); // the built-in ones are there
      }
    },
    update,
  };
}

function option(api, name, choose) {
  const input = h("input", { type: "radio", name: "layout", value: name, onchange: () => choose(name) });
  const plain = tiles(PLAIN);
  const drawing = h("img", { class: "layout-drawing", alt: "", hidden: true, decoding: "async" });
  drawing.addEventListener("load", () => {
    drawing.hidden = false;
    plain.remove();
  });
  drawing.addEventListener("error", () => {
    drawing.hidden = true;
    picture.prepend(plain);
  });
  const picture = h("span", { class: "layout-picture" }, plain, drawing);
  let drawn = "";
  return {
    name,
    input,
    element: h("label", { class: "layout" }, input, picture, h("span", {}, ofLayout(name))),
    draw(wanted) {
      const url = api.layoutPreviewUrl(name, wanted);
      if (url === drawn) return;
      drawn = url;
      picture.style.aspectRatio = `${wanted.width} / ${wanted.height}`;
      drawing.src = url;
    },
  };
}
