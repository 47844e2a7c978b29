import { describe, expect, test } from "vitest";
import { stairwellOf, unitIn, unitOf } from "../src/unit";

describe("where a unit is", () => {
  test.each([
    ["1-2-301", { building: "1", stairwell: "2", storey: 3, door: "01" }],
    ["10-3-1105", { building: "10", stairwell: "3", storey: 11, door: "05" }],
    ["A-b-0101", { building: "A", stairwell: "b", storey: 1, door: "01" }],
    ["3栋2单元501室", { building: "3", stairwell: "2", storey: 5, door: "01" }],
    ["3 號樓 2 單元 1501", { building: "3", stairwell: "2", storey: 15, door: "01" }],
  ])("%s", (name, unit) => {
    expect(unitOf(name)).toEqual(unit);
  });

  test.each(["1-1 stairwell", "1-1-01", "Living room", "Building 1 roof", "1-2-3-401", "2026-11-29 party", ""])(
    "%s is no unit",
    (name) => {
      expect(unitOf(name)).toBeNull();
    },
  );
});

test.each([
  ["1-2-301", { building: "1", stairwell: "2" }],
  ["3 號樓 2 單元 1501", { building: "3", stairwell: "2" }],
  ["1-1 stairwell", { building: "1", stairwell: "1" }],
  ["1-1 单元楼道", { building: "1", stairwell: "1" }],
  ["Building 1 roof", null],
  ["E-bike shed", null],
])("the stairwell of %s", (name, stairwell) => {
  expect(stairwellOf(name)).toEqual(stairwell);
});

test("the register's word: a number without a storey is none", () => {
  const place = { building: "3", stairwell: "2", number: "1501" };
  expect(unitIn(place)).toEqual({ building: "3", stairwell: "2", storey: 15, door: "01" });
  expect(unitIn({ ...place, number: "Shop 2" })).toBeNull();
  expect(unitIn({ ...place, number: "01" })).toBeNull();
  expect(unitIn({ ...place, stairwell: "" })).toBeNull();
});
