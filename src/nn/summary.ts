// The table of model.summary(): the output, parameters and cost of each module.
import { byteSize, isFloat } from "../graph/dtype.ts";
import type { Node } from "../graph/node.ts";
import { formatShape, type Shape, sizeOf } from "../graph/shape.ts";
import { topologicalOrder } from "../graph/walk.ts";
import { type Parameter, type State, Tensor } from "../tensor/index.ts";

/** One module of the table. */
export interface SummaryRow {
  readonly path: string;
  readonly kind: string;
  /** Whether it has no submodules: its output then counts as an activation. */
  readonly leaf: boolean;
  readonly outputs: readonly Tensor[] | undefined;
  readonly flops: number | undefined;
  readonly parameters: readonly { readonly name: string; readonly shape: Shape }[];
}

export interface SummaryTotals {
  readonly parameters: readonly Parameter[];
  readonly states: readonly State[];
  readonly inputs: readonly Tensor[] | undefined;
  readonly flops: number | undefined;
}

/** The tensors in an output: the output itself, or those in arrays and plain objects. */
export function tensorsIn(output: unknown): Tensor[] {
  if (output instanceof Tensor) return [output];
  if (typeof output !== "object" || output === null) return [];
  return Object.values(output).flatMap(tensorsIn);
}

/** Ops that move values without computing. */
const movements = new Set(
  "reshape permute expand slice pad cat full iota cast gather indexSelect window spread alias custom stopGradient where position".split(
    " ",
  ),
);

function flopsOf(node: Node): number {
  if (node.source !== undefined || movements.has(node.op.name)) return 0;
  const { rule } = node.op;
  if (rule.kind === "contract") {
    const { batch, m, n, k } = rule.contract(node.attributes, node.inputs);
    return 2 * sizeOf([...batch, ...m, ...n, ...k]);
  }
  if (rule.kind === "reduce") return sizeOf(node.inputs[0]?.shape ?? []);
  return isFloat(node.dtype) ? sizeOf(node.shape) : 0;
}

/** FLOPs by the path of the module that caused them. */
export function costsByScope(outputs: readonly Tensor[]): Map<string, number> {
  const costs = new Map<string, number>();
  const roots = outputs.map((output) => output.node);
  for (const node of topologicalOrder(roots)) costs.set(node.scope, (costs.get(node.scope) ?? 0) + flopsOf(node));
  return costs;
}

const bytesOf = (tensors: readonly Tensor[]): number =>
  tensors.reduce((sum, { size, dtype }) => sum + size * byteSize(dtype), 0);
const grouped = (count: number): string => count.toLocaleString("en-US");

function quantity(value: number, unit: string): string {
  for (const [size, prefix] of [
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ] as const) {
    if (value >= size) return `${(value / size).toFixed(2)} ${prefix}${unit}`;
  }
  return `${value} ${unit}`;
}

const valuesIn = (list: readonly State[]): string => grouped(list.reduce((sum, { size }) => sum + size, 0));

/** `1,234 parameters`, and the number of frozen ones. */
export function countOf(parameters: readonly Parameter[]): string {
  const frozen = parameters.filter(({ requiresGrad }) => !requiresGrad);
  const total = valuesIn(parameters);
  return `${total} ${total === "1" ? "parameter" : "parameters"}${frozen.length > 0 ? `, ${valuesIn(frozen)} of them frozen` : ""}`;
}

/** A path, or the end of a very long one. */
const longestPath = 64;
const ending = (path: string): string => (path.length > longestPath ? `…${path.slice(1 - longestPath)}` : path);

/** The table and its totals, as text. */
export function renderSummary(rows: readonly SummaryRow[], totals: SummaryTotals): string {
  const used = totals.inputs !== undefined;
  const table = [
    ["module", "kind", ...(used ? ["output"] : []), "parameters", ...(used ? ["FLOPs"] : []), "count"],
    ...rows.map(({ path, kind, outputs, parameters, flops }) => [
      path === "" ? "(model)" : ending(path),
      kind,
      ...(used ? [(outputs ?? []).map(({ shape }) => formatShape(shape)).join(", ")] : []),
      parameters.map(({ name, shape }) => `${name} ${formatShape(shape)}`).join(", "),
      ...(used ? [flops === undefined || flops === 0 ? "" : grouped(flops)] : []),
      parameters.length === 0 ? "" : grouped(parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0)),
    ]),
  ];
  const [head = []] = table;
  const widths = head.map((_, column) => table.reduce((most, row) => Math.max(most, (row[column] ?? "").length), 0));
  const right = new Set(["FLOPs", "count"]);
  const lines = table.map((row) =>
    row
      .map((cell, column) =>
        right.has(head[column] ?? "") ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd(),
  );
  const { parameters, states, inputs, flops } = totals;
  const activations = rows.reduce((sum, { leaf, outputs }) => sum + (leaf ? bytesOf(outputs ?? []) : 0), 0);
  const costs =
    inputs === undefined || flops === undefined
      ? []
      : [
          `for an input of ${inputs.map(({ shape }) => formatShape(shape)).join(" and ")}: ${quantity(flops, "FLOP")}; memory: ${quantity(bytesOf(states), "B")} parameters and buffers, ${quantity(bytesOf(inputs), "B")} input, ${quantity(activations, "B")} activations`,
        ];
  return [...lines, ...costs, countOf(parameters)].join("\n");
}
