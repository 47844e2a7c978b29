/** Who is on duty, as the server tells it, as long as an element shows it. */

import { clockMinutes } from "../format";
import { Following } from "./following";
import type { Duty, Week } from "./model";
import { apis, option, type Api, type Room } from "./room";

/** How often the plans are read anew, in milliseconds: somebody may change them elsewhere. */
const AGAIN_MILLISECONDS = 300_000;

const DAY_SECONDS = 86_400;

export type Span = [number, number];

/** Seconds since midnight in the house. */
export function secondsOf({ hass }: Room, at: number): number {
  const [hours = 0, minutes = 0, seconds = 0] = new Intl.DateTimeFormat("sv", {
    timeZone: hass.config.time_zone,
    timeStyle: "medium",
  })
    .format(at * 1000)
    .split(":")
    .map(Number);
  return hours * 3600 + minutes * 60 + seconds;
}

export function weekday({ hass }: Room, at: number, withDay = true): string {
  const more = withDay ? ({ day: "numeric" } as const) : {};
  return new Intl.DateTimeFormat(hass.locale.language, { weekday: "short", ...more, timeZone: hass.config.time_zone }).format(
    at * 1000,
  );
}

/** From when until when, with the day of the end where it is another. */
export function spanOf(room: Room, [from, until]: Span): string {
  const { hass, t } = room;
  const isSameDay = weekday(room, from) === weekday(room, until - 1) && until - from <= DAY_SECONDS;
  const end = isSameDay ? clockMinutes(hass, until) : `${weekday(room, until)} ${clockMinutes(hass, until)}`;
  return t("span", { from: `${weekday(room, from)} ${clockMinutes(hass, from)}`, until: end });
}

/** What the incidents' page says of a duty that somebody does not cover; null where all is well. */
export function gapOf(room: Room, { duty, gaps }: Week["duties"][number], now: Duty | undefined): string | null {
  const { t } = room;
  const name = option(room, "duty", duty);
  if (now?.gap === "unreachable") {
    return t("duty_says", { duty: name, what: t("gap_unreachable") });
  }
  const [first, ...others] = gaps;
  if (!first) {
    return now?.gap === "off" ? t("duty_says", { duty: name, what: t("gap_off") }) : null;
  }
  const what = t("gap_when", { span: spanOf(room, first) });
  return t("duty_says", { duty: name, what: others.length ? `${what} ${t("gap_more", { count: others.length })}` : what });
}

export class Roster extends Following {
  /** The next seven days of each property; null until they were read. */
  weeks: { api: Api; week: Week }[] | null = null;
  /** Who is on now, by property and duty. */
  now = new Map<string, ReadonlyMap<string, Duty>>();
  /** Why it is not known; empty while it is. */
  failure = "";

  async read(): Promise<void> {
    try {
      this.weeks = await Promise.all(
        apis(this.host.room, "get_roster").map(async (api) => ({
          api,
          week: await api.ask<Week>("roster_week", {}, { withReason: false }),
        })),
      );
      this.failure = "";
    } catch (error) {
      this.failure = error instanceof Error ? error.message : String(error);
    }
    this.host.requestUpdate();
  }

  protected override follow(): (() => void)[] {
    const ends = apis(this.host.room, "get_roster").map((api) => {
      const entryId = api.property.entry_id;
      return api.follow<Duty>(
        "subscribe_roster",
        (items) => {
          const isFirst = !this.now.has(entryId);
          this.now = new Map([...this.now, [entryId, new Map(items)]]);
          this.host.requestUpdate();
          if (!isFirst || this.failure) {
            void this.read();
          }
        },
        (text) => {
          this.failure = text;
          this.host.requestUpdate();
          if (!text) {
            void this.read();
          }
        },
      );
    });
    void this.read();
    const timer = window.setInterval(() => void this.read(), AGAIN_MILLISECONDS);
    return [...ends, () => { window.clearInterval(timer); }];
  }
}
