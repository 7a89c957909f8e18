// Gathers the pages: each file of pages.mjs, with its links pointing to pages of the site. A linked file becomes a page too.
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, extname, join, posix } from "node:path";
import { addresses } from "./pages.mjs";
import { rooms } from "./rooms.mjs";

/** Comments in a page that the site replaces: `<!-- studio: STATE | TITLE -->`, `<!-- messages -->`. */
const embedded = /^<!-- studio: (\S+) \| (.*) -->$/gm;
const finder = /^<!-- messages -->$/m;

/**
 * Writes all pages into a folder.
 * @param {string} root the project's folder
 * @param {string} folder where the pages go
 */
export function gather(root, folder) {
  const sources = new Map();
  const write = (address, text) => {
    const path = join(folder, address);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  };

  /** The target of a link in a file, relative to the page at an address. */
  function linked(target, file, address) {
    if (/^([a-z]+:|#|\/)/.test(target)) return target;
    const [path = "", anchor] = target.split("#");
    const wanted = posix.normalize(posix.join(posix.dirname(file), path));
    if (!existsSync(join(root, wanted))) throw new Error(`${file} links to ${target}, which does not exist`);
    const from = posix.dirname(`/${address}`);
    const to = (page) => posix.relative(from, `/${page}`) + (anchor === undefined ? "" : `#${anchor}`);
    const page = addresses.get(wanted);
    if (page !== undefined) return to(`${page}.md`);
    if (/\.(png|jpe?g|svg)$/.test(wanted)) {
      const picture = `pictures/${posix.basename(wanted)}`;
      mkdirSync(join(folder, "pictures"), { recursive: true });
      cpSync(join(root, wanted), join(folder, picture));
      const shown = to(picture);
      return shown.startsWith(".") ? shown : `./${shown}`;
    }
    if (extname(wanted) === "") throw new Error(`${file} links to the folder ${target}, which is no page`);
    sources.set(wanted, `files/${wanted}.md`);
    return to(`files/${wanted}.md`);
  }

  const byRoom = rooms.map(({ room, title }) => `[${title}](errors/${room}.md)`).join(" · ");
  const outsideCode = (text, change) =>
    text
      .split(/(^```[\s\S]*?^```$|`[^`\n]+`)/m)
      .map((part, place) => (place % 2 === 0 ? change(part) : part))
      .join("");

  for (const [, target] of readFileSync(join(root, "README.md"), "utf8").matchAll(/\]\((?!https?:)([^)#\s]+)[^)]*\)/g))
    if (!existsSync(join(root, target))) throw new Error(`README.md links to ${target}, which does not exist`);
  for (const [file, address] of addresses) {
    if (address === "index") continue;
    const page = `${address}.md`;
    const text = outsideCode(readFileSync(join(root, file), "utf8"), (part) =>
      part
        .replaceAll(/(\]\()([^)\s]+)(\))/g, (_, open, target, close) => open + linked(target, file, page) + close)
        .replaceAll(
          embedded,
          (_, state, title) => `<Studio state="${state.replaceAll("&", "&amp;")}" title="${title}" />`,
        )
        .replace(finder, () => `<Messages />\n\nAll messages, by room: ${byRoom}.`),
    );
    write(page, text);
  }
  for (const [file, page] of sources) {
    const code = readFileSync(join(root, file), "utf8").trimEnd();
    write(page, `---\naside: false\n---\n\n# ${file}\n\n\`\`\`\`\`${extname(file).slice(1)}\n${code}\n\`\`\`\`\`\n`);
  }
  write("index.md", readFileSync(join(root, "site/home.md"), "utf8"));
  mkdirSync(join(folder, "public"), { recursive: true });
  cpSync(join(root, "docs/studio-lab.png"), join(folder, "public/studio-lab.png"));
  return addresses.size + sources.size;
}
