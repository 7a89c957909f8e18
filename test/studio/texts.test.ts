// The texts of the Studio are in one place, studio/texts: no view has its own sentences, none is unused, and the page shows only those.
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { parseAst } from "vitest/node";
import { builder, missing, until, useStudio } from "./browser.ts";

const root = fileURLToPath(new URL("../../studio", import.meta.url));
const english = `${root}/texts/en`;
const tables = readdirSync(english).filter((name) => name !== "index.ts");

/** Files with letters that are not texts of the page. */
const exceptions: Readonly<Record<string, string>> = {
  "shared/code.ts": "programs, which are code in every language",
  "shared/corpora": "texts to learn from",
  "engine/words.ts": "words to learn from",
  "embed/hebbStudio.ts": "attributes of a frame",
  "shared/embed.ts": "attributes of a frame",
};

/** Words of the library that a text of the page replaces. */
const ofTheLibrary: ReadonlySet<string> = new Set(['"the validation data"']);

interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

const isNode = (value: unknown): value is Node =>
  typeof value === "object" && value !== null && "type" in value && typeof value.type === "string" && "start" in value;
const childrenOf = (node: Node): readonly Node[] =>
  Object.values(node).flatMap((value: unknown) => (Array.isArray(value) ? value : [value]).filter(isNode));
/** A property of a node that the test knows to exist. */
const part = (node: Node, name: string): unknown => Object.entries(node).find(([key]) => key === name)?.[1];

const letters = /\p{L}{2,}/u;
/** Three words or more, unlike identifiers, class names and addresses. */
const isSentence = (text: string): boolean =>
  (text.replaceAll(/\$\{[^}]*\}/g, " ").match(/(?<![\w.#$-])\p{L}{2,}(?![\w(=;*-])/gu) ?? []).length >= 3 &&
  !/sans-serif|color-mix|\w,\w|\w\[/.test(text);
const spoken = new Set(["label", "title", "aria-label", "placeholder", "alt", "aria-valuetext"]);
const silent = new Set(["class", "style", "d", "transform", "viewBox", "accept"]);

/** The literal texts of a file, outside types and imports. */
function literals(source: string, jsx: boolean): string[] {
  const found: string[] = [];
  const visit = (node: Node, attribute: string): void => {
    if (/^(Import|TS(Type|Interface|Literal|Union))/.test(node.type)) return;
    const own = source.slice(node.start, node.end);
    if (node.type === "JSXText" && letters.test(own)) found.push(own.trim());
    else if (node.type === "TemplateLiteral" || (node.type === "Literal" && typeof part(node, "value") === "string"))
      if (
        !silent.has(attribute) &&
        (isSentence(own) || (spoken.has(attribute) && node.type === "Literal" && letters.test(own)))
      )
        found.push(own);
    const name = part(node, "name");
    const inside =
      node.type === "JSXAttribute" && isNode(name)
        ? String(part(name, "name"))
        : node.type.startsWith("JSXExpr")
          ? ""
          : attribute;
    for (const child of childrenOf(node)) visit(child, silent.has(attribute) ? attribute : inside);
  };
  for (const statement of parseAst(source, { lang: jsx ? "tsx" : "ts" }).body)
    if (isNode(statement)) visit(statement, "");
  return found;
}

const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter(
  (path) =>
    /\.tsx?$/.test(path) && !path.startsWith("texts") && !Object.keys(exceptions).some((one) => path.startsWith(one)),
);

/** The table with every text in brackets: a text that the page shows without them comes from elsewhere. */
function bracketed(source: string): string {
  const places = parseAst(source, { lang: "ts" }).body.flatMap((statement): [number, string][] => {
    const declaration =
      isNode(statement) && statement.type.startsWith("Export") ? part(statement, "declaration") : undefined;
    const [declared] = isNode(declaration) ? childrenOf(declaration) : [];
    let text = declared === undefined ? undefined : part(declared, "init");
    if (isNode(text) && text.type === "ArrowFunctionExpression") text = part(text, "body");
    if (isNode(text) && text.type === "TaggedTemplateExpression") text = part(text, "quasi");
    return isNode(text)
      ? [
          [text.start + 1, "⟦"],
          [text.end - 1, "⟧"],
        ]
      : [];
  });
  return places.toReversed().reduce((text, [at, bracket]) => text.slice(0, at) + bracket + text.slice(at), source);
}

/** Words of a page outside brackets; code and formulas are the same in every language. */
const bareWords = `(() => {
  const [bare, blocks] = [new Set(), new Map()];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    let block = node.parentElement;
    if (block.closest("script, style, noscript, code, math")) continue;
    while (getComputedStyle(block).display.startsWith("inline") && block.parentElement) block = block.parentElement;
    blocks.set(block, (blocks.get(block) ?? "") + node.data);
  }
  const outside = (text) => {
    let depth = 0;
    return [...text].map((one) => (one === "⟦" ? (depth++, " ") : one === "⟧" ? (depth--, " ") : depth > 0 ? " " : one)).join("");
  };
  for (const text of blocks.values()) bare.add(outside(text));
  for (const element of document.querySelectorAll("[aria-label], [title], [placeholder]"))
    for (const name of ["aria-label", "title", "placeholder"]) bare.add(outside(element.getAttribute(name) ?? ""));
  return [...bare].flatMap((text) => text.match(/\\p{L}[\\p{L}\\p{N}]+/gu) ?? []);
})()`;

/** Names that are the same in every language: functions, optimizers, backends, and the columns and classes of data sets. */
const names =
  /^(SGD|Momentum|Nesterov|Adagrad|RMSProp|AdamW?|none|linear|ReLU6?|tanh|sigmoid|leaky|G?S?ELU|ELU|SiLU|Mish|softplus|softsign|hard|swish|softmax|wasm|SIMD|thread|hebb|F1|ROC|MSE|income|debt|declined|approved|(x[₁₂²]+)+|\d+)$/;

describe("the texts of the page", () => {
  for (const path of files)
    it(`${path} has no texts of its own`, () => {
      const source = readFileSync(`${root}/${path}`, "utf8");
      expect(literals(source, path.endsWith("x")).filter((text) => !ofTheLibrary.has(text))).toEqual([]);
    });
  it("detects a text in a view", () => {
    expect(literals('const a = <p class="one two three" title="Two words">Hello {n} there</p>;', true)).toEqual([
      '"Two words"',
      "Hello",
      "there",
    ]);
    expect(literals('fail("this file is damaged"); const key: "one two three" = read("a.b-c d");', false)).toEqual([
      '"this file is damaged"',
    ]);
  });
  for (const name of tables)
    it(`${name} has no unused text`, () => {
      const users = files
        .map((path) => readFileSync(`${root}/${path}`, "utf8"))
        .filter((source) => source.includes(`/texts/en/${name}"`));
      const texts = [...readFileSync(`${english}/${name}`, "utf8").matchAll(/^export const (\w+)/gm)].map(
        ([, text = ""]) => text,
      );
      expect(texts.filter((text) => !users.some((source) => new RegExp(`say\\.${text}\\b`).test(source)))).toEqual([]);
    });
});

const studio = useStudio();
describe.skipIf(missing)("in another language", () => {
  it("a page shows its texts and no others", async () => {
    const { bundleStudio } = await builder();
    const brackets = {
      name: "brackets",
      setup: ({
        onLoad,
      }: {
        onLoad: (
          filter: { filter: RegExp },
          load: (file: { path: string }) => { contents: string; loader: string },
        ) => void;
      }) =>
        onLoad({ filter: /texts[/\\]en[/\\]\w+\.ts$/ }, ({ path }) => ({
          contents: bracketed(readFileSync(path, "utf8")),
          loader: "ts",
        })),
    };
    const { files: built } = await bundleStudio({ plugins: [brackets] });
    for (const [name, contents] of built) studio.replace(name, contents);
    const bare = async (page: Page): Promise<readonly string[]> =>
      (await page.evaluate<string[]>(bareWords)).filter((word) => !names.test(word));
    for (const [hash, heading] of [
      ["", "Network"],
      ["surface=lessons", "Fourteen lessons"],
      ["surface=lessons&lesson=1", "The perceptron and the loan"],
      ["surface=lessons&lesson=11", "Initial weights and vanishing gradients"],
      ["surface=compare", "Experiments"],
      ["surface=training", "Learning rate"],
    ] as const) {
      const page = await studio.open(hash, { query: "&play=0" });
      await until(page, () => true, "a picture");
      await page.getByText(heading).first().waitFor();
      expect(await bare(page), hash).toEqual([]);
      await page.close();
    }
  }, 300_000);
});
