import { describe, expect, test } from "vitest";
import { FILTERS, Inventory, narrowed, testedCount, testedOf, type Device, type Filter } from "../../src/site/inventory";

const NOW = 1_800_000_000;
const DAY = 86_400;

export const device = (id: string, more: Partial<Device> = {}): Device => ({
  device_id: id,
  name: id,
  kind: "smoke_sensor",
  model: null,
  area_id: "1_1_201",
  power: "battery",
  battery: 78,
  heard_at: NOW - 60,
  unresponsive: false,
  faults: [],
  testing: false,
  shows_test: true,
  last_test: { at: NOW - DAY, ended_at: NOW - DAY + 3, who: "user", found: ["smoke"] },
  rated_current: null,
  supplies: [],
  signed_off: { at: NOW, who: "user" },
  may: {},
  ...more,
});

describe("the last test", () => {
  test.each([
    [{}, "passed"],
    [{ last_test: null }, "never"],
    [{ last_test: null, shows_test: false }, "none"],
    [{ testing: true, last_test: null }, "running"],
    [{ last_test: { at: NOW, ended_at: NOW + 1, who: null, found: [] } }, "nothing"],
    // The server went away in the middle of it.
    [{ last_test: { at: NOW, ended_at: null, who: null, found: ["smoke"] } }, "nothing"],
    [{ last_test: { at: NOW - 365 * DAY, ended_at: NOW - 365 * DAY + 1, who: null, found: ["smoke"] } }, "due"],
  ] satisfies [Partial<Device>, string][])("%j is %s", (more, expected) => {
    expect(testedOf(device("a", more), NOW)).toBe(expected);
  });

  test("devices that report none are not counted", () => {
    const devices = [device("a"), device("b", { last_test: null }), device("c", { shows_test: false })];
    expect(testedCount(devices, NOW)).toEqual({ tested: 1, all: 2 });
  });
});

test("each filter finds what it is for, and nothing that is well", () => {
  const ill: Record<Filter, Partial<Device>> = {
    kept_off: {
      supplies: [
        { key: "supply", channel: "", protected: true, entity_id: null, off: { at: NOW, who: "user", reason: "water", proven: true } },
      ],
    },
    not_tested: { last_test: null },
    silent: { unresponsive: true },
    battery: { battery: 15 },
    no_area: { area_id: null },
    rated_default: { rated_current: { value: 63, is_set: false, entity_id: null } },
    faults: { faults: ["tamper"] },
    not_signed_off: { signed_off: null },
  };
  expect(Object.keys(ill).sort()).toEqual(Object.keys(FILTERS).sort());
  const devices = [device("well"), ...Object.entries(ill).map(([id, more]) => device(id, more))];
  for (const filter of Object.keys(ill) as Filter[]) {
    expect(narrowed(devices, filter, null, NOW).map((item) => item.device_id)).toEqual([filter]);
  }
  expect(FILTERS.battery(device("a", { battery: null, faults: ["low_battery"] }))).toBe(true);
  expect(FILTERS.rated_default(device("a", { rated_current: { value: 63, is_set: true, entity_id: null } }))).toBe(false);
  expect(narrowed(devices, null, "nowhere", NOW)).toEqual([]);
});

test("messages are taken in their order, and a gap is noticed", () => {
  const inventory = new Inventory();
  const take = (message: object): boolean => inventory.take(message as never);
  expect(take({ kind: "snapshot", sequence: 1, at: NOW, devices: [device("a"), device("b")] })).toBe(true);
  expect(take({ kind: "beat", sequence: 1, at: NOW, heard: { a: NOW, gone: NOW } })).toBe(true);
  expect(inventory.devices.get("a")?.heard_at).toBe(NOW);
  expect(take({ kind: "names", sequence: 2, at: NOW, names: { user: "Li" } })).toBe(true);
  expect(inventory.names.get("user")).toBe("Li");
  expect(take({ kind: "change", sequence: 3, at: NOW, devices: [device("c")], gone: ["a"] })).toBe(true);
  expect([...inventory.devices.keys()]).toEqual(["b", "c"]);
  expect(take({ kind: "change", sequence: 5, at: NOW, devices: [], gone: ["b"] })).toBe(false);
  expect(take({ kind: "beat", sequence: 4, at: NOW })).toBe(false);
  expect(inventory.devices.size).toBe(2);
  expect(take({ kind: "snapshot", sequence: 1, at: NOW, devices: [] })).toBe(true);
  expect(inventory.devices.size).toBe(0);
});
