/** What of Home Assistant the pages show: it hands over a new object with every state of the house. */

import type { Hass } from "./model";

const SHOWN: (keyof Hass)[] = ["connection", "connected", "language", "locale", "areas", "floors", "themes", "localize", "config"];

/** Is an element to be drawn again for what has changed of it? */
export function isShown(changed: ReadonlyMap<PropertyKey, unknown>, hass: Hass): boolean {
  if (changed.size !== 1 || !changed.has("hass")) {
    return true;
  }
  const before = changed.get("hass") as Hass | undefined;
  return !before || SHOWN.some((key) => before[key] !== hass[key]);
}
