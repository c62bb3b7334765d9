/** Line icons on a 24 px grid, drawn in the current colour. */

const PATHS = {
  mic: "M12 3a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3zM5.5 11a6.5 6.5 0 0 0 13 0M12 17.5V21M9 21h6",
  "mic-off": "M4 4l16 16M9 9v2a3 3 0 0 0 4.6 2.5M15 11V6a3 3 0 0 0-5.8-1M5.5 11a6.5 6.5 0 0 0 10 5.5M18.5 11a6.4 6.4 0 0 1-.7 3M12 17.5V21M9 21h6",
  camera: "M5 6h8.5a2 2 0 0 1 2 2v8a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V8a2 2 0 0 1 2-2zM15.5 10.5L21 7.5v9l-5.5-3z",
  "camera-off": "M4 4l16 16M9.5 6h4a2 2 0 0 1 2 2v3.5M15.5 13.5l5.5 3v-9l-5.5 3M15.4 16.4A2 2 0 0 1 13.5 18H5a2 2 0 0 1-2-2V8a2 2 0 0 1 1.6-2",
  screen: "M5 4.5h14a2 2 0 0 1 2 2V15a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V6.5a2 2 0 0 1 2-2zM8 20.5h8M12 13.5V8M9.5 10.2L12 7.7l2.5 2.5",
  "screen-off": "M5 4.5h14a2 2 0 0 1 2 2V15a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V6.5a2 2 0 0 1 2-2zM8 20.5h8M9.5 8.3l5 5M14.5 8.3l-5 5",
  people: "M9 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20a6.5 6.5 0 0 1 13 0M16 4.9a3.5 3.5 0 0 1 0 6.3M18 14.3a6.5 6.5 0 0 1 3.5 5.7",
  layout: "M5 4h14a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2zM3 12h18M12 4v16",
  film: "M5 4h14a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2H5a2 2 0 0 1-2-2V6a2 2 0 0 1 2-2zM10 8.7v6.6l5.5-3.3z",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.8a2.2 2.2 0 1 1 0 4.4 2.2 2.2 0 0 1 0-4.4zM9 14.8a2.2 2.2 0 1 1 0 4.4 2.2 2.2 0 0 1 0-4.4z",
  leave: "M3.5 14.5c-.6-.6-.9-1.7-.4-2.5C4.7 9.5 8.2 8 12 8s7.3 1.5 8.9 4c.5.8.2 1.9-.4 2.5l-.9.9a1.5 1.5 0 0 1-1.8.2l-2-1.2a1.5 1.5 0 0 1-.7-1.6l.2-.9a11 11 0 0 0-4.8 0l.2.9a1.5 1.5 0 0 1-.7 1.6l-2 1.2a1.5 1.5 0 0 1-1.8-.2z",
  close: "M6 6l12 12M18 6L6 18",
  download: "M12 4v11M7.5 10.8L12 15.3l4.5-4.5M4.5 19.5h15",
  trash: "M4.5 6.5h15M9.5 6.5V4.5h5v2M6.5 6.5l.8 12a1.5 1.5 0 0 0 1.5 1.5h6.4a1.5 1.5 0 0 0 1.5-1.5l.8-12M10 10.5v6M14 10.5v6",
  retry: "M19.5 12a7.5 7.5 0 1 1-2.2-5.3L19.5 9M19.5 4.5V9H15",
  link: "M10 13.5a4 4 0 0 0 5.7 0l3-3a4 4 0 0 0-5.7-5.7l-1 1M14 10.5a4 4 0 0 0-5.7 0l-3 3a4 4 0 0 0 5.7 5.7l1-1",
  sound: "M4 9.5h3.5L12 5.5v13l-4.5-4H4zM15.5 9a4.2 4.2 0 0 1 0 6M18 6.5a7.8 7.8 0 0 1 0 11",
  check: "M5 12.5l4.5 4.5L19 7.5",
  alert: "M12 8.5v4.5M12 16.5h.01M12 3.5l9 16H3z",
  pin: "M9 3.5h6l-.8 6 3.3 3.5v1.5h-11V13l3.3-3.5zM12 14.5v6",
  "pin-off": "M4 4l16 16M9.2 9.3l-2.7 3.7v1.5h8M9 3.5h6l-.8 6 3.3 3.5v1M12 14.5v6",
  spotlight: "M12 3.5l2.6 5.4 5.9.8-4.3 4.1 1 5.9-5.2-2.8-5.2 2.8 1-5.9-4.3-4.1 5.9-.8z",
  eye: "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z",
  "eye-off": "M4 4l16 16M9.5 5.8A9 9 0 0 1 12 5.5c6 0 9.5 6.5 9.5 6.5a17 17 0 0 1-2.8 3.5M6.3 7.3A16 16 0 0 0 2.5 12S6 18.5 12 18.5a9 9 0 0 0 4-1M10 10a3 3 0 0 0 4 4",
  graph: "M4 4v16h16M7.5 15.5l3.5-5 3.5 3 4.5-7",
  arrow: "M5 12h13M13 7l5.5 5L13 17",
};

const SVG = "http://www.w3.org/2000/svg";

/** An SVG element for decoration: hidden from screen readers, so whatever holds it needs a name of its own. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  if (name === "record") svg.append(shape("circle", { cx: 12, cy: 12, r: 5.5, class: "icon-fill" }), shape("circle", { cx: 12, cy: 12, r: 9 }));
  else if (name === "stop") svg.append(shape("rect", { x: 7.5, y: 7.5, width: 9, height: 9, rx: 1.5, class: "icon-fill" }), shape("circle", { cx: 12, cy: 12, r: 9 }));
  else if (name === "more") svg.append(...[5.5, 12, 18.5].map((cx) => shape("circle", { cx, cy: 12, r: 1.7, class: "icon-fill" })));
  else svg.append(shape("path", { d: PATHS[name] }));
  return svg;
}

/** Replace the icon in `holder`. */
export function setIcon(holder, name) {
  if (holder.dataset.icon === name) return;
  holder.dataset.icon = name;
  holder.replaceChildren(icon(name));
}

/** A small drawing made of rectangles on a 32 by 18 canvas: `[x, y, width, height]` each. */
export function tiles(rectangles) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 32 18");
  svg.setAttribute("class", "tiles");
  svg.setAttribute("aria-hidden", "true");
  svg.append(...rectangles.map(([x, y, width, height]) => shape("rect", { x, y, width, height, rx: 1 })));
  return svg;
}

function shape(tag, attributes) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}
