/** Keyboard shortcuts: m microphone, v camera, Escape closes the panel. */

const TYPING = "input:not([type=radio]), select, textarea, [contenteditable]";

export function installKeys(store, devices) {
  const actions = {
    m: () => devices.toggle("microphone"),
    v: () => devices.toggle("camera"),
    Escape: () => store.state.panel && store.dispatch({ type: "local.panel", panel: null }),
  };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
    if (event.target instanceof Element && event.target.matches(TYPING)) return;
    if (store.state.phase !== "ended") actions[event.key]?.();
  });
}
