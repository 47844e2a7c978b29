import { expect, test } from "vitest";
import { Wake } from "../src/wake";

test("a sleep in which the running clock stood still is noticed, once", () => {
  let wall = 1_700_000_000_000;
  let running = 1000;
  const wake = new Wake(
    () => wall,
    () => running,
  );
  const after = (wallMs: number, runningMs: number): boolean => {
    wall += wallMs;
    running += runningMs;
    return wake.hasSlept();
  };
  expect(after(1000, 1000)).toBe(false);
  // Timers of a page that nobody sees are late: that is no sleep.
  expect(after(60_000, 60_000)).toBe(false);
  expect(after(25_000, 900)).toBe(true);
  expect(after(1000, 1000)).toBe(false);
  // A clock that was set back.
  expect(after(-3_600_000, 1000)).toBe(true);
});
