import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

const FOLDER = new URL("../src/register/", import.meta.url);

test("an element of one name is the same on all pages: of two, the page that is opened first would decide for all", async () => {
  const files = readdirSync(FOLDER).filter(
    (name) => name.endsWith(".ts") && readFileSync(new URL(name, FOLDER), "utf-8").includes("export const elements"),
  );
  expect(files.length).toBeGreaterThan(5);
  const known = new Map<string, unknown>();
  for (const file of files) {
    const { elements } = (await import(new URL(file, FOLDER).href)) as { elements: Record<string, unknown> };
    for (const [name, element] of Object.entries(elements)) {
      expect(known.get(name) ?? element, `${name} of ${file}`).toBe(element);
      known.set(name, element);
    }
  }
});
