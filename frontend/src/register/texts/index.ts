import { translatorOf, type Translate as TranslateOf } from "../../translate";
import { en, type Key, type Texts } from "./en";
import { zhHans } from "./zh-Hans";
import { zhHant } from "./zh-Hant";

export type { Key } from "./en";
export const LANGUAGES: Record<string, Texts> = { en, "zh-Hans": zhHans, "zh-Hant": zhHant };

/** What the languages call themselves. */
export const LANGUAGE_NAMES: [string, string][] = [
  ["en", "English"],
  ["zh-Hans", "简体中文"],
  ["zh-Hant", "繁體中文"],
];

/** The language of ours in which somebody reads. */
export const languageOf = (language: string): string => (language in LANGUAGES ? language : "en");

export type Translate = TranslateOf<Key>;

export const translator = (language: string): Translate => translatorOf(LANGUAGES, en, language);
