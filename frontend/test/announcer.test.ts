import { expect, test } from "vitest";
import { Announcer, PAUSE_MILLISECONDS, type News } from "../src/announcer";

const news = (key: string, rank: number): News => ({
  key,
  rank,
  one: `one ${key}`,
  many: (count) => `${count} ${key}`,
});

test("one sentence in five seconds, the worst first, those of one kind together", () => {
  const announcer = new Announcer();
  announcer.add(news("fault", 5), ...Array.from({ length: 14 }, () => news("fires in Building 3", 1)));
  expect(announcer.next(0)).toEqual({ text: "14 fires in Building 3", urgent: true });
  expect(announcer.next(PAUSE_MILLISECONDS - 1)).toBeNull();
  expect(announcer.next(PAUSE_MILLISECONDS)).toEqual({ text: "one fault", urgent: false });
  expect(announcer.next(3 * PAUSE_MILLISECONDS)).toBeNull();
});
