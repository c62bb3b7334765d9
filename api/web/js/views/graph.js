/** A small graph of the last two minutes: a few lines, their values of now, and a top for the axis. */

import { h, setAttribute, setText } from "../dom.js";
import { axisTop } from "../figures.js";

/** How many samples fit. */
export const SHOWN = 120;
export const COLOURS = ["#7ea6ff", "#4fc08a", "#f0b849"];

/**
 * @param {object} about `title`; `show` puts a value in words; `least` is the least top of the axis; `lines` have the
 * `key` of a sample's figure, `label` and `colour`
 */
export function graph({ title, show, least, lines }) {
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
