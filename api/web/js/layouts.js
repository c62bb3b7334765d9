/** The layouts that there are, in the order in which they are offered. Pure. */

const ALIASES = new Set(["bestFit"]); // the same as another
const ORDER = [
  "auto",
  "grid",
  "speaker",
  "single-speaker",
  "side-by-side",
  "pip",
  "presentation",
  "verticalPresentation",
  "horizontalPresentation",
];

const BUILT_IN = "built-in";
const FOR_SCREENS = new Set(["presentation", "verticalPresentation", "horizontalPresentation"]);

/** Whether a layout is made for a shared screen, so that its drawing shows one. */
export const isForScreens = (name) => FOR_SCREENS.has(name);

/**
 * The names of built-in and stored layouts.
 * @param {(string | {name: string, form: string})[]} told by the server: names of built-in ones, or entries with their form
 */
export function layoutNames(told) {
  const entries = told.map((each) => (typeof each === "string" ? { name: each, form: BUILT_IN } : each));
  const isBuiltIn = (each) => each.form === BUILT_IN;
  const known = entries.filter((each) => !ALIASES.has(each.name));
  const builtIn = known.filter(isBuiltIn).toSorted((one, other) => place(one) - place(other));
  const stored = known.filter((each) => !isBuiltIn(each)).toSorted((one, other) => one.name.localeCompare(other.name));
  return { builtIn: builtIn.map((each) => each.name), stored: stored.map((each) => each.name) };
}

/** Unknown ones come last. */
function place({ name }) {
  const at = ORDER.indexOf(name);
  return at < 0 ? ORDER.length : at;
}
