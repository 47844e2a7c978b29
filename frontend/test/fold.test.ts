import { describe, expect, test } from "vitest";
import { MOST_OPEN, foldsOf, keyOfRest, restOf, rowsOf } from "../src/fold";
import { NO_HELP, byUrgency, isNew, openAlarms, statusOf } from "../src/order";
import type { Incident } from "../src/model";
import { incident, supply } from "./made";

const place = (item: Incident): string => item.area_id ?? "";
const at = (area_id: string, id: string, more: Parameters<typeof incident>[1] = {}): Incident => incident(id, { area_id, ...more });
const sorted = (...incidents: Incident[]): Incident[] => incidents.sort(byUrgency());

describe("what is folded", () => {
  test("lives by stairwell, faults and what is shelved everywhere, and one of a kind not at all", () => {
    const all = sorted(
      at("1-1", "a"),
      at("1-1", "b", { rank: "electrical" }),
      at("1-2", "alone"),
      at("1-1", "warning", { rank: "supervision" }),
      at("1-1", "fault", { rank: "fault" }),
      at("2-1", "fault of another", { rank: "fault" }),
      at("1-1", "shelved", { rank: "shelved", acknowledged: true }),
      at("2-1", "shelved too", { rank: "shelved", acknowledged: true }),
    );
    expect(foldsOf(all, NO_HELP, place).map(({ incidents }) => incidents.map((item) => item.incident_id))).toEqual([
      ["a", "b"],
      ["fault", "fault of another"],
      ["shelved", "shelved too"],
    ]);
  });

  test("no call for help, and no drill with what is real", () => {
    const all = sorted(at("1-1", "a"), at("1-1", "help"), at("1-1", "drill", { drill: true }));
    expect(foldsOf(all, new Set(["help"]), place)).toEqual([]);
    const drills = sorted(at("1-1", "b"), ...["c", "d"].map((id) => at("1-1", id, { drill: true })), ...all);
    const found = foldsOf(drills, new Set(["help"]), place);
    expect(found.map(({ whole, incidents }) => [whole.drill, incidents.map((item) => item.incident_id)])).toEqual([
      [false, ["a", "b"]],
      [true, ["c", "d", "drill"]],
    ]);
  });

  test("the whole is as bad as its worst, as new as its newest, and each supply is in it once", () => {
    const breaker = supply({ state: "may_be_on" });
    const [fold] = foldsOf(
      sorted(
        at("1-1", "seen", { acknowledged: true, present: false, supplies: [breaker] }),
        at("1-1", "new", { raised_at: 900, supplies: [breaker, supply({ supply_id: "other" })] }),
        at("1-1", "power", { rank: "electrical", acknowledged: true }),
      ),
      NO_HELP,
      place,
    );
    const whole = fold?.whole;
    expect(whole && { ...whole, supplies: whole.supplies.length, alarms: whole.alarms.length }).toMatchObject({
      rank: "fire",
      present: true,
      acknowledged: false,
      raised_at: 900,
      supplies: 2,
      alarms: 3,
      // What can be done is done to each.
      may: {},
    });
    expect(whole && [isNew(whole), statusOf(whole), openAlarms(whole).length]).toEqual([true, "new", 3]);
  });
});

describe("rows", () => {
  const help = new Set(["help"]);
  const all = [
    at("1-1", "help", { raised_at: 5000 }),
    at("1-1", "a", { raised_at: 1000 }),
    at("1-2", "alone", { raised_at: 1001 }),
    at("1-1", "b", { raised_at: 1002 }),
  ].sort(byUrgency(help));
  const folds = foldsOf(all, help, place);
  const key = folds[0]?.key ?? "";

  test("a fold stands where its most urgent incident would", () => {
    expect(rowsOf(all, folds, new Map())).toEqual(["help", key, "alone"]);
  });

  test("opened, what is in it follows; nothing is ever missing or twice", () => {
    expect(rowsOf(all, folds, new Map([[key, MOST_OPEN]]))).toEqual(["help", key, "a", "b", "alone"]);
    expect(rowsOf(all, [], new Map([[key, MOST_OPEN]]))).toEqual(["help", "a", "alone", "b"]);
  });

  test("hundreds at once become few rows", () => {
    const many = Array.from({ length: 600 }, (_, index) => at(`stairwell ${index % 20}`, String(index), { raised_at: index }));
    const rows = rowsOf(many, foldsOf(many, NO_HELP, place), new Map());
    expect(rows).toHaveLength(20);
  });

  test("an open fold of thousands shows its most urgent ones, and a row for the rest", () => {
    const many = Array.from({ length: 2000 }, (_, index) => at("stairwell", String(index), { raised_at: index }));
    const found = foldsOf(many, NO_HELP, place);
    const whole = found.find(({ incidents }) => incidents.length === 2000);
    expect(whole).toBeDefined();
    const rest = whole ? keyOfRest(whole) : "";
    expect(restOf(rest)).toBe(whole?.key);
    expect(restOf("1")).toBeNull();
    const rows = rowsOf(many, found, new Map([[whole?.key ?? "", MOST_OPEN]]));
    expect([rows.length, rows.slice(0, 3), rows.at(-1)]).toEqual([MOST_OPEN + 2, [whole?.key, "0", "1"], rest]);
    expect(rowsOf(many, found, new Map([[whole?.key ?? "", 2000]]))).toHaveLength(2001);
  });
});
