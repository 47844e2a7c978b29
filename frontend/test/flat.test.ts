import { expect, test } from "vitest";
import { devicesIn, isInDanger, isQuiet, newsOf, openAlerts, urgency } from "../src/register/flat";
import { hazardsIn } from "../src/register/room";
import type { Hass } from "../src/model";
import type { Flat } from "../src/register/model";
import { lets, pages } from "../src/register/pages";
import type { Room } from "../src/register/room";
import type { Property } from "../src/response";

const alert = (more: Partial<Flat["alerts"][number]> = {}): Flat["alerts"][number] => ({
  alert_id: "alert",
  severity: "alarm",
  hazards: ["smoke"],
  state: "active",
  drill: false,
  created_at: 1,
  answer: null,
  answered_at: null,
  help_open: false,
  ...more,
});
const flat = (alerts: Flat["alerts"] = [], nearby: Flat["nearby"] = []): Flat => ({
  unit_id: "u",
  title: "1-1-201",
  area_id: "1_1_201",
  roles: ["landlord"],
  alerts,
  nearby,
});

test("that there is no alert is said where nothing burns either, and only while it is known", () => {
  expect(isQuiet(flat(), null, true)).toBe(true);
  expect(isQuiet(flat(), "incident", true)).toBe(false);
  expect(isQuiet(flat(), null, false)).toBe(false);
  expect(isQuiet(flat([alert()]), null, true)).toBe(false);
  expect(isQuiet(flat([alert({ state: "ended" })]), null, true)).toBe(true);
});

test("a drill, a fault and a mere message are not framed as an alarm", () => {
  const framed = [{}, { severity: "warning" }, { severity: "fault" }, { severity: "message" }, { drill: true }, { state: "ended" }];
  expect(framed.map((more) => isInDanger(flat([alert(more)])))).toEqual([true, true, false, false, false, false]);
});

test("danger comes first, then what asks for an answer, then the stairwell", () => {
  const near = [{ alert_id: "near", hazards: ["smoke"], at: 1 }];
  expect([flat([alert()]), flat([alert({ severity: "message" })]), flat([], near), flat()].map(urgency)).toEqual([0, 1, 2, 3]);
});

test("what says that it is over is news, and nothing that somebody has to answer", () => {
  const told = flat([alert({ hazards: ["false_alarm"] }), alert({ hazards: ["all_clear"], state: "ended" }), alert({ hazards: [] })]);
  expect([newsOf(told).length, openAlerts(told).length]).toEqual([1, 1]);
  const over = flat([alert({ hazards: ["all_clear"] })]);
  expect([isInDanger(over), urgency(over), isQuiet(over, null, true)]).toEqual([false, 3, true]);
});

test("safety devices of a flat: how many are heard, and the lowest battery; of others nothing is said", () => {
  const states: Hass["states"] = {};
  const entities: Hass["entities"] = {};
  const add = (id: string, device: string, state: string, more: { key?: string; platform?: string; area?: string | null; attributes?: Record<string, unknown> } = {}): void => {
    states[id] = { entity_id: id, state, attributes: more.attributes ?? {} };
    entities[id] = {
      entity_id: id,
      device_id: device,
      area_id: more.area ?? null,
      platform: more.platform ?? "community_safety",
      ...(more.key ? { translation_key: more.key } : {}),
    };
  };
  const percent = { device_class: "battery", unit_of_measurement: "%" };
  add("binary_sensor.a", "smoke", "off");
  add("binary_sensor.b", "breaker", "on", { key: "unresponsive" });
  add("switch.b", "breaker", "on");
  add("sensor.b", "breaker", "unavailable");
  add("sensor.c", "heat", "unavailable", { attributes: percent });
  // A setting is ours, and there whatever has become of the device.
  add("number.c", "heat", "57");
  add("binary_sensor.d", "both", "unavailable");
  add("sensor.d", "both", "78", { attributes: percent });
  add("sensor.f", "lamp", "5", { platform: "zha", attributes: percent });
  add("binary_sensor.g", "other", "off", { area: "elsewhere" });
  const found: Hass = {
    devices: Object.fromEntries(["smoke", "breaker", "heat", "both", "lamp", "other"].map((id) => [id, { area_id: "home" }])),
    entities,
    states,
  } as Hass;
  expect(devicesIn(found, "home")).toEqual({ all: 4, heard: 2, battery: 78 });
  expect(devicesIn(found, "elsewhere")).toEqual({ all: 1, heard: 1, battery: null });
  expect([devicesIn(found, null), devicesIn({ ...found, entities: {} }, "home")]).toEqual([null, null]);
});

test("who lets flats has flats to let, who lives in one has a home", () => {
  const session = (...roles: string[]) => ({ properties: [{ entry_id: "p", title: "", roles, rights: {}, for_a_reason: [] }] satisfies Property[] });
  const titles = (...roles: string[]) => ["en", "zh-Hans"].map((language) => pages(session(...roles), language)[0]?.title);
  expect(titles("landlord", "resident")).toEqual(["My flats", "我的出租房"]);
  expect(titles("resident")).toEqual(["My home", "我的住处"]);
  expect(lets(session("duty"))).toBe(false);
});

test("an alert of a message alone has a name too", () => {
  const room = { t: (key: string) => key, hass: { localize: (key: string) => key.split(".").at(-1) } } as unknown as Room;
  expect(hazardsIn(room, ["smoke", "heat"])).toBe("smokecommaheat");
  expect(hazardsIn(room, [])).toBe("alert_plain");
});
