/** How long one's picture and sound take in the room, stage by stage, as the server tells. Asked for while it is looked at. */

import { delayGroups, delaySample } from "../delays.js";
import { h } from "../dom.js";
import { milliseconds } from "../format.js";
import { Ring } from "../ring.js";
import { COLOURS, graph, SHOWN } from "./graph.js";

const LINES = {
  title: "Delay in the room",
  show: milliseconds,
  least: 50,
  lines: [
    { key: "pictureMs", label: "picture", colour: COLOURS[0] },
    { key: "soundMs", label: "sound", colour: COLOURS[1] },
  ],
};

export function delaysInTheRoom(api, store) {
  const lines = graph(LINES);
  const body = h("div", { class: "delays" });
  const ring = new Ring(SHOWN);
  let asking = false;
  return {
    element: h("div", { class: "graphs" }, lines.element, body),
    /** Ask, and show what comes; whoever asks again before that is not heard. */
    async refresh() {
      const { room, id } = store.state;
      if (asking || !id) return;
      asking = true;
      try {
        const { delays } = await api.participant(room, id);
        ring.push(delaySample(delays));
        lines.draw(ring.values);
        body.replaceChildren(...delayGroups(delays).map(table));
      } catch (error) {
        console.debug("delays:", error.code); // we have just left, or the room is coming back
      } finally {
        asking = false;
      }
    },
  };
}

function table({ title, rows }) {
  const head = h("tr", {}, h("th", { scope: "col" }, title), h("th", { scope: "col" }, "median"), h("th", { scope: "col" }, "95 %"));
  const line = ({ label, p50Ms, p95Ms }) =>
    h("tr", {}, h("th", { scope: "row" }, label), h("td", {}, milliseconds(p50Ms)), h("td", {}, milliseconds(p95Ms)));
  return h("table", { class: "delay-table" }, h("thead", {}, head), h("tbody", {}, rows.map(line)));
}
