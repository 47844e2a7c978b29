import { expect, test } from "vitest";
import { Steady } from "../src/steady";

test("nothing moves between press and release, nor for a second after", () => {
  const steady = new Steady();
  expect(steady.order(["a", "b"], 5000)).toEqual(["a", "b"]);
  steady.press(5000);
  expect(steady.order(["new", "b", "a"], 60_000)).toEqual(["a", "b", "new"]);
  steady.release(60_000);
  expect(steady.order(["newest", "new", "b"], 60_999)).toEqual(["a", "b", "new", "newest"]);
  expect(steady.order(["newest", "new", "b"], 61_000)).toEqual(["newest", "new", "b"]);
});

test("a key holds it still as well", () => {
  const steady = new Steady();
  steady.order(["a"], 0);
  steady.touch(100);
  expect(steady.order(["b"], 1099)).toEqual(["a", "b"]);
  expect(steady.order(["b"], 1100)).toEqual(["b"]);
});
