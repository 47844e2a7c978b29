/** Where units stand, read from floors and the names of areas. Nothing here knows a browser. */

import { unitOf, type Unit } from "../unit";

export interface Area {
  area_id: string;
  name: string;
  floor_id: string | null;
}

export interface Floor {
  floor_id: string;
  name: string;
}

export interface Cell {
  areaId: string;
  /** Of the whole place, and what of it a cell has room for. */
  name: string;
  label: string;
}

export interface Stairwell {
  /** Unique in its building. */
  key: string;
  label: string;
  doors: string[];
  /** From the top; each has a cell, or none, for each door. */
  storeys: { storey: number; cells: (Cell | null)[] }[];
}

export interface Building {
  /** The id of its floor, `-` for what is on none. */
  key: string;
  /** Null for what is on no floor. */
  name: string | null;
  stairwells: Stairwell[];
  /** What is no unit: stairwells, lifts, roofs, or areas whose names say nothing. */
  shared: Cell[];
}

/** Of areas that are on no floor. */
export const GROUNDS = "-";

export const cellsOf = (stairwell: Stairwell): Cell[] => stairwell.storeys.flatMap(({ cells }) => cells.flatMap((cell) => cell ?? []));

export const areasOf = (building: Building): string[] => [
  ...building.stairwells.flatMap((stairwell) => cellsOf(stairwell).map((cell) => cell.areaId)),
  ...building.shared.map((cell) => cell.areaId),
];

/** Returns every area once: in a stairwell of its building, or in what the building shares. What `units` says of one goes before its name. */
export function layout(
  areas: Iterable<Area>,
  floors: Iterable<Floor>,
  language: string,
  units: ReadonlyMap<string, Unit> = new Map(),
): Building[] {
  const { compare } = new Intl.Collator(language, { numeric: true });
  const byFloor = new Map<string, Area[]>();
  const known = new Map([...floors].map((floor) => [floor.floor_id, floor.name]));
  for (const area of [...areas].sort((a, b) => compare(a.name, b.name))) {
    const key = area.floor_id !== null && known.has(area.floor_id) ? area.floor_id : GROUNDS;
    byFloor.set(key, [...(byFloor.get(key) ?? []), area]);
  }
  return [...byFloor]
    .map(([key, here]) => building(key, known.get(key) ?? null, here, compare, units))
    .sort((a, b) => Number(a.name === null) - Number(b.name === null) || compare(a.name ?? "", b.name ?? ""));
}

function building(
  key: string,
  name: string | null,
  areas: Area[],
  compare: (a: string, b: string) => number,
  known: ReadonlyMap<string, Unit>,
): Building {
  const shared: Cell[] = [];
  const units = new Map<string, { unit: Unit; cell: Cell }[]>();
  const taken = new Set<string>();
  for (const { area_id: areaId, name: areaName } of areas) {
    const unit = known.get(areaId) ?? unitOf(areaName);
    const place = unit && `${unit.building} ${unit.stairwell} ${unit.storey} ${unit.door}`;
    if (!unit || !place || taken.has(place)) {
      shared.push({ areaId, name: areaName, label: without(areaName, name) });
      continue;
    }
    taken.add(place);
    const stairwell = `${unit.building}-${unit.stairwell}`;
    const cell = { areaId, name: areaName, label: `${unit.storey}${unit.door}` };
    units.set(stairwell, [...(units.get(stairwell) ?? []), { unit, cell }]);
  }
  const isOne = new Set([...units.values()].map(([first]) => first?.unit.building)).size <= 1;
  const stairwells = [...units]
    .sort(([a], [b]) => compare(a, b))
    .map(([stairwell, here]) => ({
      key: stairwell,
      label: isOne ? (here[0]?.unit.stairwell ?? stairwell) : stairwell,
      ...grid(here),
    }));
  return { key, name, stairwells, shared };
}

/** `Building 1 roof` is the `roof` there. */
function without(name: string, building: string | null): string {
  const rest = building && name.startsWith(building) ? name.slice(building.length).trim() : "";
  return rest || name;
}

function grid(units: { unit: Unit; cell: Cell }[]): Pick<Stairwell, "doors" | "storeys"> {
  const doors = [...new Set(units.map(({ unit }) => unit.door))].sort();
  const storeys = [...new Set(units.map(({ unit }) => unit.storey))].sort((a, b) => b - a);
  const cells = new Map(units.map(({ unit, cell }) => [`${unit.storey} ${unit.door}`, cell]));
  return {
    doors,
    storeys: storeys.map((storey) => ({
      storey,
      cells: doors.map((door) => cells.get(`${storey} ${door}`) ?? null),
    })),
  };
}

export type Way = "ArrowUp" | "ArrowDown" | "ArrowLeft" | "ArrowRight" | "Home" | "End";

/** Returns the cell that a key leads to: by storey and door, over gaps; the same one at an edge. */
export function step(rows: readonly (readonly (Cell | null)[])[], from: string, way: Way): string {
  const row = rows.findIndex((cells) => cells.some((cell) => cell?.areaId === from));
  const cells = rows[row] ?? [];
  const column = cells.findIndex((cell) => cell?.areaId === from);
  const first = (found: (Cell | null | undefined)[]): string => found.find((cell) => cell)?.areaId ?? from;
  switch (way) {
    case "ArrowLeft":
      return first(cells.slice(0, column).reverse());
    case "ArrowRight":
      return first(cells.slice(column + 1));
    case "Home":
      return first([...cells]);
    case "End":
      return first([...cells].reverse());
    case "ArrowUp":
      return first(
        rows
          .slice(0, row)
          .reverse()
          .map((other) => other[column]),
      );
    case "ArrowDown":
      return first(rows.slice(row + 1).map((other) => other[column]));
  }
}
