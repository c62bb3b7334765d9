/**
 * Everybody's tile as an element exactly over it: to click, to reach by keys, and for screen readers, for whom the
 * names in the picture are just pixels. Follows the tiles as they move.
 */

import { deedsFor, marksOf, pinning } from "../deeds.js";
import { h, keyed, setAttribute } from "../dom.js";
import { icon } from "../icons.js";
import { boxesAt, contained, isSettled, neighbour, ownerOf, scaled } from "../placing.js";
import { participant } from "../state.js";
import { closeMenu, openMenu } from "./menu.js";

const WITH_BUTTON_PX = 72; // narrower tiles have no room for a button of their own

/** @param {object} app `store`, `stage`, `act`; `pictureTimeS` gives the room's time of the picture shown */
export function marks(app) {
  const { stage, pictureTimeS } = app;
  const list = h("ul", { class: "marks", "aria-label": "Who is where in the picture" });
  let frame = 0;
  let event = null;

  const show = () => {
    frame = 0;
    if (!event) return;
    const nowS = pictureTimeS();
    const boxes = boxesAt(event, nowS);
    const video = stage.element;
    const size = { width: video.clientWidth, height: video.clientHeight };
    const area = contained(size, { width: video.videoWidth, height: video.videoHeight });
    boxes.forEach(({ box }, index) => place(list.children[index], scaled(box, area)));
    if (!isSettled(event, nowS)) follow();
  };
  const follow = () => {
    frame ||= requestAnimationFrame(show);
  };
  const resized = new ResizeObserver(follow);
  resized.observe(stage.element);
  stage.element.addEventListener("resize", follow);
  stage.element.addEventListener("playing", follow);
  list.addEventListener("keydown", (pressed) => {
    const from = pressed.target.closest("[data-key]")?.dataset.key;
    const to = from && event && neighbour(boxesAt(event, Infinity), from, pressed.key);
    if (!to) return;
    pressed.preventDefault();
    [...list.children].find((mark) => mark.dataset.key === to)?.querySelector(".mark-face").focus();
  });
  return {
    element: list,
    update(state) {
      list.hidden = state.phase !== "joined" || !state.tiles;
      const tiles = state.tiles?.tiles ?? [];
      keyed(list, tiles, ({ id }) => id, ({ id }) => mark(app, id));
      if (state.tiles === event) return;
      event = state.tiles;
      show();
    },
    close() {
      closeMenu();
      cancelAnimationFrame(frame);
      resized.disconnect();
      stage.element.removeEventListener("resize", follow);
      stage.element.removeEventListener("playing", follow);
    },
  };
}

function place(element, { x, y, width, height }) {
  Object.assign(element.style, { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` });
  element.classList.toggle("mark-small", width < WITH_BUTTON_PX);
}

function mark(app, tileId) {
  const { id, screen } = ownerOf(tileId);
  return screen ? screenMark(app, id) : personMark(app, id);
}

/** A shared screen: nothing to press, but something to know. */
function screenMark({ store }, id) {
  const face = h("div", { class: "mark-face", role: "img", tabindex: 0 });
  const element = h("li", { class: "mark" }, face);
  element.update = () => {
    const { state } = store;
    const name = participant(state, id)?.name ?? "somebody";
    setAttribute(face, "aria-label", id === state.id ? "Your screen" : `Screen of ${name}`);
  };
  return element;
}

function personMark({ store, act }, id) {
  const person = () => participant(store.state, id);
  const menu = (anchor, point) => {
    const about = person();
    if (!about) return;
    const entries = deedsFor(about, store.state.id).map((deed) => ({ ...deed, act: () => act(about, deed) }));
    openMenu(anchor, about.name, entries, point);
  };
  const face = h("button", {
    type: "button",
    class: "mark-face",
    onclick: () => person() && act(person(), pinning(person())),
    oncontextmenu: (event) => {
      event.preventDefault();
      menu(face, event.clientX || event.clientY ? { x: event.clientX, y: event.clientY } : null);
    },
  });
  const more = h(
    "button",
    { type: "button", class: "mark-more", "aria-haspopup": "menu", onclick: () => menu(more) },
    icon("more"),
  );
  const pin = h("span", { class: "mark-sign" }, icon("pin"));
  const spotlight = h("span", { class: "mark-sign" }, icon("spotlight"));
  const element = h("li", { class: "mark" }, face, h("span", { class: "mark-signs", "aria-hidden": "true" }, spotlight, pin), more);
  element.update = () => {
    const about = person();
    const name = about?.name ?? "Somebody";
    const said = marksOf(about ?? {}).filter((word) => word !== "pinned" && word !== "speaking"); // pressed says the one, ears hear the other
    setAttribute(face, "aria-label", [about?.id === store.state.id ? `${name} (you)` : name, ...said].join(", "));
    setAttribute(face, "aria-pressed", String(Boolean(about?.pinned)));
    setAttribute(face, "title", about?.pinned ? `Unpin ${name}` : `Pin ${name} for everybody`);
    setAttribute(more, "aria-label", `More about ${name}`);
    pin.hidden = !about?.pinned;
    spotlight.hidden = !about?.spotlight;
  };
  return element;
}
