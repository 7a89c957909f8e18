// The pages of error messages, one for each room: the meaning of each message and its remedy.
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { messagesOf, sourcesIn } from "./messages.mjs";
import { rooms } from "./rooms.mjs";

/** The remedy in a message: the text after its last semicolon. */
function remedy(text) {
  let depth = 0;
  for (let place = text.length - 1; place > 0; place--) {
    const sign = text[place];
    if ("])}›".includes(sign)) depth++;
    if ("[({‹".includes(sign)) depth--;
    if (sign === ";" && depth === 0) return text.slice(place + 1).trim();
  }
  return undefined;
}

const digest = (text, length) => createHash("sha256").update(text).digest("hex").slice(0, length);
const inCode = (text) => `\`\` ${text.replaceAll("``", "` `")} \`\``;
const inText = (text) => text.replaceAll(/[<>[\]*_`{}\\]/g, (sign) => `&#${sign.charCodeAt(0)};`);
const inWords = (markdown) => markdown.replaceAll("`", "").replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1");
const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? "" : "."}`;

/** The remedy as Markdown: from the message itself, or else from what it requires and from its room. */
function advice(text, general) {
  const named = remedy(text);
  if (named !== undefined) return inText(sentence(named));
  const word = /\b(must|takes?|needs?|cannot|only)\b/.exec(text)?.[1];
  return word === undefined ? sentence(general) : `Give what the message asks for after “${word}”.`;
}

/**
 * Writes the pages, and all messages as data for the page that finds one. Returns their number.
 * @param {string} root the project's folder
 * @param {string} folder where the pages go
 * @param {Map<string, string>} signatures where the reference has a public name
 */
export function writeMessages(root, folder, signatures) {
  const all = [];
  mkdirSync(join(folder, "errors"), { recursive: true });
  for (const { room, title, about, remedy: general } of rooms) {
    const lines = [
      `# Messages of ${title}`,
      "",
      about,
      "",
      "A value stands as ‹name›, a choice as [one | other]. [Find a message](../errors.md#find-a-message) takes one as it was printed.",
      "",
    ];
    const seen = new Set();
    for (const path of sourcesIn(join(root, "src", room))) {
      const { about: file, found } = messagesOf(path, root);
      const fresh = found.filter(({ text }) => !seen.has(text) && seen.add(text));
      if (fresh.length === 0) continue;
      lines.push(`## ${inText(file.replace(/[.:].*$/, ""))} {#${digest(path.slice(root.length), 8)}}`, "");
      for (const { text, pattern, error, file: where, by, when } of fresh) {
        const id = `m-${digest(text, 10)}`;
        const url = signatures.get(by?.replace(/^new |\..*$/g, ""));
        const named = url === undefined ? inCode(by ?? "") : `[${inCode(by)}](../reference/${url}){target="_self"}`;
        const from = by === undefined ? inCode(where) : `${named} in ${inCode(where)}`;
        const doing = advice(text, general);
        lines.push(`<div id="${id}" class="message">`, "", inCode(text), "", "</div>", "");
        lines.push(`${error} from ${from}${when === undefined ? "" : `, when ${inCode(when)}`}. To do: ${doing}`, "");
        all.push({
          id,
          text,
          pattern,
          page: `errors/${room}`,
          to: remedy(text) === undefined ? inWords(doing) : sentence(remedy(text)),
          when,
        });
      }
    }
    writeFileSync(join(folder, "errors", `${room}.md`), lines.join("\n"));
  }
  writeFileSync(join(folder, "messages.json"), JSON.stringify(all));
  return all.length;
}
