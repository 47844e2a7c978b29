/** Which incident comes first, what it is called, and what is counted. Nothing here knows a browser. */

import type { Alarm, Incident, Rank, Supply } from "./model";

const CLASSES: Record<Rank, number> = {
  fire: 1,
  linkage: 2,
  electrical: 3,
  supervision: 4,
  fault: 5,
  shelved: 6,
  power_off: 7,
};
/** What was to be cut off or opened, and is not proven. */
export const LINKAGE_CLASS = 2;
/** Classes up to this one are somebody's life. */
export const LAST_LIFE_CLASS = 3;
/** More new real alarms than this within so many seconds are a flood. */
export const FLOOD_ALARMS = 10;
export const FLOOD_SECONDS = 600;

export const NO_HELP: ReadonlySet<string> = new Set<string>();

/** The class of an incident; 0 is that somebody calls for help (`help` holds incident ids). */
export function classOf(incident: Incident, help: ReadonlySet<string> = NO_HELP): number {
  return help.has(incident.incident_id) ? 0 : CLASSES[incident.rank];
}

/** Was one of its supplies to be off until today? */
export const isDue = (incident: Incident): boolean => incident.supplies.some(({ left }) => left?.is_due);

/** As the server's order: drill last, class, not seen, present, the oldest, id; of power that is off, what is due first. */
export function byUrgency(help: ReadonlySet<string> = NO_HELP) {
  return (a: Incident, b: Incident): number =>
    Number(a.drill) - Number(b.drill) ||
    classOf(a, help) - classOf(b, help) ||
    Number(isDue(b)) - Number(isDue(a)) ||
    Number(a.acknowledged) - Number(b.acknowledged) ||
    Number(b.present) - Number(a.present) ||
    a.raised_at - b.raised_at ||
    (a.incident_id < b.incident_id ? -1 : 1);
}

export const openAlarms = (incident: Incident): Alarm[] =>
  incident.alarms.filter((alarm) => alarm.state !== "closed");

/** How often its open alarms have come back. */
export const returnsOf = (incident: Incident): number => openAlarms(incident).reduce((sum, alarm) => sum + alarm.returns, 0);

/** What of an incident is shown, for the server: an alarm that came or became worse since is not acknowledged. */
export const seenIn = (incident: Incident): Record<string, Alarm["severity"]> =>
  Object.fromEntries(openAlarms(incident).map((alarm) => [alarm.alarm_id, alarm.severity]));

/** Is what could not be proven of doors alone? Then nothing is said of power. */
export const isOfDoors = (incident: Incident): boolean =>
  openAlarms(incident).every((alarm) => alarm.rank !== "linkage" || alarm.hazard === "refused_to_release");

export type Status = "new" | "seen" | "over_new" | "over_reset" | "shelved" | "power_off" | "ended";

/** Is it there, and has somebody seen it: two marks that do not hide each other. */
export function statusOf(incident: Incident): Status {
  if (!openAlarms(incident).length) {
    return incident.supplies.some((supply) => supply.latched) ? "power_off" : "ended";
  }
  if (incident.rank === "shelved") {
    return "shelved";
  }
  if (incident.present) {
    return incident.acknowledged ? "seen" : "new";
  }
  return incident.acknowledged ? "over_reset" : "over_new";
}

export const isNew = (incident: Incident): boolean => !incident.drill && !incident.acknowledged;

export interface Seen {
  at: number;
  who: string | null;
}

/** Who has seen the whole of it: the last acknowledgement, null while one is missing. */
export function seenBy(incident: Incident): Seen | null {
  let last: Seen | null = null;
  for (const alarm of openAlarms(incident)) {
    if (alarm.acknowledged_at === null) {
      return null;
    }
    if (!last || alarm.acknowledged_at > last.at) {
      last = { at: alarm.acknowledged_at, who: alarm.acknowledged_by };
    }
  }
  return last;
}

export interface Power {
  off: number;
  all: number;
  protected: number;
  /** No count of these is "off": a welded contact, or nobody knows. */
  mayBeOn: Supply[];
  pending: number;
  unknown: number;
  /** Off by the relay's word alone. */
  relayOnly: number;
}

/** What of an incident's power is off, as far as it is proven. */
export function powerOf(incident: Incident): Power {
  const count = (...states: Supply["state"][]): number =>
    incident.supplies.filter((supply) => states.includes(supply.state)).length;
  return {
    off: count("proven", "relay_only"),
    all: incident.supplies.length - count("protected"),
    protected: count("protected"),
    mayBeOn: incident.supplies.filter((supply) => supply.state === "may_be_on"),
    pending: count("cutting"),
    unknown: incident.supplies.filter((supply) => supply.latched && supply.state === "unknown").length,
    relayOnly: count("relay_only"),
  };
}

export interface Counters {
  fire: number;
  linkage: number;
  electrical: number;
  supervision: number;
  fault: number;
  shelved: number;
  off: number;
  drill: number;
}

/** How many incidents have each kind of open alarm, and how many supplies are kept off. */
export function countersOf(incidents: Iterable<Incident>): Counters {
  const counts: Counters = { fire: 0, linkage: 0, electrical: 0, supervision: 0, fault: 0, shelved: 0, off: 0, drill: 0 };
  const off = new Set<string>();
  for (const incident of incidents) {
    for (const supply of incident.supplies) {
      if (supply.latched) {
        off.add(supply.supply_id);
      }
    }
    if (incident.drill) {
      counts.drill += 1;
      continue;
    }
    for (const rank of new Set(openAlarms(incident).map((alarm) => alarm.rank))) {
      if (rank !== "power_off") {
        counts[rank] += 1;
      }
    }
  }
  counts.off = off.size;
  return counts;
}

export interface Flood {
  alarms: number;
  /** Incidents by floor, which is the building. */
  buildings: Map<string | null, number>;
  first: Incident;
  latest: Incident;
}

/** Many new real alarms at once, null otherwise. */
export function floodOf(
  incidents: Iterable<Incident>,
  floorOf: (areaId: string | null) => string | null,
  now: number,
): Flood | null {
  let alarms = 0;
  let first: Incident | null = null;
  let latest: Incident | null = null;
  const buildings = new Map<string | null, number>();
  for (const incident of incidents) {
    if (incident.drill || classOf(incident) > LAST_LIFE_CLASS) {
      continue;
    }
    const fresh = openAlarms(incident).filter((alarm) => now - alarm.raised_at <= FLOOD_SECONDS).length;
    if (fresh) {
      alarms += fresh;
      const floor = floorOf(incident.area_id);
      buildings.set(floor, (buildings.get(floor) ?? 0) + 1);
      first = first && first.raised_at <= incident.raised_at ? first : incident;
      latest = latest && latest.raised_at >= incident.raised_at ? latest : incident;
    }
  }
  return alarms > FLOOD_ALARMS && first && latest ? { alarms, buildings, first, latest } : null;
}
