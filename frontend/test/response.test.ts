import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { monotonic } from "../src/feed";
import { People, Register, ResponseBook, areasOf, keyOf, type Alert, type Group, type Item, type Slot } from "../src/response";
import { translator } from "../src/texts";
import { Words } from "../src/words";
import { Line } from "./line";
import { hass, incident } from "./made";

const alert = (more: Partial<Alert> = {}): Alert => ({
  kind: "alert",
  alert_id: "alert",
  alarm_ids: ["fire alarm"],
  incident_id: null,
  state: "active",
  drill: false,
  place: "1-1-201",
  area_ids: ["1_1_201"],
  created_at: 40,
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
  const made = new ResponseBook(0);
  made.take({
    kind: "snapshot",
    sequence: 1,
    at: 1,
    items: Object.fromEntries(items.map((item, index) => [String(index), item])),
  }, 0);
  return made;
};
const words = new Words(hass(), translator("en"), new Map());
const fire = incident("fire");

test("messages change and end what is there; one that is missing is noticed", () => {
  const made = book(alert(), unit());
  expect(made.take({ kind: "change", sequence: 2, at: 1, items: { 1: unit({ title: "B" }) } }, 1)).toBe(true);
  expect(made.take({ kind: "gone", sequence: 3, at: 1, keys: ["0"] }, 1)).toBe(true);
  // A beat has the number of the message before it.
  expect(made.take({ kind: "beat", sequence: 3, at: 1 }, 1)).toBe(true);
  expect([...made.items.values()]).toEqual([unit({ title: "B" })]);
  expect(made.take({ kind: "beat", sequence: 4, at: 1 }, 1)).toBe(false);
  expect([made.isOld(30.9), made.isOld(31)]).toEqual([false, true]);
  expect(made.take({ kind: "ended", sequence: 4, at: 1 }, 1)).toBe(true);
  // Nobody calls for help that is known, and nothing is known.
  expect([made.items.size, made.isOld(1)]).toEqual([0, true]);
});

describe("people", () => {
  const calling = slot({
    number: 2,
    state: "on_my_way",
    answered_at: 60,
    help: [{ call_id: "call", at: 50, taken_at: null, closed_at: null }],
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

  test("what is known of hundreds is found by what it is about, once each", () => {
    const [first, second] = ["fire alarm", "second alarm"];
    const about = new People([book(alert({ incident_id: "fire", alarm_ids: [first, second] }), alert({ alert_id: "late", alarm_ids: [second] }))]);
    const both = { ...fire, alarms: [...fire.alarms, { ...fire.alarms[0], alarm_id: second } as (typeof fire.alarms)[number]] };
    expect(about.alertsOf(both).map((item) => item.alert_id)).toEqual(["alert", "late"]);
  });

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
    expect(known.calls().map((call) => [call.who?.slot.number, call.who?.id, call.at])).toEqual([[2, "call", 50]]);
    expect(words.answer(calling)).toMatch(/^On my way now, asked for help /);
    const closed = { ...calling, help: [{ call_id: "call", at: 50, taken_at: 55, closed_at: 70 }] };
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
    expect(words.person({ ...calling, role: "neighbour" })).toBe("Neighbour 2");
  });
});

describe("a call for help", () => {
  const call = { call_id: "call", at: 50, taken_at: null, closed_at: null };

  test("is shown where its alert is of no incident, or of one that is over", () => {
    const known = new People([book(alert({ alarm_ids: [], help_open: 1 }), unit({ slots: [slot({ help: [call] })] }))]);
    const [shown] = known.calls();
    expect(shown && words.call(shown)).toMatch(/^1-1-201, tenant 1: needs help since /);
    expect(shown && known.incidentOf(shown.alert, [fire])).toBeUndefined();
    const ofFire = new People([book(alert())]);
    expect(ofFire.incidentOf(ofFire.alertsOf(fire)[0] ?? alert(), [incident("other"), fire])).toBe(fire);
  });

  test("is shown where it is not known whose it is, and another one is another", () => {
    const of = (more: Partial<Alert>) => new People([book(alert({ place: "Gate", ...more }))]).calls();
    const [one] = of({ help_open: 1 });
    expect(one && words.call(one)).toMatch(/^Gate, somebody: needs help since /);
    const keys = [of({ help_open: 1 }), of({ help_open: 2 })].map(([found]) => found && keyOf(found));
    expect(new Set(keys).size).toBe(2);
    expect(of({ help_open: 0 })).toEqual([]);
  });

  test("in a drill is said to be one", () => {
    const known = new People([book(alert({ drill: true, help_open: 1 }), unit({ slots: [slot({ help: [call] })] }))]);
    expect(known.calls().map((item) => words.call(item))).toEqual([expect.stringMatching(/^Drill: 1-1-201, tenant 1/)]);
  });

  test("is where its unit is, whatever that is called, else where the alert is", () => {
    const known = new People([
      book(
        alert({ help_open: 2 }),
        unit({ title: "Flat of nobody", area_id: "1_1_202", slots: [slot({ help: [call] })] }),
        { kind: "responders", alert_id: "alert", slots: [slot({ role: "fire_post", help: [{ ...call, call_id: "two", at: 60 }] })] },
      ),
    ]);
    expect(known.calls().map(areasOf)).toEqual([["1_1_202"], ["1_1_201"]]);
  });
});

describe("the register", () => {
  const property = { entry_id: "one", title: "One", roles: ["duty"], rights: { get_alerts: null }, for_a_reason: [] };
  const session = { user: { id: "u", name: "U" }, properties: [property], all_loaded: true, reasons: [], module: null };
  const snapshot = { kind: "snapshot", sequence: 1, at: 1, items: { a: alert({ help_open: 1 }) } };
  const commands = (line: Line) => line.asked.map(({ command }) => command as { type: string; entry_id?: string });
  const followed = (line: Line): string[] => commands(line).flatMap(({ entry_id }) => entry_id ?? []);
  /** Sends to the last subscription of a kind. */
  const tell = (line: Line, type: string, message: object): void => {
    line.tell(message, commands(line).findLastIndex((command) => command.type === `rental_units/${type}`));
  };
  const tellSession = (line: Line, told: object): void => {
    tell(line, "subscribe_session", { kind: "session", session: told });
  };
  const tellPeople = (line: Line, message: object = snapshot): void => {
    tell(line, "subscribe_response", message);
  };

  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const asked = (line: Line, told: object | null = session): Register => {
    const register = new Register(line, vi.fn());
    register.start();
    if (told) {
      tellSession(line, told);
    }
    return register;
  };

  test("that does not answer is asked again: the line was lost, or it is not set up yet", async () => {
    const line = new Line();
    line.refuses = new Error("unknown_command");
    const register = asked(line, null);
    expect([register.session, register.people]).toEqual([null, null]);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(register.isOld(monotonic())).toBe(true);
    line.refuses = null;
    await vi.advanceTimersByTimeAsync(30_000);
    tellSession(line, session);
    expect(followed(line)).toEqual(["one"]);
    tellPeople(line);
    expect([register.people?.calls().length, register.isOld(monotonic())]).toEqual([1, false]);
  });

  test("that falls silent is asked anew", async () => {
    const line = new Line();
    asked(line);
    await vi.advanceTimersByTimeAsync(20_000);
    tell(line, "subscribe_session", { kind: "beat" });
    await vi.advanceTimersByTimeAsync(20_000);
    const sessions = () => commands(line).filter(({ type }) => type === "rental_units/subscribe_session").length;
    expect(sessions()).toBe(1);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(sessions()).toBe(2);
  });

  test("whose property is not loaded yet is subscribed to when it is", async () => {
    const line = new Line();
    const register = new Register(line, vi.fn());
    register.start();
    line.refuses = new Error("property_not_loaded");
    tellSession(line, session);
    await vi.advanceTimersByTimeAsync(0);
    line.refuses = null;
    await vi.advanceTimersByTimeAsync(2000);
    expect(followed(line)).toEqual(["one", "one"]);
  });

  test("whose property is loaded anew goes on, and says meanwhile that it knows nothing", async () => {
    const line = new Line();
    const register = asked(line);
    tellPeople(line);
    tellPeople(line, { kind: "ended", sequence: 2, at: 2 });
    expect([register.people?.calls(), register.isOld(monotonic())]).toEqual([[], true]);
    await vi.advanceTimersByTimeAsync(2000);
    tellPeople(line);
    expect([register.people?.calls().length, register.isOld(monotonic())]).toEqual([1, false]);
  });

  test("takes up a role that is given, and forgets a property in which none is left", () => {
    const line = new Line();
    const register = asked(line, { ...session, properties: [] });
    expect([register.properties, register.people, followed(line)]).toEqual([[], null, []]);
    tellSession(line, session);
    expect([register.properties, followed(line)]).toEqual([[property], ["one"]]);
    tellPeople(line);
    expect(register.people?.calls()).toHaveLength(1);
    tellSession(line, { ...session, properties: [] });
    expect([register.people, line.left, register.isOld(monotonic())]).toEqual([null, 0, false]);
  });

  test("of which a property cannot be asked says so until all are there", async () => {
    const line = new Line();
    const register = asked(line, { ...session, properties: [], all_loaded: false });
    await vi.advanceTimersByTimeAsync(20_000);
    tell(line, "subscribe_session", { kind: "beat" });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(register.isOld(monotonic())).toBe(true);
    tellSession(line, session);
    expect(register.isOld(monotonic())).toBe(false);
  });

  test("that was heard before a sleep is old until it is heard again", () => {
    const line = new Line();
    const register = asked(line);
    tellPeople(line);
    register.restart();
    expect(register.isOld(monotonic())).toBe(true);
    tellSession(line, session);
    tellPeople(line);
    expect(register.isOld(monotonic())).toBe(false);
  });

  test("that was stopped asks nothing and takes nothing", async () => {
    const line = new Line();
    const register = asked(line);
    register.stop();
    const before = line.asked.length;
    tellSession(line, { ...session, properties: [] });
    await vi.advanceTimersByTimeAsync(120_000);
    expect([register.properties, line.asked.length]).toEqual([[property], before]);
  });
});
