import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, gzip } from "node:zlib";
import { defineConfig } from "vitest/config";
import type { Plugin } from "vite";

const BUILT = "../custom_components/community_safety/panel/built";

/** Writes the list of entries, by name, and what a web server sends compressed. */
function listed(): Plugin {
  return {
    name: "listed",
    apply: "build",
    async writeBundle(options, bundle) {
      const folder = options.dir ?? BUILT;
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

export default defineConfig({
  base: "./",
  plugins: [listed()],
  build: {
    target: "es2022",
    outDir: BUILT,
    emptyOutDir: true,
    modulePreload: false,
    rolldownOptions: {
      input: { panel: "src/panel.ts" },
      output: { entryFileNames: "[name].[hash].js", chunkFileNames: "[name].[hash].js" },
    },
  },
  test: { include: ["test/**/*.test.ts"] },
});
