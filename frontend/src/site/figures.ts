/** What closed alarms say of how fast people and machines were. Nothing here knows a browser. */

import { FLOOD_ALARMS, FLOOD_SECONDS } from "../order";

export interface Closed {
  alarm_id: string;
  incident_id: string;
  hazard: string;
  severity: "alarm" | "warning" | "fault";
  drill: boolean;
  device_id: string | null;
  device_name: string;
  area_id: string | null;
  raised_at: number;
  acknowledged_at: number | null;
  acknowledged_by: string | null;
  cleared_at: number | null;
  proven_at: number | null;
  closed_at: number;
  /** How often it came back while it was open. */
  returns: number;
  reason?: string;
  outcome: string | null;
  cause: string | null;
  who: string | null;
}

export interface Page {
  alarms: Closed[];
  next: number | null;
  names: Record<string, string>;
}

export interface Spread {
  count: number;
  /** In seconds. */
  median: number;
  p95: number;
  /** How many of them took no longer than a minute. */
  inMinute: number;
}

export interface Figures {
  acknowledged: Spread | null;
  proven: Spread | null;
  reset: Spread | null;
  /** Of life alarms that a person has judged. */
  judged: number;
  falseAlarms: number;
  /** Of life alarms: the most within the time of a flood, and how often there was one. */
  busiest: number;
  floods: number;
  /** Warnings and faults that were open for more than a day. */
  stale: number;
  /** Alarms that came back so often that somebody should see to their device. */
  chattering: number;
  devices: Device[];
  /** The oldest first. */
  months: Month[];
}

export interface Device {
  name: string;
  areaId: string | null;
  count: number;
  judged: number;
  falseAlarms: number;
}

export interface Month {
  name: string;
  count: number;
  judged: number;
  falseAlarms: number;
}

const MOST_DEVICES = 10;
/** A warning or a fault that was open for longer has stood there unasked. */
const STALE_SECONDS = 86_400;
/** What comes back so often, and so often a minute, is chattering. */
const CHATTERING = 3;

/** Returns the smallest value that a share of all does not exceed; `values` are sorted. */
export function quantile(values: readonly number[], share: number): number {
  return values[Math.max(0, Math.ceil(share * values.length) - 1)] ?? NaN;
}

function spread(seconds: number[]): Spread | null {
  const values = seconds.sort((a, b) => a - b);
  return values.length
    ? {
        count: values.length,
        median: quantile(values, 0.5),
        p95: quantile(values, 0.95),
        inMinute: values.filter((value) => value <= 60).length,
      }
    : null;
}

/** Returns how many came at most within the time of a flood, and how often they were one; `times` are sorted. */
function rush(times: readonly number[]): Pick<Figures, "busiest" | "floods"> {
  let first = 0;
  let busiest = 0;
  let floods = 0;
  let isFlood = false;
  times.forEach((at, index) => {
    while (at - (times[first] ?? at) > FLOOD_SECONDS) {
      first += 1;
    }
    const count = index - first + 1;
    busiest = Math.max(busiest, count);
    floods += Number(count > FLOOD_ALARMS && !isFlood);
    isFlood = count > FLOOD_ALARMS;
  });
  return { busiest, floods };
}

const isChattering = ({ returns, raised_at: at, cleared_at: end, closed_at: closed }: Closed): boolean =>
  returns >= CHATTERING && returns * 60 >= CHATTERING * ((end ?? closed) - at);
const isJudged = ({ outcome }: Closed): boolean => outcome !== null && outcome !== "test";
const isFalse = ({ outcome }: Closed): boolean => outcome === "false_alarm";

function counted<Row extends Omit<Month, "name">>(row: Row, alarm: Closed): Row {
  return {
    ...row,
    count: row.count + 1,
    judged: row.judged + Number(isJudged(alarm)),
    falseAlarms: row.falseAlarms + Number(isFalse(alarm)),
  };
}

/**
 * Returns the figures of what was real: times are of incidents whose worst alarm was one of life.
 *
 * `monthOf` names the month of a time.
 */
export function figuresOf(alarms: Iterable<Closed>, monthOf: (at: number) => string): Figures {
  const real = [...alarms].filter((alarm) => !alarm.drill);
  const life = real.filter((alarm) => alarm.severity === "alarm");
  life.sort((a, b) => a.raised_at - b.raised_at);
  const incidents = new Map<string, Closed[]>();
  const devices = new Map<string, Device>();
  const months = new Map<string, Month>();
  const none = { count: 0, judged: 0, falseAlarms: 0 };
  for (const alarm of life) {
    incidents.set(alarm.incident_id, [...(incidents.get(alarm.incident_id) ?? []), alarm]);
    const key = alarm.device_id ?? alarm.device_name;
    const device = devices.get(key) ?? { name: alarm.device_name, areaId: alarm.area_id, ...none };
    devices.set(key, counted(device, alarm));
    const name = monthOf(alarm.raised_at);
    months.set(name, counted(months.get(name) ?? { name, ...none }, alarm));
  }
  const took = (end: (alarm: Closed) => number | null, which: (...ends: number[]) => number): Spread | null =>
    spread(
      [...incidents.values()].flatMap((rows) => {
        const ends = rows.flatMap((row) => end(row) ?? []);
        const begin = Math.min(...rows.map((row) => row.raised_at));
        return ends.length ? Math.max(0, which(...ends) - begin) : [];
      }),
    );
  return {
    acknowledged: took((alarm) => alarm.acknowledged_at, Math.min),
    proven: took((alarm) => alarm.proven_at, Math.min),
    reset: took((alarm) => (alarm.reason === "reset" ? alarm.closed_at : null), Math.max),
    judged: life.filter(isJudged).length,
    falseAlarms: life.filter(isFalse).length,
    ...rush(life.map((alarm) => alarm.raised_at)),
    stale: real.filter((alarm) => alarm.severity !== "alarm" && alarm.closed_at - alarm.raised_at > STALE_SECONDS).length,
    chattering: real.filter(isChattering).length,
    devices: [...devices.values()].sort((a, b) => b.count - a.count).slice(0, MOST_DEVICES),
    months: [...months.values()],
  };
}

/** Returns rows as a file that spreadsheets open; what begins like a formula is text there. */
export function csv(rows: readonly (readonly string[])[]): string {
  const cell = (text: string): string => {
    const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  // With a mark: else Chinese is taken for another encoding.
  return `\ufeff${rows.map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;
}
