import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, gzip } from "node:zlib";
import { defineConfig } from "vitest/config";
import type { Plugin } from "vite";

/** What each integration serves: its entry, and where that goes. */
const PANEL = {
  input: { panel: "src/panel.ts" },
  outDir: "../custom_components/community_safety/panel/built",
};
const REGISTER = {
  input: { register: "src/register/extension.ts" },
  outDir: "../custom_components/rental_units/panel/built",
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

export default defineConfig(({ mode }) => {
  const { input, outDir } = mode === "register" ? REGISTER : PANEL;
  return {
    base: "./",
    plugins: [listed(outDir)],
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
