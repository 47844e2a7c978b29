/** Units by what somebody types of their name: `10-3-105`, `103105`, `10 3 105`. */

import type { Unit } from "./model";

export const MOST_UNITS = 20;

const words = (text: string): string[] => text.toLocaleLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

/** How well a unit fits, the best is 0; null where it does not. */
function fit(unit: Unit, wanted: string[]): number | null {
  const parts = words(unit.title);
  const typed = wanted.join("");
  const whole = parts.join("");
  if (whole === typed) {
    return 0;
  }
  if (wanted.length > 1) {
    // Each word begins a part, the last of them goes on.
    const fits = wanted.length <= parts.length && wanted.every((word, index) =>
      index === wanted.length - 1 ? parts[index]?.startsWith(word) : parts[index] === word,
    );
    return fits ? 2 : null;
  }
  const from = parts.map((_part, index) => parts.slice(index).join(""));
  const at = from.findIndex((rest) => rest.startsWith(typed));
  if (at < 0) {
    return null;
  }
  return from[at] === typed ? 1 : 2 + at;
}

/** Returns the units that are meant, the likeliest first; none for nothing typed. */
export function findUnits(units: readonly Unit[], query: string): Unit[] {
  const wanted = words(query);
  if (!wanted.length) {
    return [];
  }
  return units
    .flatMap((unit, index) => {
      const rank = fit(unit, wanted);
      return rank === null ? [] : [{ unit, rank, index }];
    })
    .sort((a, b) => a.rank - b.rank || a.index - b.index)
    .map(({ unit }) => unit);
}
