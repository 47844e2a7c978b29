/** Incidents for tests, as the server would tell them. */

import type { Alarm, Hass, Incident, Rank, Supply } from "../src/model";

export const alarm = (more: Partial<Alarm> = {}): Alarm => ({
  alarm_id: "alarm",
  hazard: "smoke",
  severity: "alarm",
  state: "raised",
  rank: "fire",
  drill: false,
  present: true,
  device_id: "device",
  device_name: "Smoke sensor",
  area_id: "1_1_201",
  raised_at: 1000,
  acknowledged_at: null,
  acknowledged_by: null,
  cleared_at: null,
  shelved_until: null,
  returns: 0,
  calls: 1,
  values: [],
  ...more,
});

export const supply = (more: Partial<Supply> = {}): Supply => ({
  supply_id: "breaker/supply",
  device_id: "breaker",
  name: "Breaker",
  channel: "",
  area_id: "1_1_201",
  state: "on",
  latched: false,
  restorable: false,
  current: null,
  power: null,
  milliseconds: null,
  reason: null,
  at: null,
  who: null,
  left: null,
  ...more,
});

export const incident = (id: string, more: Partial<Incident> & { rank?: Rank } = {}): Incident => {
  const rank = more.rank ?? "fire";
  const seen = more.acknowledged ?? false;
  return {
    incident_id: id,
    area_id: "1_1_201",
    drill: false,
    rank,
    present: true,
    acknowledged: seen,
    raised_at: 1000,
    alarms: [
      alarm({
        alarm_id: `${id} alarm`,
        rank,
        drill: more.drill ?? false,
        acknowledged_at: seen ? 1010 : null,
        acknowledged_by: seen ? "user" : null,
        present: more.present ?? true,
        raised_at: more.raised_at ?? 1000,
      }),
    ],
    supplies: [],
    last: {},
    may: {},
    ...more,
  };
};

export const hass = (): Hass => ({
  connection: {
    connected: true,
    subscribeMessage: () => Promise.reject(new Error("not in a test")),
    sendMessagePromise: () => Promise.reject(new Error("not in a test")),
  },
  connected: true,
  language: "en",
  locale: { language: "en", time_format: "24", time_zone: "server" },
  config: { time_zone: "Asia/Shanghai", location_name: "Xingqiao", components: [] },
  areas: {
    "1_1_201": { area_id: "1_1_201", name: "1-1-201", floor_id: "b1" },
    roof: { area_id: "roof", name: "Roof", floor_id: null },
  },
  floors: { b1: { floor_id: "b1", name: "Building 1" } },
  devices: {},
  entities: {},
  states: {},
  themes: {},
  localize: (key) => key.split(".").at(-1) ?? "",
  loadBackendTranslation: () => Promise.resolve(),
  fetchWithAuth: () => Promise.reject(new Error("not in a test")),
});
