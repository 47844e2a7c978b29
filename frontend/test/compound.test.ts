import { expect, test } from "vitest";
import { frameOf, toMetres, toPosition } from "../src/register/compound";

const CENTRE = { latitude: 30.5, longitude: 114.3 };

test("without a place the house is in the middle of two hundred metres", () => {
  const frame = frameOf([], CENTRE);
  expect(frame.size).toBe(200);
  expect(toMetres(frame, CENTRE).x).toBeCloseTo(100);
  expect(toMetres(frame, CENTRE).y).toBeCloseTo(100);
});

test("north is at the top and east on the right, in metres", () => {
  const frame = frameOf([CENTRE, { latitude: 30.51, longitude: 114.31 }], CENTRE);
  const first = toMetres(frame, CENTRE);
  const second = toMetres(frame, { latitude: 30.51, longitude: 114.31 });
  expect(first.y - second.y).toBeCloseTo(1113.2, 1);
  // A degree of longitude is shorter there.
  expect(second.x - first.x).toBeCloseTo(1113.2 * Math.cos((30.505 * Math.PI) / 180), 1);
  for (const { x, y } of [first, second]) {
    expect(Math.min(x, y)).toBeGreaterThan(0);
    expect(Math.max(x, y)).toBeLessThan(frame.size);
  }
});

test("a click is where it was shown", () => {
  const frame = frameOf([CENTRE], CENTRE);
  const where = toPosition(frame, 40, 160);
  const { x, y } = toMetres(frame, where);
  expect(x).toBeCloseTo(40, 0);
  expect(y).toBeCloseTo(160, 0);
});
