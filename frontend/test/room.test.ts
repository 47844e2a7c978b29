import { expect, test } from "vitest";
import { dayOf, lastDayOf, nowIn, today, type Room } from "../src/register/room";
import { hass } from "./made";

const room = (now: number): Room => ({ hass: hass(), now: () => now }) as Room;
/** Half past seven in the morning of the 29th in Shanghai. */
const MORNING = Date.UTC(2026, 10, 28, 23, 30) / 1000;

test("a day is the house's: in the morning of Shanghai it is yesterday in Greenwich", () => {
  expect(dayOf(room(0), "2026-11-28T23:30:00+00:00")).toBe("Nov 29, 2026");
});

test("today is the server's, whatever the clock of the browser says", () => {
  expect(today(room(MORNING))).toBe("2026-11-29");
});

test("what ends at midnight has the day before as its last", () => {
  expect(lastDayOf(room(0), "2026-10-31T16:00:00+00:00")).toBe("Oct 31, 2026");
  expect(lastDayOf(room(0), "2026-10-31T15:59:59+00:00")).toBe("Oct 31, 2026");
});

test("a form begins with the house's time, as it writes one", () => {
  expect(nowIn(room(MORNING))).toBe("2026-11-29T07:30");
});
