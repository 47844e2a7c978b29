import { expect, test } from "vitest";
import { csv, figuresOf, quantile, type Closed } from "../../src/site/figures";

const closed = (id: string, more: Partial<Closed> = {}): Closed => ({
  alarm_id: id,
  incident_id: id,
  hazard: "smoke",
  severity: "alarm",
  drill: false,
  device_id: "d",
  device_name: "Smoke sensor",
  area_id: "1_1_201",
  raised_at: 1000,
  acknowledged_at: 1030,
  acknowledged_by: "user",
  cleared_at: 1100,
  proven_at: 1000.4,
  closed_at: 1200,
  returns: 0,
  reason: "reset",
  outcome: "real",
  cause: "cooking",
  who: "user",
  ...more,
});
const hundreds = (at: number): string => String(Math.floor(at / 100));

test("a quantile is a value that was there", () => {
  const values = Array.from({ length: 20 }, (_, index) => index + 1);
  expect([quantile(values, 0.5), quantile(values, 0.95), quantile([7], 0.95)]).toEqual([10, 19, 7]);
});

test("times are of incidents: from the first alarm to the first answer, and to the last reset", () => {
  const figures = figuresOf([
    closed("a"),
    closed("b", { incident_id: "a", raised_at: 1010, acknowledged_at: 1020, proven_at: null, closed_at: 1300 }),
    closed("c", { raised_at: 2000, acknowledged_at: 2100, proven_at: null, closed_at: 2050, reason: "cleared", outcome: null }),
  ], hundreds);
  expect(figures.acknowledged).toEqual({ count: 2, median: 20, p95: 100, inMinute: 1 });
  expect(figures.proven?.median).toBeCloseTo(0.4);
  expect(figures.reset).toEqual({ count: 1, median: 300, p95: 300, inMinute: 0 });
});

test("drills, warnings and faults are in none of them, and tests are judged by nobody", () => {
  const figures = figuresOf([
    closed("drill", { drill: true }),
    closed("warning", { severity: "warning" }),
    closed("test", { outcome: "test" }),
    closed("false", { outcome: "false_alarm", device_id: "e", device_name: "Other" }),
    closed("real"),
  ], hundreds);
  expect([figures.judged, figures.falseAlarms]).toEqual([2, 1]);
  expect(figures.devices.map(({ name, count }) => [name, count])).toEqual([
    ["Smoke sensor", 2],
    ["Other", 1],
  ]);
  expect(figuresOf([], hundreds)).toMatchObject({ acknowledged: null, proven: null, reset: null, devices: [] });
});

test("false alarms by month and by device: of those that somebody has judged", () => {
  const { months, devices } = figuresOf(
    [
      closed("c", { raised_at: 250, outcome: "false_alarm" }),
      closed("a", { raised_at: 110 }),
      closed("b", { raised_at: 120, outcome: "false_alarm", device_id: "e", device_name: "Other" }),
      closed("open end", { raised_at: 130, outcome: null }),
      closed("drill", { raised_at: 310, drill: true }),
    ],
    hundreds,
  );
  expect(months).toEqual([
    { name: "1", count: 3, judged: 2, falseAlarms: 1 },
    { name: "2", count: 1, judged: 1, falseAlarms: 1 },
  ]);
  expect(devices.map(({ name, judged, falseAlarms }) => [name, judged, falseAlarms])).toEqual([
    ["Smoke sensor", 2, 1],
    ["Other", 1, 1],
  ]);
});

test("a file has no formula, and its quotes are doubled", () => {
  expect(csv([["a", '=HYPERLINK("x")'], ["b, c", "-1"], ["卧室", "line\nbreak"]])).toBe(
    "\ufeffa,\"'=HYPERLINK(\"\"x\"\")\"\r\n\"b, c\",'-1\r\n卧室,\"line\nbreak\"\r\n",
  );
});

test("how many alarms came within ten minutes, how often that was a flood, and what stood open for days", () => {
  const at = (...times: number[]): Closed[] => times.map((time, index) => closed(`${time} ${index}`, { raised_at: time }));
  const flood = (begin: number): Closed[] => at(...Array.from({ length: 11 }, (_, index) => begin + index * 60));
  expect(figuresOf(at(0, 600, 1201), hundreds)).toMatchObject({ busiest: 2, floods: 0 });
  expect(figuresOf([...flood(0), ...flood(100_000), ...at(100_600)], hundreds)).toMatchObject({ busiest: 12, floods: 2 });
  const drills = flood(0).map((alarm) => ({ ...alarm, drill: true }));
  const old = { severity: "fault", raised_at: 0, closed_at: 86_401 } as const;
  const rows = [...drills, closed("old", old), closed("younger", { ...old, closed_at: 86_400 }), closed("life", { ...old, severity: "alarm" })];
  expect(figuresOf(rows, hundreds)).toMatchObject({ busiest: 1, floods: 0, stale: 1 });
});

test("what came back three times a minute is counted, what came back now and then is not", () => {
  const figures = figuresOf(
    [
      closed("chatters", { returns: 5, cleared_at: 1100 }),
      closed("warning", { returns: 3, cleared_at: 1060, severity: "warning" }),
      closed("seldom", { returns: 5, cleared_at: 1101 }),
      closed("twice", { returns: 2, cleared_at: 1001 }),
      closed("drill", { returns: 9, drill: true }),
    ],
    hundreds,
  );
  expect(figures.chattering).toBe(2);
});
