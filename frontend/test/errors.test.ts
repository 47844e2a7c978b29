import { expect, test } from "vitest";
import { isLost, reasonOf, type Rejected } from "../src/errors";
import { hass } from "./made";

const said = (error: unknown): string => reasonOf(hass(), error as Rejected, "not allowed", "the line was lost");

test.each([
  ["as Home Assistant's frontend rejects what was under way", { type: "result", success: false, error: { code: 3, message: "Connection lost" } }],
  ["as it refuses what is sent then", 3],
  ["by its code", { code: 3, message: "Connection lost" }],
])("a lost line is said to be one: %s", (_how, error) => {
  expect([isLost(error), said(error)]).toEqual([true, "the line was lost"]);
});

test("what the server has said is said as it is", () => {
  expect(said({ code: "unauthorized", message: "Unauthorized" })).toBe("not allowed");
  expect(said({ code: "home_assistant_error", message: "m", translation_domain: "d", translation_key: "key" })).toBe("message");
  expect(said(new Error("late"))).toBe("late");
  expect(said({})).toBe("?");
  expect(isLost(null)).toBe(false);
});
