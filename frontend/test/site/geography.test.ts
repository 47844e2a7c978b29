import { expect, test } from "vitest";
import { pictureOf } from "../../src/site/geography";

const look = { short: "1", symbol: null, places: 0, colour: "#1b6e2d", paper: "#fff" };
const drawn = (more: Partial<Parameters<typeof pictureOf>[0]>): string =>
  decodeURIComponent(pictureOf({ ...look, ...more }).replace("data:image/svg+xml,", ""));
const written = (svg: string): string[] => [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map(([, text = ""]) => text);

test("a building that is well has its name in the colour of that, one in trouble its symbol and number on it", () => {
  expect(written(drawn({}))).toEqual(["1"]);
  expect(drawn({})).toMatch(/^<svg [^>]*fill="#1b6e2d"[^>]*><rect [^>]*fill="#fff"/);
  const fire = drawn({ symbol: "M0 0", places: 12, colour: "#b3261e" });
  expect(written(fire)).toEqual(["1", "12"]);
  expect(fire).toContain('d="M0 0"');
  expect(fire).toMatch(/^<svg [^>]*fill="#fff"[^>]*><rect [^>]*fill="#b3261e"/);
});

test("a name is text whatever is in it, and ends no url()", () => {
  expect(pictureOf({ ...look, short: "<')" })).not.toMatch(/[()'"\s]/);
  expect(written(drawn({ short: "<&)" }))).toEqual(["&lt;&amp;)"]);
});
