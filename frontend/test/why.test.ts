import { expect, test } from "vitest";
import { fetchTexts, translator } from "../src/register/texts";
import { whyUnproven } from "../src/register/why";

await fetchTexts("en");
const t = translator("en");

test.each(["gone", "not_connected", "no_answer", "no_door_controller"])("a controller that is away is not heard: %s", (code) => {
  expect(whyUnproven(t, code)).toBe("its controller is not heard");
});

test.each([
  ["refused", "its controller refuses it: its list may be full"],
  ["contradicted", "its controller says otherwise"],
  ["key_lost", "its number cannot be read: the key is lost"],
])("%s is said in words", (code, words) => {
  expect(whyUnproven(t, code)).toBe(words);
});

test("what a later server says is shown as it is", () => {
  expect(whyUnproven(t, "out_of_tune")).toBe("it could not be written (out_of_tune)");
});
