// C text as a tree of strings with parts that are filled in when everything is written. Printed once.

/** The address of an element: a slot of the table, and how many bytes from where that points. */
export interface Address {
  readonly slot: number;
  readonly byteOffset: number;
}

/** How far an element is from the lowest one that a pointer is used for, as a term of a sum. */
interface Offset {
  readonly from: { readonly lowest: number };
  readonly constant: number;
}

type Piece = string | Address | Offset;
export type Code = readonly Piece[];
export type Text = string | Code;

/** `code\`float *p = (float *)(${address});\``: a tree of what stands between the strings. */
export function code(strings: TemplateStringsArray, ...parts: readonly (Piece | Code | number)[]): Code {
  const tree: Piece[] = [];
  for (const [place, text] of strings.entries()) {
    if (text !== "") tree.push(text);
    const part = parts[place];
    if (part === undefined) continue;
    if (typeof part === "number") tree.push(String(part));
    else if (isTree(part)) tree.push(...part);
    else tree.push(part);
  }
  return tree;
}

const isTree = (part: Piece | Code): part is Code => Array.isArray(part);

/** Trees one after another, with a string between them. */
export const joined = (trees: readonly Text[], between: string): Code =>
  trees.flatMap(
    (tree, place): Code => [...(place === 0 ? [] : [between]), ...(typeof tree === "string" ? [tree] : tree)],
  );

/** The text, with an expression for each address. */
export function print(tree: Code, expressionOf: (address: Address) => string): string {
  let text = "";
  for (const part of tree) {
    if (typeof part === "string") text += part;
    else text += "slot" in part ? expressionOf(part) : printOffset(part);
  }
  return text;
}

function printOffset({ from, constant }: Offset): string {
  const rest = constant - from.lowest;
  return rest === 0 ? "" : rest > 0 ? ` + ${rest}` : ` - ${-rest}`;
}
