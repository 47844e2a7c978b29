/** Where buildings are on earth. Nothing here knows a browser. */

import type { Position, Unit } from "../unit";
import { areasOf, type Building } from "./layout";

/** Returns where a building is: as was said of it, else in the middle of what is known of its places; null if nothing is. */
export function positionOf(
  building: Building,
  said: Readonly<Record<string, Position>>,
  units: ReadonlyMap<string, Unit>,
): Position | null {
  const own = said[building.key];
  const places = areasOf(building).flatMap((areaId): Position[] => {
    const found = units.get(areaId)?.position;
    return found ? [found] : [];
  });
  const middle = (pick: (place: Position) => number): number => places.reduce((sum, place) => sum + pick(place), 0) / places.length;
  return own ?? (places.length ? [middle(([latitude]) => latitude), middle(([, longitude]) => longitude)] : null);
}
