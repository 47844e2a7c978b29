import { describe, expect, test } from "vitest";
import { contactsOf, isEnough, sourcesOf, withKnown, type Chosen } from "../src/register/care-start";
import type { Proposal, WatchRow, WatchSource } from "../src/register/model";
import { isSo, sent } from "../src/register/watch";
import { endAfterBirth, explained, heardIn, hoursOf, lookOf, notesOf, ordered, rightOf, shownOf, STATES } from "../src/register/watching";

const row = (more: Partial<WatchRow> = {}): WatchRow => ({
  watch_id: "w",
  person_id: "p",
  name: "Placeholder",
  unit_id: "u",
  unit: "1-1-201",
  in_charge: null,
  started_at: "2026-11-01T00:00:00Z",
  until: null,
  state: "watching",
  why: [],
  unreadable: false,
  because: "alone",
  sensitivity: "normal",
  last: "2026-11-29T21:52:00Z",
  by: { key: "k", entity_id: "binary_sensor.kitchen", name: "Motion", area: "Kitchen" },
  silent_since: "2026-11-29T21:52:00Z",
  usual_by: "2026-11-30T08:10:00Z",
  usual_on_days: 26,
  usual_of_days: 28,
  ask_at: "2026-11-30T08:40:00Z",
  tell_at: "2026-11-30T09:10:00Z",
  asked_at: null,
  told_at: null,
  away_since: null,
  away_until: null,
  paused_until: null,
  guests_until: null,
  moved: 0,
  dead: [],
  asks: true,
  ...more,
});
const keys = (more: Partial<WatchRow> = {}): string[] => explained(row(more)).map(({ key }) => key);

describe("what is said of a watch", () => {
  test("when they were heard last and by what, what is usual, and what comes next", () => {
    expect(keys()).toEqual(["care_last", "care_usual", "care_next"]);
    const [last, usual] = explained(row());
    expect(last).toEqual({ key: "care_last", times: { last: "2026-11-29T21:52:00Z" }, values: { where: "Kitchen · Motion" } });
    expect(usual?.values).toEqual({ days: 26, all: 28 });
  });

  test("what is not known yet is not called usual", () => {
    expect(keys({ usual_of_days: 0, usual_on_days: 0 })).toEqual(["care_last", "care_assumed", "care_next"]);
  });

  test("where too little can be heard nothing is said of habits, nor of what comes", () => {
    expect(keys({ state: "suspended" })).toEqual(["care_last", "care_not_seen"]);
  });

  test("what cannot be read says only that", () => {
    expect(keys({ unreadable: true, last: null, by: null })).toEqual(["care_unreadable"]);
  });

  test("who is away is away, with or without an end, and goes on being watched", () => {
    const away_since = "2026-11-30T07:00:00Z";
    expect(keys({ state: "away", away_since })).toEqual(["care_last", "care_away", "care_next"]);
    expect(keys({ state: "away", away_since, away_until: "2026-12-01T07:00:00Z" })).toEqual(["care_last", "care_away_until", "care_next"]);
  });

  test("who is asked is told when others will be; who was not reached is said", () => {
    const asked_at = "2026-11-30T08:40:00Z";
    expect(keys({ state: "asking", asked_at })).toEqual(["care_last", "care_usual", "care_asked", "care_next_others"]);
    expect(keys({ state: "alarm", asked_at, told_at: "2026-11-30T09:10:00Z" })).toEqual(["care_last", "care_usual", "care_asked", "care_told"]);
    expect(keys({ asks: false })).toEqual(["care_last", "care_usual", "care_next_others", "care_nobody_to_ask"]);
  });

  test("guests and a pause have their ends; who has said so is heard by nothing", () => {
    expect(keys({ by: null, guests_until: "2026-12-01T07:00:00Z" })).toEqual(["care_last_said", "care_usual", "care_guests", "care_next"]);
    expect(keys({ state: "paused", paused_until: "2026-12-01T07:00:00Z" })).toEqual(["care_last", "care_paused"]);
  });

  test("reasons that are states are no notes", () => {
    expect(notesOf({ why: ["late", "dead", "learning", "announced"] })).toEqual(["learning", "dead"]);
  });
});

describe("how a watch looks", () => {
  test("nothing looks as if all were well, and what cannot be seen or read looks like a fault", () => {
    expect(STATES.map((state) => lookOf({ state, unreadable: false }))).not.toContain("good");
    expect([lookOf({ state: "suspended", unreadable: false }), lookOf({ state: "watching", unreadable: true })]).toEqual(["warn", "warn"]);
    expect(shownOf({ state: "watching", unreadable: true })).toBe("unreadable");
  });

  test("the worst is first; what cannot be read is with what cannot see", () => {
    const rows = ordered([
      row({ watch_id: "a", name: "B" }),
      row({ watch_id: "b", name: "A" }),
      row({ watch_id: "c", unreadable: true }),
      row({ watch_id: "d", state: "away" }),
      row({ watch_id: "e", state: "alarm" }),
    ]);
    expect(rows.map(({ watch_id }) => watch_id)).toEqual(["e", "c", "d", "b", "a"]);
  });
});

describe("the chart", () => {
  test("what was partly not seen is not silence, and what is to come is nothing yet", () => {
    expect(heardIn([false, null], 0, 10)).toBe("unseen");
    expect(heardIn([false, true, null], 0, 10)).toBe("heard");
    expect(heardIn([false, false], 0, 10)).toBe("silent");
    expect(heardIn([null, null], 11, 10)).toBe("coming");
    // The hour is not over: what is left of it is no silence, and no blindness.
    expect(heardIn([false, null, null, null], 8, 8)).toBe("silent");
  });

  test("an hour is as usual as its best quarter, and not known where none is", () => {
    const usual = Array.from({ length: 96 }, (_none, index) => (index < 4 ? null : index === 33 ? 0.9 : 0.1));
    const today = Array.from({ length: 96 }, () => false);
    const hours = hoursOf({ day: "2026-11-30", usual, today }, 40);
    expect(hours).toHaveLength(24);
    expect([hours[0]?.usual, hours[8]?.usual, hours[9]?.usual]).toEqual([null, 0.9, 0.1]);
    expect([hours[10]?.today, hours[11]?.today]).toEqual(["silent", "coming"]);
  });
});

test("how often it was right is not said where nobody has said what was found", () => {
  expect([rightOf({ needless: 0, real: 0 }), rightOf({ needless: 3, real: 1 })]).toEqual([null, 25]);
});

test("a watch for the sake of a birth ends 42 days after it", () => {
  expect(endAfterBirth("2026-11-20")).toBe("2027-01-01");
});

describe("the form", () => {
  const chosen = (more: Partial<Chosen> = {}): Chosen => ({
    entity_id: "binary_sensor.kitchen",
    kind: "inside",
    how: "on",
    least: null,
    name: "Motion",
    area: "Kitchen",
    unit: null,
    isOn: true,
    ...more,
  });
  const told = { person_id: "r", name: "Placeholder", phone: "", turn: 1 };

  test("what is not ticked is not sent, and the least change only where there is one", () => {
    expect(sourcesOf([chosen(), chosen({ entity_id: "x", isOn: false }), chosen({ entity_id: "sensor.water", how: "rise", least: 3 })])).toEqual([
      { entity_id: "binary_sensor.kitchen", kind: "inside", how: "on" },
      { entity_id: "sensor.water", kind: "inside", how: "rise", least: 3 },
    ]);
  });

  test("who is known is sent by their id, others by name and number", () => {
    expect(contactsOf([told, { ...told, person_id: null, phone: " 1 ", turn: 2 }, { ...told, person_id: null, name: " " }])).toEqual([
      { person_id: "r", turn: 1 },
      { name: "Placeholder", phone: "1", turn: 2 },
    ]);
  });

  test("a door alone shows nobody's life, and somebody has to be told", () => {
    expect([isEnough([chosen()], [told]), isEnough([chosen({ kind: "door" })], [told]), isEnough([chosen()], []), isEnough([chosen({ isOn: false })], [told])]).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  test("what is heard already stays ticked, and nothing else becomes so by itself", () => {
    const source: WatchSource = { key: "k", entity_id: "binary_sensor.kitchen", name: "Motion", area: null, kind: "inside", how: "on", least: null, dead_since: null };
    const proposal: Proposal = { entity_id: "binary_sensor.kitchen", name: "Motion", area: null, kind: "inside", how: "on", least: null, unit: null, good: true };
    const found = withKnown({ sources: [source, { ...source, key: "cards", entity_id: null, how: null }] }, [proposal, { ...proposal, entity_id: "light.hall" }]);
    expect(found.map(({ entity_id, isOn }) => [entity_id, isOn])).toEqual([
      ["binary_sensor.kitchen", true],
      ["light.hall", false],
    ]);
  });
});

test("an end is sent as the house has it; only an absence needs none", () => {
  const at = "2026-12-02T10:00";
  expect(sent("away", "", false)).toEqual({});
  expect(sent("away", at, false)).toEqual({ until: at });
  expect(sent("away", "", true)).toEqual({ back: true });
  expect(sent("pause", at, false)).toEqual({ until: at });
  expect(sent("guests", "", true)).toEqual({ until: null });
  expect([isSo(row(), "away"), isSo(row({ away_since: "x" }), "away"), isSo(row({ paused_until: "x" }), "pause"), isSo(row(), "guests")]).toEqual([false, true, true, false]);
});
