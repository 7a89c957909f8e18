// Checks every link, anchor and picture of the built pages.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, posix } from "node:path";

const entities = { "&amp;": "&", "&quot;": '"', "&#39;": "'", "&lt;": "<", "&gt;": ">" };
const plain = (text) => text.replaceAll(/&(amp|quot|#39|lt|gt);/g, (entity) => entities[entity]);

function* pagesIn(folder, under = "") {
  for (const entry of readdirSync(join(folder, under), { withFileTypes: true })) {
    const path = posix.join(under, entry.name);
    if (entry.isDirectory()) {
      // The Studio is a program with its own addresses; its tests are elsewhere.
      if (path !== "studio-app") yield* pagesIn(folder, path);
    } else if (path.endsWith(".html")) yield path;
  }
}

/** Broken links, a line each, and the number of links checked. */
export function checkLinks(folder, base = "/") {
  const anchors = new Map();
  const anchorsOf = (page) => {
    const known = anchors.get(page);
    if (known !== undefined) return known;
    const html = readFileSync(join(folder, page), "utf8");
    const found = new Set([...html.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => plain(id)));
    anchors.set(page, found);
    return found;
  };
  const broken = [];
  let followed = 0;
  let outside = 0;
  for (const page of pagesIn(folder)) {
    const html = readFileSync(join(folder, page), "utf8");
    const targets = new Set([...html.matchAll(/\s(?:href|src)="([^"]*)"/g)].map(([, target]) => plain(target)));
    for (const target of targets) {
      if (/^(https?:|mailto:|data:)/.test(target)) {
        outside++;
        continue;
      }
      followed++;
      const [path = "", anchor] = target.split("#");
      const address = decodeURI(path.split("?")[0]);
      let wanted = address === "" ? page : posix.join(posix.dirname(page), address);
      if (address.startsWith("/")) {
        if (!address.startsWith(base)) {
          broken.push(`${page}: ${target} lies outside ${base}`);
          continue;
        }
        wanted = address.slice(base.length);
      }
      if (wanted === "" || wanted.endsWith("/")) wanted += "index.html";
      if (!existsSync(join(folder, wanted)) || !statSync(join(folder, wanted)).isFile())
        broken.push(`${page}: ${target} does not exist`);
      else if (
        anchor &&
        wanted.endsWith(".html") &&
        !wanted.startsWith("studio-app/") &&
        !anchorsOf(wanted).has(decodeURIComponent(anchor))
      )
        broken.push(`${page}: ${target} has no such anchor`);
    }
  }
  return { broken, followed, outside };
}
