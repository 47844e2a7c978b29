/** Which cameras look at what is near a place. Nothing here knows a browser. */

import type { Hass } from "./model";
import { stairwellOf } from "./unit";

/** More are not shown at once: each is a stream. */
export const MOST_CAMERAS = 4;

/** Returns the cameras in a place; if there are none those in its stairwell, else in its building. */
export function camerasNear(hass: Pick<Hass, "areas" | "devices" | "entities" | "states">, areaId: string): string[] {
  const stairwell = (id: string): string => JSON.stringify(stairwellOf(hass.areas[id]?.name ?? ""));
  const floor = (id: string): string | null => hass.areas[id]?.floor_id ?? null;
  const cameras = Object.values(hass.entities).flatMap((entry) => {
    const at = entry && (entry.area_id ?? hass.devices[entry.device_id ?? ""]?.area_id);
    return at && entry.entity_id.startsWith("camera.") && hass.states[entry.entity_id] ? [{ id: entry.entity_id, at }] : [];
  });
  const isNear: ((at: string) => boolean)[] = [
    (at) => at === areaId,
    (at) => stairwell(at) !== "null" && stairwell(at) === stairwell(areaId) && floor(at) === floor(areaId),
    (at) => floor(at) !== null && floor(at) === floor(areaId),
  ];
  for (const near of isNear) {
    const found = cameras.filter(({ at }) => near(at));
    if (found.length) {
      return found.map(({ id }) => id).slice(0, MOST_CAMERAS);
    }
  }
  return [];
}
