/** What the room tells of its delays (`GET …/participants/{id}`), as the statistics show it. Pure. */

const MEDIA = [
  ["picture", "Your picture"],
  ["screen", "Your screen"],
  ["sound", "Your sound"],
];
const STAGES = [
  ["receive", "coming in"],
  ["decode", "decoded"],
  ["hold", "held for lip sync"],
  ["wait", "waiting"],
  ["compose", "painted"],
  ["mix", "mixed"],
  ["encode", "encoded"],
  ["total", "in all"],
  ["send", "sent to you"],
];

/**
 * Groups in order, with a row for each stage that there is something of.
 * @param {Record<string, Record<string, {count: number, p50_ms: number, p95_ms: number}>>} delays
 * @returns {{title: string, rows: {label: string, p50Ms: number, p95Ms: number}[]}[]}
 */
export function delayGroups(delays) {
  const rows = (stages) =>
    STAGES.filter(([stage]) => stages[stage]).map(([stage, label]) => ({
      label,
      p50Ms: stages[stage].p50_ms,
      p95Ms: stages[stage].p95_ms,
    }));
  return MEDIA.filter(([media]) => delays[media]).map(([media, title]) => ({ title, rows: rows(delays[media]) }));
}

/** What the graph draws of them: medians; null where there is nothing. */
export function delaySample(delays) {
  return { pictureMs: delays.picture?.total?.p50_ms ?? null, soundMs: delays.sound?.total?.p50_ms ?? null };
}
