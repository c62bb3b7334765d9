/** What is remembered between visits. A browser that refuses storage simply forgets. */

const PREFIX = "tutti.";

export function remembered(key) {
  try {
    return localStorage.getItem(PREFIX + key);
  } catch {
    return null;
  }
}

export function remember(key, value) {
  try {
    if (value) localStorage.setItem(PREFIX + key, value);
    else localStorage.removeItem(PREFIX + key);
  } catch {
    // private windows may refuse; the page works without
  }
}
