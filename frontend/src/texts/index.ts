import { translatorOf, type Translate as TranslateOf } from "../translate";
import { en, type Key, type Texts } from "./en";

export type { Key } from "./en";
/** Texts are fetched in the language that is read. English is there: it is what is left when another cannot be had. */
const LATER: Record<string, () => Promise<Texts>> = {
  "zh-Hans": async () => (await import("./zh-Hans")).zhHans,
  "zh-Hant": async () => (await import("./zh-Hant")).zhHant,
};
const known: Record<string, Texts> = { en };

export type Translate = TranslateOf<Key>;

export const translator = (language: string): Translate => translatorOf(known, en, language);

/** Are the texts of a language there, or are there none? */
export const hasTexts = (language: string): boolean => language in known || !(language in LATER);

/** Fetches the texts of a language. Throws what a module throws that cannot be fetched. */
export async function fetchTexts(language: string): Promise<void> {
  const texts = await LATER[language]?.();
  if (texts) {
    known[language] = texts;
  }
}
