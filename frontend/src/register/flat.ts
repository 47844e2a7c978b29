/** What is to be said of an own flat. Nothing here knows a browser. */

import type { Flat } from "./model";

const OPEN = new Set(["active", "acknowledged"]);
/** What is somebody's home or life; faults and messages are not. */
const DANGER = new Set(["alarm", "warning"]);

export const openAlerts = (flat: Flat): Flat["alerts"] => flat.alerts.filter((row) => OPEN.has(row.state));

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
