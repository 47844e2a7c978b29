/** The timelines of an incident's alarms as one. Nothing here knows a browser. */

import type { Alarm, Entry, Incident } from "./model";

export interface Line {
  alarm: Alarm;
  entry: Entry;
}

/** All entries of all alarms, the oldest first. */
export function lines(incident: Pick<Incident, "alarms">): Line[] {
  const seen = new Set<string>();
  return incident.alarms
    .flatMap((alarm) => (alarm.timeline ?? []).map((entry) => ({ alarm, entry })))
    .sort((a, b) => a.entry.at - b.entry.at)
    .filter(({ entry }) => {
      // One deed for all alarms of an incident is one line; what failed of it is another.
      if (!entry.who || ["note", "raised"].includes(entry.what)) {
        return true;
      }
      const key = `${entry.what} ${entry.who} ${Math.round(entry.at)} ${String(entry["done"])}`;
      const isFirst = !seen.has(key);
      seen.add(key);
      return isFirst;
    });
}
