import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { Doors, STATES, byFloor, byUrgency, isCalm, isLeftOpen, type Door, type DoorState } from "../../src/site/door";
import { sortOf, stateOf } from "../../src/site/door-look";

const door = (id: string, more: Partial<Door> = {}): Door => ({
  door_id: id,
  device_id: "board",
  entity_id: `lock.${id}`,
  kind: "door_controller",
  name: id,
  own_name: null,
  channel: "1",
  is_only: false,
  area_id: null,
  state: "locked",
  connected: true,
  opens_on_fire: true,
  released_at: null,
  credentials: 0,
  hazards: [],
  may: {},
  ...more,
});

test("the states are those of the server, in its order", () => {
  const source = readFileSync(new URL("../../../custom_components/community_safety/core/doors.py", import.meta.url), "utf8");
  const body = /^class DoorState.*?^@/ms.exec(source)?.[0] ?? "";
  expect([...body.matchAll(/^ {4}[A-Z_]+ = "(\w+)"/gm)].map((found) => found[1])).toEqual([...STATES]);
});

test("what is not proven is never among what is calm", () => {
  const calm = STATES.filter((state) => isCalm({ state }));
  expect(calm).toEqual(["unlocked", "open", "locked"]);
});

test("what a fire or somebody has opened is left open until it is locked", () => {
  expect(isLeftOpen({ state: "locked", released_at: null })).toBe(false);
  expect(isLeftOpen({ state: "unlocked", released_at: null })).toBe(true);
  // Nobody knows what became of it.
  expect(isLeftOpen({ state: "releasing", released_at: 1 })).toBe(true);
});

test("what is worst comes first, and what is calm goes by its name", () => {
  const states: DoorState[] = ["locked", "unlocked", "released", "forced", "unknown", "unreleased"];
  const doors = states.map((state, index) => door(`Door ${10 - index}`, { state }));
  const sorted = [...doors].sort(byUrgency((item) => item.name, "en"));
  expect(sorted.map((item) => item.state)).toEqual(["unreleased", "forced", "unknown", "released", "unlocked", "locked"]);
  expect(sorted.map((item) => item.name).slice(-2)).toEqual(["Door 9", "Door 10"]);
});

test("doors come, change and go; what is missing in between is asked for anew", () => {
  const doors = new Doors();
  expect(doors.isKnown).toBe(false);
  expect(doors.take({ kind: "snapshot", sequence: 1, at: 0, doors: [door("a"), door("b")] })).toBe(true);
  expect(doors.take({ kind: "beat", sequence: 1, at: 0 })).toBe(true);
  expect(doors.take({ kind: "change", sequence: 2, at: 0, doors: [door("a", { state: "forced" })], gone: ["b"] })).toBe(true);
  expect([...doors.doors.values()].map((item) => [item.door_id, item.state])).toEqual([["a", "forced"]]);
  expect(doors.take({ kind: "change", sequence: 4, at: 0, doors: [], gone: [] })).toBe(false);
  expect(doors.take({ kind: "beat", sequence: 3, at: 0 })).toBe(false);
  expect(doors.take({ kind: "snapshot", sequence: 1, at: 0, doors: [] })).toBe(true);
  expect([doors.isKnown, doors.doors.size]).toEqual([true, 0]);
});

test("doors are in their buildings; those that are in none are shown all the same", () => {
  const floors = byFloor(
    [door("a", { area_id: "hall" }), door("b"), door("c", { area_id: "attic" })],
    (areaId) => (areaId === "hall" ? "building_1" : null),
    "-",
  );
  expect([...floors].map(([floor, here]) => [floor, here.map((item) => item.door_id)])).toEqual([
    ["building_1", ["a"]],
    ["-", ["b", "c"]],
  ]);
});

test("a barrier is spoken of as one", () => {
  const said = (kind: string | null, state: DoorState): string => stateOf((key) => key, { kind, state });
  expect([said("vehicle_gate", "locked"), said("vehicle_gate", "released"), said("door_controller", "locked"), said(null, "unlocked")]).toEqual([
    "gate_locked",
    "door_released",
    "door_locked",
    "door_unlocked",
  ]);
  const kinds = [door("a", { kind: "vehicle_gate" }), door("b"), door("c", { kind: null })];
  expect(kinds.map(sortOf)).toEqual(["gate", "door", "door"]);
});
