import { describe, expect, test } from "vitest";
import { deedsAs, pagesAs, peopleAs, type SessionAs } from "../src/register/seen-as";
import { fetchTexts, translator } from "../src/register/texts";

await fetchTexts("en");

const t = translator("en");
const as = (rights: string[], more: Partial<SessionAs> & { roles?: string[]; forReason?: string[] } = {}): SessionAs => ({
  property: {
    entry_id: "one",
    title: "One",
    roles: more.roles ?? ["duty"],
    rights: Object.fromEntries(rights.map((right) => [right, null])),
    for_a_reason: more.forReason ?? [],
  },
  reads_all: true,
  controls_all: more.controls_all ?? true,
});

describe("another account", () => {
  test("is offered its pages in the order of the navigation", () => {
    const duty = ["get_units", "get_roster", "get_alerts", "safety.acknowledge", "safety.read"];
    expect(pagesAs(as(duty), true, "en", t)).toEqual([
      "Incidents",
      "Map",
      "Units",
      "Devices",
      "Doors",
      "Duty",
      "History",
      "Shift handover",
    ]);
    // Who may only look has no work with devices, whatever the role says.
    expect(pagesAs(as(duty, { controls_all: false }), true, "en", t)).toEqual(["Incidents", "Map", "Units", "Doors", "Duty", "History"]);
    // A house without doors has no page of them, and nor has who may not read its devices.
    expect(pagesAs(as(["get_units", "safety.read"]), false, "en", t)).toEqual(["Incidents", "Map", "Units", "History"]);
    expect(pagesAs({ ...as(["get_units", "safety.read"]), reads_all: false }, true, "en", t)).toEqual(["Incidents", "Map", "Units", "History"]);
    expect(pagesAs(as(["get_units", "safety.cut_off"], { roles: ["landlord"] }), true, "zh-Hans", t)).toEqual(["我的出租房", "房屋"]);
  });

  test.each([
    [["get_person", "get_person_revealed"], [], "as_names"],
    [["get_person", "get_person_revealed"], ["get_person", "get_person_revealed"], "as_names_for_reason"],
    [["get_person"], [], "as_masked"],
    [["get_person"], ["get_person"], "as_masked_for_reason"],
    [["get_alerts"], [], "as_nobody"],
  ])("with %s, of which %s for a reason, sees people %s", (rights, forReason, key) => {
    expect(peopleAs(as(rights, { forReason }))).toBe(key);
  });

  test("may do what is said, unless Home Assistant refuses it", () => {
    expect(deedsAs(as(["safety.cut_off", "answer", "get_mine"]))).toEqual({ may: ["may_cut_off", "may_answer"], isRefused: false });
    expect(deedsAs(as(["safety.cut_off"], { controls_all: false })).isRefused).toBe(true);
    expect(deedsAs(as(["safety.read", "get_alerts"], { controls_all: false }))).toEqual({ may: [], isRefused: false });
  });
});
