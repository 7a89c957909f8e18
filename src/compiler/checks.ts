// Index checks are effects: they run even if the values are unused, precede every assignment, and a failed check stops the rest.
import { at } from "../graph/at.ts";
import type { Node } from "../graph/node.ts";
import { type CheckAttributes, isCheck } from "../graph/ops/check.ts";
import { formatShape, sizeOf, unravel } from "../graph/shape.ts";
import { overInputs, rewriteGraph, topologicalOrder } from "../graph/walk.ts";
import type { IndexCheck, Instruction, Program } from "./kernel.ts";
import { loadedBuffers, storedBuffers } from "./lower.ts";

type CheckNode = Node<CheckAttributes>;

/**
 * The values without checks, and the checks separately: `asked` first, then those the values depend on. Later changes to the
 * values (folding, slicing, removal) no longer affect the checks.
 */
export function separateChecks(
  values: readonly Node[],
  asked: readonly Node[],
): { readonly values: readonly Node[]; readonly checks: readonly Node[] } {
  const order = topologicalOrder([...values, ...asked]);
  if (!order.some(isCheck)) return { values, checks: [] };
  const checks = new Map<Node, Node>(asked.map((node) => [node, node]));
  const plain = rewriteGraph(order, values, (node, inputs) => {
    const over = overInputs(node, inputs);
    if (!isCheck(node)) return over;
    checks.set(node, over);
    return inputs[0] as Node;
  });
  return { values: plain, checks: [...checks.values()] };
}

/** The first of the checks with the same elements and the same range. */
export function distinctChecks(checks: readonly Node[]): CheckNode[] {
  const distinct = new Map<string, CheckNode>();
  for (const check of checks) {
    if (!isCheck(check) || sizeOf(check.shape) === 0) continue;
    const key = `${origin(check.inputs[0] as Node).id} < ${check.attributes.extent}`;
    if (!distinct.has(key)) distinct.set(key, check);
  }
  return [...distinct.values()];
}

/** The node that holds the same elements before they were rearranged. */
function origin(index: Node): Node {
  let node = index;
  while (node.op.traits?.view === "all") node = at(node.inputs, 0);
  return node;
}

/** An index that failed a check, at a position of the index tensor. */
export interface FailedCheck {
  readonly site: number;
  readonly index: number;
  readonly place: number;
}

/** "crossEntropy: in row 3, label 7 is out of range, it must be at least 0 and below 2, the number of classes". */
export function describeFailure({ checks }: Program, { site, index, place }: FailedCheck): string {
  const check = checks[site] as IndexCheck;
  const { by, unit, extent, shape, scope } = check;
  const [first, ...rest] = unravel(place, shape);
  const at = unit === undefined ? `at ${formatShape([first ?? 0, ...rest])}` : `in ${unit} ${first}`;
  const within = unit === undefined || rest.length === 0 ? "" : ` at ${formatShape(rest)}`;
  const lead = first === undefined ? "" : `${at}${within}, `;
  const where = scope === "" ? "" : ` (in "${scope}")`;
  if ("fault" in check) return `${by}: ${lead}${check.fault}${where}`;
  const { item, count } = check;
  return `${by}: ${lead}${item} ${index} is out of range, it must be at least 0 and below ${extent}, ${count}${where}`;
}

/** Whether the kernel, or one inside the loop, checks an index. */
export const hasChecks = (kernel: Instruction): boolean =>
  kernel.kind === "repeat"
    ? kernel.body.some(hasChecks)
    : kernel.kind === "loops" && kernel.body.some(({ kind }) => kind === "check");

/** For each kernel, whether it checks an index or some check depends on it. */
export function neededByChecks(kernels: readonly Instruction[]): readonly boolean[] {
  const wanted = new Set<number>();
  const needed = kernels.map(() => false);
  for (let place = kernels.length - 1; place >= 0; place--) {
    const kernel = kernels[place] as Instruction;
    if (!hasChecks(kernel) && ![...storedBuffers(kernel)].some((buffer) => wanted.has(buffer))) continue;
    needed[place] = true;
    for (const buffer of loadedBuffers(kernel)) wanted.add(buffer);
  }
  return needed;
}

/** Kernels and loops after a check that write arguments. Backends skip them once a check has failed. */
export function stoppedKernels({ buffers, kernels }: Program): ReadonlySet<Instruction> {
  const first = kernels.findIndex(hasChecks);
  const late = first < 0 ? [] : kernels.slice(first + 1);
  const writesArguments = (kernel: Instruction): boolean =>
    [...storedBuffers(kernel)].some((id) => buffers[id]?.placement.kind === "argument");
  return new Set(late.filter(writesArguments));
}
