import { translatorOf, type Translate as TranslateOf } from "../../translate";
import { en, type Key, type Texts } from "./en";
import { zhHans } from "./zh-Hans";
import { zhHant } from "./zh-Hant";

export type { Key } from "./en";
export const LANGUAGES: Record<string, Texts> = { en, "zh-Hans": zhHans, "zh-Hant": zhHant };

export type Translate = TranslateOf<Key>;

export const translator = (language: string): Translate => translatorOf(LANGUAGES, en, language);
