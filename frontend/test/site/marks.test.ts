import { expect, test } from "vitest";
import { layout } from "../../src/site/layout";
import { MOST_UNFOLDED, byWorst, isLife, marksOf, totalsOf, unfolded, type Total } from "../../src/site/marks";
import { incident } from "../made";

const fault = incident("fault", { rank: "fault" });
const fire = incident("fire", { raised_at: 2000 });
const drill = incident("drill", { drill: true });

test("the worst of a place is what it shows, a drill last", () => {
  const marks = marksOf([drill, fault, fire], new Set(), []);
  expect([...marks.keys()]).toEqual(["1_1_201"]);
  expect(marks.get("1_1_201")).toEqual({ incident: fire, help: false, more: 2 });
});

test("a call for help is the place's, and that of the neighbour who calls", () => {
  const marks = marksOf([fire, incident("elsewhere", { area_id: null })], new Set(["fire"]), ["1_1_202"]);
  expect(marks.get("1_1_201")?.help).toBe(true);
  expect(marks.get("1_1_202")).toEqual({ incident: null, help: true, more: 0 });
  expect(marks.size).toBe(2);
  // A worse incident of the place does not hide it.
  const both = marksOf([fault, fire], new Set(["fault"]), []);
  expect(both.get("1_1_201")?.help).toBe(true);
});

test("a life is at stake in alarms and calls for help, not in a drill or a fault", () => {
  const of = (...marked: Parameters<typeof marksOf>): (boolean | undefined)[] => [...marksOf(...marked).values()].map(isLife);
  expect(of([fire], new Set(), [])).toEqual([true]);
  expect(of([incident("b", { rank: "electrical" })], new Set(), [])).toEqual([true]);
  expect(of([fault], new Set(), [])).toEqual([false]);
  expect(of([fault], new Set(["fault"]), [])).toEqual([true]);
  expect(of([drill], new Set(), [])).toEqual([false]);
});

test("totals are of places, calls for help first, then the worst", () => {
  const marks = marksOf(
    [
      incident("a", { rank: "fault", area_id: "a" }),
      incident("b", { area_id: "b" }),
      incident("c", { area_id: "c" }),
      incident("d", { area_id: "d", drill: true }),
      incident("e", { area_id: "e" }),
    ],
    new Set(["a"]),
    [],
  );
  const totals = totalsOf(marks, ["a", "b", "c", "d", "calm"]);
  expect(totals.map((total) => [total.incident?.rank ?? "help", total.incident?.drill ?? false, total.places])).toEqual([
    ["help", false, 1],
    ["fire", false, 2],
    ["fault", false, 1],
    ["fire", true, 1],
  ]);
});

test("on a wall what is well is folded as long as a life is at stake anywhere, and of many always", () => {
  const compound = (doors: number) => {
    const floors = ["b1", "b2"].map((floor_id) => ({ floor_id, name: floor_id }));
    const areas = floors.flatMap(({ floor_id }) =>
      Array.from({ length: doors }, (_, index) => ({ area_id: `${floor_id} ${index}`, name: `${floor_id} place ${index}`, floor_id })),
    );
    return layout(areas, floors, "en");
  };
  const burning = marksOf([incident("fire", { area_id: "b2 0" })], new Set(), []);
  const faulty = marksOf([incident("fault", { rank: "fault", area_id: "b2 0" })], new Set(), []);
  const open = (...asked: Parameters<typeof unfolded>): string[] => unfolded(...asked).map(({ key }) => key);
  const few = compound(2);
  expect(open(few, burning, true)).toEqual(["b2"]);
  expect(open(few, burning, false)).toEqual(["b1", "b2"]);
  expect(open(few, faulty, true)).toEqual(["b1", "b2"]);
  expect(open(few, new Map(), true)).toEqual(["b1", "b2"]);
  const many = compound(MOST_UNFOLDED / 2 + 1);
  expect(open(many, burning, false)).toEqual(["b2"]);
  expect(open(many, faulty, false)).toEqual([]);
});

test("of what is drawn one above the other, what is well is below, and a call for help on top", () => {
  const totals = (incident: Total["incident"]): Total[] => [{ incident, places: 1 }];
  const calm: Total[] = [];
  const all = [totals(null), totals(fire), calm, totals(drill), totals(fault)];
  expect([...all].sort(byWorst)).toEqual([calm, totals(drill), totals(fault), totals(fire), totals(null)]);
});
