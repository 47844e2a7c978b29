/** A dashboard of the compound: a view of all incidents, and one for each building. Nothing here knows a browser. */

import type { Hass } from "../model";
import { titlesIn } from "./titles";

interface View {
  title: string;
  path: string;
  type: "panel";
  cards: { type: string; floor?: string }[];
}

/** Returns what Home Assistant makes the dashboard of: floors that have areas are buildings. */
export function dashboard({ areas, floors, language }: Pick<Hass, "areas" | "floors" | "language">): { views: View[] } {
  const used = new Set(Object.values(areas).map((area) => area?.floor_id));
  const view = (title: string, path: string, card: View["cards"][number]): View => ({ title, path, type: "panel", cards: [card] });
  const buildings = Object.values(floors)
    .flatMap((floor) => (floor && used.has(floor.floor_id) ? floor : []))
    .sort((a, b) => a.name.localeCompare(b.name, language, { numeric: true }));
  return {
    views: [
      view(titlesIn(language).overview, "incidents", { type: "custom:community-safety-alarms-card" }),
      ...buildings.map(({ name, floor_id: floor }) =>
        view(name, `building-${floor}`, { type: "custom:community-safety-building-card", floor }),
      ),
    ],
  };
}
