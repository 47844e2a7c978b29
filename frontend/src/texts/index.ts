import { vocabulary, type Translate as TranslateOf } from "../translate";
import { en, type Key } from "./en";

export type { Key } from "./en";
export type Translate = TranslateOf<Key>;

/** English is there at once: it is what is left when another language cannot be had. */
export const { translator, hasTexts, fetchTexts } = vocabulary<Key>(
  {
    "zh-Hans": async () => (await import("./zh-Hans")).zhHans,
    "zh-Hant": async () => (await import("./zh-Hant")).zhHant,
  },
  { en },
);
