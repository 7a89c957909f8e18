// Arguments of a compiled function that require a gradient: backward inside it fills their grad, as it does outside.
import type { Node } from "../graph/node.ts";
import { Tensor } from "./tensor.ts";
import { type Trace, withTrace } from "./trace.ts";

const none: readonly Tensor[] = [];

/** The arguments that require a gradient, each once. */
export function leavesOf(tensors: readonly Tensor[]): readonly Tensor[] {
  let leaves = none;
  for (const tensor of tensors)
    if (tensor.requiresGrad && !leaves.includes(tensor)) leaves = leaves === none ? [tensor] : [...leaves, tensor];
  return leaves;
}

/** What a signature says of them: which arguments are the same leaf, and which has a gradient already. */
export function leavesKey(tensors: readonly Tensor[], leaves: readonly Tensor[]): string {
  if (leaves.length === 0) return "";
  return `|${tensors.map((tensor) => leaves.indexOf(tensor)).join()}|${leaves.map(({ grad }) => grad !== undefined).join()}`;
}

/** The gradients that they have, which are arguments too. */
export const standingGradients = (leaves: readonly Tensor[]): readonly Tensor[] =>
  leaves === none ? none : leaves.flatMap(({ grad }) => grad ?? []);

/** What becomes of the gradient of each leaf in one traced program. */
export class ArgumentGradients {
  private readonly stands: readonly Tensor[];
  private readonly before: readonly (Tensor | undefined)[];

  /** Marks the stand-ins for the leaves in the trace. After all arguments, since their gradients are further ones. */
  constructor(trace: Trace, tensors: readonly Tensor[], leaves: readonly Tensor[], stands: Tensor[]) {
    this.stands = leaves.map((leaf) => stands[tensors.indexOf(leaf)] as Tensor);
    for (const [place, tensor] of tensors.entries()) {
      const leaf = leaves.indexOf(tensor);
      if (leaf >= 0) stands[place] = this.stands[leaf] as Tensor;
    }
    this.before = leaves.map(({ grad }) => grad && Tensor.of(trace.argument(grad)));
    withTrace(trace, () => {
      for (const [place, stand] of this.stands.entries()) {
        stand.requiresGrad = true;
        stand.grad = this.before[place];
      }
    });
  }

  /** Whether it stands for an argument that requires a gradient. */
  has(tensor: Tensor): boolean {
    return this.stands.includes(tensor);
  }

  /** When tracing has ended: the gradients that are results of the program. */
  results(): Node[] {
    return this.stands.flatMap(({ grad }, place) =>
      grad === undefined || grad === this.before[place] ? [] : [grad.node],
    );
  }

  /** After a run: the gradients that it gave, in the order of `results`, are those of the leaves. */
  deliver(leaves: readonly Tensor[], values: readonly Tensor[]): void {
    let next = 0;
    for (const [place, { grad }] of this.stands.entries())
      if (grad !== this.before[place]) (leaves[place] as Tensor).grad = grad === undefined ? undefined : values[next++];
  }
}
