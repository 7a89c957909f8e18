// Einstein summation: diagonals, sums, and one contraction per pair of operands.
import { at } from "../at.ts";
import { composed } from "../compose.ts";
import { ShapeError } from "../errors.ts";
import * as kind from "../kinds.ts";
import type { Node } from "../node.ts";
import { checkKind } from "../options.ts";
import { formatShape } from "../shape.ts";
import { expand } from "./broadcast.ts";
import { mul } from "./elementwise.ts";
import { dot } from "./matmul.ts";
import { permute, reshape, slice } from "./movement.ts";
import { sum } from "./reduce.ts";

/** A tensor with labelled dims. */
interface Labelled {
  readonly node: Node;
  readonly labels: readonly string[];
}

/**
 * Sums of products in Einstein notation (torch.einsum): `einsum("bij,bjk->bik", a, b)`.
 * Each letter names a dim; letters missing on the right are summed over; a letter that occurs twice in one operand takes its
 * diagonal; "..." stands for leading dims, which broadcast. Without "->" the result has the letters that occur once, in
 * alphabetical order. Operands are contracted from left to right.
 * Throws ShapeError if letters and dims do not fit.
 */
export function einsum(equation: string, ...operands: readonly Node[]): Node {
  checkKind("einsum", "the equation", equation, kind.string);
  const { inputs, output } = parse(equation, operands);
  const sizes = labelSizes(equation, inputs);
  for (const label of output) {
    if (!sizes.has(label))
      throw new ShapeError(
        `einsum: "${equation}" uses the letter "${label}" on the right, which no operand has; use letters of the left side`,
      );
  }
  const [first, ...rest] = inputs.map((input) => spread(diagonals(input), sizes));
  if (first === undefined) throw new ShapeError(`einsum: "${equation}" has no operands; give one tensor for each term`);
  let result = first;
  rest.forEach((next, place) => {
    const later = new Set([...output, ...rest.slice(place + 1).flatMap((operand) => operand.labels)]);
    result = contract(result, next, later);
  });
  return composed("einsum", operands, { equation }, arrange(sumOut(result, new Set(output)), output));
}

function parse(equation: string, operands: readonly Node[]): { inputs: Labelled[]; output: string[] } {
  const [left = "", right, ...extra] = equation.replaceAll(" ", "").split("->");
  const terms = left.split(",");
  if (extra.length > 0 || terms.length !== operands.length) {
    throw new ShapeError(
      `einsum: "${equation}" has ${terms.length} terms but got ${operands.length} tensors; write one term for each`,
    );
  }
  const inputs = operands.map((node, place) => ({
    node,
    labels: termLabels(equation, terms[place] ?? "", node.shape.length),
  }));
  const counts = new Map<string, number>();
  for (const label of inputs.flatMap((input) => input.labels)) counts.set(label, (counts.get(label) ?? 0) + 1);
  // Ellipsis dims are numbered from the last, "...0"; the outermost comes first.
  const ellipsis = [...counts.keys()]
    .filter((label) => label.startsWith("."))
    .sort((a, b) => Number(b.slice(3)) - Number(a.slice(3)));
  if (right === undefined) {
    const once = [...counts].filter(([label, count]) => count === 1 && !label.startsWith(".")).map(([label]) => label);
    return { inputs, output: [...ellipsis, ...once.sort()] };
  }
  const output = letters(equation, right).flatMap((label) => (label === "..." ? ellipsis : [label]));
  if (new Set(output).size !== output.length)
    throw new ShapeError(`einsum: "${equation}" repeats a letter on the right; use each letter once`);
  return { inputs, output };
}

function letters(equation: string, term: string): string[] {
  const found = term.match(/\.\.\.|[A-Za-z]/g) ?? [];
  if (found.join("") !== term || found.filter((label) => label === "...").length > 1) {
    throw new ShapeError(
      `einsum: cannot read "${term}" in "${equation}"; use letters and at most one "..." in each term`,
    );
  }
  return found;
}

function termLabels(equation: string, term: string, rank: number): string[] {
  const found = letters(equation, term);
  const hidden = rank - found.filter((label) => label !== "...").length;
  if (hidden < 0 || (hidden > 0 && !found.includes("..."))) {
    throw new ShapeError(
      `einsum: "${term}" in "${equation}" does not fit a tensor of ${rank} dims; write one letter for each dim`,
    );
  }
  return found.flatMap((label) =>
    label === "..." ? Array.from({ length: hidden }, (_, dim) => `...${hidden - 1 - dim}`) : [label],
  );
}

/** The size of each label; dims of size 1 broadcast. */
function labelSizes(equation: string, inputs: readonly Labelled[]): Map<string, number> {
  const sizes = new Map<string, number>();
  for (const { node, labels } of inputs) {
    labels.forEach((label, dim) => {
      const size = at(node.shape, dim);
      const known = sizes.get(label) ?? 1;
      if (known !== size && known !== 1 && size !== 1) {
        throw new ShapeError(
          `einsum: dim "${label}" of "${equation}" is ${known} in one place and ${size} in ${formatShape(node.shape)}; sizes must be equal or 1`,
        );
      }
      sizes.set(label, known === 1 ? size : known);
    });
  }
  return sizes;
}

/** Replaces pairs of dims with the same label by their diagonal, until each label occurs once. */
function diagonals(input: Labelled): Labelled {
  const { node, labels } = input;
  const second = labels.findIndex((label, dim) => labels.indexOf(label) < dim);
  if (second < 0) return input;
  const label = labels[second] ?? "";
  const first = labels.indexOf(label);
  const size = at(node.shape, second);
  if (node.shape[first] !== size) {
    throw new ShapeError(`einsum: the diagonal over "${label}" needs equal sizes, got ${formatShape(node.shape)}`);
  }
  const others = labels.map((_, dim) => dim).filter((dim) => dim !== first && dim !== second);
  const otherSizes = others.map((dim) => at(node.shape, dim));
  // The diagonal of the last two dims, flattened, is every (size + 1)-th element.
  const flat = reshape(permute(node, [...others, first, second]), [...otherSizes, size * size]);
  const diagonal = slice(flat, others.length, 0, size * size, size + 1);
  return diagonals({ node: diagonal, labels: [...others.map((dim) => labels[dim] ?? ""), label] });
}

function spread({ node, labels }: Labelled, sizes: ReadonlyMap<string, number>): Labelled {
  return {
    node: expand(
      node,
      labels.map((label) => sizes.get(label) ?? 1),
    ),
    labels,
  };
}

function sumOut({ node, labels }: Labelled, keep: ReadonlySet<string>): Labelled {
  const dims = labels.map((_, dim) => dim).filter((dim) => !keep.has(labels[dim] ?? ""));
  if (dims.length === 0) return { node, labels };
  return { node: sum(node, dims, false), labels: labels.filter((label) => keep.has(label)) };
}

function arrange({ node, labels }: Labelled, order: readonly string[]): Node {
  return permute(
    node,
    order.map((label) => labels.indexOf(label)),
  );
}

/** The product of two operands, summed over the labels that are no longer needed. */
function contract(left: Labelled, right: Labelled, later: ReadonlySet<string>): Labelled {
  const a = sumOut(left, new Set([...later, ...right.labels]));
  const b = sumOut(right, new Set([...later, ...left.labels]));
  const shared = a.labels.filter((label) => b.labels.includes(label));
  const batch = shared.filter((label) => later.has(label));
  const inner = shared.filter((label) => !later.has(label));
  const m = a.labels.filter((label) => !shared.includes(label));
  const n = b.labels.filter((label) => !shared.includes(label));
  const labels = [...batch, ...m, ...n];
  const rows = arrange(a, [...batch, ...m, ...inner]);
  const columns = arrange(b, [...batch, ...inner, ...n]);
  if (inner.length > 0) return { node: dot(rows, columns, batch.length, inner.length), labels };
  const batchSizes = columns.shape.slice(0, batch.length);
  const nSizes = columns.shape.slice(batch.length);
  return {
    node: mul(
      reshape(rows, [...rows.shape, ...n.map(() => 1)]),
      reshape(columns, [...batchSizes, ...m.map(() => 1), ...nSizes]),
    ),
    labels,
  };
}
