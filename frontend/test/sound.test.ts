import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Incident } from "../src/model";
import type { Call } from "../src/response";
import { Siren, loudest, soundsOf, type Signal } from "../src/sound";
import { alarm, incident, supply } from "./made";

const NOTHING: ReadonlySet<string> = new Set<string>();
const call = (more: { key?: string; drill?: boolean } = {}): Call => ({
  alert: {
    kind: "alert",
    alert_id: "alert",
    alarm_ids: [],
    incident_id: null,
    state: "active",
    drill: more.drill ?? false,
    place: "1-1-201",
    area_ids: [],
    created_at: 1,
    next_at: null,
    help_open: 1,
  },
  who: {
    group: { kind: "unit", alert_id: "alert", slots: [] },
    slot: { role: "tenant", number: 1, state: "need_help", answered_at: 1, via: null, reached: [], help: [] },
    id: more.key ?? "call",
  },
  at: 1,
});
const heard = (incidents: Incident[], muted = NOTHING, calls: Call[] = []): Signal | null =>
  loudest(soundsOf(incidents, calls), muted)?.signal ?? null;
const all = (incidents: Incident[], calls: Call[] = []): ReadonlySet<string> =>
  new Set(soundsOf(incidents, calls).map(({ key }) => key));

test.each([
  ["fire", incident("a")],
  ["linkage", incident("a", { rank: "linkage" })],
  ["linkage", incident("a", { rank: "electrical" })],
  ["water", incident("a", { rank: "supervision" })],
  ["fault", incident("a", { rank: "fault" })],
  ["drill", incident("a", { drill: true })],
  [null, incident("a", { acknowledged: true })],
])("%s", (signal, item) => {
  expect(heard([item])).toBe(signal);
});

test("the worst is heard, a call for help before all", () => {
  const many = [incident("a", { rank: "fault" }), incident("b"), incident("c", { drill: true })];
  expect(heard(many)).toBe("fire");
  expect(heard(many, NOTHING, [call()])).toBe("help");
});

test("a call for help is heard after its alarm was seen, after the mute, and without an incident", () => {
  const fire = incident("a");
  expect(heard([incident("a", { acknowledged: true })], NOTHING, [call()])).toBe("help");
  expect(heard([fire], all([fire]), [call()])).toBe("help");
  expect(heard([], NOTHING, [call()])).toBe("help");
  expect(heard([], NOTHING, [call({ drill: true })])).toBe("drill");
  // It can be muted too, and the next one is heard.
  const muted = all([fire], [call()]);
  expect(heard([fire], muted, [call()])).toBeNull();
  expect(heard([fire], muted, [call(), call({ key: "another" })])).toBe("help");
});

test("mute is for what is there: what is new is heard", () => {
  const fire = incident("a");
  const muted = all([fire]);
  expect(heard([fire], muted)).toBeNull();
  expect(heard([fire, incident("b", { rank: "fault" })], muted)).toBe("fault");
  // Another alarm of the same incident.
  expect(heard([{ ...fire, alarms: [...fire.alarms, alarm({ alarm_id: "another" })] }], muted)).toBe("fire");
});

test("what becomes worse or calls once more is heard, though its alarm is the same", () => {
  const of = (more: object, rank: Incident["rank"] = "electrical") => incident("a", { rank, alarms: [alarm({ rank, ...more })] });
  const muted = all([of({ severity: "warning" }, "supervision")]);
  expect(heard([of({ severity: "warning" }, "supervision")], muted)).toBeNull();
  expect(heard([of({ severity: "alarm" })], muted)).toBe("linkage");
  expect(heard([of({ severity: "warning", calls: 2 }, "supervision")], muted)).toBe("water");
  // At its threshold it comes and goes: that calls nobody.
  expect(heard([of({ severity: "warning", returns: 7 }, "supervision")], muted)).toBeNull();
});

describe("the siren", () => {
  const begun: number[] = [];
  const node = {
    connect: (next: unknown) => next,
    frequency: { setValueAtTime: vi.fn(), linearRampToValueAtTime: vi.fn() },
    gain: { setValueAtTime: vi.fn(), linearRampToValueAtTime: vi.fn() },
    start: (at: number) => begun.push(at),
    stop: vi.fn(),
  };
  class Loudspeaker {
    state = "running";
    currentTime = 0;
    destination = node;
    createOscillator = () => node;
    createGain = () => node;
    resume = () => Promise.resolve();
    close = () => Promise.resolve();
  }

  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("AudioContext", Loudspeaker);
    begun.length = 0;
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  const open = async (): Promise<Siren> => {
    const siren = new Siren(vi.fn());
    await siren.open();
    return siren;
  };
  const sounding = (signal: Signal, ...keys: string[]) => ({ signal, keys: new Set(keys) });

  test("what is heard once is heard once more for the next one, and not when one is over", async () => {
    const siren = await open();
    siren.play(sounding("water", "a"));
    siren.play(sounding("water", "a"));
    expect(begun).toHaveLength(1);
    siren.play(sounding("water", "a", "b"));
    expect(begun).toHaveLength(2);
    siren.play(sounding("water", "b"));
    expect(begun).toHaveLength(2);
  });

  test("what repeats goes on as it is, until there is nothing", async () => {
    const siren = await open();
    siren.play(sounding("fire", "a"));
    siren.play(sounding("fire", "a", "b"));
    expect(begun).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(2000);
    expect(begun).toHaveLength(2);
    siren.play(null);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(begun).toHaveLength(2);
  });
});

test("power that was to be off until today is heard once, until another day is said", () => {
  const off = (until: string, due: boolean): Incident =>
    incident("a", {
      rank: "power_off",
      acknowledged: true,
      alarms: [alarm({ state: "closed", acknowledged_at: 1 })],
      supplies: [supply({ latched: true, left: { until, why: "works", who: "u", is_due: due } })],
    });
  expect(heard([off("2026-12-04", false)])).toBeNull();
  expect(heard([off("2026-12-04", true)])).toBe("water");
  const muted = all([off("2026-12-04", true)]);
  expect(heard([off("2026-12-04", true)], muted)).toBeNull();
  expect(heard([off("2026-12-09", true)], muted)).toBe("water");
});
