import { expect, test } from "vitest";
import { isInDanger, isQuiet, urgency } from "../src/register/flat";
import type { Flat } from "../src/register/model";

const alert = (more: Partial<Flat["alerts"][number]> = {}): Flat["alerts"][number] => ({
  alert_id: "alert",
  severity: "alarm",
  hazards: ["smoke"],
  state: "active",
  drill: false,
  created_at: 1,
  answer: null,
  answered_at: null,
  help_open: false,
  ...more,
});
const flat = (alerts: Flat["alerts"] = [], nearby: Flat["nearby"] = []): Flat => ({
  unit_id: "u",
  title: "1-1-201",
  area_id: "1_1_201",
  roles: ["landlord"],
  alerts,
  nearby,
});

test("that there is no alert is said where nothing burns either, and only while it is known", () => {
  expect(isQuiet(flat(), null, true)).toBe(true);
  expect(isQuiet(flat(), "incident", true)).toBe(false);
  expect(isQuiet(flat(), null, false)).toBe(false);
  expect(isQuiet(flat([alert()]), null, true)).toBe(false);
  expect(isQuiet(flat([alert({ state: "ended" })]), null, true)).toBe(true);
});

test("a drill, a fault and a mere message are not framed as an alarm", () => {
  const framed = [{}, { severity: "warning" }, { severity: "fault" }, { severity: "message" }, { drill: true }, { state: "ended" }];
  expect(framed.map((more) => isInDanger(flat([alert(more)])))).toEqual([true, true, false, false, false, false]);
});

test("danger comes first, then what asks for an answer, then the stairwell", () => {
  const near = [{ alert_id: "near", hazards: ["smoke"], at: 1 }];
  expect([flat([alert()]), flat([alert({ severity: "message" })]), flat([], near), flat()].map(urgency)).toEqual([0, 1, 2, 3]);
});
