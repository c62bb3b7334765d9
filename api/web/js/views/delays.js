/** How long one's picture and sound take in the room, stage by stage, as the server tells. Asked for while it is looked at. */

import { delayGroups, delaySample } from "../delays.js";
import { h, keyed, setText } from "../dom.js";
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
        keyed(body, delayGroups(delays), ({ title }) => title, table);
      } catch (error) {
        console.debug("delays:", error.code); // we have just left, or the room is coming back
      } finally {
        asking = false;
      }
    },
  };
}

function table({ title }) {
  const head = h("tr", {}, h("th", { scope: "col" }, title), h("th", { scope: "col" }, "median"), h("th", { scope: "col" }, "95 %"));
  const lines = h("tbody");
  const element = h("table", { class: "delay-table" }, h("thead", {}, head), lines);
  element.update = ({ rows }) => keyed(lines, rows, ({ label }) => label, line);
  return element;
}

function line({ label }) {
  const median = h("td");
  const most = h("td");
  const element = h("tr", {}, h("th", { scope: "row" }, label), median, most);
  element.update = ({ p50Ms, p95Ms }) => {
    setText(median, milliseconds(p50Ms));
    setText(most, milliseconds(p95Ms));
  };
  return element;
}
