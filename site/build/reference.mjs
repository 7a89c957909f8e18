// The overview of the reference: every public name with its first sentence, by entry, so that the site's search finds it.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A sentence of a docstring as HTML. */
const inText = (text) =>
  text
    .replaceAll(/\s+/g, " ")
    .replaceAll(/[&<>[\]*_{}\\|]/g, (sign) => `&#${sign.charCodeAt(0)};`)
    .replaceAll(/`([^`]*)`/g, "<code v-pre>$1</code>");

const titles = {
  function: "Functions",
  class: "Classes",
  value: "Values",
  interface: "Options and records",
  type: "Types",
};

/** Writes the overview, given the folder of the reference. Returns the address of each name. */
export function writeOverview(folder) {
  const list = join(folder, "public/reference/names.json");
  const names = JSON.parse(readFileSync(list, "utf8"));
  rmSync(list);
  const entries = new Map();
  // The main entry first; a namespace after its entry.
  names.sort((a, b) => (a.entry < b.entry ? -1 : a.entry > b.entry ? 1 : 0));
  for (const row of names) entries.set(row.entry, [...(entries.get(row.entry) ?? []), row]);
  const lines = [
    "---",
    "outline: 2",
    "pageClass: names-page",
    "---",
    "",
    "# Reference",
    "",
    "Every public name, by import. Each links to its signature, shapes, defaults and errors.",
    "",
  ];
  for (const [entry, rows] of entries) {
    lines.push(`## ${entry}`, "");
    for (const [kind, title] of Object.entries(titles)) {
      const some = rows.filter((row) => row.kind === kind).sort((a, b) => (a.name < b.name ? -1 : 1));
      if (some.length === 0) continue;
      lines.push(`<p class="kind">${title}</p>`, "");
      for (const { name, url, summary } of some) {
        const id = `${entry}-${name}`.replaceAll(/[^\w]+/g, "-");
        lines.push(`### ${name} {#${id}}`, "", `${inText(summary)} [Signature](./${url}){target="_self"}`, "");
      }
    }
  }
  mkdirSync(join(folder, "reference"), { recursive: true });
  writeFileSync(join(folder, "reference/names.md"), lines.join("\n"));
  // Of two equal names the first wins: entries come before their parts.
  return new Map(names.map(({ name, url }) => [name, url]).reverse());
}
