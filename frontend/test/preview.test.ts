import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import type { Import, ImportRow } from "../src/register/model";
import { columnOf, firstOf, placeOf, valueOf, whoOf, writes } from "../src/register/preview";
import type { Room } from "../src/register/room";
import { fetchTexts, translator } from "../src/register/texts";
import { hass } from "./made";

await fetchTexts("en");

const room = { hass: { ...hass(), localize: () => "" }, t: translator("en") } as unknown as Room;
const found = (summary: Partial<Import["summary"]>, errors = 0): Import => ({
  imported: false,
  digest: "",
  rows: 0,
  summary: { refused: 0, changed: 0, added: 0, unchanged: 0, ...summary },
  changes: [],
  skipped: [],
  ignored_columns: [],
  error_count: errors,
  errors: [],
});

test("what is refused is shown first, then what changes what is there", () => {
  const files = [{ refused: 1, added: 9 }, { changed: 1, added: 9 }, { added: 1, unchanged: 9 }, { unchanged: 9 }, {}];
  expect(files.map((summary) => firstOf(found(summary)))).toEqual(["refused", "changed", "added", "unchanged", "unchanged"]);
});

test("nothing is written as long as a row is refused, and nothing that is there already", () => {
  expect(writes(found({ added: 2, changed: 3, unchanged: 4 }))).toBe(5);
  expect(writes(found({ added: 2, refused: 1 }))).toBe(0);
  expect(writes(found({ added: 2 }, 1))).toBe(0);
  expect(writes(found({ unchanged: 4 }))).toBe(0);
});

test("a row is where a spreadsheet has it", () => {
  expect(placeOf(room, { sheet: "2栋", row: 5 })).toBe("2栋!5");
  expect(placeOf(room, { sheet: "", row: 5 })).toBe("Row 5");
});

test("every column of the file has its word", () => {
  const source = readFileSync(new URL("../../custom_components/rental_units/transfer/columns.py", import.meta.url), "utf8");
  const table = /^COLUMNS:.*?^\}/ms.exec(source)?.[0] ?? "";
  const columns = ["phone", ...[...table.matchAll(/^ {4}"([a-z_]+)": \(/gm)].map((row) => row[1] ?? "")];
  expect(columns.length).toBeGreaterThan(12);
  expect(columns.filter((column) => columnOf(room, column) === column)).toEqual([]);
});

test("values are said as people say them", () => {
  expect(valueOf(room, "phone", null)).toBe("nothing");
  expect(valueOf(room, "language", "zh-Hant")).toBe("繁體中文");
  expect(valueOf(room, "channels", "sms,call")).toBe("sms, call");
  expect(valueOf(room, "end", "2026-11-29")).toBe("Nov 29, 2026");
  expect(valueOf(room, "quiet_from", "22:00:00, 23:30:00")).toBe("22:00, 23:30");
});

test("who responds is named with their duty", () => {
  const words: Record<string, string> = { "role.options.tenant": "Tenant", "duty.options.fire_post": "Fire post" };
  const localize = (key: string): string => words[key.split("selector.")[1] ?? ""] ?? "";
  const named = { ...room, hass: { ...room.hass, localize } };
  const row = (name: string | null, role: string | null): ImportRow => ({ row: 1, sheet: "", status: "added", name, role });
  expect(whoOf(named, row("Mark", "tenant"))).toBe("Mark (Tenant)");
  expect(whoOf(named, row("Mark", "fire_post"))).toBe("Mark (Fire post)");
  expect(whoOf(named, row(null, null))).toBe("");
});
