import { expect, test } from "vitest";
import { groupOf, noticeDeeds, stillOpen } from "../src/register/due";
import type { NoticeRow } from "../src/register/model";
import { pages } from "../src/register/pages";

const TODAY = "2026-12-01";
const row = (more: Partial<NoticeRow> = {}): NoticeRow => ({
  notice_id: "one",
  version: 1,
  kind: "arrival",
  state: "open",
  unit_id: "flat",
  unit: "1-1-101",
  person_id: "who",
  name: "Ann",
  begins_on: "2026-11-30",
  due_on: "2026-12-03",
  assumed: false,
  overdue: false,
  late: false,
  settled_at: null,
  settled_by: null,
  settled_how: null,
  receipt: "",
  ...more,
});

test.each([
  ["overdue", { overdue: true, due_on: "2026-11-30" }],
  ["soon", { due_on: TODAY }],
  ["soon", { due_on: "2026-12-04" }],
  ["later", { due_on: "2026-12-05" }],
  // It begins today: it can be told today.
  ["soon", { begins_on: TODAY, due_on: "2026-12-04" }],
  ["ahead", { begins_on: "2026-12-02", due_on: "2026-12-04" }],
])("a notice is %s: %o", (group, more) => {
  expect(groupOf(row(more), TODAY)).toBe(group);
});

test.each<[Partial<NoticeRow>, string[]]>([
  [{}, ["give_notice", "excuse_notice"]],
  [{ begins_on: TODAY }, ["give_notice", "excuse_notice"]],
  [{ begins_on: "2026-12-02" }, ["excuse_notice"]],
  [{ state: "given" }, ["reopen_notice"]],
  [{ state: "excused" }, ["reopen_notice"]],
  [{ state: "withdrawn" }, []],
])("of a notice %o it is offered what the server takes: %s", (more, deeds) => {
  expect([...noticeDeeds(row(more), () => true, TODAY)]).toEqual(deeds);
});

test("a landlord gives those of their own flats alone, and excuses none", () => {
  const may = (right: string, unitId: string): boolean => right === "give_notice" && unitId === "flat";
  expect([...noticeDeeds(row(), may, TODAY)]).toEqual(["give_notice"]);
  expect(noticeDeeds(row({ unit_id: "other" }), may, TODAY).size).toBe(0);
});

test("what somebody has settled meanwhile is left out, and the rest has its version of now", () => {
  const wanted = [row(), row({ notice_id: "two" }), row({ notice_id: "three" })];
  const now = [row({ version: 2 }), row({ notice_id: "three", state: "given" }), row({ notice_id: "four" })];
  expect(stillOpen(wanted, now)).toEqual([row({ version: 2 })]);
});

test("the page is called by what somebody does there, and is not there for who does neither", () => {
  const titles = (...rights: string[]): string[] =>
    pages({ properties: [{ entry_id: "a", title: "A", roles: ["desk"], rights: Object.fromEntries(rights.map((right) => [right, null])), for_a_reason: [] }] }, "zh-Hans").map(
      ({ title }) => title,
    );
  expect(titles("get_desks", "get_notices")).toEqual(["总台"]);
  expect(titles("get_notices")).toEqual(["登记报送"]);
  expect(titles("take_number")).toEqual([]);
});
