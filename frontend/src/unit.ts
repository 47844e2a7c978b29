/** Where a unit or a stairwell is. Nothing here knows a browser. */

export interface Unit {
  building: string;
  stairwell: string;
  storey: number;
  door: string;
  /** Where that is on earth, as the register has it. */
  position?: Position | null | undefined;
}

/** Latitude and longitude, in degrees. */
export type Position = readonly [number, number];

/** `1-2-301`, `1栋2单元301室`: the storey is the number without its last two digits. */
const NAMES = [
  /^([^-\s]+)-([^-\s]+)-(\d*)(\d\d)$/,
  /^([^\s]+?)\s*(?:栋|棟|幢|号楼|號樓|座)\s*([^\s]+?)\s*(?:单元|單元)\s*(\d*)(\d\d)\s*[室号號]?$/,
];

/** Returns where a unit is as the register has it, null if that does not say on which storey. */
export function unitIn({ building, stairwell, number }: { building: string; stairwell: string; number: string }): Unit | null {
  const [, storey, door] = /^(\d+)(\d\d)$/.exec(number) ?? [];
  return building && stairwell && storey && door ? { building, stairwell, storey: Number(storey), door } : null;
}

/** Returns where a unit is by its name, null for what is none. */
export function unitOf(name: string): Unit | null {
  for (const pattern of NAMES) {
    const [, building, stairwell, storey, door] = pattern.exec(name) ?? [];
    if (building && stairwell && storey && door) {
      return { building, stairwell, storey: Number(storey), door };
    }
  }
  return null;
}

/** `1-2 stairwell`: what is shared there. A name of words with a hyphen is none. */
const SHARED = /^([^-\s]*\d[^-\s]*)-(\w+)\s/;

/** Returns in which stairwell a place is by its name, null for what is in none. */
export function stairwellOf(name: string): Pick<Unit, "building" | "stairwell"> | null {
  const unit = unitOf(name);
  if (unit) {
    return { building: unit.building, stairwell: unit.stairwell };
  }
  const [, building, stairwell] = SHARED.exec(name) ?? [];
  return building && stairwell ? { building, stairwell } : null;
}
