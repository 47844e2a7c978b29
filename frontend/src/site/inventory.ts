/** Every device as the server tells it, and what it lacks. Nothing here knows a browser. */

export interface Device {
  device_id: string;
  name: string;
  kind: string;
  model: string | null;
  area_id: string | null;
  power: "battery" | "mains";
  /** In percent. */
  battery: number | null;
  /** Unix times in seconds; null if it was not heard in this run of the server. */
  heard_at: number | null;
  unresponsive: boolean;
  faults: string[];
  testing: boolean;
  /** Does it report its own tests? */
  shows_test: boolean;
  last_test: { at: number; ended_at: number | null; who: string | null; found: string[] } | null;
  /** In amperes. */
  rated_current: { value: number; is_set: boolean; entity_id: string | null } | null;
  supplies: {
    key: string;
    channel: string;
    protected: boolean;
    entity_id: string | null;
    /** Until a person restores it; why is said of a protected load that a person has switched off. */
    off: { at: number; who: string | null; reason: string | null; proven: boolean | null } | null;
  }[];
  signed_off: { at: number; who: string } | null;
  /** What the user may do: null now, or the code of what is in the way. Missing: not offered. */
  may: { self_test?: null; sign_off?: string | null; restore?: string | null; open_protected?: null };
}

export type Message = { sequence: number; at: number } & (
  | { kind: "snapshot"; devices: Device[] }
  | { kind: "change"; devices: Device[]; gone: string[] }
  | { kind: "names"; names: Record<string, string> }
  | { kind: "beat"; heard?: Record<string, number> }
);

/** A battery at or below this is to be changed, in percent. */
export const LOW_BATTERY = 15;
/** A test that is older is due again: the server says the same. */
const TEST_SECONDS = 365 * 86_400;

export class Inventory {
  readonly devices = new Map<string, Device>();
  readonly names = new Map<string, string>();
  isKnown = false;
  /** Grows with each change of a row. */
  version = 0;
  private sequence = 0;

  take(message: Message): boolean {
    if (message.kind !== "snapshot" && message.sequence !== this.sequence + (message.kind === "beat" ? 0 : 1)) {
      return false;
    }
    this.sequence = message.sequence;
    this.version += 1;
    switch (message.kind) {
      case "snapshot":
        this.isKnown = true;
        this.devices.clear();
        this.put(message.devices);
        break;
      case "change":
        this.put(message.devices);
        for (const id of message.gone) {
          this.devices.delete(id);
        }
        break;
      case "names":
        for (const [who, name] of Object.entries(message.names)) {
          this.names.set(who, name);
        }
        break;
      case "beat":
        for (const [id, heardAt] of Object.entries(message.heard ?? {})) {
          const device = this.devices.get(id);
          if (device) {
            this.devices.set(id, { ...device, heard_at: heardAt });
          }
        }
    }
    return true;
  }

  private put(devices: Device[]): void {
    for (const device of devices) {
      this.devices.set(device.device_id, device);
    }
  }
}

export type Tested = "none" | "never" | "running" | "nothing" | "due" | "passed";

/** How its last test went; `none` is that it reports no tests. */
export function testedOf(device: Device, now: number): Tested {
  const test = device.last_test;
  if (device.testing) {
    return "running";
  }
  if (!test) {
    return device.shows_test ? "never" : "none";
  }
  if (test.ended_at === null || !test.found.length) {
    return "nothing";
  }
  return now - test.at < TEST_SECONDS ? "passed" : "due";
}

export const isLow = (device: Device): boolean =>
  (device.battery !== null && device.battery <= LOW_BATTERY) || device.faults.includes("low_battery");

/** By what the list can be narrowed down. */
export const FILTERS = {
  not_tested: (device: Device, now: number) =>
    device.shows_test && !["passed", "running"].includes(testedOf(device, now)),
  silent: (device: Device) => device.unresponsive,
  battery: isLow,
  no_area: (device: Device) => device.area_id === null,
  rated_default: (device: Device) => device.rated_current !== null && !device.rated_current.is_set,
  faults: (device: Device) => device.faults.length > 0,
  kept_off: (device: Device) => device.supplies.some(({ off }) => off !== null),
  not_signed_off: (device: Device) => device.signed_off === null,
} as const;
export type Filter = keyof typeof FILTERS;

/** Returns those of an area (all without one) to which a filter applies (all without one). */
export function narrowed(devices: Iterable<Device>, filter: Filter | null, areaId: string | null, now: number): Device[] {
  return [...devices].filter(
    (device) => (areaId === null || device.area_id === areaId) && (filter === null || FILTERS[filter](device, now)),
  );
}

/** Returns how many devices report tests, and how many of them have passed one. */
export function testedCount(devices: Iterable<Device>, now: number): { tested: number; all: number } {
  let tested = 0;
  let all = 0;
  for (const device of devices) {
    all += Number(device.shows_test);
    tested += Number(device.shows_test && testedOf(device, now) === "passed");
  }
  return { tested, all };
}
