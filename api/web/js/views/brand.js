import { h } from "../dom.js";

/** The name and its sign, a link to the entrance. */
export function brand() {
  return h(
    "a",
    { class: "brand", href: "/" },
    h("img", { src: "/static/favicon.svg", alt: "", width: 28, height: 28 }),
    h("span", {}, "Tutti"),
  );
}
