import { expect, test } from "vitest";
import { deedsOf } from "../src/register/report";

const all = (): boolean => true;

test.each([
  ["new", ["assign_report", "mend_report", "close_report", "merge_reports"]],
  ["reopened", ["assign_report", "mend_report", "close_report", "merge_reports"]],
  ["mended", ["reopen_report", "close_report"]],
  ["confirmed", ["reopen_report"]],
  ["closed", ["reopen_report"]],
  ["merged", []],
])("what can be done about a report that is %s", (state, deeds) => {
  expect([...deedsOf(state, all, true)]).toEqual(deeds);
});

test("who may do nothing is asked for nothing, and one alone is merged with none", () => {
  expect(deedsOf("new", () => false, true).size).toBe(0);
  expect(deedsOf("new", all, false).has("merge_reports")).toBe(false);
  expect([...deedsOf("new", (right) => right === "mend_report", true)]).toEqual(["mend_report"]);
});
