import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { LANGUAGES, translator } from "../src/texts";

const placeholders = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1] ?? "").sort();
const english = LANGUAGES["en"] ?? {};

describe.each(Object.entries(LANGUAGES))("%s", (language, texts) => {
  test("has every text, with its placeholders", () => {
    expect(Object.keys(texts).sort()).toEqual(Object.keys(english).sort());
    for (const [key, text] of Object.entries(texts)) {
      expect(text.trim(), key).not.toBe("");
      expect(placeholders(text), key).toEqual(placeholders((english as Record<string, string>)[key] ?? ""));
    }
  });

  test.runIf(language !== "en")("is translated", () => {
    const same = Object.keys(texts).filter(
      (key) => (texts as Record<string, string>)[key] === (english as Record<string, string>)[key],
    );
    expect(same).toEqual(["at_least", "person"]);
  });
});

test("those of the integration's folder are those of the panel", () => {
  const files = readdirSync(new URL("../../custom_components/community_safety/translations", import.meta.url));
  expect(files.map((file) => file.replace(".json", "")).sort()).toEqual(Object.keys(LANGUAGES).sort());
});

test("every text is used somewhere", () => {
  const folder = new URL("../src/", import.meta.url);
  const sources = readdirSync(folder)
    .filter((file) => file.endsWith(".ts"))
    .map((file) => readFileSync(new URL(file, folder), "utf8"))
    .join("\n");
  const made = /^(status|supply|step|filter|what|result|class|answer|help_outcome|reached)_/;
  const counted = /^(fire|linkage|electrical|supervision|fault|off|drill)$/;
  const unused = Object.keys(english).filter(
    (key) => !made.test(key) && !counted.test(key) && !sources.includes(`"${key}"`),
  );
  expect(unused).toEqual([]);
});

test("another language is English, and what is not given stays", () => {
  expect(translator("de")("report_storey", { storey: 2 })).toBe("storey 2");
  expect(translator("zh-Hans")("flood_building", { building: "1 号楼" })).toBe("1 号楼：{count}");
});
