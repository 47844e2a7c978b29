/** Texts of ours, by language and key. */

export type Translate<Key extends string> = (key: Key, values?: Record<string, string | number>) => string;

/** Returns what translates into a language of Home Assistant; English where there is no better one. */
export function translatorOf<Key extends string>(
  languages: Record<string, Record<Key, string>>,
  english: Record<Key, string>,
  language: string,
): Translate<Key> {
  const texts: Partial<Record<Key, string>> = languages[language] ?? english;
  // Some keys are put together from what the server says: of a later one the code is better than no page.
  return (key, values = {}) =>
    (texts[key] ?? key).replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
