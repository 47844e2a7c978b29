/** Who was reached and who answered, as the register tells it: people are a role and a number. */

import type { Connection, Incident } from "./model";

export type Answer =
  | "safe"
  | "on_my_way"
  | "need_help"
  | "false_alarm"
  | "no_answer"
  | "not_reached"
  | "under_way";

export interface Reached {
  channel: string;
  state: string;
  at: number;
  tries: number;
}

export interface Slot {
  role: string;
  number: number;
  state: Answer;
  answered_at: number | null;
  via: string | null;
  reached: Reached[];
  help: { at: number; taken_at: number | null; closed_at: number | null }[];
}

export interface Alert {
  kind: "alert";
  alert_id: string;
  alarm_ids: string[];
  incident_id: string | null;
  state: string;
  next_at: number | null;
  help_open: number;
}

/** A unit of an alert, or with no unit those who respond. */
export interface Group {
  kind: "unit" | "responders";
  alert_id: string;
  unit_id?: string;
  title?: string;
  is_neighbour?: boolean;
  registered?: number | null;
  help_open?: number;
  slots: Slot[];
}

export type Item = Alert | Group;

export type ResponseMessage = { sequence: number; at: number } & (
  | { kind: "snapshot" | "change"; items: Record<string, Item> }
  | { kind: "gone"; keys: string[] }
  | { kind: "beat" | "ended" }
);

/** The items of one property, without a gap. */
export class ResponseBook {
  readonly items = new Map<string, Item>();
  private sequence = 0;

  /** Takes a message. Returns false if one before it is missing. */
  take(message: ResponseMessage): boolean {
    if (message.kind === "snapshot") {
      this.items.clear();
    } else if (message.sequence !== this.sequence + (message.kind === "beat" ? 0 : 1)) {
      return false;
    }
    this.sequence = message.sequence;
    switch (message.kind) {
      case "snapshot":
      case "change":
        for (const [key, item] of Object.entries(message.items)) {
          this.items.set(key, item);
        }
        break;
      case "gone":
        for (const key of message.keys) {
          this.items.delete(key);
        }
        break;
      case "ended":
        this.items.clear();
        break;
      case "beat":
    }
    return true;
  }
}

/** What is known of the people of incidents; without a register nothing. */
export class People {
  private readonly alerts = new Map<string, Alert>();
  private readonly groups = new Map<string, Group[]>();

  constructor(books: Iterable<ResponseBook>) {
    for (const book of books) {
      for (const item of book.items.values()) {
        if (item.kind === "alert") {
          this.alerts.set(item.alert_id, item);
        } else {
          this.groups.set(item.alert_id, [...(this.groups.get(item.alert_id) ?? []), item]);
        }
      }
    }
  }

  alertsOf(incident: Incident): Alert[] {
    const alarms = new Set(incident.alarms.map((alarm) => alarm.alarm_id));
    return [...this.alerts.values()].filter(
      (alert) =>
        alert.incident_id === incident.incident_id || alert.alarm_ids.some((id) => alarms.has(id)),
    );
  }

  /** Those who live there first, then who responds, then neighbours. */
  groupsOf(incident: Incident): Group[] {
    const place = (group: Group): number =>
      group.kind === "responders" ? 1 : group.is_neighbour ? 2 : 0;
    return this.alertsOf(incident)
      .flatMap((alert) => this.groups.get(alert.alert_id) ?? [])
      .sort((a, b) => place(a) - place(b) || (a.title ?? "").localeCompare(b.title ?? ""));
  }

  /** The incidents in which somebody calls for help, until a person has closed that. */
  help(incidents: Iterable<Incident>): Set<string> {
    return new Set(
      [...incidents]
        .filter((incident) => this.alertsOf(incident).some((alert) => alert.help_open > 0))
        .map((incident) => incident.incident_id),
    );
  }

  /** How many people of an incident are in each state; an open call for help is one, whatever was said since. */
  counts(incident: Incident): Map<Answer, number> {
    const counts = new Map<Answer, number>();
    for (const group of this.groupsOf(incident)) {
      for (const slot of group.slots) {
        const state = isCalling(slot) ? "need_help" : slot.state;
        counts.set(state, (counts.get(state) ?? 0) + 1);
      }
    }
    return counts;
  }

  /** Those who call for help in an incident, the first first. */
  calls(incident: Incident): { group: Group; slot: Slot; at: number }[] {
    return this.groupsOf(incident)
      .flatMap((group) => group.slots.map((slot) => ({ group, slot, at: callOf(slot)?.at ?? 0 })))
      .filter(({ slot }) => isCalling(slot))
      .sort((a, b) => a.at - b.at);
  }
}

export const callOf = (slot: Slot) => slot.help.find((call) => call.closed_at === null);
export const isCalling = (slot: Slot): boolean => callOf(slot) !== undefined;

export interface Property {
  entry_id: string;
  title: string;
  roles: string[];
  /** By command: the units in which it is allowed, null for all. */
  rights: Record<string, string[] | null>;
  /** Those of them that are refused without a reason. */
  for_a_reason: string[];
}

/** What the user is to the register. */
export interface Session {
  properties: Property[];
  all_loaded: boolean;
  reasons: string[];
  /** The address of the register's own pages; null where they are not built. */
  module: string | null;
}

const NOBODY: Session = { properties: [], all_loaded: true, reasons: [], module: null };
/** Until it is asked again for what could not answer, in milliseconds. */
const AGAIN_MILLISECONDS = 10_000;

/** The subscriptions to every property of the register that the user may see; none without a register. */
export class Register {
  readonly books = new Map<string, ResponseBook>();
  properties: Property[] = [];
  /** Null until it has answered. */
  session: Session | null = null;
  private timer: number | undefined;
  private readonly ends: Promise<(() => Promise<void>) | undefined>[] = [];
  private stopped = false;

  constructor(
    private readonly connection: Connection,
    private readonly changed: () => void,
  ) {}

  async start(): Promise<void> {
    const session = await this.connection
      .sendMessagePromise<Session>({ type: "rental_units/session" })
      // An older register, or none: its parts are absent.
      .catch(() => NOBODY);
    if (this.stopped) {
      return;
    }
    this.session = session;
    this.properties = session.properties.filter((item) => "get_alerts" in item.rights);
    for (const { entry_id: entryId } of this.properties) {
      if (!this.books.has(entryId)) {
        this.subscribe(entryId);
      }
    }
    if (!session.all_loaded) {
      this.timer = window.setTimeout(() => {
        void this.start();
      }, AGAIN_MILLISECONDS);
    }
    this.changed();
  }

  stop(): void {
    this.stopped = true;
    window.clearTimeout(this.timer);
    for (const end of this.ends.splice(0)) {
      void end.then((stop) => stop?.().catch(() => undefined));
    }
  }

  /** The property of an alert, and if the user may do something there. */
  propertyOf(alertId: string, right: string): Property | undefined {
    return this.properties.find(
      (item) => right in item.rights && this.books.get(item.entry_id)?.items.has(alertId),
    );
  }

  private subscribe(entryId: string): void {
    if (this.stopped) {
      return;
    }
    const book = new ResponseBook();
    this.books.set(entryId, book);
    let isCurrent = true;
    const asked = this.connection
      .subscribeMessage(
        (message: ResponseMessage) => {
          if (!isCurrent || this.stopped) {
            return;
          }
          if (book.take(message)) {
            this.changed();
            return;
          }
          isCurrent = false;
          void asked.then((stop) => stop?.().catch(() => undefined));
          this.subscribe(entryId);
        },
        { type: "rental_units/subscribe_response", entry_id: entryId },
      )
      .catch(() => undefined);
    this.ends.push(asked);
  }
}
