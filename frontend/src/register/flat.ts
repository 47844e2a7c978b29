/** What is to be said of an own flat. Nothing here knows a browser. */

import type { Hass } from "../model";
import type { Flat } from "./model";

const OPEN = new Set(["active", "acknowledged"]);
/** What is somebody's home or life; faults and messages are not. */
const DANGER = new Set(["alarm", "warning"]);

/** What tells that something is over: nothing is to be answered. */
const NEWS = new Set(["all_clear", "false_alarm"]);

const isNews = (alert: Flat["alerts"][number]): boolean => alert.hazards.length > 0 && alert.hazards.every((hazard) => NEWS.has(hazard));
const openOf = (flat: Flat): Flat["alerts"] => flat.alerts.filter((row) => OPEN.has(row.state));

export const openAlerts = (flat: Flat): Flat["alerts"] => openOf(flat).filter((row) => !isNews(row));
export const newsOf = (flat: Flat): Flat["alerts"] => openOf(flat).filter(isNews);

/** How the safety devices of a flat are. */
export interface Devices {
  all: number;
  /** Those that are heard in time. */
  heard: number;
  /** The lowest battery in percent, null where none is known. */
  battery: number | null;
}

/** What shows a device's readings: while it is away there are none. */
const SHOWN = /^(binary_sensor|sensor)\./;

/** Returns how the safety devices of an area are, by their entities; null where the user is shown none. */
export function devicesIn({ devices, entities, states }: Pick<Hass, "devices" | "entities" | "states">, areaId: string | null): Devices | null {
  const silent = new Map<string, { isAway: boolean; isSilent: boolean }>();
  const levels: number[] = [];
  for (const entry of Object.values(entities)) {
    const id = entry?.device_id;
    const at = entry?.area_id ?? devices[id ?? ""]?.area_id;
    const state = entry && states[entry.entity_id];
    if (!id || !areaId || at !== areaId || entry.platform !== "community_safety" || !state) {
      continue;
    }
    if (SHOWN.test(entry.entity_id)) {
      // One that says that it is silent is, whatever else is remembered of it.
      const isAway = state.state === "unavailable" && (silent.get(id)?.isAway ?? true);
      const isSilent = (entry.translation_key === "unresponsive" && state.state === "on") || (silent.get(id)?.isSilent ?? false);
      silent.set(id, { isAway, isSilent });
    }
    if (state.attributes["device_class"] === "battery" && state.attributes["unit_of_measurement"] === "%") {
      levels.push(Number(state.state));
    }
  }
  const known = levels.filter(Number.isFinite);
  return silent.size
    ? {
        all: silent.size,
        heard: [...silent.values()].filter(({ isAway, isSilent }) => !isAway && !isSilent).length,
        battery: known.length ? Math.min(...known) : null,
      }
    : null;
}

/** Is there a real danger in it? A drill and a mere message are no alarm. */
export const isInDanger = (flat: Flat): boolean => openAlerts(flat).some((row) => !row.drill && DANGER.has(row.severity));

/**
 * May it be said that there is no open alert? Not over an incident of which nobody was told, nor
 * while it is not known.
 */
export const isQuiet = (flat: Flat, incident: string | null, isKnown: boolean): boolean =>
  isKnown && incident === null && !openAlerts(flat).length;

/** Which flat comes first. */
export const urgency = (flat: Flat): number =>
  isInDanger(flat) ? 0 : openAlerts(flat).length ? 1 : flat.nearby.length ? 2 : 3;
