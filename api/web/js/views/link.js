import { h, setText } from "../dom.js";
import { icon } from "../icons.js";
import { toast } from "./toasts.js";

const SAID_MS = 2_500;

/** A button that copies this room's address. */
export function copyLink() {
  const label = h("span", {}, "Copy link");
  const copy = async () => {
    const url = `${location.origin}${location.pathname}`;
    try {
      await navigator.clipboard.writeText(url);
      setText(label, "Copied");
      setTimeout(() => setText(label, "Copy link"), SAID_MS);
    } catch {
      toast(`The address of this room: ${url}`); // a page that is not secure has no clipboard
    }
  };
  return h("button", { type: "button", class: "button button-quiet", onclick: copy }, icon("link"), label);
}
