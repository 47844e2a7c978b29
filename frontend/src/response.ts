/** Who was reached and who answered, as the register tells it: people are a role and a number. */

import { SILENCE_SECONDS, Subscription, monotonic } from "./feed";
import { Items, type ItemsMessage } from "./items";
import type { Connection, Incident } from "./model";
import { unitIn, type Unit } from "./unit";

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
  help: { call_id: string; at: number; taken_at: number | null; closed_at: number | null }[];
}

export interface Alert {
  kind: "alert";
  alert_id: string;
  alarm_ids: string[];
  incident_id: string | null;
  state: string;
  drill: boolean;
  /** What it is about where it is of no incident. */
  place: string;
  area_ids: string[];
  created_at: number;
  next_at: number | null;
  help_open: number;
}

/** A unit of an alert, or with no unit those who respond. */
export interface Group {
  kind: "unit" | "responders";
  alert_id: string;
  unit_id?: string;
  title?: string;
  area_id?: string | null;
  is_neighbour?: boolean;
  registered?: number | null;
  help_open?: number;
  slots: Slot[];
}

export type Item = Alert | Group;

/** An open call for help. */
export interface Call {
  alert: Alert;
  /** Whose it is; null where the register can show nobody. */
  who: { group: Group; slot: Slot; id: string } | null;
  at: number;
}

export type ResponseMessage = ItemsMessage<Item>;

/** The items of one property, and if they are old. */
export class ResponseBook extends Items<Item> {
  private lost = false;

  override take(message: ResponseMessage, now: number): boolean {
    if (!super.take(message, now)) {
      return false;
    }
    if (message.kind === "snapshot") {
      this.lost = false;
    } else if (message.kind === "ended") {
      this.lose();
    }
    return true;
  }

  /** All is old until the next snapshot. */
  lose(): void {
    this.lost = true;
  }

  isOld(now: number): boolean {
    return this.lost || now - this.heard >= SILENCE_SECONDS;
  }
}

/** What is known of the people of incidents; without a register nothing. */
export class People {
  private readonly alerts = new Map<string, Alert>();
  private readonly groups = new Map<string, Group[]>();
  /** Alerts by the incident, and by each alarm, that they are about. */
  private readonly about = new Map<string, Alert[]>();

  constructor(books: Iterable<ResponseBook>) {
    const add = <T>(lists: Map<string, T[]>, key: string, item: T): void => {
      const list = lists.get(key);
      if (list) {
        list.push(item);
      } else {
        lists.set(key, [item]);
      }
    };
    for (const book of books) {
      for (const item of book.items.values()) {
        if (item.kind === "alert") {
          this.alerts.set(item.alert_id, item);
          for (const id of new Set([item.incident_id ?? [], item.alarm_ids].flat())) {
            add(this.about, id, item);
          }
        } else {
          add(this.groups, item.alert_id, item);
        }
      }
    }
  }

  alertsOf(incident: Incident): Alert[] {
    const ids = [incident.incident_id, ...incident.alarms.map((alarm) => alarm.alarm_id)];
    return [...new Set(ids.flatMap((id) => this.about.get(id) ?? []))];
  }

  /** Those who live there first, then who responds, then neighbours. */
  groupsOf(incident: Incident): Group[] {
    const place = (group: Group): number =>
      group.kind === "responders" ? 1 : group.is_neighbour ? 2 : 0;
    return this.allOf(incident).sort((a, b) => place(a) - place(b) || (a.title ?? "").localeCompare(b.title ?? ""));
  }

  private allOf(incident: Incident): Group[] {
    return this.alertsOf(incident).flatMap((alert) => this.groups.get(alert.alert_id) ?? []);
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
    // Of thousands none is put in order only to be counted.
    for (const group of this.allOf(incident)) {
      for (const slot of group.slots) {
        const state = isCalling(slot) ? "need_help" : slot.state;
        counts.set(state, (counts.get(state) ?? 0) + 1);
      }
    }
    return counts;
  }

  /** Those who call for help, the first first: of every alert, if there is an incident or not. */
  calls(): Call[] {
    return [...this.alerts.values()]
      .flatMap((alert): Call[] => {
        const found = (this.groups.get(alert.alert_id) ?? []).flatMap((group) =>
          group.slots.flatMap((slot): Call[] => {
            const call = callOf(slot);
            return call ? [{ alert, who: { group, slot, id: call.call_id }, at: call.at }] : [];
          }),
        );
        // Somebody calls, and it is not known who: that is no less of a call.
        return found.length || !alert.help_open ? found : [{ alert, who: null, at: alert.created_at }];
      })
      .sort((a, b) => a.at - b.at);
  }

  /** The incident that an alert is about. */
  incidentOf(alert: Alert, incidents: Iterable<Incident>): Incident | undefined {
    const alarms = new Set(alert.alarm_ids);
    return [...incidents].find(
      (incident) => incident.incident_id === alert.incident_id || incident.alarms.some(({ alarm_id: id }) => alarms.has(id)),
    );
  }
}

/** What makes a call for help another one than those that were heard before. */
export const keyOf = ({ alert, who }: Call): string => who?.id ?? `${alert.alert_id} ${alert.help_open}`;

/** The areas from which a call comes. */
export const areasOf = ({ alert, who }: Call): string[] => (who?.group.area_id ? [who.group.area_id] : alert.area_ids);

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
  /** Whose it is. */
  user: { id: string; name: string | null };
  properties: Property[];
  all_loaded: boolean;
  reasons: string[];
  /** The address of the register's own pages; null where they are not built. */
  module: string | null;
}

type SessionMessage = { kind: "session"; session: Session } | { kind: "beat" };

/** The subscriptions to every property of the register that the user may see. */
export class Register {
  properties: Property[] = [];
  /** Null until it has answered. */
  session: Session | null = null;
  /** Where units stand, by area. */
  units: ReadonlyMap<string, Unit> = new Map();
  private readonly feeds = new Map<string, Subscription<ResponseMessage, ResponseBook>>();
  /** Who the user is to the register, told anew when a role is given or taken, or a property is loaded. */
  private readonly sessions: Subscription<SessionMessage, { take: (message: SessionMessage) => boolean }>;
  private known: People | null = null;
  /** Since when not all of it is known, in monotonic seconds. */
  private unsureSince: number | null = monotonic();
  private stopped = false;

  constructor(
    private readonly connection: Connection,
    private readonly changed: () => void,
  ) {
    this.sessions = new Subscription<SessionMessage, { take: (message: SessionMessage) => boolean }>(
      connection,
      { type: "rental_units/subscribe_session" },
      { take: () => true },
      (message) => {
        if (message?.kind === "session") {
          this.take(message.session);
        } else if (message === null) {
          // The line was lost, or the register is not set up yet: that says nothing of who the user is.
          this.unsureSince ??= monotonic();
          this.changed();
        }
      },
    );
  }

  /** Asks who the user is to the register, and follows what they may see. */
  start(): void {
    this.sessions.start();
  }

  private take(session: Session): void {
    this.session = session;
    this.properties = session.properties.filter((item) => "get_alerts" in item.rights);
    this.follow();
    void this.askUnits();
    this.unsureSince = session.all_loaded ? null : (this.unsureSince ?? monotonic());
    this.changed();
  }

  stop(): void {
    this.stopped = true;
    this.sessions.stop();
    for (const feed of this.feeds.values()) {
      feed.stop();
    }
  }

  /** Takes nothing for true that was heard before. */
  restart(): void {
    for (const feed of this.feeds.values()) {
      feed.book.lose();
      feed.restart();
    }
    this.sessions.restart();
  }

  /** What is known, null while that is nothing. */
  get people(): People | null {
    this.known ??= this.feeds.size ? new People([...this.feeds.values()].map(({ book }) => book)) : null;
    return this.known;
  }

  /** Who was told of what is over, by the ids of its incident and its alarms; null where nobody may know. */
  async past(incidentId: string, alarmIds: string[]): Promise<People | null> {
    const answers = await Promise.all(
      this.properties.map(({ entry_id }) =>
        this.connection.sendMessagePromise<{ items: Record<string, Item> }>({
          type: "rental_units/response",
          entry_id,
          incident_ids: [incidentId],
          alarm_ids: alarmIds,
        }),
      ),
    );
    if (!answers.length) {
      return null;
    }
    return new People(
      answers.map(({ items }) => {
        const book = new ResponseBook(monotonic());
        book.take({ kind: "snapshot", sequence: 1, items }, monotonic());
        return book;
      }),
    );
  }

  /** May somebody call for help and it is not shown here? */
  isOld(now: number): boolean {
    const isUnsure = this.unsureSince !== null && now - this.unsureSince >= SILENCE_SECONDS;
    return isUnsure || [...this.feeds.values()].some(({ book }) => book.isOld(now));
  }

  /** The property of an alert, if the user may do something there. */
  propertyOf(alertId: string, right = "get_alerts"): Property | undefined {
    return this.properties.find(
      (item) => right in item.rights && this.feeds.get(item.entry_id)?.book.items.has(alertId),
    );
  }

  private async askUnits(): Promise<void> {
    const answers = await Promise.all(
      this.properties.map(({ entry_id }) =>
        this.connection
          .sendMessagePromise<{ places: Record<string, Parameters<typeof unitIn>[0] & Pick<Unit, "position">> } | null>({ type: "rental_units/places", entry_id })
          // The names of areas say it too.
          .catch(() => null),
      ),
    );
    const units = new Map<string, Unit>();
    for (const answer of answers) {
      for (const [areaId, place] of Object.entries(answer?.places ?? {})) {
        const unit = unitIn(place);
        if (unit) {
          units.set(areaId, { ...unit, position: place.position });
        }
      }
    }
    if (units.size && !this.stopped) {
      this.units = units;
      this.changed();
    }
  }

  private follow(): void {
    this.known = null;
    const wanted = new Set(this.properties.map((item) => item.entry_id));
    for (const [entryId, feed] of this.feeds) {
      if (!wanted.has(entryId)) {
        feed.stop();
        this.feeds.delete(entryId);
      }
    }
    for (const entryId of wanted) {
      if (!this.feeds.has(entryId)) {
        const feed = new Subscription<ResponseMessage, ResponseBook>(
          this.connection,
          { type: "rental_units/subscribe_response", entry_id: entryId },
          new ResponseBook(monotonic()),
          () => {
            this.known = null;
            this.changed();
          },
        );
        this.feeds.set(entryId, feed);
        feed.start();
      }
    }
  }
}
