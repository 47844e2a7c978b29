import { expect, test } from "vitest";
import type { Duty, Week } from "../src/register/model";
import type { Room } from "../src/register/room";
import { gapOf, spanOf, type Span } from "../src/register/roster";
import { fetchTexts, translator } from "../src/register/texts";
import { hass } from "./made";

await fetchTexts("en");

const room = { hass: hass(), t: translator("en") } as unknown as Room;
const HOUR = 3600;
/** Sunday, 02:00 in Shanghai. */
const NIGHT = Date.UTC(2026, 10, 28, 18) / 1000;
const duty = (...gaps: Span[]): Week["duties"][number] => ({ duty: "fire_post", gaps, posts: [] });
const now = (gap: Duty["gap"]): Duty => ({ duty: "fire_post", gap, posts: [] });

test("a span names the day of its end only where it is another, in the house's time zone", () => {
  expect(spanOf(room, [NIGHT, NIGHT + 6 * HOUR])).toBe("29 Sun 02:00 – 08:00");
  expect(spanOf(room, [NIGHT, NIGHT + 30 * HOUR])).toBe("29 Sun 02:00 – 30 Mon 08:00");
  // Until midnight is the same day.
  expect(spanOf(room, [NIGHT, NIGHT + 22 * HOUR])).toBe("29 Sun 02:00 – 00:00");
});

test("a duty that is covered says nothing", () => {
  expect(gapOf(room, duty(), now(null))).toBeNull();
  expect(gapOf(room, duty(), undefined)).toBeNull();
});

test("G1: a gap of the next days is said, the first with how many more", () => {
  const first: Span = [NIGHT, NIGHT + 6 * HOUR];
  expect(gapOf(room, duty(first), now(null))).toBe("fire_post: nobody on duty 29 Sun 02:00 – 08:00");
  expect(gapOf(room, duty(first, [NIGHT + 24 * HOUR, NIGHT + 30 * HOUR]), now(null))).toContain("(more in 7 days: 1)");
});

test("who cannot be told at all is worse than any gap; one whose plan is not known may be off now", () => {
  expect(gapOf(room, duty([NIGHT, NIGHT + HOUR]), now("unreachable"))).toBe("fire_post: Nobody of them can be told of a fire");
  expect(gapOf(room, duty(), now("off"))).toBe("fire_post: Nobody on duty now");
});
