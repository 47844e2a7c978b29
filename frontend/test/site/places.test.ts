import { expect, test } from "vitest";
import { positionOf } from "../../src/site/places";
import type { Building } from "../../src/site/layout";
import type { Position, Unit } from "../../src/unit";

const cell = (areaId: string) => ({ areaId, name: areaId, label: areaId });
const building: Building = { key: "f1", name: "Building 1", stairwells: [], shared: [cell("a"), cell("b"), cell("c")] };

test("where a building is: as was said, else in the middle of what is known of its places", () => {
  const unit = (position: Position | null): Unit => ({ building: "1", stairwell: "1", storey: 1, door: "01", position });
  const known = new Map([
    ["a", unit([30, 120])],
    ["b", unit([30.002, 120.004])],
    ["c", unit(null)],
    ["elsewhere", unit([0, 0])],
  ]);
  expect(positionOf(building, { f1: [1, 2] }, known)).toEqual([1, 2]);
  const [latitude, longitude] = positionOf(building, {}, known) ?? [0, 0];
  expect(latitude).toBeCloseTo(30.001);
  expect(longitude).toBeCloseTo(120.002);
  expect(positionOf(building, { f2: [1, 2] }, new Map())).toBeNull();
});
