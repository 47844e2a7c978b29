import { expect, test } from "vitest";
import { between, stepped } from "../src/register/blur";

const round = (box: number[] | null): number[] | undefined => box?.map((part) => Math.round(part * 100) / 100);

test("a place is drawn from any of its corners, and ends with the picture", () => {
  expect(round(between([0.2, 0.3], [0.6, 0.4]))).toEqual([0.2, 0.3, 0.4, 0.1]);
  expect(round(between([0.6, 0.4], [0.2, 0.3]))).toEqual([0.2, 0.3, 0.4, 0.1]);
  expect(round(between([0.9, 0.9], [1.5, -2]))).toEqual([0.9, 0, 0.1, 0.9]);
});

test("keys move a place, and with shift widen it, within the picture", () => {
  expect(round(stepped([0.4, 0.4, 0.2, 0.2], "ArrowLeft", false))).toEqual([0.38, 0.4, 0.2, 0.2]);
  expect(round(stepped([0.4, 0.4, 0.2, 0.2], "ArrowDown", true))).toEqual([0.4, 0.4, 0.2, 0.22]);
  expect(round(stepped([0.8, 0, 0.2, 0.2], "ArrowRight", false))).toEqual([0.8, 0, 0.2, 0.2]);
  expect(round(stepped([0.8, 0, 0.2, 0.02], "ArrowUp", true))).toEqual([0.8, 0, 0.2, 0.02]);
  expect(stepped([0, 0, 1, 1], "x", false)).toBeNull();
});
