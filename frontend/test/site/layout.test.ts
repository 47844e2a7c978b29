import { describe, expect, test } from "vitest";
import { GROUNDS, layout, step, type Area, type Building, type Cell } from "../../src/site/layout";

const area = (name: string, floor: string | null = null): Area => ({ area_id: name.replace(/\W/g, "_"), name, floor_id: floor });
const floors = [
  { floor_id: "b10", name: "Building 10" },
  { floor_id: "b2", name: "Building 2" },
];
const all = (buildings: Building[]): string[] =>
  buildings.flatMap(({ stairwells, shared }) => [
    ...stairwells.flatMap(({ storeys }) => storeys.flatMap(({ cells }) => cells.flatMap((cell) => cell?.areaId ?? []))),
    ...shared.map((cell) => cell.areaId),
  ]);

describe("layout", () => {
  const buildings = layout(
    [
      area("10-1-101", "b10"),
      area("2-2-101", "b2"),
      area("2-1-301", "b2"),
      area("2-1-202", "b2"),
      area("2-1-201", "b2"),
      area("Building 2 roof", "b2"),
      area("Pump room"),
      area("Gone", "a floor that is not there"),
    ],
    floors,
    "en",
  );

  test("is in the order of numbers; what is on no floor comes last", () => {
    expect(buildings.map(({ key }) => key)).toEqual(["b2", "b10", GROUNDS]);
    expect(buildings[0]?.stairwells.map(({ label }) => label)).toEqual(["1", "2"]);
  });

  test("has storeys from the top, and doors above each other", () => {
    const [stairwell] = buildings[0]?.stairwells ?? [];
    expect(stairwell?.doors).toEqual(["01", "02"]);
    expect(stairwell?.storeys.map(({ storey, cells }) => [storey, cells.map((cell) => cell?.label)])).toEqual([
      [3, ["301", undefined]],
      [2, ["201", "202"]],
    ]);
  });

  test("does not repeat the building in what it shares", () => {
    expect(buildings[0]?.shared.map(({ name, label }) => [name, label])).toEqual([["Building 2 roof", "roof"]]);
    expect(buildings[2]?.shared.map(({ label }) => label)).toEqual(["Gone", "Pump room"]);
  });

  test("names a stairwell by its building where there are several", () => {
    const [grounds] = layout([area("1-1-101"), area("2-1-101")], [], "en");
    expect(grounds?.stairwells.map(({ key, label }) => [key, label])).toEqual([
      ["1-1", "1-1"],
      ["2-1", "2-1"],
    ]);
  });

  test("has every area once, whatever it is called", () => {
    let seed = 7;
    const random = (most: number): number => {
      seed = (seed * 1103515245 + 12345) % 2 ** 31;
      return seed % most;
    };
    for (let run = 0; run < 200; run += 1) {
      const areas = Array.from({ length: random(60) }, (_, index): Area => {
        const unit = `${random(3)}-${random(3)}-${random(4)}0${random(4)}`;
        const name = [unit, `${random(3)}栋${random(3)}单元${random(4)}0${random(4)}`, `Room ${random(9)}`][random(3)] ?? "";
        return { area_id: String(index), name, floor_id: [null, "b2", "b10", "?"][random(4)] ?? null };
      });
      const found = all(layout(areas, random(2) ? floors : [], "zh-Hans"));
      expect(found.sort()).toEqual(areas.map((item) => item.area_id).sort());
    }
  });
});

describe("the arrows", () => {
  const cell = (areaId: string): Cell => ({ areaId, name: areaId, label: areaId });
  const rows = [
    [cell("301"), null, cell("303")],
    [cell("201"), null, null],
    [cell("101"), cell("102"), cell("103")],
  ];
  test.each([
    ["301", "ArrowRight", "303"],
    ["303", "ArrowLeft", "301"],
    ["303", "ArrowDown", "103"],
    ["103", "ArrowUp", "303"],
    ["101", "ArrowUp", "201"],
    ["102", "ArrowUp", "102"],
    ["301", "ArrowUp", "301"],
    ["103", "ArrowRight", "103"],
    ["102", "End", "103"],
    ["303", "Home", "301"],
  ] as const)("from %s by %s to %s", (from, way, to) => {
    expect(step(rows, from, way)).toBe(to);
  });
});

test("what the register says of a unit goes before the name of its area", () => {
  const known = new Map([["home", { building: "2", stairwell: "1", storey: 3, door: "01" }]]);
  const [found] = layout([area("home", "b2"), area("2-1-302", "b2")], floors, "en", known);
  expect(found?.shared).toEqual([]);
  expect(found?.stairwells.map(({ doors }) => doors)).toEqual([["01", "02"]]);
});
