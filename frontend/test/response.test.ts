import { describe, expect, test } from "vitest";
import { People, ResponseBook, type Alert, type Group, type Item, type Slot } from "../src/response";
import { translator } from "../src/texts";
import { Words } from "../src/words";
import { hass, incident } from "./made";

const alert = (more: Partial<Alert> = {}): Alert => ({
  kind: "alert",
  alert_id: "alert",
  alarm_ids: ["fire alarm"],
  incident_id: null,
  state: "active",
  next_at: null,
  help_open: 0,
  ...more,
});
const slot = (more: Partial<Slot> = {}): Slot => ({
  role: "tenant",
  number: 1,
  state: "no_answer",
  answered_at: null,
  via: null,
  reached: [],
  help: [],
  ...more,
});
const unit = (more: Partial<Group> = {}): Group => ({
  kind: "unit",
  alert_id: "alert",
  unit_id: "u",
  title: "1-1-201",
  is_neighbour: false,
  registered: 3,
  help_open: 0,
  slots: [],
  ...more,
});
const book = (...items: Item[]): ResponseBook => {
  const made = new ResponseBook();
  made.take({
    kind: "snapshot",
    sequence: 1,
    at: 1,
    items: Object.fromEntries(items.map((item, index) => [String(index), item])),
  });
  return made;
};
const words = new Words(hass(), translator("en"), new Map());
const fire = incident("fire");

test("messages change and end what is there; one that is missing is noticed", () => {
  const made = book(alert(), unit());
  expect(made.take({ kind: "change", sequence: 2, at: 1, items: { 1: unit({ title: "B" }) } })).toBe(true);
  expect(made.take({ kind: "gone", sequence: 3, at: 1, keys: ["0"] })).toBe(true);
  // A beat has the number of the message before it.
  expect(made.take({ kind: "beat", sequence: 3, at: 1 })).toBe(true);
  expect([...made.items.values()]).toEqual([unit({ title: "B" })]);
  expect(made.take({ kind: "beat", sequence: 4, at: 1 })).toBe(false);
  expect(made.take({ kind: "ended", sequence: 4, at: 1 })).toBe(true);
  expect(made.items.size).toBe(0);
});

describe("people", () => {
  const calling = slot({
    number: 2,
    state: "on_my_way",
    answered_at: 60,
    help: [{ at: 50, taken_at: null, closed_at: null }],
  });
  const known = new People([
    book(
      alert({ help_open: 1, next_at: 113 }),
      unit({ title: "1-1-202", is_neighbour: true, slots: [slot({ state: "safe" })] }),
      unit({ slots: [slot(), calling] }),
      { kind: "responders", alert_id: "alert", slots: [slot({ role: "fire_post" })] },
    ),
    book(alert({ alert_id: "another", alarm_ids: ["another alarm"] })),
  ]);

  test("an alert is an incident's by its alarms, or by its id", () => {
    expect(known.alertsOf(fire).map((item) => item.alert_id)).toEqual(["alert"]);
    const byId = new People([book(alert({ alarm_ids: [], incident_id: "fire" }))]);
    expect(byId.alertsOf(fire)).toHaveLength(1);
  });

  test("who lives there comes first, neighbours last", () => {
    expect(known.groupsOf(fire).map((group) => words.group(group))).toEqual([
      "1-1-201",
      "Who responds",
      "1-1-202 (neighbours)",
    ]);
  });

  test("a call for help stays, whatever was said since, until a person closes it", () => {
    expect([...known.help([fire, incident("other")])]).toEqual(["fire"]);
    expect(words.people(fire, known)).toBe("Needs help 1 · Safe 1 · No answer 2");
    expect(known.calls(fire).map((call) => [call.slot.number, call.at])).toEqual([[2, 50]]);
    expect(words.answer(calling)).toMatch(/^On my way now, asked for help /);
    const closed = { ...calling, help: [{ at: 50, taken_at: 55, closed_at: 70 }] };
    const after = new People([book(alert(), unit({ slots: [closed] }))]);
    expect(after.help([fire]).size).toBe(0);
    expect(words.people(fire, after)).toBe("On my way 1");
    expect(words.answer(closed)).toMatch(/^On my way \d/);
  });

  test("the next step, how each was reached, and who", () => {
    expect(words.nextStep(known.alertsOf(fire), 100)).toBe("next escalation in 0:13");
    expect(words.nextStep([alert()], 100)).toBe("");
    const said = (state: string) => words.reached({ channel: "sms", state, at: 1, tries: 1 });
    expect(["received", "queued", "failed"].map(said)).toEqual(["sms ok", "sms …", "sms failed"]);
    expect(words.person(calling)).toBe("tenant 2");
  });
});
