import { describe, expect, test } from "vitest";
import { Book } from "../src/book";
import type { Incident, Message } from "../src/model";
import { incident } from "./made";

const snapshot = (incidents: Incident[] = [], at = 100): Message => ({
  kind: "snapshot",
  sequence: 1,
  at,
  incidents,
  devices: { all: 2, heard: 2 },
});
const change = (sequence: number, incidents: Incident[], gone: string[] = []): Message => ({
  kind: "change",
  sequence,
  at: 101,
  incidents,
  gone: gone.map((incident_id) => ({ incident_id, reason: "reset", outcome: "real", at: 101, moved_to: null, incident: null })),
});

describe("messages", () => {
  test("change what is there, and end it", () => {
    const book = new Book();
    expect(book.take(snapshot([incident("a"), incident("b")]), 0)).toBe(true);
    expect(book.changed).toEqual(["a", "b"]);
    expect(book.take(change(2, [incident("c"), incident("a", { acknowledged: true })], ["b"]), 0)).toBe(true);
    expect([...book.incidents.keys()]).toEqual(["a", "c"]);
    expect(book.incidents.get("a")?.acknowledged).toBe(true);
    expect(book.changed).toEqual(["c", "a"]);
    expect(book.ended.map((item) => item.incident_id)).toEqual(["b"]);
  });

  test.each<[string, Message]>([
    ["a change is missing before a change", change(3, [])],
    ["one came twice", change(1, [])],
    ["a change is missing before a beat", { kind: "beat", sequence: 2, at: 1, devices: null }],
    ["names are missing", { kind: "names", sequence: 3, at: 1, names: {} }],
  ])("are refused where %s", (_why, message) => {
    const book = new Book();
    book.take(snapshot([incident("a")]), 0);
    expect(book.take(message, 5)).toBe(false);
    expect([...book.incidents.keys()]).toEqual(["a"]);
    expect(book.age(31)).toBe("stale");
  });

  test("a snapshot after a pause tells what has changed meanwhile", () => {
    const book = new Book();
    book.take(snapshot([incident("a"), incident("b")]), 0);
    book.take(snapshot([incident("a"), incident("b", { present: false }), incident("c")]), 60);
    expect(book.changed).toEqual(["b", "c"]);
  });

  test("a snapshot in parts is whole with its last, and nothing is known to be missing before", () => {
    const book = new Book();
    const part = (sequence: number, incidents: Incident[], more?: boolean): Message =>
      ({ ...change(sequence, incidents), ...(more === undefined ? {} : { more }) });
    book.take({ ...snapshot([incident("a")]), more: true } as Message, 0);
    expect([book.renewed, book.age(0), book.truth, [...book.incidents.keys()]]).toEqual(["in part", "waiting", null, ["a"]]);
    // What changes meanwhile is no part of it.
    book.take(part(2, [incident("z")]), 0);
    expect([book.renewed, book.age(0)]).toEqual(["no", "waiting"]);
    book.take(part(3, [incident("b")], true), 0);
    book.take(part(4, [incident("c")], false), 0);
    expect([book.renewed, book.age(0), book.truth]).toEqual(["whole", "live", 101]);
    expect([...book.incidents.keys()]).toEqual(["a", "z", "b", "c"]);
    // Asked anew, all of before stays until it is known to be over.
    book.lose();
    book.take({ ...snapshot([incident("a")]), more: true } as Message, 1);
    book.take(part(2, [incident("c", { present: false })], true), 1);
    expect([book.age(1), book.incidents.size, book.changed]).toEqual(["stale", 4, ["c"]]);
    book.take(part(3, [incident("z")], false), 1);
    expect([book.age(1), [...book.incidents.keys()]]).toEqual(["live", ["a", "z", "c"]]);
  });

  test("names are kept", () => {
    const book = new Book();
    book.take(snapshot(), 0);
    book.take({ kind: "names", sequence: 2, at: 1, names: { user: "Duty 1" } }, 0);
    book.take({ kind: "beat", sequence: 2, at: 1, devices: { all: 3, heard: 1 } }, 0);
    expect(book.names.get("user")).toBe("Duty 1");
    expect(book.devices).toEqual({ all: 3, heard: 1 });
  });
});

describe("age", () => {
  test.each([
    [14.9, "live"],
    [15, "checking"],
    [29.9, "checking"],
    [30, "stale"],
  ])("after %s s it is %s", (seconds, age) => {
    const book = new Book();
    expect(book.age(0)).toBe("waiting");
    book.take(snapshot(), 1000);
    expect(book.age(1000 + seconds)).toBe(age);
  });

  test("a connection that has gone and come makes nothing true before the snapshot", () => {
    const book = new Book();
    book.take(snapshot(), 0);
    book.lose();
    expect(book.age(1)).toBe("stale");
    book.take({ kind: "beat", sequence: 1, at: 1, devices: null }, 2);
    expect(book.age(2)).toBe("stale");
    book.take(snapshot(), 3);
    expect(book.age(3)).toBe("live");
  });

  test("the clock is the server's", () => {
    const book = new Book();
    expect(book.truth).toBeNull();
    book.take(snapshot([], 1_700_000_000), 50);
    expect(book.clock(53.5)).toBe(1_700_000_003.5);
    expect(book.truth).toBe(1_700_000_000);
  });
});
