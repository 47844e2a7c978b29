import { expect, test } from "vitest";
import { nextPage, outside, type Span } from "../src/pages";

const row = (top: number, height: number): Span => ({ top, bottom: top + height });
/** Each page as from where to where it shows, until the first comes again. */
const pages = (rows: Span[], height: number, head = 0): Span[] => {
  const found: Span[] = [];
  let top = head;
  do {
    found.push({ top, bottom: top + height - head });
    top = Math.max(head, nextPage(rows, found.at(-1) ?? row(0, 0)));
  } while (top !== head && found.length < 50);
  return found;
};
const isSeen = (spot: number, found: Span[]): boolean => found.some(({ top, bottom }) => spot >= top && spot < bottom);

test("what fits stays as it is", () => {
  expect(nextPage([row(0, 100), row(100, 100)], row(0, 200))).toBe(0);
  expect(nextPage([row(0, 100), row(100, 100.6)], row(0, 200))).toBe(0);
  expect(nextPage([], row(0, 200))).toBe(0);
  expect(outside([row(0, 100), row(100, 100.6)], row(0, 200))).toBe(0);
});

test("a page begins with the row that was cut, and after the last comes the first", () => {
  const rows = Array.from({ length: 10 }, (_, index) => row(index * 90, 90));
  expect(pages(rows, 200).map(({ top }) => top)).toEqual([0, 180, 360, 540, 720]);
  expect(outside(rows, row(0, 200))).toBe(8);
  expect(outside(rows, row(720, 200))).toBe(8);
});

test("a row that is longer than a page is shown in parts, and nothing behind it is left out", () => {
  const rows = [row(0, 500), row(500, 100), row(600, 100)];
  const found = pages(rows, 200);
  for (let spot = 0; spot < 700; spot += 10) {
    expect(isSeen(spot, found), String(spot)).toBe(true);
  }
});

test("of rows in rows the outer begins a page where it can, and the inner where it has begun before", () => {
  const storeys = Array.from({ length: 20 }, (_, index) => row(340 + index * 50, 50));
  const building = { top: 300, bottom: 1340 };
  expect(pages([row(0, 300), building, ...storeys], 400).map(({ top }) => top)).toEqual([0, 300, 690, 1090]);
});

test("what stays above takes room on each page", () => {
  const rows = Array.from({ length: 6 }, (_, index) => row(60 + index * 100, 100));
  const found = pages(rows, 260, 60);
  expect(found.map(({ top }) => top)).toEqual([60, 260, 460]);
  for (const { top } of rows) {
    expect(isSeen(top, found), String(top)).toBe(true);
  }
});
