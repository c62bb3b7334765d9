/** Making elements, and keeping lists of them in step with data. */

/**
 * An element. `on…` properties are listeners, `class` and attributes are set as such, `null`, `undefined` and `false`
 * leave an attribute out; children may be nodes, strings, or nothing.
 */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) setProperty(element, name, value);
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

function setProperty(element, name, value) {
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name in element && (name === "value" || name === "srcObject" || name === "muted")) element[name] = value;
  else setAttribute(element, name, value);
}

/** Set, or remove when `value` is null, undefined or false. Writes only what changes, so that nothing is announced twice. */
export function setAttribute(element, name, value) {
  if (value === null || value === undefined || value === false) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
    return;
  }
  const text = value === true ? "" : String(value);
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}

/** Change an element's text only if it differs. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Make `list`'s children those of `items`, in order. Elements live as long as their item's key, so focus and animations
 * survive: `create(item)` gives an element with an `update(item)` method.
 */
export function keyed(list, items, key, create) {
  const existing = new Map([...list.children].map((child) => [child.dataset.key, child]));
  items.forEach((item, index) => {
    const id = String(key(item));
    let child = existing.get(id);
    if (!child) {
      child = create(item);
      child.dataset.key = id;
    }
    existing.delete(id);
    child.update(item);
    if (list.children[index] !== child) list.insertBefore(child, list.children[index] ?? null);
  });
  for (const child of existing.values()) child.remove();
}
