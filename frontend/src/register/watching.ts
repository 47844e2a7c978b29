/** What is to be said of somebody who is watched over. Nothing here knows a browser. */

import type { WatchChart, WatchMonth, WatchRow } from "./model";

export const STATES = ["alarm", "asking", "suspended", "away", "paused", "watching"] as const;
export type State = (typeof STATES)[number];

/** What stands for a watch: one that cannot be read is no better than one that cannot see. */
export type Shown = State | "unreadable";

export const shownOf = (row: Pick<WatchRow, "state" | "unreadable">): Shown => (row.unreadable ? "unreadable" : row.state);

/** What cannot be seen is a fault. No state says that somebody is well. */
const LOOKS: Record<Shown, string> = {
  alarm: "bad filled",
  asking: "bad",
  suspended: "warn",
  unreadable: "warn",
  away: "",
  paused: "",
  watching: "",
};
export const lookOf = (row: Pick<WatchRow, "state" | "unreadable">): string => LOOKS[shownOf(row)];

/** The worst first, as the server sends them; what cannot be read with what cannot see. */
export function ordered(rows: readonly WatchRow[]): WatchRow[] {
  const rank = (row: WatchRow): number => STATES.indexOf(row.unreadable ? "suspended" : row.state);
  return [...rows].sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
}

/** Why it is not shown what is usual: nothing can be said then of when somebody should be heard. */
export const knowsUsual = (row: Pick<WatchRow, "unreadable" | "state" | "usual_of_days">): boolean =>
  !row.unreadable && row.state !== "suspended" && (row.usual_of_days ?? 0) > 0;

/** The sentences about somebody, as keys and what is put into them. */
export interface Sentence {
  key: "care_last" | "care_last_said" | "care_usual" | "care_assumed" | "care_not_seen" | "care_next" | "care_next_others" | "care_asked" | "care_told" | "care_away" | "care_away_until" | "care_paused" | "care_guests" | "care_unreadable" | "care_nobody_to_ask";
  /** ISO times by their names in the text. */
  times?: Record<string, string>;
  values?: Record<string, string | number>;
}

export function explained(row: WatchRow): Sentence[] {
  if (row.unreadable) {
    return [{ key: "care_unreadable" }];
  }
  const said: Sentence[] = [];
  const add = (key: Sentence["key"], times: Record<string, string | null> = {}, values: Record<string, string | number> = {}): void => {
    const known = Object.entries(times).flatMap(([name, at]) => (at === null ? [] : [[name, at] as const]));
    if (known.length === Object.keys(times).length) {
      said.push({ key, times: Object.fromEntries(known), values });
    }
  };
  const where = [row.by?.area, row.by?.name].filter(Boolean).join(" · ");
  add(where ? "care_last" : "care_last_said", { last: row.last }, where ? { where } : {});
  const isOpen = row.state === "asking" || row.state === "alarm";
  if (row.state === "suspended") {
    add("care_not_seen");
  } else if (row.state !== "paused" && row.state !== "away") {
    if (knowsUsual(row)) {
      add("care_usual", { by: row.usual_by }, { days: row.usual_on_days ?? 0, all: row.usual_of_days ?? 0 });
    } else {
      add("care_assumed");
    }
  }
  if (row.away_since) {
    add(row.away_until ? "care_away_until" : "care_away", { since: row.away_since, ...(row.away_until ? { until: row.away_until } : {}) });
  }
  if (row.state === "paused") {
    add("care_paused", { until: row.paused_until });
  }
  add("care_guests", { until: row.guests_until });
  add("care_asked", { at: row.asked_at });
  add("care_told", { at: row.told_at });
  if (!isOpen && (row.state === "watching" || row.state === "away")) {
    if (row.asks) {
      add("care_next", { ask: row.ask_at, tell: row.tell_at });
    } else {
      add("care_next_others", { tell: row.tell_at });
    }
  } else if (row.state === "asking") {
    add("care_next_others", { tell: row.tell_at });
  }
  if (!row.asks) {
    add("care_nobody_to_ask");
  }
  return said;
}

/** What of the reasons is no state, and has to be known besides. */
const NOTES = ["learning", "moved", "guests", "dead", "limit", "plan_over", "help", "unanswered", "door"] as const;
export const notesOf = (row: Pick<WatchRow, "why">): (typeof NOTES)[number][] => NOTES.filter((note) => row.why.includes(note));

export type Heard = "heard" | "silent" | "unseen" | "coming";

/** One hour of the chart. */
export interface Hour {
  hour: number;
  /** The share of days with a sign of life in its best quarter; null: not known. */
  usual: number | null;
  today: Heard;
}

const QUARTERS = 4;

/** What was heard in a quarter of an hour; what was partly not seen is not known. */
export function heardIn(marks: readonly (boolean | null)[], from: number, nowQuarter: number): Heard {
  const past = marks.filter((_mark, index) => from + index <= nowQuarter);
  if (!past.length) {
    return "coming";
  }
  if (past.includes(true)) {
    return "heard";
  }
  return past.includes(null) ? "unseen" : "silent";
}

/** The day by its hours, as it can be read aloud. */
export function hoursOf(chart: WatchChart, nowQuarter: number): Hour[] {
  return Array.from({ length: chart.usual.length / QUARTERS }, (_none, hour) => {
    const from = hour * QUARTERS;
    const usual = chart.usual.slice(from, from + QUARTERS).filter((share) => share !== null);
    return {
      hour,
      usual: usual.length ? Math.max(...usual) : null,
      today: heardIn(chart.today.slice(from, from + QUARTERS), from, nowQuarter),
    };
  });
}

/** The day 42 days after a birth: a watch for its sake ends by itself. */
export function endAfterBirth(born: string, days = 42): string {
  const at = new Date(`${born}T00:00:00Z`);
  at.setUTCDate(at.getUTCDate() + days);
  return at.toISOString().slice(0, 10);
}

/** The share of what others were told that was needed, in percent; null where nobody has said. */
export function rightOf({ needless, real }: Pick<WatchMonth, "needless" | "real">): number | null {
  return needless + real ? Math.round((real / (needless + real)) * 100) : null;
}
