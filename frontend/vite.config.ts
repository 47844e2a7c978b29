import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, gzip } from "node:zlib";
import * as mdi from "@mdi/js";
import { defineConfig } from "vitest/config";
import type { Plugin } from "vite";

/** What each integration serves: its entry, and where that goes. */
const PANEL = {
  input: { panel: "src/panel.ts", cards: "src/cards/cards.ts" },
  outDir: "../custom_components/community_safety/panel/built",
};
const REGISTER = {
  input: { register: "src/register/extension.ts" },
  outDir: "../custom_components/rental_units/panel/built",
};

/** Takes the room between rules of style out: nobody reads it in a browser. */
const dense: Plugin = {
  name: "dense",
  apply: "build",
  enforce: "pre",
  transform: (code, id) =>
    id.endsWith(".ts")
      ? code.replace(/\bcss`[^`$]*`/g, (style) => style.replace(/\/\*.*?\*\//gs, "").replace(/\s+/g, " ").replace(/ ?([{};,]) ?/g, "$1"))
      : null,
};

/** Writes the list of entries, by name, and what a web server sends compressed. */
function listed(folder: string): Plugin {
  return {
    name: "listed",
    apply: "build",
    async writeBundle(_options, bundle) {
      const chunks = Object.values(bundle).filter((item) => item.type === "chunk");
      const entries = chunks.filter((chunk) => chunk.isEntry);
      await writeFile(
        join(folder, "modules.json"),
        JSON.stringify(Object.fromEntries(entries.map((chunk) => [chunk.name, chunk.fileName]))),
      );
      for (const { fileName } of chunks) {
        const content = await readFile(join(folder, fileName));
        await writeFile(join(folder, `${fileName}.gz`), await promisify(gzip)(content, { level: 9 }));
        await writeFile(join(folder, `${fileName}.br`), await promisify(brotliCompress)(content));
      }
    },
  };
}

/** Puts the symbols of pages that are fetched later into these: they are one module, and the first view would wait for all of it. */
const symbols: Plugin = {
  name: "symbols",
  enforce: "pre",
  transform: (code, id) =>
    id.includes("/src/site/")
      ? code.replace(/^import \{([^}]*)\} from "@mdi\/js";$/m, (_all, names: string) =>
          (names.match(/\w+/g) ?? []).map((name) => `const ${name} = ${JSON.stringify(mdi[name as keyof typeof mdi])};`).join(""),
        )
      : null,
};

export default defineConfig(({ mode }) => {
  const { input, outDir } = mode === "register" ? REGISTER : PANEL;
  return {
    base: "./",
    plugins: [dense, symbols, listed(outDir)],
    build: {
      target: "es2022",
      outDir,
      emptyOutDir: true,
      modulePreload: false,
      rolldownOptions: {
        input,
        // What the control room takes of an entry has to be there.
        preserveEntrySignatures: "strict",
        output: { entryFileNames: "[name].[hash].js", chunkFileNames: "[name].[hash].js" },
      },
    },
    test: { include: ["test/**/*.test.ts"] },
  };
});
