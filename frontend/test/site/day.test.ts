import { expect, test } from "vitest";
import { Day, type Part } from "../../src/site/day";
import type { Entry } from "../../src/model";
import { alarm } from "../made";

const part = (more: Partial<Part>): Part => ({ alarms: [], orders: [], names: {}, next: null, ...more });
const raised = (id: string, incident: string, ...timeline: Entry[]): Part["alarms"][number] => ({
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

test("a door that several fires open at once is one line of all of them; by another hand, or later, it is another", () => {
  const opened = { at: 2.1, what: "door_released", door: "Doors 1" };
  const day = new Day();
  day.take(
    part({
      alarms: [
        raised("a", "fire", opened, { ...opened, at: 9 }),
        raised("b", "other", { ...opened, at: 2.2 }, { ...opened, door: "Doors 2" }),
      ],
    }),
  );
  expect(day.told().map((row) => ("also" in row ? [row.at, row.line.alarm.alarm_id, row.also.map(({ alarm_id }) => alarm_id)] : []))).toEqual([
    [2.1, "a", ["b"]],
    [2.1, "b", []],
    [9, "a", []],
  ]);
});
