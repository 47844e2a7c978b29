/** What every page of the register is given, and how it asks the register. */

import { reasonOf, type Rejected } from "../errors";
import type { Guest } from "../extension";
import type { Property, Session } from "../response";
import type { Translate } from "./texts";

/** How long an answer may take, in milliseconds. */
const ANSWER_MILLISECONDS = 15_000;
const DOMAIN = "rental_units";

/** The reason for which this account looks, while the page is open. */
let given: string | null = null;

export const givenReason = (): string | null => given;
export const giveReason = (reason: string | null): void => {
  given = reason;
};

export interface Room extends Omit<Guest, "path"> {
  t: Translate;
}

/** A word of the integration's own translations, such as a role; its code until they are loaded. */
export const option = (room: Room, selector: string, key: string): string =>
  room.hass.localize(`component.${DOMAIN}.selector.${selector}.options.${key}`) || key;

/** A day of the server, `2026-11-29`, as the user writes days. */
export const day = (room: Room, iso: string | null): string =>
  iso
    ? new Intl.DateTimeFormat(room.hass.locale.language, { dateStyle: "medium", timeZone: "UTC" }).format(new Date(iso))
    : "";

/** How long a lease is: `Nov 1, 2026 – Oct 31, 2027`, or as much of that as there is. */
export function period(room: Room, start: string | null, end: string | null): string {
  if (start && end) {
    return room.t("from_to", { start: day(room, start), end: day(room, end) });
  }
  return start ? room.t("since_day", { day: day(room, start) }) : end ? room.t("until", { day: day(room, end) }) : room.t("no_dates");
}

/** Today in the house, as the server writes days. */
export const today = (room: Room): string =>
  new Intl.DateTimeFormat("sv", { timeZone: room.hass.config.time_zone }).format(new Date());

export class Failure extends Error {
  constructor(
    message: string,
    /** The key of the register's text, by which a field is known. */
    readonly key: string | null,
  ) {
    super(message);
  }
}

/** One property of the register. */
export class Api {
  constructor(
    private readonly room: Room,
    readonly property: Property,
  ) {}

  /** May the user do this, in a unit or anywhere? */
  may(right: string, unitId: string | null = null): boolean {
    const units = this.property.rights[right];
    return units === null || (units !== undefined && (unitId === null ? units.length > 0 : units.includes(unitId)));
  }

  /** Has a reason to be given before the first of these? */
  lacksReason(right: string): boolean {
    return given === null && this.property.for_a_reason.includes(right);
  }

  /** Asks, with the reason that was given. Throws Failure. */
  async ask<T>(command: string, data: object = {}, withReason = true): Promise<T> {
    let timer: number | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = window.setTimeout(() => {
        reject(new Error(this.room.t("no_answer")));
      }, ANSWER_MILLISECONDS);
    });
    try {
      const { connection } = this.room.hass;
      const asked = connection.sendMessagePromise<T>({
        type: `${DOMAIN}/${command}`,
        entry_id: this.property.entry_id,
        ...(withReason && given ? { reason: given } : {}),
        ...data,
      });
      return await Promise.race([asked, late]);
    } catch (error) {
      const rejected = error as Rejected;
      throw new Failure(reasonOf(this.room.hass, rejected, this.room.t("not_allowed")), rejected.translation_key ?? null);
    } finally {
      window.clearTimeout(timer);
    }
  }

  /** Follows; what is missing in between is asked for anew. Returns what ends it. */
  follow<T>(command: string, heard: (items: ReadonlyMap<string, T>) => void, failed: (text: string) => void): () => void {
    const items = new Map<string, T>();
    let isOver = false;
    let end: Promise<(() => Promise<void>) | undefined> | null = null;
    const stop = (): void => {
      void end?.then((ended) => ended?.().catch(() => undefined));
      end = null;
    };
    const start = (): void => {
      let sequence = 0;
      const mine = this.room.hass.connection
        .subscribeMessage(
          (message: FeedMessage<T>) => {
            if (isOver || end !== mine) {
              return;
            }
            if (message.kind === "snapshot") {
              items.clear();
            } else if (message.sequence !== sequence + (message.kind === "beat" ? 0 : 1)) {
              stop();
              start();
              return;
            }
            sequence = message.sequence;
            for (const [key, item] of Object.entries(message.items ?? {})) {
              items.set(key, item);
            }
            for (const key of message.keys ?? []) {
              items.delete(key);
            }
            if (message.kind === "ended") {
              items.clear();
              failed(this.room.t("ended"));
            } else if (message.kind !== "beat") {
              heard(items);
            }
          },
          { type: `${DOMAIN}/${command}`, entry_id: this.property.entry_id },
        )
        .catch((error: unknown) => {
          failed(reasonOf(this.room.hass, error as Rejected, this.room.t("not_allowed")));
          return undefined;
        });
      end = mine;
    };
    start();
    return () => {
      isOver = true;
      stop();
    };
  }
}

interface FeedMessage<T> {
  kind: "snapshot" | "change" | "gone" | "beat" | "ended";
  sequence: number;
  items?: Record<string, T>;
  keys?: string[];
}

/** The properties in which the user may do something. */
export const apis = (room: Room, ...rights: string[]): Api[] =>
  room.session.properties
    .filter((property) => rights.some((right) => right in property.rights))
    .map((property) => new Api(room, property));

/** The property of an address: the only one, or the one that it names. */
export const apiOf = (room: Room, entryId: string | null): Api | null => {
  const property = room.session.properties.find((item) => entryId === null || item.entry_id === entryId);
  return property ? new Api(room, property) : null;
};

/** The address of a unit or a person; it names the property where there are several. */
export function pathOf(session: Session, kind: "unit" | "person", id: string, entryId: string): string {
  const path = `/${kind}/${encodeURIComponent(id)}`;
  return session.properties.length > 1 ? `${path}/${entryId}` : path;
}
