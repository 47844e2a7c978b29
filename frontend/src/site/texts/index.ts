import { vocabulary, type Translate as TranslateOf } from "../../translate";
import type { Key } from "./en";

export type { Key } from "./en";
export type Translate = TranslateOf<Key>;

export const { translator, fetchTexts } = vocabulary<Key>({
  en: async () => (await import("./en")).en,
  "zh-Hans": async () => (await import("./zh-Hans")).zhHans,
  "zh-Hant": async () => (await import("./zh-Hant")).zhHant,
});
