import { expect, test } from "vitest";
import { dashboard } from "../src/cards/dashboard";
import { CARDS } from "../src/cards/kinds";
import { titlesIn } from "../src/cards/titles";
import { hass } from "./made";

test("a dashboard has a view of all incidents, and one for each building in which there is a place", () => {
  const floors = Object.fromEntries(["b10", "b2", "empty"].map((id) => [id, { floor_id: id, name: `Building ${id.slice(1)}` }]));
  const at = (id: string, floor_id: string | null) => ({ area_id: id, name: id, floor_id });
  const areas = { x: at("x", "b10"), y: at("y", "b2"), z: at("z", null) };
  const { views } = dashboard({ ...hass(), floors, areas });
  expect(views.map(({ title, type, cards }) => [title, type, cards[0]])).toEqual([
    ["Incidents", "panel", { type: "custom:community-safety-alarms-card" }],
    ["Building 2", "panel", { type: "custom:community-safety-building-card", floor: "b2" }],
    ["Building 10", "panel", { type: "custom:community-safety-building-card", floor: "b10" }],
  ]);
  expect(new Set(views.map(({ path }) => path)).size).toBe(3);
});

test("each card has its name in each language, and its own", () => {
  for (const language of ["en", "zh-Hans", "zh-Hant"]) {
    const titles = titlesIn(language);
    expect(new Set(Object.keys(CARDS).map((kind) => titles[kind as keyof typeof CARDS])).size).toBe(4);
    expect(language === "en" || titles.alarms !== titlesIn("en").alarms).toBe(true);
  }
  expect(titlesIn("de")).toBe(titlesIn("en"));
});
