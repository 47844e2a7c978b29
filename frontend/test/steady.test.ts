import { expect, test } from "vitest";
import { Steady } from "../src/steady";

test("nothing moves between press and release, nor for a second after", () => {
  const steady = new Steady();
  expect(steady.order(["a", "b"], 5000)).toEqual(["a", "b"]);
  steady.press(5000);
  expect(steady.order(["new", "b", "a"], 14_999)).toEqual(["a", "b", "new"]);
  steady.release(14_999);
  expect(steady.order(["newest", "new", "b"], 15_998)).toEqual(["a", "b", "new", "newest"]);
  expect(steady.order(["newest", "new", "b"], 15_999)).toEqual(["newest", "new", "b"]);
});

test("a press whose end nobody tells does not keep what is new below for ever", () => {
  const steady = new Steady();
  steady.order(["a"], 0);
  steady.press(1000);
  expect(steady.order(["fire", "a"], 10_999)).toEqual(["a", "fire"]);
  expect(steady.order(["fire", "a"], 11_000)).toEqual(["fire", "a"]);
});

test("a key holds it still as well", () => {
  const steady = new Steady();
  steady.order(["a"], 0);
  steady.touch(100);
  expect(steady.order(["b"], 1099)).toEqual(["a", "b"]);
  expect(steady.order(["b"], 1100)).toEqual(["b"]);
});
