/** How the connection does: small graphs of the last minutes, and figures of this second. */

import { axisTop } from "../figures.js";
import { bitrate, milliseconds, percent } from "../format.js";
import { h, setAttribute, setText } from "../dom.js";

const SHOWN = 120; // seconds
const IN = "#7ea6ff";
const OUT = "#4fc08a";
const THIRD = "#f0b849";

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

/** @param {{sampler: import("../sampler.js").Sampler}} app */
export function statistics({ sampler }) {
  const graphs = GRAPHS.map(graph);
  const facts = h("dl", { class: "facts" });
  const element = h(
    "div",
    { class: "stack" },
    h("p", { class: "hint" }, "Your own connection, the last two minutes."),
    facts,
    h("div", { class: "graphs" }, graphs.map((each) => each.element)),
  );
  const draw = () => {
    if (!element.isConnected || document.hidden) return;
    const samples = sampler.ring.values.slice(-SHOWN);
    for (const each of graphs) each.draw(samples);
    if (samples.length) tell(facts, factsOf(samples.at(-1)));
  };
  sampler.onSample = draw;
  return { element, opened: () => requestAnimationFrame(draw), update() {} }; // it has a size by then
}

const RUNGS = { full: "full size", half: "half size", quarter: "quarter size" };
const LIMITS = { cpu: "held back by this computer", bandwidth: "held back by the line", other: "held back" };

function factsOf(sample) {
  const size = sample.height ? [`${sample.width} × ${sample.height}`, RUNGS[sample.rung]] : ["none yet"];
  const sent = sample.sentHeight ? [`${sample.sentHeight}p`, LIMITS[sample.limitedBy]] : ["off"];
  return [
    ["Picture in", size.filter(Boolean).join(", ")],
    ["Camera out", sent.filter(Boolean).join(", ")],
    ["Codecs", `${sample.codecIn ?? "–"} in, ${sample.codecOut ?? "–"} out`],
    ["Screen out", sample.screenOutBps ? bitrate(sample.screenOutBps) : "off"],
    ["Freezes, dropped", `${sample.freezes ?? 0}, ${sample.dropped ?? 0}`],
  ];
}

function tell(list, facts) {
  if (list.children.length !== 2 * facts.length) {
    list.replaceChildren(...facts.flatMap(([name]) => [h("dt", {}, name), h("dd", {})]));
  }
  facts.forEach(([, value], index) => setText(list.children[2 * index + 1], value));
}

function graph({ title, show, least, lines }) {
  const canvas = h("canvas", { class: "graph-canvas", role: "img" });
  const top = h("span", { class: "graph-top" });
  const values = lines.map(() => h("span", { class: "graph-value" }));
  lines.forEach(({ colour }, index) => values[index].style.setProperty("color", colour));
  const legend = lines.map(({ label }, index) => h("span", { class: "graph-line" }, `${label} `, values[index]));
  const element = h(
    "section",
    { class: "graph", "aria-label": title },
    h("header", { class: "graph-head" }, h("h3", {}, title), h("p", { class: "graph-legend" }, legend)),
    h("div", { class: "graph-area" }, canvas, top),
  );
  return {
    element,
    draw(samples) {
      const limit = axisTop(samples.flatMap((sample) => lines.map(({ key }) => sample[key])), least);
      setText(top, show(limit));
      const last = samples.at(-1);
      const said = lines.map(({ key }) => (last?.[key] === null || last === undefined ? "–" : show(last[key])));
      values.forEach((value, index) => setText(value, said[index]));
      setAttribute(canvas, "aria-label", `${title}: ${lines.map(({ label }, index) => `${label} ${said[index]}`).join(", ")}`);
      paint(canvas, samples, lines, limit);
    },
  };
}

function paint(canvas, samples, lines, limit) {
  const ratio = devicePixelRatio || 1;
  const [width, height] = [Math.round(canvas.clientWidth * ratio), Math.round(canvas.clientHeight * ratio)];
  if (!width || !height) return;
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, width, height);
  context.fillStyle = "rgb(255 255 255 / 9%)";
  for (const part of [0.25, 0.5, 0.75]) context.fillRect(0, Math.round(height * part), width, ratio);
  context.lineWidth = 1.6 * ratio;
  context.lineJoin = "round";
  const x = (index) => width - ((samples.length - 1 - index) / (SHOWN - 1)) * width;
  const y = (value) => height - ratio - (Math.min(value, limit) / limit) * (height - 3 * ratio);
  for (const { key, colour } of lines) {
    context.strokeStyle = colour;
    context.beginPath();
    let drawing = false; // a gap where the browser said nothing
    samples.forEach((sample, index) => {
      const value = sample[key];
      if (value !== null) context[drawing ? "lineTo" : "moveTo"](x(index), y(value));
      drawing = value !== null;
    });
    context.stroke();
  }
}
