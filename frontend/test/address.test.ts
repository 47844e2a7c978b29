import { expect, test } from "vitest";
import { decoded } from "../src/address";

test("an address that somebody has typed wrongly is no error", () => {
  expect(["1%2F1", "50%", "%E6%A0%8B", "%E6"].map(decoded)).toEqual(["1/1", "50%", "栋", "%E6"]);
});
