import { readFileSync, readdirSync } from "node:fs";
import { expect, test } from "vitest";
import { en } from "../../src/site/texts/en";
import { zhHans } from "../../src/site/texts/zh-Hans";
import { zhHant } from "../../src/site/texts/zh-Hant";

const placeholders = (text: string): string[] => (text.match(/\{\w+\}/g) ?? []).sort();
const english: Record<string, string> = en;
const others: Record<string, Record<string, string>> = { "zh-Hans": zhHans, "zh-Hant": zhHant };

test.each(Object.entries(others))("%s has every text with its placeholders, and is translated", (_language, texts) => {
  expect(Object.keys(texts).sort()).toEqual(Object.keys(english).sort());
  for (const [key, text] of Object.entries(texts)) {
    expect(text.trim(), key).not.toBe("");
    expect(text, key).not.toBe(english[key]);
    expect(placeholders(text), key).toEqual(placeholders(english[key] ?? ""));
  }
});

test("what a device lacks for its handover has its words", () => {
  const source = readFileSync(new URL("../../../custom_components/community_safety/commissioning.py", import.meta.url), "utf8");
  const codes = [...source.matchAll(/yield "([a-z_]+)"/g)].map((found) => found[1] ?? "");
  expect(codes.length).toBeGreaterThan(4);
  expect(codes.filter((code) => !(`lacks_${code}` in english))).toEqual([]);
});

test("every text is used somewhere", () => {
  const folder = new URL("../../src/site/", import.meta.url);
  const sources = readdirSync(folder)
    .filter((file) => file.endsWith(".ts"))
    .map((file) => readFileSync(new URL(file, folder), "utf8"))
    .join("\n");
  const made = /^(filter|power|test|chain|chain_is|lacks|ended|door|gate)_/;
  expect(Object.keys(english).filter((key) => !made.test(key) && !sources.includes(`"${key}"`))).toEqual([]);
});
