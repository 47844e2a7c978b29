/** What happened on one day, and who did what. Nothing here knows a browser. */

import type { Alarm } from "../model";
import { lines, type Line } from "../timeline";
import type { Ordered } from "./door";

/** What was ordered of a door, with where that is. */
export interface DoorOrder extends Ordered {
  kind: string | null;
  name: string;
  channel: string;
  area_id: string | null;
}

/** The server sends a day in parts: `next` is what is asked for then, null after the last. */
export interface Part {
  alarms: (Alarm & { incident_id: string })[];
  orders: DoorOrder[];
  names: Record<string, string>;
  next: unknown[] | null;
}

/** A line of the log: of an alarm's timeline, with others of which it tells too, or of a door. */
export type Told = { at: number; who: string | null } & ({ line: Line; also: Alarm[] } | { order: DoorOrder });

export class Day {
  private readonly alarms = new Map<string, Part["alarms"][number]>();
  private readonly orders: DoorOrder[] = [];
  readonly names = new Map<string, string>();

  /** Takes a part. An alarm that was closed meanwhile comes twice. */
  take({ alarms, orders, names }: Part): void {
    for (const alarm of alarms) {
      this.alarms.set(alarm.alarm_id, alarm);
    }
    this.orders.push(...orders);
    for (const [who, name] of Object.entries(names)) {
      this.names.set(who, name);
    }
  }

  /** All of it, the oldest first; what was done to all alarms of an incident is one line, and a door that several fires open. */
  told(): Told[] {
    const incidents = new Map<string, Alarm[]>();
    for (const alarm of this.alarms.values()) {
      const known = incidents.get(alarm.incident_id) ?? [];
      known.push(alarm);
      incidents.set(alarm.incident_id, known);
    }
    const doors = new Map<string, Alarm[]>();
    const ofAlarms = [...incidents.values()].flatMap((alarms) =>
      lines({ alarms }).flatMap((line): Told[] => {
        const { at, what, door, who = null } = line.entry;
        const also: Alarm[] = [];
        if (typeof door === "string") {
          const key = `${what} ${door} ${String(Math.floor(at))} ${who ?? ""}`;
          const first = doors.get(key);
          first?.push(line.alarm);
          if (first) {
            return [];
          }
          doors.set(key, also);
        }
        return [{ at, who, line, also }];
      }),
    );
    return [
      ...ofAlarms,
      ...this.orders.map((order): Told => ({ at: order.at, who: order.who, order })),
    ].sort((a, b) => a.at - b.at);
  }
}
