/** How the connection and the room do: small graphs of the last minutes, and figures of this second. */

import { h, setText } from "../dom.js";
import { bitrate, milliseconds, percent } from "../format.js";
import { ofOverload } from "../words.js";
import { delaysInTheRoom } from "./delays.js";
import { COLOURS, graph, SHOWN } from "./graph.js";

const [IN, OUT, THIRD] = COLOURS;
const SIZES = { 1: "full", 0.5: "half", 0.25: "quarter" };

/** Each graph: its lines by key of a figure, and the least top of its axis. */
const GRAPHS = [
  {
    title: "Bit rate",
    show: bitrate,
    least: 100_000,
    lines: [
      { key: "inBps", label: "in", colour: IN },
      { key: "outBps", label: "out", colour: OUT },
    ],
  },
  {
    title: "Loss",
    show: percent,
    least: 0.02,
    lines: [
      { key: "lossIn", label: "in", colour: IN },
      { key: "lossOut", label: "out", colour: OUT },
    ],
  },
  {
    title: "Jitter",
    show: milliseconds,
    least: 20,
    lines: [
      { key: "pictureJitterMs", label: "picture", colour: IN },
      { key: "jitterMs", label: "sound", colour: OUT },
    ],
  },
  {
    title: "Delay",
    show: milliseconds,
    least: 100,
    lines: [
      { key: "roundTripMs", label: "round trip", colour: THIRD },
      { key: "pictureBufferMs", label: "picture", colour: IN },
      { key: "soundBufferMs", label: "sound", colour: OUT },
    ],
  },
  {
    title: "Size of the room's picture",
    show: (part) => SIZES[part],
    least: 1,
    lines: [{ key: "rungPart", label: "in", colour: IN }],
  },
  {
    title: "Picture height",
    show: (lines) => `${Math.round(lines)}p`,
    least: 200,
    lines: [
      { key: "height", label: "in", colour: IN },
      { key: "sentHeight", label: "camera out", colour: OUT },
    ],
  },
  {
    title: "Pictures a second",
    show: (fps) => String(Math.round(fps)),
    least: 30,
    lines: [
      { key: "fpsIn", label: "in", colour: IN },
      { key: "fpsOut", label: "camera out", colour: OUT },
    ],
  },
];

/** @param {object} app `sampler`, `api`, `store`, `config` */
export function statistics({ sampler, api, store, config }) {
  const graphs = GRAPHS.map(graph);
  const facts = h("dl", { class: "facts" });
  const room = delaysInTheRoom(api, store);
  const element = h(
    "div",
    { class: "stack" },
    h("p", { class: "hint" }, "Your own connection, the last two minutes."),
    facts,
    h("div", { class: "graphs" }, graphs.map((each) => each.element)),
    room.element,
  );
  const draw = () => {
    if (!element.isConnected || document.hidden) return;
    const samples = sampler.ring.values.slice(-SHOWN);
    for (const each of graphs) each.draw(samples);
    if (samples.length) tell(facts, factsOf(samples.at(-1), store.state, config));
    room.refresh();
  };
  sampler.onSample = draw;
  return { element, opened: () => requestAnimationFrame(draw), update() {} }; // it has a size by then
}

const RUNGS = { full: "full size", half: "half size", quarter: "quarter size" };
const LIMITS = { cpu: "held back by this computer", bandwidth: "held back by the line", other: "held back" };

function factsOf(sample, { overload, canvas }, config) {
  const size = sample.height ? [`${sample.width} × ${sample.height}`, RUNGS[sample.rung]] : ["none yet"];
  const sent = sample.sentHeight ? [`${sample.sentHeight}p`, LIMITS[sample.limitedBy]] : ["off"];
  return [
    ["Picture in", size.filter(Boolean).join(", ")],
    ["Camera out", sent.filter(Boolean).join(", ")],
    ["Codecs", `${sample.codecIn ?? "–"} in, ${sample.codecOut ?? "–"} out`],
    ["Screen out", sample.screenOutBps ? bitrate(sample.screenOutBps) : "off"],
    ["Server", overload ? ofOverload(overload, canvas ?? config.video) : "keeps up"],
    ["Freezes, dropped", `${sample.freezes ?? 0}, ${sample.dropped ?? 0}`],
  ];
}

function tell(list, facts) {
  if (list.children.length !== 2 * facts.length) {
    list.replaceChildren(...facts.flatMap(([name]) => [h("dt", {}, name), h("dd", {})]));
  }
  facts.forEach(([, value], index) => setText(list.children[2 * index + 1], value));
}
