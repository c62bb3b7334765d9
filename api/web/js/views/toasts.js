import { h } from "../dom.js";
import { icon } from "../icons.js";

const SHOWN_MS = 6_000;
const MOST = 3;

/** A short message that goes away by itself; `tone` is `info` or `error`. */
export function toast(text, tone = "info") {
  const holder = document.getElementById("toasts");
  const close = h("button", { type: "button", class: "toast-close", "aria-label": "Dismiss" }, icon("close"));
  const element = h(
    "div",
    { class: `toast toast-${tone}`, role: tone === "error" ? "alert" : null },
    icon(tone === "error" ? "alert" : "check"),
    h("span", {}, text),
    close,
  );
  close.addEventListener("click", () => element.remove());
  while (holder.children.length >= MOST) holder.firstElementChild.remove();
  holder.append(element);
  setTimeout(() => element.remove(), SHOWN_MS);
}
