// Path patterns (Node only): `*`, `?`, `[a-z]`, `{a,b}` within a name, and `**` for folders at any depth.
import { type Dirent, readdirSync } from "node:fs";
import { join, parse, sep } from "node:path";

export const isPattern = (path: string): boolean => /[*?]|\[.+\]|\{.+,.+\}/.test(path);

/** Expands `{a,b}` into its patterns. */
function alternatives(pattern: string): string[] {
  const found = /\{([^{}]*,[^{}]*)\}/.exec(pattern);
  if (found === null) return [pattern];
  const [whole, inner = ""] = found;
  return inner
    .split(",")
    .flatMap((each) =>
      alternatives(`${pattern.slice(0, found.index)}${each}${pattern.slice(found.index + whole.length)}`),
    );
}

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");

/** One part of a pattern as a regular expression. A leading dot must be written out. */
function nameOf(part: string): RegExp {
  const body = part.replace(/\[!?[^\]]+\]|[*?]|[^*?[]+|\[/g, (token) => {
    if (token === "*") return "[^/]*";
    if (token === "?") return "[^/]";
    if (token.length > 2 && token.startsWith("["))
      return `[${token[1] === "!" ? "^" : ""}${token.slice(token[1] === "!" ? 2 : 1, -1).replace(/[\\^[]/g, "\\$&")}]`;
    return escaped(token);
  });
  return new RegExp(`^${part.startsWith(".") ? "" : "(?!\\.)"}${body}$`, "s");
}

const entries = (folder: string): Dirent[] => {
  try {
    return readdirSync(folder === "" ? "." : folder, { withFileTypes: true });
  } catch {
    return [];
  }
};

function walk(folder: string, parts: readonly string[], found: Set<string>): void {
  const [part, ...rest] = parts;
  if (part === undefined) return;
  if (part === "**") {
    walk(folder, rest, found);
    for (const entry of entries(folder))
      if (entry.isDirectory() && !entry.name.startsWith(".")) walk(join(folder, entry.name), parts, found);
    return;
  }
  if (!isPattern(part) && rest.length > 0) return walk(join(folder, part), rest, found);
  const name = nameOf(part);
  for (const entry of entries(folder)) {
    if (!name.test(entry.name)) continue;
    const path = join(folder, entry.name);
    if (rest.length > 0) walk(path, rest, found);
    else if (!entry.isDirectory()) found.add(path);
  }
}

/** The files that match a pattern, sorted by name, with embedded numbers compared as numbers. */
export function filesOf(pattern: string): string[] {
  const found = new Set<string>();
  for (const each of alternatives(pattern)) {
    const { root } = parse(each);
    walk(root, each.slice(root.length).split(sep === "/" ? "/" : /[\\/]/), found);
  }
  return [...found].sort(new Intl.Collator("en", { numeric: true }).compare);
}
