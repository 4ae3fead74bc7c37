/* Writes built/page.js and built/page.css, which the package carries, and built/manifest.json with the sha256 of every
   source and of what was made of it; tests/maps holds them together. `npm ci && npm run build`. */
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const sha256 = (data) => createHash("sha256").update(data).digest("hex");
const made = await build({
  entryPoints: ["src/main.js"], bundle: true, format: "iife", charset: "utf8", target: "es2022", legalComments: "none",
  minifySyntax: true, minifyWhitespace: true, write: false
});
/* Sizes of type grow with the room and the screen: every one is a multiple of --u. */
const css = readdirSync("css").filter((f) => f.endsWith(".css")).sort().map((f) => readFileSync("css/" + f, "utf8")).join("\n")
  .replace(/font-size: ([\d.]+)px/g, "font-size: calc($1 * var(--u))").replace(/font: (\d+ )?([\d.]+)px/g, "font: $1calc($2 * var(--u))");

mkdirSync("built", { recursive: true });
writeFileSync("built/page.js", made.outputFiles[0].contents);
writeFileSync("built/page.css", css);
const sources = [...readdirSync("src").map((f) => "src/" + f), ...readdirSync("css").map((f) => "css/" + f), "build.mjs"].sort();
const manifest = { sources: {}, built: {} };
for (const file of sources) manifest.sources[file] = sha256(readFileSync(file));
for (const file of ["page.css", "page.js"]) manifest.built[file] = sha256(readFileSync("built/" + file));
writeFileSync("built/manifest.json", JSON.stringify(manifest, null, 1) + "\n");
