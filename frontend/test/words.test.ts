import { describe, expect, test } from "vitest";
import { clock, lasted, quantity } from "../src/format";
import { NO_HELP } from "../src/order";
import { entryOf, pastPowerOf, reportOf } from "../src/story";
import { translator } from "../src/texts";
import { Words } from "../src/words";
import { alarm, hass, incident, supply } from "./made";

const words = new Words(hass(), translator("en"), new Map([["user", "Duty 1"]]));

test("place and address: building and storey from the unit's number", () => {
  expect(words.place(incident("a"))).toBe("1-1-201");
  expect(words.address(incident("a"))).toBe("Building 1, storey 2");
  expect(words.place(incident("a", { area_id: null }))).toBe("Smoke sensor");
  expect(words.address(incident("a", { area_id: "roof" }))).toBe("");
});

test("where a unit stands is the register's word before that of its area's name", () => {
  const unit = { building: "1", stairwell: "3", storey: 7, door: "02" };
  const told = new Words(hass(), translator("en"), new Map(), new Map([["1_1_201", unit]]));
  expect(told.address(incident("a"))).toBe("Building 1, storey 7");
  expect(told.stairwell("1_1_201")).toBe("Building 1, stairwell 3");
  expect(words.stairwell("1_1_201")).toBe("Building 1, stairwell 1");
  expect(words.stairwell("roof")).toBe("elsewhere");
  expect(words.stairwell(null)).toBe("elsewhere");
});

test("what is shelved: until when the first of it is, and why", () => {
  const alarms = [alarm({ shelved_until: 9000 }), alarm({ shelved_until: 5000 })];
  const time = clock(hass(), 5000).slice(0, 5);
  expect(words.status(incident("a", { rank: "shelved", acknowledged: true, alarms }))).toBe(`shielded until ${time}`);
  const entry = { at: 1, what: "shelved", until: 5000, reason: "other", text: "New float" };
  expect(entryOf(words, alarm(), entry)).toContain("(other: New float)");
  expect(entryOf(words, alarm(), { at: 1, what: "unshelved" })).toBe("Shielding over");
  expect(entryOf(words, alarm(), { at: 1, what: "attested" })).toBe("Looked at by a person: it is over");
});

test("hazards once each, and how many alarms", () => {
  const alarms = [alarm(), alarm({ hazard: "heat" }), alarm({ hazard: "smoke" })];
  expect(words.hazards(incident("a", { alarms }))).toBe("smoke + heat (3)");
  expect(words.hazards(incident("a"))).toBe("smoke");
});

describe("power", () => {
  const said = (...supplies: Parameters<typeof supply>[0][]) =>
    words.power(incident("a", { supplies: supplies.map(supply) }));
  const proven = { state: "proven", latched: true } as const;

  test("proven", () => {
    expect(said(proven, proven)).toBe("power 2/2 off, proven");
  });
  test("a welded breaker is the first thing said, with what flows, and is not off", () => {
    expect(said(proven, { state: "may_be_on", latched: true, current: 100.2 })).toBe(
      "1 MAY BE ON 100 A · power 1/2 off",
    );
  });
  test("by the relay's word", () => {
    expect(said({ state: "relay_only", latched: true })).toBe("power 1/1 off · 1 by the relay's word only");
  });
  test("not cut, and protected", () => {
    expect(said({}, { state: "protected" })).toBe("no power is cut off · 1 protected, stays on");
  });
  test("nothing there", () => {
    expect(said()).toBe("");
  });
  test("a drill cuts nothing", () => {
    expect(words.power(incident("a", { drill: true, supplies: [supply({ state: "drill" })] }))).toBe(
      "nothing is cut off in a drill",
    );
  });
  test("one that was cut and is not heard may be on", () => {
    expect(words.supplyState(supply({ state: "unknown", latched: true }))).toContain("MAY BE ON");
    expect(words.supplyState(supply({ state: "unknown" }))).toBe("Not known: no report");
  });
});

test("who has seen it, by name", () => {
  const time = clock(hass(), 1010).slice(0, 5);
  expect(words.status(incident("a", { acknowledged: true }))).toBe(`seen by Duty 1 ${time}`);
});

test("the class word of a drill is the drill's, whatever burns in it", () => {
  expect(words.classWord(incident("a", { drill: true }), NO_HELP)).toBe("Drill");
  expect(words.classWord(incident("a"), new Set(["a"]))).toBe("Needs help");
});

describe("the text for 119", () => {
  test("has place, storey, hazard, who needs help, and the power as far as it is proven", () => {
    const fire = incident("a", {
      supplies: [supply({ state: "may_be_on", latched: true }), supply({ state: "protected", name: "Lighting" })],
    });
    expect(reportOf(words, fire, true)).toBe(
      "Xingqiao, Building 1, storey 2, 1-1-201. smoke. The hazard is still present. People need help there." +
        " The power may be on. Stay on: Lighting. I am calling from the duty post of Xingqiao.",
    );
  });
  test("off is said only of all of it, proven", () => {
    const all = (...states: ("proven" | "relay_only")[]) =>
      reportOf(words, incident("a", { supplies: states.map((state) => supply({ state, latched: true })) }), false);
    expect(all("proven")).toContain("off and proven");
    expect(all("proven", "relay_only")).toContain("may be on");
  });
});

describe("timeline", () => {
  const said = (what: string, more: object = {}) => entryOf(words, alarm(), { at: 1, what, ...more });
  test.each([
    ["raised", {}, "Alarm: smoke · Smoke sensor"],
    ["returned", { count: 3 }, "It is back, 3 times by now: smoke · Smoke sensor"],
    ["reset", { outcome: "false_alarm", cause: "cooking" }, "Reset: false_alarm (cooking)"],
    ["reset", { outcome: "real", cause: "unknown" }, "Reset: real"],
    ["note", { text: "<b>door</b> open" }, "Note: <b>door</b> open"],
    ["note", { step: "called_119" }, "Done: 119 called"],
    ["note", {}, "Note, for staff only"],
    ["silence", { done: false }, "The sounder could not be silenced"],
    ["cut_off", { supplies: { "Breaker supply": { status: "confirmed", milliseconds: 412 } } }, "Cut off: Breaker: proven 412 ms"],
    ["cut_off", { supplies: { "Stove supply": { status: "failed", reason: "current_flows" } } }, "Cut off: Stove: FAILED (current_flows)"],
    ["cut_off", { supplies: { X: { status: "confirmed", limit: "relay_only" } } }, "Cut off: X: by its relay only"],
    ["drill", { supplies: { X: { status: "unconfirmed", reason: "drill" } } }, "Drill, nothing cut: X: Would be cut off"],
    ["restored", { checked: "on_site", restored: { X: { status: "confirmed" } } }, "Restored (on_site): X: on, read back"],
    ["restored", { checked: "phone", restored: { X: { status: "failed", reason: "refused" } } }, "Restored (phone): X: FAILED (refused)"],
    ["came_back_closed", { supply: "Breaker supply" }, "Somebody closed Breaker again"],
    ["door_released", { door: "Hall 1" }, "Door opened for the fire, proven: Hall 1"],
    ["door_unproven", { door: "Hall 1" }, "DOOR NOT PROVEN OPEN: Hall 1"],
    ["door_locked", { door: "Hall 1" }, "Door locked again: Hall 1"],
    ["on_my_way", {}, "Answer: on my way"],
    ["false_alarm", {}, "Answer: false alarm"],
    ["need_help", {}, "Call for help"],
    ["help_closed", {}, "Call for help closed"],
    ["something of tomorrow", {}, "something of tomorrow"],
  ])("%s %o", (what, more, text) => {
    expect(said(what, more)).toBe(text);
  });
});

test("how long, and how much", () => {
  expect([5, 137, 17_463, 200_000].map((seconds) => lasted(seconds, "en"))).toEqual(["0:05", "2:17", "4:51:03", "2 days"]);
  expect([quantity(0.04, "A", "en"), quantity(100.24, "A", "en"), quantity(18, "%", "en")]).toEqual(["0 A", "100 A", "18 %"]);
});

test("a door that is not released is no power", () => {
  const door = alarm({ hazard: "refused_to_release", rank: "linkage" });
  const power = alarm({ hazard: "refused_to_open", rank: "linkage" });
  const word = (...alarms: ReturnType<typeof alarm>[]) => words.classWord(incident("a", { rank: "linkage", alarms }), NO_HELP);
  expect(word(door)).toBe("Door not released");
  expect(word(door, power)).toBe("Power may be on");
  expect(word(door, { ...power, state: "closed" })).toBe("Door not released");
});

test("how the power of what is over was cut and came back, once for each deed", () => {
  const cut = { at: 2, what: "cut_off", who: "user", supplies: { "Breaker supply": { status: "confirmed", milliseconds: 412 }, Stove: { status: "failed", reason: "current_flows" } } };
  const back = { at: 9, what: "restored", who: "user", restored: { "Breaker supply": { status: "confirmed" } } };
  const one = alarm({ alarm_id: "a", timeline: [cut, back] });
  const two = alarm({ alarm_id: "b", timeline: [{ ...cut, who: null }] });
  const time = (at: number): string => clock(hass(), at);
  expect(pastPowerOf(words, incident("a", { alarms: [one, two] }))).toEqual([
    { supply: "Breaker", said: [`${time(2)} proven 412 ms`, `${time(9)} on, read back`] },
    { supply: "Stove", said: [`${time(2)} FAILED (current_flows)`] },
  ]);
  expect(pastPowerOf(words, incident("a"))).toEqual([]);
});

test("power that is left off says until when and why, and asks when that day has come", () => {
  const left = (until: string, due: boolean) => supply({ state: "proven", latched: true, left: { until, why: "vacant", who: "u", is_due: due } });
  const item = incident("a", { supplies: [left("2026-12-09", false), left("2026-12-04", false), supply()] });
  expect(words.power(item)).toContain("left off until Dec 4, 2026 (vacant)");
  expect(words.left([left("2026-12-04", true)])).toBe("was to be off until Dec 4, 2026 (vacant): restore it, or say until when");
  expect(words.left([supply()])).toBe("");
  const entry = { at: 1, what: "left_off", who: "user", left: ["Breaker supply", "Box supply_2"], until: "2026-12-04", reason: "other", text: "Owner away" };
  expect(entryOf(words, alarm(), entry)).toBe("Left off until Dec 4, 2026 (other: Owner away): Breaker, Box supply_2");
  expect(entryOf(words, alarm(), { at: 1, what: "left_off_due", left: ["Breaker supply"] })).toBe(
    "The day has come until which it was left off: Breaker",
  );
});
