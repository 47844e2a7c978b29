import { expect, test } from "vitest";
import { Day, type Part } from "../../src/site/day";
import { alarm } from "../made";

const part = (more: Partial<Part>): Part => ({ alarms: [], orders: [], names: {}, next: null, ...more });
const raised = (id: string, incident: string, ...timeline: { at: number; what: string; who?: string }[]): Part["alarms"][number] => ({
  ...alarm({ alarm_id: id, timeline }),
  incident_id: incident,
});

test("all that happened is in order, and one deed for all alarms of an incident is one line", () => {
  const day = new Day();
  day.take(
    part({
      alarms: [
        raised("a", "fire", { at: 1, what: "raised" }, { at: 3, what: "acknowledged", who: "u" }),
        raised("b", "fire", { at: 2, what: "raised" }, { at: 3, what: "acknowledged", who: "u" }),
        raised("c", "other", { at: 3, what: "acknowledged", who: "u" }),
      ],
      names: { u: "Duty officer" },
    }),
  );
  day.take(
    part({
      orders: [{ order: "open", at: 2.5, who: "u", why: "visitor", proven: true, kind: null, name: "Door", channel: "1", area_id: null }],
      names: { v: "Another" },
    }),
  );
  expect(day.told().map((row) => [row.at, row.who, "line" in row ? row.line.entry.what : row.order.order])).toEqual([
    [1, null, "raised"],
    [2, null, "raised"],
    [2.5, "u", "open"],
    [3, "u", "acknowledged"],
    [3, "u", "acknowledged"],
  ]);
  expect([...day.names.keys()]).toEqual(["u", "v"]);
});

test("an alarm that was closed between two parts is there once, as it was last", () => {
  const day = new Day();
  day.take(part({ alarms: [raised("a", "fire", { at: 1, what: "raised" })] }));
  day.take(part({ alarms: [raised("a", "fire", { at: 1, what: "raised" }, { at: 4, what: "reset", who: "u" })] }));
  expect(day.told().map(({ at }) => at)).toEqual([1, 4]);
});
