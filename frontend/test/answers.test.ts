import { expect, test } from "vitest";
import { missed } from "../src/answers";
import type { Entry, Incident } from "../src/model";
import { seenIn } from "../src/order";
import { translator } from "../src/texts";
import { lines } from "../src/timeline";
import { Words } from "../src/words";
import { alarm, hass, incident } from "./made";

const words = new Words(hass(), translator("en"), new Map());

test("a sounder that did not obey is named", () => {
  const devices = [
    { name: "Smoke 1", error: null },
    { name: "Smoke 2", error: "The device did not answer" },
  ];
  expect(missed({ devices }, words)).toBe("not silenced: Smoke 2");
  expect(missed({ devices: devices.slice(0, 1) }, words)).toBeNull();
  expect(missed(null, words)).toBeNull();
});

test("a supply that is not proven is counted, with why", () => {
  const supplies = [{ status: "confirmed" }, { status: "failed", reason: "refused" }, { status: "unconfirmed", reason: "refused" }];
  expect(missed({ supplies }, words)).toBe("2 not proven (refused)");
});

test("what failed of one deed is a line of its own", () => {
  const silence = (done: boolean): Entry => ({ at: 10, what: "silence", who: "user", done });
  const of = (...entries: Entry[]): Incident =>
    incident("a", { alarms: entries.map((entry, index) => alarm({ alarm_id: String(index), timeline: [entry] })) });
  expect(lines(of(silence(true), silence(true))).map(({ entry }) => entry["done"])).toEqual([true]);
  expect(lines(of(silence(true), silence(false))).map(({ entry }) => entry["done"])).toEqual([true, false]);
});

test("what is acknowledged is what is shown: each open alarm, as bad as it is", () => {
  const alarms = [
    alarm({ alarm_id: "new" }),
    alarm({ alarm_id: "warning", severity: "warning" }),
    alarm({ alarm_id: "over", state: "closed" }),
  ];
  expect(seenIn(incident("a", { alarms }))).toEqual({ new: "alarm", warning: "warning" });
});
