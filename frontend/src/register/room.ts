/** What every page of the register is given, and how it asks the register. */

import { reasonOf, type Rejected } from "../errors";
import type { Guest } from "../extension";
import { Subscription, monotonic } from "../feed";
import { Items, type ItemsMessage } from "../items";
import type { Property, Session } from "../response";
import { languageOf, type Translate } from "./texts";

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

/** What an alert is about; one of a message alone has no hazard. */
export const hazardsIn = (room: Room, hazards: string[]): string =>
  hazards.map((hazard) => option(room, "alert_hazard", hazard)).join(room.t("comma")) || room.t("alert_plain");

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

/** The day of a time of the server, in the house's time zone. */
export const dayOf = (room: Room, iso: string): string =>
  new Intl.DateTimeFormat(room.hass.locale.language, { dateStyle: "medium", timeZone: room.hass.config.time_zone }).format(
    new Date(iso),
  );

/** The last day before a time of the server: what ends at midnight ends with the day before. */
export const lastDayOf = (room: Room, iso: string): string => dayOf(room, new Date(Date.parse(iso) - 1).toISOString());

/** A time of the server, in the house's time zone, to the minute. */
export const timeOf = (room: Room, iso: string): string =>
  new Intl.DateTimeFormat(room.hass.locale.language, {
    dateStyle: "medium",
    timeStyle: "short",
    timeZone: room.hass.config.time_zone,
  }).format(new Date(iso));

/** Today in the house by the server's clock, as it writes days. */
export const today = (room: Room): string =>
  new Intl.DateTimeFormat("sv", { timeZone: room.hass.config.time_zone }).format(room.now() * 1000);

/** Now in the house, as a form writes it: `2026-11-29T14:05`. */
export const nowIn = (room: Room): string =>
  new Intl.DateTimeFormat("sv", { timeZone: room.hass.config.time_zone, dateStyle: "short", timeStyle: "short" })
    .format(room.now() * 1000)
    .replace(" ", "T");

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

  /** Asks, with the reason that was given, and waits so long for the answer. Throws Failure. */
  async ask<T>(command: string, data: object = {}, { withReason = true, patience = ANSWER_MILLISECONDS } = {}): Promise<T> {
    let timer: number | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = window.setTimeout(() => {
        reject(new Error(this.room.t("no_answer")));
      }, patience);
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
      throw new Failure(this.reason(error), rejected.translation_key ?? null);
    } finally {
      window.clearTimeout(timer);
    }
  }

  /** Fetches the whole register as a file, in the reader's language. Throws Failure. */
  async file(format: string, reason: string): Promise<Blob> {
    const { hass, t } = this.room;
    const query = new URLSearchParams({ format, reason, language: languageOf(hass.language) });
    const path = `/api/${DOMAIN}/register/${this.property.entry_id}?${query.toString()}`;
    const answer = await hass.fetchWithAuth(path).catch(() => null);
    if (answer?.ok) {
      return answer.blob();
    }
    if (answer?.status === 400) {
      // What is refused is said in the language that was asked for.
      throw new Failure(((await answer.json()) as { message: string }).message, null);
    }
    throw new Failure(t(answer ? "not_allowed" : "not_fetched"), null);
  }

  /**
   * Follows; what is missing or silent in between is asked for anew. `failed` is told why it is not
   * heard, and "" when it is again; `withReason` asks with the reason that was given. Returns what ends it.
   */
  follow<T>(
    command: string,
    heard: (items: ReadonlyMap<string, T>) => void,
    failed: (text: string) => void,
    { withReason = false } = {},
  ): () => void {
    let isFailing = false;
    const fail = (text: string): void => {
      isFailing = text !== "";
      failed(text);
    };
    const feed = new Subscription<ItemsMessage<T>, Items<T>>(
      this.room.hass.connection,
      { type: `${DOMAIN}/${command}`, entry_id: this.property.entry_id, ...(withReason && given ? { reason: given } : {}) },
      new Items<T>(monotonic()),
      (message) => {
        if (message === null) {
          fail(this.reason(feed.rejected));
        } else if (message.kind === "ended") {
          fail(this.room.t("ended"));
        } else {
          if (isFailing) {
            fail("");
          }
          if (message.kind !== "beat") {
            heard(feed.book.items);
          }
        }
      },
    );
    feed.start();
    return () => {
      feed.stop();
    };
  }

  private reason(error: unknown): string {
    const { hass, t } = this.room;
    return reasonOf(hass, error as Rejected, t("not_allowed"), t("line_lost"));
  }
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

/** The address of a unit, a person, a place, a report, a search or a watch; it names the property where there are several. */
export function pathOf(session: Session, kind: "unit" | "person" | "place" | "report" | "case" | "watch", id: string, entryId: string): string {
  const path = `/${kind}/${encodeURIComponent(id)}`;
  return session.properties.length > 1 ? `${path}/${entryId}` : path;
}
