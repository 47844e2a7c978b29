import { expect, test } from "vitest";
import { asked, onMap } from "../src/register/case";
import type { SeenAt } from "../src/register/model";

const wanted = { plate: "", category: "", colour: "", age_group: "", since: "", until: "", place: "", household: false, untold: false };

test("what is empty is not asked, and spaces say nothing", () => {
  expect(asked(wanted)).toEqual({});
  expect(asked({ ...wanted, plate: " A0T1K9 ", colour: " " })).toEqual({ plate: "A0T1K9" });
});

test("what cameras do not tell is asked for only with something that they may tell", () => {
  expect(asked({ ...wanted, category: "person", untold: true })).toEqual({ category: "person" });
  expect(asked({ ...wanted, colour: "red", untold: true })).toEqual({ colour: "red", untold: true });
});

test("a place is a device with its door, and times are told apart from the browser's zone", () => {
  const said = asked({ ...wanted, household: true, place: '["gate","1"]', since: "2026-09-01T09:30" });
  expect(said).toEqual({ household: true, places: [["gate", "1"]], since: new Date("2026-09-01T09:30").toISOString() });
});

const seen = (place_id: string | null, latitude: number | null = 30): SeenAt =>
  ({ where: { name: "x", place: place_id ?? "", place_id, latitude, longitude: latitude } }) as SeenAt;

test("a place of the trail is on the map once, with the numbers of its sightings, the oldest first", () => {
  // As the server tells it: the newest first.
  const found = onMap([seen("gate"), seen(null), seen("school"), seen("gate"), seen("roof", null)]);
  expect(found.map(({ place, numbers }) => [place.place_id, numbers])).toEqual([
    ["gate", [2, 5]],
    ["school", [3]],
  ]);
});
