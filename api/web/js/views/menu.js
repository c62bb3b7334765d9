/** A small menu beside what it is about: keys, taps, and out of the way again. One is open at a time. */

import { h, setText } from "../dom.js";
import { icon } from "../icons.js";

const MARGIN = 8; // pixels to the window's edges
let open = null;

/**
 * Open a menu.
 * @param {HTMLElement} anchor what it belongs to; gets the focus back
 * @param {string} label for screen readers
 * @param {{label: string, icon: string, danger?: boolean, act: () => void}[]} entries; `danger` wants a second press
 * @param {?{x: number, y: number}} point where it was asked for; the anchor's corner otherwise
 */
export function openMenu(anchor, label, entries, point = null) {
  closeMenu();
  const items = entries.map((entry) => item(entry));
  const title = h("p", { class: "menu-title", "aria-hidden": "true" }, label);
  const element = h("div", { class: "menu", role: "menu", "aria-label": label, tabindex: -1, onkeydown: onKey }, title, items);
  document.body.append(element);
  place(element, anchor, point);
  open = { element, anchor };
  anchor.setAttribute("aria-expanded", "true");
  addEventListener("pointerdown", onOutside, true);
  addEventListener("resize", closeMenu);
  items[0].focus({ preventScroll: true });
}

export function closeMenu() {
  if (!open) return;
  const { element, anchor } = open;
  open = null;
  removeEventListener("pointerdown", onOutside, true);
  removeEventListener("resize", closeMenu);
  const hadFocus = element.contains(document.activeElement);
  element.remove();
  anchor.removeAttribute("aria-expanded");
  if (hadFocus && anchor.isConnected) anchor.focus({ preventScroll: true });
}

/** Close it if what it belonged to has gone. */
export function closeOrphan() {
  if (open && !open.anchor.isConnected) closeMenu();
}

function item({ label, icon: name, danger = false, act }) {
  const text = h("span", {}, label);
  let armed = !danger;
  const press = () => {
    if (!armed) {
      armed = true;
      element.classList.add("armed");
      setText(text, "Press again to confirm");
      return;
    }
    closeMenu();
    act();
  };
  const attributes = { type: "button", class: "menu-item", role: "menuitem", tabindex: -1, onclick: press };
  const element = h("button", attributes, icon(name), text);
  return element;
}

function onOutside({ target }) {
  if (!open.element.contains(target)) closeMenu();
}

function onKey(event) {
  const items = [...open.element.querySelectorAll(".menu-item")];
  const at = items.indexOf(document.activeElement);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
  if (to !== undefined) items.at(to % items.length).focus();
  else if (event.key === "Escape" || event.key === "Tab") closeMenu();
  else if (event.key !== "m" && event.key !== "v") return;
  event.stopPropagation(); // Escape would close the panel as well
  if (event.key !== "Enter" && event.key !== " ") event.preventDefault();
}

function place(element, anchor, point) {
  const box = anchor.getBoundingClientRect();
  const { width, height } = element.getBoundingClientRect();
  const at = point ?? { x: box.right - width, y: box.bottom + 4 };
  const top = at.y + height > innerHeight - MARGIN && !point ? box.top - height - 4 : at.y;
  const within = (value, most) => Math.max(MARGIN, Math.min(value, most - MARGIN));
  element.style.left = `${within(at.x, innerWidth - width)}px`;
  element.style.top = `${within(top, innerHeight - height)}px`;
}
