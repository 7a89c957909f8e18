// Lists every message in the code, with its file and line, for proofreading: node scripts/messages.mjs [FOLDER]
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAst } from "vitest/node";

/** Looks like words: at least three of them, unlike emitted source text and identifiers. */
function isSentence(text) {
  const words = text.replaceAll(/\$\{[^}]*\}/g, " ").match(/(?<![\w.#])[A-Za-z’'-]{2,}(?![\w(=;*])/g) ?? [];
  return words.length >= 3;
}

function* sources(folder) {
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* sources(path);
    else if (/\.tsx?$/.test(path) && !/\.test\.tsx?$/.test(path)) yield path;
  }
}

function* children(node) {
  for (const value of Object.values(node))
    for (const one of Array.isArray(value) ? value : [value])
      if (typeof one === "object" && one !== null && typeof one.type === "string") yield one;
}

/** Each text under a node, with the error or the function that receives it. */
function* texts(node, speaker) {
  if (/^(Import|Export(Named|All))Declaration$/.test(node.type) && node.source) return;
  const isText = node.type === "TemplateLiteral" || (node.type === "Literal" && typeof node.value === "string");
  if (isText || node.type === "JSXText") yield { node, speaker };
  const said = /^(New|Call)Expression$/.test(node.type) ? node.callee : speaker;
  for (const child of children(node)) yield* texts(child, said);
}

for (const path of sources(process.argv[2] ?? "src")) {
  const source = readFileSync(path, "utf8");
  const program = parseAst(source, { lang: path.endsWith("x") ? "tsx" : "ts" });
  for (const { node, speaker } of texts(program, undefined)) {
    const text = source.slice(node.start, node.end).replaceAll(/\s+/g, " ");
    if (!isSentence(text)) continue;
    const line = source.slice(0, node.start).split("\n").length;
    const by =
      speaker === undefined ? "" : `${source.slice(speaker.start, speaker.end).replaceAll(/\s+/g, "").slice(-24)}: `;
    console.log(`${path}:${line}: ${by}${text}`);
  }
}
