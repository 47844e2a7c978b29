import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SILENCE_SECONDS, Subscription } from "../src/feed";
import { Line } from "./line";

class Words {
  readonly heard: string[] = [];
  take({ text }: { text: string }): boolean {
    this.heard.push(text);
    return text !== "gap";
  }
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const subscribed = (line: Line, silence?: number | null) => {
  const words = new Words();
  const changed = vi.fn();
  const subscription = new Subscription<{ kind?: string; text: string }, Words>(line, { type: "words" }, words, changed, silence);
  subscription.start();
  return { words, changed, subscription };
};

test("one that is refused is asked again, longer apart each time, until it is there", async () => {
  const line = new Line();
  line.refuses = new Error("The property is not loaded");
  const { subscription, changed, words } = subscribed(line);
  await vi.advanceTimersByTimeAsync(0);
  expect([subscription.error, changed.mock.lastCall]).toEqual(["The property is not loaded", [null]]);
  await vi.advanceTimersByTimeAsync(2000);
  expect(line.asked).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(3999);
  expect(line.asked).toHaveLength(2);
  line.refuses = null;
  await vi.advanceTimersByTimeAsync(1);
  expect(line.asked).toHaveLength(3);
  // It is refused no more, but nothing is known before it is heard.
  expect(subscription.error).not.toBeNull();
  line.tell({ text: "here" });
  expect([subscription.error, words.heard]).toEqual([null, ["here"]]);
});

test("one that falls silent is asked for anew; who has left it is told nothing more", async () => {
  const line = new Line();
  const { words } = subscribed(line);
  await vi.advanceTimersByTimeAsync(1000 * (SILENCE_SECONDS - 1));
  line.tell({ text: "beat" });
  await vi.advanceTimersByTimeAsync(1000 * (SILENCE_SECONDS - 1));
  expect(line.asked).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1000);
  expect([line.asked.length, line.left]).toEqual([2, 1]);
  line.tell({ text: "of the old one" }, 0);
  line.tell({ text: "of the new one" });
  expect(words.heard).toEqual(["beat", "of the new one"]);
});

test("a line that is frozen is not filled with questions, and what it brings back unasked is left", async () => {
  const line = new Line();
  const { words } = subscribed(line);
  await vi.advanceTimersByTimeAsync(1000 * 600);
  expect(line.asked).toHaveLength(5);
  const { left } = line;
  // The frontend of Home Assistant subscribes again to all that it could not leave.
  line.tell({ text: "of an old one" }, 0);
  line.tell({ text: "of an old one" }, 0);
  await vi.advanceTimersByTimeAsync(0);
  expect([words.heard, line.left - left]).toEqual([[], 1]);
});

test("while the line is away it is not asked: the frontend does that when it is back", async () => {
  const line = new Line();
  subscribed(line);
  line.connected = false;
  await vi.advanceTimersByTimeAsync(1000 * SILENCE_SECONDS * 3);
  expect(line.asked).toHaveLength(1);
  line.connected = true;
  await vi.advanceTimersByTimeAsync(1000 * SILENCE_SECONDS);
  expect(line.asked).toHaveLength(2);
});

test("what was ended by the server is asked for again", async () => {
  const line = new Line();
  const { changed } = subscribed(line);
  line.tell({ kind: "ended", text: "" });
  expect(changed.mock.lastCall).toEqual([{ kind: "ended", text: "" }]);
  await vi.advanceTimersByTimeAsync(2000);
  expect(line.asked).toHaveLength(2);
});

test("one without signs of life may be silent", async () => {
  const line = new Line();
  subscribed(line, null);
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(line.asked).toHaveLength(1);
});

test("one that was stopped stays so", async () => {
  const line = new Line();
  line.refuses = new Error("no");
  const { subscription } = subscribed(line);
  await vi.advanceTimersByTimeAsync(0);
  subscription.stop();
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(line.asked).toHaveLength(1);
});

test("what has a gap is asked for at once", async () => {
  const line = new Line();
  subscribed(line);
  line.tell({ text: "gap" });
  await vi.advanceTimersByTimeAsync(0);
  expect([line.asked.length, line.left]).toEqual([2, 1]);
});
