/** Doors and gates as the server tells them. Nothing here knows a browser. */

/** How a door stands, the worst first; the server says the same. */
export const STATES = [
  "unreleased",
  "releasing",
  "forced",
  "held_open",
  "unknown",
  "released",
  "unlocked",
  "open",
  "locked",
] as const;
export type DoorState = (typeof STATES)[number];

export type Order = "open" | "unlock" | "lock";

export interface Door {
  door_id: string;
  device_id: string;
  entity_id: string | null;
  /** Of its controller, such as `vehicle_gate`. */
  kind: string | null;
  /** Of its controller; and what a person calls the door. */
  name: string;
  own_name: string | null;
  channel: string;
  /** Its controller has no other. */
  is_only: boolean;
  area_id: string | null;
  state: DoorState;
  connected: boolean;
  opens_on_fire: boolean;
  /** Unix time in seconds at which a fire has opened it. */
  released_at: number | null;
  /** Cards in the list of its controller. */
  credentials: number | null;
  /** Of its controller: what is not over. */
  hazards: string[];
  /** What the user may do: null now, or the code of what is in the way. Missing: not offered. */
  may: Partial<Record<Order, string | null>>;
}

/** What was ordered of a door, by whom and why; `proven` is null if nobody knows what came of it. */
export interface Ordered {
  order: Order;
  at: number;
  who: string | null;
  why: string;
  proven: boolean | null;
  comment?: string | null;
}

export type DoorMessage = { sequence: number; at: number } & (
  | { kind: "snapshot"; doors: Door[] }
  | { kind: "change"; doors: Door[]; gone: string[] }
  | { kind: "beat" }
);

export class Doors {
  readonly doors = new Map<string, Door>();
  isKnown = false;
  private sequence = 0;

  take(message: DoorMessage): boolean {
    if (message.kind !== "snapshot" && message.sequence !== this.sequence + (message.kind === "beat" ? 0 : 1)) {
      return false;
    }
    this.sequence = message.sequence;
    if (message.kind === "beat") {
      return true;
    }
    if (message.kind === "snapshot") {
      this.isKnown = true;
      this.doors.clear();
    } else {
      for (const id of message.gone) {
        this.doors.delete(id);
      }
    }
    for (const door of message.doors) {
      this.doors.set(door.door_id, door);
    }
    return true;
  }
}

/** Does it need nobody? One that somebody holds open on purpose, or just goes through, is no trouble either. */
export const isCalm = ({ state }: Pick<Door, "state">): boolean => STATES.indexOf(state) >= STATES.indexOf("unlocked");

/** Does it stand open, or may it, until somebody locks it? */
export const isLeftOpen = ({ state, released_at }: Pick<Door, "state" | "released_at">): boolean =>
  released_at !== null || state === "unlocked";

/** Returns in which order doors are shown: what is worst comes first, then by name. */
export function byUrgency(names: (door: Door) => string, language: string): (a: Door, b: Door) => number {
  const { compare } = new Intl.Collator(language, { numeric: true });
  // Those that are calm are one.
  const rank = (door: Door): number => (isCalm(door) ? STATES.length : STATES.indexOf(door.state));
  return (a, b) => rank(a) - rank(b) || compare(names(a), names(b)) || a.door_id.localeCompare(b.door_id);
}

/** Returns doors by the floor that they are on, `-` for none. */
export function byFloor(
  doors: Iterable<Door>,
  floorOf: (areaId: string | null) => string | null,
  none: string,
): Map<string, Door[]> {
  const found = new Map<string, Door[]>();
  for (const door of doors) {
    const floor = floorOf(door.area_id) ?? none;
    found.set(floor, [...(found.get(floor) ?? []), door]);
  }
  return found;
}
