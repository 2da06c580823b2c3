// Build the page into zetl_helpers/console/static, or into the folder given as an argument.
import { createHash } from "node:crypto";
import { cp, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import { build } from "esbuild";

const here = import.meta.dirname;
const out = process.argv[2] ?? join(here, "..", "zetl_helpers", "console", "static");

async function sources() {
  const found = (await readdir(join(here, "src"), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => relative(here, join(entry.parentPath, entry.name)).split(sep).join("/"));
  return [...found, "build.mjs", "package-lock.json", "package.json", "tsconfig.json"].sort();
}

// Return a hash of the names and contents of the sources. tests/console/test_page.py computes the same hash.
async function fingerprint() {
  const hash = createHash("sha256");
  for (const name of await sources()) {
    hash.update(`${name}\n`);
    hash.update(createHash("sha256").update(await readFile(join(here, name))).digest("hex"));
    hash.update("\n");
  }
  return hash.digest("hex");
}

await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
await build({
  entryPoints: { app: join(here, "src/main.tsx"), style: join(here, "src/style.css") },
  outdir: out,
  bundle: true,
  splitting: true,
  format: "esm",
  target: ["es2022"],
  minify: true,
  legalComments: "none",
  chunkNames: "[name]-[hash]",
  absWorkingDir: here,
  define: { "process.env.NODE_ENV": '"production"' },
});
await cp(join(here, "src/index.html"), join(out, "index.html"));
await writeFile(join(out, "build.json"), `${JSON.stringify({ sources: await fingerprint() })}\n`);
