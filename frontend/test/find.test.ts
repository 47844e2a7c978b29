import { expect, test } from "vitest";
import { findUnits } from "../src/register/find";
import type { Unit } from "../src/register/model";

const unit = (title: string): Unit => {
  const [building = "", stairwell = "", number = ""] = title.split("-");
  return {
    unit_id: title,
    title,
    building,
    stairwell,
    number,
    area_id: null,
    rooms: null,
    letting: null,
    tenants: 0,
    landlords: 0,
    unreachable: 0,
    without_channel: 0,
    overdue: 0,
    lease_end: null,
    complete: true,
  };
};
const found = (query: string, ...titles: string[]): string[] => findUnits(titles.map(unit), query).map((item) => item.title);

test("a unit is found however its name is typed", () => {
  const all = ["1-1-105", "1-10-3105", "10-3-105", "10-3-1051", "11-3-105"];
  for (const query of ["10-3-105", "10 3 105", "103105"]) {
    expect(found(query, ...all)[0]).toBe("10-3-105");
  }
  expect(found("10 3", ...all)).toEqual(["10-3-105", "10-3-1051"]);
  expect(found("10", ...all)).toEqual(["10-3-105", "10-3-1051", "1-10-3105", "1-1-105", "11-3-105"]);
});

test("its number alone finds it in each building, and no digits out of the middle", () => {
  expect(found("105", "1-1-105", "2-1-1050", "10-5-201", "1-1-2105")).toEqual(["1-1-105", "10-5-201", "2-1-1050"]);
  expect(found("8001", "1-1-201", "38-001-1")).toEqual([]);
  expect(found("b 2", "B-2", "A-2")).toEqual(["B-2"]);
  expect(found(" - ", "1-1-105")).toEqual([]);
});
