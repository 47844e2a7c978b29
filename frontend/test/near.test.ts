import { expect, test } from "vitest";
import type { Hass } from "../src/model";
import { MOST_CAMERAS, camerasNear } from "../src/near";

const areas: Hass["areas"] = Object.fromEntries(
  [
    ["flat", "1-2-301", "b1"],
    ["stairs", "1-2 stairwell", "b1"],
    ["lift", "Building 1 lift", "b1"],
    ["other", "1-1-301", "b1"],
    ["namesake", "1-2-302", "b2"],
    ["shed", "Shed", null],
    ["gate", "Gate", null],
  ].map(([area_id, name, floor_id]) => [String(area_id), { area_id: String(area_id), name: String(name), floor_id: floor_id ?? null }]),
);
/** A house with cameras in places, by their devices. */
const house = (...places: string[]): Pick<Hass, "areas" | "devices" | "entities" | "states"> => ({
  areas,
  devices: Object.fromEntries(places.map((area_id) => [`device in ${area_id}`, { area_id }])),
  entities: Object.fromEntries(
    places.map((place, at) => [`camera.${at}`, { entity_id: `camera.${at}`, area_id: null, device_id: `device in ${place}` }]),
  ),
  states: Object.fromEntries(
    places.map((_, at) => [`camera.${at}`, { entity_id: `camera.${at}`, state: "idle", attributes: {} }]),
  ),
});

test.each([
  ["in the place itself", ["lift", "flat", "stairs"], ["camera.1"]],
  ["else in its stairwell", ["lift", "other", "stairs"], ["camera.2"]],
  ["else in its building", ["lift", "shed"], ["camera.0"]],
  ["and in no other", ["namesake", "shed"], []],
])("%s", (_what, places, found) => {
  expect(camerasNear(house(...places), "flat")).toEqual(found);
});

test("what is on no floor is near nothing but itself", () => {
  expect(camerasNear(house("gate"), "shed")).toEqual([]);
  expect(camerasNear(house("shed"), "shed")).toEqual(["camera.0"]);
});

test("not more than a browser can show, none that may not be seen, and the place of a camera before that of its device", () => {
  const many = house(...Array.from({ length: 9 }, () => "flat"));
  expect(camerasNear(many, "flat")).toHaveLength(MOST_CAMERAS);
  expect(camerasNear({ ...many, states: {} }, "flat")).toEqual([]);
  const moved = house("lift");
  moved.entities["camera.0"] = { entity_id: "camera.0", area_id: "flat", device_id: "device in lift" };
  expect(camerasNear(moved, "flat")).toEqual(["camera.0"]);
});
