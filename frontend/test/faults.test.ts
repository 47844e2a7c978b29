import { expect, test, vi } from "vitest";
import { Faults, saysOf, type Fault } from "../src/register/faults";
import { Api, type Room } from "../src/register/room";
import { fetchTexts, translator } from "../src/register/texts";
import { loudest, soundsOf } from "../src/sound";
import { hass } from "./made";

await fetchTexts("en");

const room = {
  hass: hass(),
  t: translator("en"),
  session: { properties: [{ entry_id: "1", title: "First", rights: { get_roster: null } }], language: "en" },
} as unknown as Room;
const fault = (name: string, channel: string | null = null): Fault => ({ fault: name, channel });

test("what is wrong is said in words; a fault of a newer release by its name", () => {
  expect(saysOf(room, fault("provider_failing", "sms"))).toBe("People are not told over sms: the provider refuses or does not answer");
  expect(saysOf(room, fault("alerts_stalled"))).toContain("late");
  expect(saysOf(room, fault("eaten_by_dog"))).toBe("eaten_by_dog");
});

test("two faults of a channel are one, and that it is not known is one too", () => {
  let heard: (items: ReadonlyMap<string, Fault>) => void = () => undefined;
  let failed: (text: string) => void = () => undefined;
  const end = vi.fn();
  vi.spyOn(Api.prototype, "follow").mockImplementation((command, one, two) => {
    expect(command).toBe("subscribe_faults");
    heard = one;
    failed = two;
    return end;
  });
  const host = { room, isConnected: true, hasUpdated: false, addController: vi.fn(), requestUpdate: vi.fn() };
  const faults = new Faults(host as never);
  faults.hostUpdate();
  faults.hostUpdate();
  expect(faults.texts).toEqual([]);
  heard(new Map([["a", fault("provider_failing", "sms")], ["b", fault("provider_dead", "sms")]]));
  expect(faults.texts).toHaveLength(1);
  failed("away");
  expect(faults.texts[0]).toContain("It is not known if people are told: away");
  failed("");
  heard(new Map());
  expect(faults.texts).toEqual([]);
  expect(host.requestUpdate).toHaveBeenCalledTimes(4);
  faults.hostDisconnected();
  expect(end).toHaveBeenCalledTimes(1);
});

test("a fault is heard below everything of an incident, until it is muted", () => {
  const sounds = soundsOf([], [], ["not told"]);
  expect(loudest(sounds, new Set())?.signal).toBe("fault");
  expect(loudest(sounds, new Set(["not told"]))).toBeNull();
});
