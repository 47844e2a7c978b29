/** What a place shows of its incidents: the worst one, and calls for help. Nothing here knows a browser. */

import type { Incident } from "../model";
import { LAST_LIFE_CLASS, byUrgency, classOf } from "../order";
import { areasOf, type Building } from "./layout";

/** More places than these are folded to their buildings. */
export const MOST_UNFOLDED = 300;

export interface Mark {
  /** The worst one, none where somebody calls in a neighbour's incident. */
  incident: Incident | null;
  help: boolean;
  /** How many other incidents there are. */
  more: number;
}

/** Returns the marks of areas that have one. `help` are incidents, `calling` areas, from which somebody calls. */
export function marksOf(
  incidents: Iterable<Incident>,
  help: ReadonlySet<string>,
  calling: Iterable<string>,
): Map<string, Mark> {
  const marks = new Map<string, Mark>();
  for (const incident of [...incidents].sort(byUrgency(help))) {
    if (incident.area_id === null) {
      continue;
    }
    const mark = marks.get(incident.area_id);
    if (mark) {
      mark.more += 1;
      mark.help ||= help.has(incident.incident_id);
    } else {
      marks.set(incident.area_id, { incident, help: help.has(incident.incident_id), more: 0 });
    }
  }
  for (const areaId of calling) {
    const mark = marks.get(areaId);
    marks.set(areaId, mark ? { ...mark, help: true } : { incident: null, help: true, more: 0 });
  }
  return marks;
}

/** Is it somebody's life? */
export const isLife = ({ incident, help }: Mark): boolean =>
  help || (incident !== null && !incident.drill && classOf(incident) <= LAST_LIFE_CLASS);

/**
 * Returns the buildings that are drawn whole: all of them, or those with a life at stake where there are too many
 * places. On a wall, where nobody scrolls, what is well gives its room to what is not.
 */
export function unfolded(buildings: readonly Building[], marks: ReadonlyMap<string, Mark>, isOnWall: boolean): Building[] {
  const isAtStake = (areaId: string): boolean => {
    const mark = marks.get(areaId);
    return mark !== undefined && isLife(mark);
  };
  const isFolded = buildings.flatMap(areasOf).length > MOST_UNFOLDED || (isOnWall && [...marks.values()].some(isLife));
  return buildings.filter((building) => !isFolded || areasOf(building).some(isAtStake));
}

export interface Total {
  /** One of them, for its word and its symbol; null for calls for help. */
  incident: Incident | null;
  places: number;
}

/** Returns how many of some places have which worst state, the worst first; calls for help before. */
export function totalsOf(marks: ReadonlyMap<string, Mark>, areaIds: Iterable<string>): Total[] {
  const here = [...areaIds].flatMap((areaId) => marks.get(areaId) ?? []);
  const calls = here.filter((mark) => mark.help).length;
  const totals = new Map<string, Total>();
  const incidents = here.flatMap(({ incident }) => incident ?? []).sort(byUrgency());
  for (const incident of incidents) {
    const key = incident.drill ? "drill" : incident.rank;
    const total = totals.get(key) ?? { incident, places: 0 };
    totals.set(key, { ...total, places: total.places + 1 });
  }
  return [...(calls ? [{ incident: null, places: calls }] : []), ...totals.values()];
}

const level = (worst: Total | undefined): number => (worst ? (worst.incident ? 1 : 2) : 0);

/** Orders what is drawn one above the other, by the first of their totals: what is well below, a call for help on top. */
export function byWorst([a]: readonly Total[], [b]: readonly Total[]): number {
  return a?.incident && b?.incident ? byUrgency()(b.incident, a.incident) : level(a) - level(b);
}
