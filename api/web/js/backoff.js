/** How long to wait between attempts. Pure. */

const FIRST_MS = 500;
const LONGEST_MS = 15_000;

/** The wait before attempt `n` (0: none): doubles up to a limit, less up to a third so that not all come back at once. */
export function backoffMs(attempt, random = Math.random) {
  if (attempt <= 0) return 0;
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** (attempt - 1));
  return Math.round(full * (1 - random() / 3));
}
