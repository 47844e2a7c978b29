/** Texts of ours, by language and key. */

export type Translate<Key extends string> = (key: Key, values?: Record<string, string | number>) => string;

/** What a button is called that asks first, without the dots that say so. */
export const undotted = (text: string): string => text.replace(/[….]+$/, "");

type Texts<Key extends string> = Record<Key, string>;
const ENGLISH = "en";

/** Texts, fetched in the language of Home Assistant in which somebody reads: in English where there is no better one. */
export function vocabulary<Key extends string>(
  later: Record<string, () => Promise<Texts<Key>>>,
  known: Record<string, Texts<Key>> = {},
): {
  /** Returns what translates into a language: into English while its texts are not there. */
  translator: (language: string) => Translate<Key>;
  hasTexts: (language: string) => boolean;
  /** Fetches the texts for a language. Throws what a module throws that cannot be fetched. */
  fetchTexts: (language: string) => Promise<void>;
} {
  const ours = (language: string): string => (language in known || language in later ? language : ENGLISH);
  return {
    translator: (language) => {
      const texts: Partial<Texts<Key>> = known[language] ?? known[ENGLISH] ?? {};
      // Some keys are put together from what the server says: of a later one the code is better than no page.
      return (key, values = {}) =>
        (texts[key] ?? key).replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
    },
    hasTexts: (language) => ours(language) in known,
    fetchTexts: async (language) => {
      const texts = await later[ours(language)]?.();
      if (texts) {
        known[ours(language)] = texts;
      }
    },
  };
}
