import { vocabulary, type Translate as TranslateOf } from "../../translate";
import type { Key } from "./en";

export type { Key } from "./en";

/** What the languages call themselves. */
export const LANGUAGE_NAMES: [string, string][] = [
  ["en", "English"],
  ["zh-Hans", "简体中文"],
  ["zh-Hant", "繁體中文"],
];

/** The language of ours in which somebody reads. */
export const languageOf = (language: string): string => (LANGUAGE_NAMES.some(([ours]) => ours === language) ? language : "en");

export type Translate = TranslateOf<Key>;

export const { translator, hasTexts, fetchTexts } = vocabulary<Key>({
  en: async () => (await import("./en")).en,
  "zh-Hans": async () => (await import("./zh-Hans")).zhHans,
  "zh-Hant": async () => (await import("./zh-Hant")).zhHant,
});
