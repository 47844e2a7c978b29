import { describe, expect, test } from "vitest";
import { byUrgency, classOf, countersOf, floodOf, isDue, powerOf, returnsOf, seenBy, statusOf } from "../src/order";
import { alarm, incident, supply } from "./made";

describe("order", () => {
  // Each comes before the next, by one rule of the design.
  const written = [
    incident("help", { rank: "fault", acknowledged: true, present: false, raised_at: 9000 }),
    incident("fire, new", { raised_at: 3000 }),
    incident("fire, new, later", { raised_at: 3001 }),
    incident("fire, new, same time, id b", { raised_at: 3001 }),
    incident("fire, over, new", { present: false }),
    incident("fire, seen", { acknowledged: true }),
    incident("fire, over, seen", { acknowledged: true, present: false }),
    incident("linkage", { rank: "linkage" }),
    incident("electrical", { rank: "electrical" }),
    incident("tank", { rank: "supervision", raised_at: 1 }),
    incident("fault", { rank: "fault", raised_at: 1 }),
    incident("shelved", { rank: "shelved", acknowledged: true, raised_at: 1 }),
    incident("power off", { rank: "power_off", acknowledged: true, present: false }),
    incident("drill", { drill: true, raised_at: 1 }),
  ];
  const help = new Set(["help"]);

  test("is the written one, however they came", () => {
    for (let turn = 0; turn < 200; turn += 1) {
      const shuffled = [...written]
        .map((item) => ({ item, at: Math.sin(turn * 7919 + item.incident_id.length * 31 + item.raised_at) }))
        .sort((a, b) => a.at - b.at)
        .map(({ item }) => item);
      expect(shuffled.sort(byUrgency(help)).map((item) => item.incident_id)).toEqual(
        written.map((item) => item.incident_id),
      );
    }
  });

  test("a call for help comes before a fire, and only where it is", () => {
    const quiet = incident("quiet", { rank: "fault" });
    expect(classOf(quiet, new Set(["quiet"]))).toBe(0);
    expect(classOf(quiet)).toBe(5);
  });
});

describe("status", () => {
  test.each([
    ["new", incident("a")],
    ["seen", incident("a", { acknowledged: true })],
    ["over_new", incident("a", { present: false })],
    ["over_reset", incident("a", { present: false, acknowledged: true })],
    ["shelved", incident("a", { rank: "shelved", acknowledged: true })],
    ["power_off", incident("a", { alarms: [alarm({ state: "closed" })], supplies: [supply({ latched: true })] })],
    ["ended", incident("a", { alarms: [alarm({ state: "closed" })] })],
  ])("%s", (status, item) => {
    expect(statusOf(item)).toBe(status);
  });

  test("is seen by who has seen the last of its alarms", () => {
    const first = alarm({ acknowledged_at: 5, acknowledged_by: "a" });
    const second = alarm({ acknowledged_at: 9, acknowledged_by: "b" });
    expect(seenBy(incident("x", { alarms: [second, first] }))).toEqual({ at: 9, who: "b" });
    expect(seenBy(incident("x", { alarms: [second, alarm()] }))).toBeNull();
  });
});

test("power: what may be on is never counted as off, and what is protected not at all", () => {
  const power = powerOf(
    incident("x", {
      supplies: [
        supply({ state: "proven" }),
        supply({ state: "relay_only" }),
        supply({ state: "may_be_on", latched: true }),
        supply({ state: "unknown", latched: true }),
        supply({ state: "unknown" }),
        supply({ state: "cutting" }),
        supply({ state: "protected" }),
      ],
    }),
  );
  expect({ ...power, mayBeOn: power.mayBeOn.length }).toEqual({
    off: 2,
    all: 6,
    protected: 1,
    mayBeOn: 1,
    pending: 1,
    unknown: 1,
    relayOnly: 1,
  });
});

test("counters: each kind of alarm of an incident, no drill, and a supply once", () => {
  const off = supply({ latched: true, state: "proven" });
  const counts = countersOf([
    incident("a", { alarms: [alarm(), alarm({ rank: "linkage" }), alarm()], supplies: [off] }),
    incident("b", { supplies: [off] }),
    incident("c", { rank: "electrical", alarms: [alarm({ state: "closed", rank: "electrical" })] }),
    incident("d", { drill: true }),
    incident("e", { rank: "supervision" }),
    // One of its two calls nobody for a while, and is counted all the same.
    incident("f", { rank: "fault", alarms: [alarm({ rank: "fault" }), alarm({ rank: "shelved" })] }),
  ]);
  expect(counts).toEqual({ fire: 2, linkage: 1, electrical: 0, supervision: 1, fault: 1, shelved: 1, off: 1, drill: 1 });
});

test("flood: more than ten new real alarms of life in ten minutes, by building", () => {
  const floor = (area: string | null): string | null => area && `floor of ${area}`;
  const many = (count: number, more = {}) =>
    Array.from({ length: count }, (_, index) => incident(`${index}`, { raised_at: 1000, ...more }));
  expect(floodOf(many(10), floor, 1000)).toBeNull();
  expect(floodOf(many(11, { drill: true }), floor, 1000)).toBeNull();
  expect(floodOf(many(11, { rank: "fault" }), floor, 1000)).toBeNull();
  expect(floodOf(many(11), floor, 1601)).toBeNull();
  const found = floodOf([...many(11), incident("late", { raised_at: 1200 }), incident("old", { raised_at: 1 })], floor, 1600);
  expect(found && { ...found, first: found.first.incident_id, latest: found.latest.incident_id }).toEqual({
    alarms: 12,
    buildings: new Map([["floor of 1_1_201", 12]]),
    first: "0",
    latest: "late",
  });
});

test("of power that is off, what was to be off until today comes first, and after what burns", () => {
  const off = (id: string, raised: number, due: boolean | null) =>
    incident(id, {
      rank: "power_off",
      acknowledged: true,
      present: false,
      raised_at: raised,
      supplies: [supply({ latched: true, left: due === null ? null : { until: "2026-12-04", why: "works", who: "u", is_due: due } })],
    });
  const rows = [off("old", 1, null), off("later", 2, false), off("due", 3, true), incident("fire", { raised_at: 9 })];
  expect(rows.sort(byUrgency()).map((row) => row.incident_id)).toEqual(["fire", "due", "old", "later"]);
  expect(rows.map(isDue)).toEqual([false, true, false, false]);
});

test("returns are those of what is open", () => {
  const alarms = [alarm({ returns: 2 }), alarm({ returns: 5 }), alarm({ returns: 9, state: "closed" })];
  expect(returnsOf(incident("a", { alarms }))).toBe(7);
});
