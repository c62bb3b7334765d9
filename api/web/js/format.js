/** Durations, sizes and dates for people. Pure. */

/** Seconds as `0:07`, `12:30`, `1:02:03`. */
export function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const shown = parts[0] ? parts : parts.slice(1);
  return shown.map((part, index) => (index ? String(part).padStart(2, "0") : String(part))).join(":");
}

/** Bytes as `840 kB`, `12.4 MB`. */
export function size(bytes) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit && value < 99.95 ? value.toFixed(1) : Math.round(value)}\u00a0${units[unit]}`;
}

/** A time of the API (Unix seconds, or ISO 8601) as milliseconds; null stays null. */
export function timeMs(value) {
  if (value === null || value === undefined) return null;
  return typeof value === "number" ? value * 1000 : Date.parse(value);
}

/** `Today, 14:05`, `Yesterday, 09:30`, `3 Mar 2026, 14:05`, in the reader's language and time zone. */
export function date(ms, nowMs = Date.now()) {
  const then = new Date(ms);
  const time = then.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const midnight = new Date(nowMs).setHours(0, 0, 0, 0);
  const days = Math.round((midnight - new Date(ms).setHours(0, 0, 0, 0)) / 86_400_000);
  if (days === 0) return `Today, ${time}`;
  if (days === 1) return `Yesterday, ${time}`;
  return `${then.toLocaleDateString([], { day: "numeric", month: "short", year: "numeric" })}, ${time}`;
}

/** The first letters of up to two words of a name. */
export function initials(name) {
  const words = name.trim().split(/\s+/u).filter(Boolean);
  const chosen = words.length > 1 ? [words[0], words[words.length - 1]] : words;
  return chosen.map((word) => [...word][0]).join("").toLocaleUpperCase() || "?";
}

/** Bits a second as `640 kbit/s`, `2.1 Mbit/s`. */
export function bitrate(bps) {
  const [value, unit] = bps >= 999_500 ? [bps / 1e6, "Mbit/s"] : [bps / 1e3, "kbit/s"];
  return `${unit === "Mbit/s" && value < 99.95 ? value.toFixed(1) : Math.round(value)}\u00a0${unit}`;
}

/** Milliseconds as `3.2 ms`, `140 ms`. */
export function milliseconds(ms) {
  return `${ms < 9.95 ? Number(ms.toFixed(1)) : Math.round(ms)}\u00a0ms`;
}

/** A part of one as `0 %`, `0.4 %`, `12 %`. */
export function percent(part) {
  const value = part * 100;
  return `${value < 9.95 ? Number(value.toFixed(1)) : Math.round(value)}\u00a0%`;
}
