/** What has become of an incident, line by line, and what is read out of it. */

import { clock, dateAndClock, day } from "./format";
import type { Alarm, Entry, Incident } from "./model";
import { powerOf } from "./order";
import { lines } from "./timeline";
import type { Key } from "./texts";
import type { Words } from "./words";

/** `Breaker: proven 412 ms, Stove: …`: of each supply what has come of it. */
function resultsOf(words: Words, results: unknown, said = (result: Record<string, unknown>) => resultOf(words, result)): string {
  if (typeof results !== "object" || results === null) {
    return "";
  }
  return Object.entries(results as Record<string, Record<string, unknown>>)
    .map(([name, result]) => words.t("says", { what: name.replace(/ supply$/, ""), said: said(result) }))
    .join(words.t("comma"));
}

function resultOf(words: Words, { status, limit, reason, milliseconds }: Record<string, unknown>): string {
  if (reason === "drill") {
    return words.t("supply_drill");
  }
  const relay = status === "confirmed" && limit === "relay_only";
  return words.t((relay ? "result_confirmed_relay" : `result_${String(status)}`) as Key, {
    milliseconds: Number(milliseconds ?? 0),
    reason: typeof reason === "string" ? words.option("cut_off_reason", reason) : "?",
  });
}

/** What is written of each supply's power in the timelines of an incident, the oldest first. */
export function pastPowerOf(words: Words, incident: Incident): { supply: string; said: string[] }[] {
  const found = new Map<string, string[]>();
  const add = (results: unknown, say: (result: Record<string, unknown>) => string): void => {
    for (const [name, result] of Object.entries((results ?? {}) as Record<string, Record<string, unknown>>)) {
      const supply = name.replace(/ supply$/, "");
      const said = found.get(supply) ?? [];
      // One deed is on the timeline of each alarm that it is of.
      if (said.at(-1) !== say(result)) {
        said.push(say(result));
      }
      found.set(supply, said);
    }
  };
  for (const { entry } of lines(incident)) {
    const time = clock(words.hass, entry.at);
    if (entry.what === "cut_off" || entry.what === "drill") {
      add(entry["supplies"], (result) => `${time} ${resultOf(words, result)}`);
    } else if (entry.what === "restored") {
      add(entry["restored"], (result) => `${time} ${restoredOf(words, result)}`);
    }
  }
  return [...found].map(([supply, said]) => ({ supply, said }));
}

const restoredOf = (words: Words, result: Record<string, unknown>): string =>
  result["status"] === "confirmed" ? words.t("result_on") : resultOf(words, result);

/** One line of a timeline. */
export function entryOf(words: Words, alarm: Alarm, entry: Entry): string {
  const hazard = `${words.hazard(alarm)} · ${alarm.device_name}`;
  switch (entry.what) {
    case "returned": {
      const count = Number(entry["count"] ?? 1);
      return count > 1
        ? words.t("what_returned_count", { count, hazard })
        : words.t("what_returned", { hazard });
    }
    case "raised":
    case "cleared":
    case "worsened":
      return words.t(`what_${entry.what}`, { hazard });
    case "cut_off":
    case "drill":
      return words.t(`what_${entry.what}`, { supplies: resultsOf(words, entry["supplies"]) });
    case "restored": {
      const checked = entry["checked"];
      return words.t("what_restored", {
        checked: typeof checked === "string" ? words.option("checked", checked) : "–",
        supplies: resultsOf(words, entry["restored"], (result) => restoredOf(words, result)),
      });
    }
    case "reset":
      return words.t("what_reset", {
        outcome: words.outcome(String(entry["outcome"]), entry["cause"]),
      });
    case "note": {
      const { step, text } = entry;
      if (typeof step === "string") {
        return words.t("what_step", { step: words.t(`step_${step}` as Key) });
      }
      // Its words come to who may read them.
      return typeof text === "string" ? words.t("what_note", { text }) : words.t("what_note_kept");
    }
    case "shelved": {
      const { until, reason, text } = entry;
      const why = words.option("shelf_reason", String(reason));
      return words.t("what_shelved", {
        time: dateAndClock(words.hass, Number(until)),
        reason: typeof text === "string" ? words.t("says", { what: why, said: text }) : why,
      });
    }
    case "left_off":
    case "left_off_due": {
      const { left, until, reason, text } = entry;
      const why = words.option("left_reason", String(reason));
      return words.t(`what_${entry.what}`, {
        supplies: Array.isArray(left) ? left.map((name) => String(name).replace(/ supply$/, "")).join(words.t("comma")) : "",
        day: typeof until === "string" ? day(words.hass, until) : "",
        reason: typeof text === "string" ? words.t("says", { what: why, said: text }) : why,
      });
    }
    case "silence":
    case "release":
    case "self_test":
      return words.t(entry["done"] === false ? `what_${entry.what}_failed` : `what_${entry.what}`);
    case "came_back_closed":
    case "current_returned":
      return words.t(`what_${entry.what}`, {
        supply: String(entry["supply"]).replace(/ supply$/, ""),
      });
    case "door_released":
    case "door_unproven":
    case "door_locked":
      return words.t(`what_${entry.what}`, { door: String(entry["door"]) });
    case "acknowledged":
    case "on_my_way":
    case "false_alarm":
    case "need_help":
    case "help_closed":
    case "unshelved":
    case "attested":
    case "superseded":
    case "test_ended":
    case "removed":
      return words.t(`what_${entry.what}`);
    default:
      // Of a later version: what it is called says more than nothing.
      return entry.what;
  }
}

/** What is read out to the fire brigade: where, what, who needs help, and the power. */
export function reportOf(words: Words, incident: Incident, needHelp: boolean): string {
  const power = powerOf(incident);
  const isOff = power.all > 0 && power.off === power.all && !power.relayOnly;
  const stays = incident.supplies.filter((supply) => supply.state === "protected");
  const place = [words.hass.config.location_name, words.address(incident), words.place(incident)];
  return words.t("report_119", {
    address: place.filter(Boolean).join(words.t("comma")),
    hazards: words.hazards(incident),
    present: words.t(incident.present ? "report_present" : "report_over"),
    help: needHelp ? words.t("report_help") : "",
    power: incident.supplies.length ? words.t(isOff ? "report_power" : "report_power_not") : "",
    stays: stays.length
      ? words.t("report_protected", { names: stays.map((item) => words.supply(item)).join(words.t("comma")) })
      : "",
    compound: words.hass.config.location_name,
  });
}
