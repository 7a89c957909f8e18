// C text as a tree of strings and placeholders. The placeholders are resolved when the finished tree is printed.

/** The address of an element: a slot of the table, and the offset in bytes from the slot's address. */
export interface Address {
  readonly slot: number;
  readonly byteOffset: number;
}

/** The offset of an element from the lowest element its pointer is used for, as a term of a sum. */
interface Offset {
  readonly from: { readonly lowest: number };
  readonly constant: number;
}

type Piece = string | Address | Offset;
export type Code = readonly Piece[];
export type Text = string | Code;

/** `code\`float *p = (float *)(${address});\``: a tree of the strings and the parts between them. */
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

/** Concatenates trees, with a separator between them. */
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
