import { expect, test } from "vitest";
import { signalOf, soundingNow } from "../src/sound";
import { alarm, incident } from "./made";

const NOTHING: ReadonlySet<string> = new Set<string>();

test.each([
  ["fire", incident("a")],
  ["linkage", incident("a", { rank: "linkage" })],
  ["linkage", incident("a", { rank: "electrical" })],
  ["water", incident("a", { rank: "supervision" })],
  ["fault", incident("a", { rank: "fault" })],
  ["drill", incident("a", { drill: true })],
  [null, incident("a", { acknowledged: true })],
])("%s", (signal, item) => {
  expect(signalOf([item], NOTHING, NOTHING)).toBe(signal);
});

test("the worst is heard, a call for help before all", () => {
  const many = [incident("a", { rank: "fault" }), incident("b"), incident("c", { drill: true })];
  expect(signalOf(many, NOTHING, NOTHING)).toBe("fire");
  expect(signalOf(many, NOTHING, new Set(["a"]))).toBe("help");
});

test("mute is for what is there: what is new is heard", () => {
  const fire = incident("a");
  const muted = soundingNow([fire]);
  expect(signalOf([fire], muted, NOTHING)).toBeNull();
  expect(signalOf([fire, incident("b", { rank: "fault" })], muted, NOTHING)).toBe("fault");
  // Another alarm of the same incident.
  const worse = { ...fire, alarms: [...fire.alarms, alarm({ alarm_id: "another" })] };
  expect(signalOf([worse], muted, NOTHING)).toBe("fire");
});
