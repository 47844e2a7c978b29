import { en, type Key, type Texts } from "./en";
import { zhHans } from "./zh-Hans";
import { zhHant } from "./zh-Hant";

export type { Key } from "./en";
export const LANGUAGES: Record<string, Texts> = { en, "zh-Hans": zhHans, "zh-Hant": zhHant };

export type Translate = (key: Key, values?: Record<string, string | number>) => string;

/** Returns what translates into a language of Home Assistant; English where there is no better one. */
export function translator(language: string): Translate {
  const texts = LANGUAGES[language] ?? en;
  return (key, values = {}) =>
    texts[key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
