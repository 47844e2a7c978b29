/** What the server tells, and what of Home Assistant's frontend is used. Times are Unix seconds. */

export type Rank = "fire" | "linkage" | "electrical" | "supervision" | "fault" | "shelved" | "power_off";
export type Action = "acknowledge" | "reset" | "restore" | "cut_off" | "silence" | "release" | "shelve" | "unshelve" | "leave_off" | "note" | "end_drill";
export type SupplyState =
  | "proven"
  | "relay_only"
  | "may_be_on"
  | "cutting"
  | "unknown"
  | "protected"
  | "drill"
  | "on"
  | "off";

export interface Entry {
  at: number;
  what: string;
  who?: string | null;
  [detail: string]: unknown;
}

export interface Value {
  key: string;
  value: number;
  unit: string | null;
}

export interface Alarm {
  alarm_id: string;
  hazard: string;
  severity: "alarm" | "warning" | "fault";
  state: "raised" | "acknowledged" | "cleared" | "closed";
  rank: Rank;
  drill: boolean;
  present: boolean;
  device_id: string | null;
  device_name: string;
  area_id: string | null;
  raised_at: number;
  acknowledged_at: number | null;
  acknowledged_by: string | null;
  cleared_at: number | null;
  /** It calls nobody until then. */
  shelved_until: number | null;
  returns: number;
  /** How often it has called people: at its threshold a detector comes and goes, and calls once. */
  calls: number;
  reason?: string;
  values: Value[];
  timeline?: Entry[];
}

export interface Supply {
  supply_id: string;
  device_id: string | null;
  name: string;
  channel: string | null;
  area_id: string | null;
  state: SupplyState;
  latched: boolean;
  /** Nothing is in the way of closing it. */
  restorable: boolean;
  current: number | null;
  power: number | null;
  milliseconds: number | null;
  reason: string | null;
  at: number | null;
  who: string | null;
  /** A person has put its restore off until a day, in ISO 8601; it is due when that has come. */
  left: { until: string; why: string; who: string; is_due: boolean } | null;
}

export interface Incident {
  incident_id: string;
  area_id: string | null;
  drill: boolean;
  rank: Rank;
  present: boolean;
  acknowledged: boolean;
  raised_at: number;
  alarms: Alarm[];
  supplies: Supply[];
  last: Partial<Entry>;
  /** What the user may do: null now, or the code of what is in the way. Missing: not offered. */
  may: Partial<Record<Action, string | null>>;
}

export interface Ended {
  incident_id: string;
  reason: string | null;
  outcome: string | null;
  at: number | null;
  /** It is over only as what it was: its alarms are worse now, and in this one. */
  moved_to: string | null;
  incident: Incident | null;
}

/** A supply that a person has switched off, for no incident. */
export interface KeptOff {
  supply_id: string;
  device_id: string | null;
  name: string;
  channel: string;
  area_id: string | null;
  proven: boolean | null;
  /** Why a protected load was switched off. */
  reason: string | null;
  at: number;
  who: string | null;
}

export interface Heard {
  all: number;
  heard: number;
}

export type Message = { sequence: number; at: number } & (
  /** `more`: there are so many that the rest follows in changes, until one says that it is the last. */
  | { kind: "snapshot"; incidents: Incident[]; devices: Heard | null; kept_off?: KeptOff[]; more?: boolean }
  | { kind: "change"; incidents: Incident[]; gone: Ended[]; more?: boolean }
  /** The user may do other things than before. */
  | { kind: "rights" }
  | { kind: "names"; names: Record<string, string> }
  | { kind: "beat"; devices: Heard | null; kept_off?: KeptOff[] }
);

export interface Connection {
  /** Is the line there now? */
  readonly connected: boolean;
  subscribeMessage(callback: (message: never) => void, command: object): Promise<() => Promise<void>>;
  sendMessagePromise<T>(command: object): Promise<T>;
}

export interface Hass {
  connection: Connection;
  connected: boolean;
  language: string;
  locale: { language: string; time_format: string; time_zone: string };
  config: { time_zone: string; location_name: string; components: string[]; latitude?: number; longitude?: number };
  areas: Record<string, { area_id: string; name: string; floor_id: string | null } | undefined>;
  floors: Record<string, { floor_id: string; name: string } | undefined>;
  devices: Record<string, { area_id: string | null; labels?: string[] } | undefined>;
  entities: Record<
    string,
    { entity_id: string; area_id: string | null; device_id: string | null; platform?: string; translation_key?: string } | undefined
  >;
  states: Record<string, { entity_id: string; state: string; attributes: Record<string, unknown> } | undefined>;
  themes: { darkMode?: boolean };
  panels?: Record<string, { component_name: string } | undefined>;
  user?: { id: string; name: string; is_admin?: boolean };
  localize(key: string, values?: Record<string, unknown>): string;
  loadBackendTranslation(category: string, integration: string): Promise<unknown>;
  fetchWithAuth(path: string): Promise<Response>;
}

export interface Route {
  prefix: string;
  path: string;
}
