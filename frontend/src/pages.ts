/** How what is too long is cut into pages. Nothing here knows a browser. */

/** From where to where something reaches, in pixels from the top of the whole. */
export interface Span {
  top: number;
  bottom: number;
}

/** Rows end between two pixels. */
const LEEWAY = 1;

/**
 * Returns where the page after the `shown` one begins: with the first row that is not whole on it; with the very first
 * after the last. A row may be inside another; one that is longer than a page is cut.
 */
export function nextPage(rows: readonly Span[], shown: Span): number {
  const end = shown.bottom;
  const left = rows.filter((row) => row.bottom > end + LEEWAY);
  if (!left.length) {
    return 0;
  }
  const tops = left.map((row) => row.top).filter((top) => top > shown.top + LEEWAY);
  return Math.min(end, ...tops);
}

/** How many rows are not whole on a page. */
export const outside = (rows: readonly Span[], shown: Span): number =>
  rows.filter((row) => row.bottom > shown.bottom + LEEWAY || row.top < shown.top - LEEWAY).length;
