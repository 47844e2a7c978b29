import { readFileSync, readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { en as registerEn } from "../src/register/texts/en";
import { zhHans as registerHans } from "../src/register/texts/zh-Hans";
import { zhHant as registerHant } from "../src/register/texts/zh-Hant";
import { fetchTexts, hasTexts, translator } from "../src/texts";
import { en } from "../src/texts/en";
import { zhHans } from "../src/texts/zh-Hans";
import { zhHant } from "../src/texts/zh-Hant";

const LANGUAGES = { en, "zh-Hans": zhHans, "zh-Hant": zhHant };
const REGISTER: Record<string, Record<string, string>> = { en: registerEn, "zh-Hans": registerHans, "zh-Hant": registerHant };

const placeholders = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((found) => found[1] ?? "").sort();

/** Each folder of texts: its languages, the words that are the same in all, and the keys that are put together. */
const FOLDERS: { folder: string; languages: Record<string, Record<string, string>>; same: string[]; made: RegExp }[] = [
  {
    folder: "../src/",
    languages: LANGUAGES,
    same: ["at_least", "person"],
    made: /^(status|supply|step|filter|what|result|class|answer|help_outcome|reached|page)_|^(fire|linkage|electrical|supervision|fault|off|drill)$/,
  },
  {
    folder: "../src/register/",
    languages: REGISTER,
    same: [],
    made: /^(did|filter|answer|rows|slot|as|untold)_|^care_(state|why|answer|close|set|begin|end|chart|deed|how|kind|sensitivity|because)_|^search_(category|colour|age_group)$|^card_(requested|registered|pending|active|suspended|expired|revoked|lost|unproven|sent)$|^export_(xlsx|csv)$|^(check_out|renew_lease|correct_lease|move)_(title|done)$/,
  },
];

describe.each(FOLDERS)("texts of $folder", ({ folder, languages, same, made }) => {
  const english = languages["en"] ?? {};

  test.each(Object.entries(languages))("%s has every text, with its placeholders", (language, texts) => {
    expect(Object.keys(texts).sort()).toEqual(Object.keys(english).sort());
    for (const [key, text] of Object.entries(texts)) {
      expect(text.trim(), key).not.toBe("");
      expect(placeholders(text), key).toEqual(placeholders(english[key] ?? ""));
    }
    if (language !== "en") {
      expect(Object.keys(texts).filter((key) => texts[key] === english[key])).toEqual(same);
    }
  });

  test("every text is used somewhere", () => {
    const url = new URL(folder, import.meta.url);
    const sources = readdirSync(url)
      .filter((file) => file.endsWith(".ts"))
      .map((file) => readFileSync(new URL(file, url), "utf8"))
      .join("\n");
    expect(Object.keys(english).filter((key) => !made.test(key) && !sources.includes(`"${key}"`))).toEqual([]);
  });
});

test("those of the integrations' folders are those of the panel", () => {
  for (const integration of ["community_safety", "rental_units"]) {
    const files = readdirSync(new URL(`../../custom_components/${integration}/translations`, import.meta.url));
    expect(files.map((file) => file.replace(".json", "")).sort()).toEqual(Object.keys(LANGUAGES).sort());
  }
});

test("what the audit names has its words", () => {
  const policy = readFileSync(new URL("../../custom_components/rental_units/app/policy.py", import.meta.url), "utf8");
  const table = /^COMMANDS:.*?^\}/ms.exec(policy)?.[0] ?? "";
  const commands = [...table.matchAll(/^ {4}"([a-z_]+)":/gm)].map((found) => found[1] ?? "");
  expect(commands.length).toBeGreaterThan(30);
  expect(commands.filter((name) => !(`did_${name}` in (REGISTER["en"] ?? {})))).toEqual([]);
});

test("a key that is made of a later server's code is shown as it is", () => {
  expect(translator("en")("what_of_tomorrow" as "title")).toBe("what_of_tomorrow");
});

test("another language is English, until it is there, and what is not given stays", async () => {
  expect(translator("de")("report_storey", { storey: 2 })).toBe("storey 2");
  expect([hasTexts("de"), hasTexts("en"), hasTexts("zh-Hans")]).toEqual([true, true, false]);
  expect(translator("zh-Hans")("retry")).toBe("Try again");
  await Promise.all(["de", "zh-Hans"].map(fetchTexts));
  expect(hasTexts("zh-Hans")).toBe(true);
  expect(translator("zh-Hans")("flood_building", { building: "1 号楼" })).toBe("1 号楼：{count}");
});
