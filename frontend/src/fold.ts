/** Folds incidents to one row for each stairwell: hundreds stay readable. Nothing here knows a browser. */

import type { Incident, Supply } from "./model";
import { LAST_LIFE_CLASS, classOf } from "./order";

/** More real incidents than these are folded, in a flood or not. */
export const MOST_CARDS = 30;
/** So many of an open fold are shown, and as many more each time: a card that is not drawn delays no other. */
export const MOST_OPEN = 100;
/** What the key of a fold has before it where the rest of it stands for itself. */
const REST = "rest of ";
/** Of these there is one row for all places. */
const EVERYWHERE = new Set(["fault", "shelved"]);

export interface Fold {
  key: string;
  /** The most urgent first. */
  incidents: Incident[];
  /** All of them as one, for what is said of them. */
  whole: Incident;
}

/**
 * Returns what is folded; `sorted` are incidents in their order, `stairwellOf` names the place.
 *
 * What somebody calls for help in is not. One of its kind and place stays a card; drills are their own.
 */
export function foldsOf(
  sorted: readonly Incident[],
  help: ReadonlySet<string>,
  stairwellOf: (incident: Incident) => string,
): Fold[] {
  const groups = new Map<string, Incident[]>();
  for (const incident of sorted) {
    if (help.has(incident.incident_id)) {
      continue;
    }
    const kind = incident.drill ? "drill" : classOf(incident) <= LAST_LIFE_CLASS ? "life" : incident.rank;
    const key = `fold ${kind} ${EVERYWHERE.has(kind) ? "" : stairwellOf(incident)}`;
    const group = groups.get(key);
    if (group) {
      group.push(incident);
    } else {
      groups.set(key, [incident]);
    }
  }
  return [...groups].flatMap(([key, incidents]) => {
    const [first] = incidents;
    return first && incidents.length > 1 ? [{ key, incidents, whole: whole(key, first, incidents) }] : [];
  });
}

function whole(key: string, first: Incident, incidents: Incident[]): Incident {
  const supplies = new Map(incidents.flatMap((item) => item.supplies.map((supply): [string, Supply] => [supply.supply_id, supply])));
  return {
    ...first,
    incident_id: key,
    present: incidents.some((item) => item.present),
    acknowledged: incidents.every((item) => item.acknowledged),
    raised_at: Math.min(...incidents.map((item) => item.raised_at)),
    alarms: incidents.flatMap((item) => item.alarms),
    supplies: [...supplies.values()],
    may: {},
  };
}

export const keyOfRest = ({ key }: Fold): string => REST + key;
/** Returns the fold whose rest a row stands for, null if it stands for something else. */
export const restOf = (key: string): string | null => (key.startsWith(REST) ? key.slice(REST.length) : null);

/**
 * Returns the keys of the rows in their order: ids of incidents, and of folds. After a fold that is `open` come so
 * many of its incidents, and a row for the rest.
 */
export function rowsOf(sorted: readonly Incident[], folds: readonly Fold[], open: ReadonlyMap<string, number>): string[] {
  const foldOf = new Map(folds.flatMap((fold) => fold.incidents.map((item): [string, Fold] => [item.incident_id, fold])));
  return sorted.flatMap((incident) => {
    const fold = foldOf.get(incident.incident_id);
    if (!fold) {
      return incident.incident_id;
    }
    if (fold.incidents[0] !== incident) {
      return [];
    }
    const count = open.get(fold.key) ?? 0;
    const shown = fold.incidents.slice(0, count).map((item) => item.incident_id);
    return [fold.key, ...shown, ...(count && count < fold.incidents.length ? [keyOfRest(fold)] : [])];
  });
}
