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

/** Their part of the signature: which arguments are the same leaf, and which already have a gradient. */
export function leavesKey(tensors: readonly Tensor[], leaves: readonly Tensor[]): string {
  if (leaves.length === 0) return "";
  return `|${tensors.map((tensor) => leaves.indexOf(tensor)).join()}|${leaves.map(({ grad }) => grad !== undefined).join()}`;
}

/** The gradients that the leaves already have. They are arguments too. */
export const standingGradients = (leaves: readonly Tensor[]): readonly Tensor[] =>
  leaves === none ? none : leaves.flatMap(({ grad }) => grad ?? []);

/** The gradients of the leaves in one traced program. */
export class ArgumentGradients {
  private readonly stands: readonly Tensor[];
  private readonly before: readonly (Tensor | undefined)[];

  /** Marks the stand-ins for the leaves in the trace. Runs after all arguments are known, because the gradients become further arguments. */
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

  /** Whether the tensor stands for an argument that requires a gradient. */
  has(tensor: Tensor): boolean {
    return this.stands.includes(tensor);
  }

  /** The gradients that are results of the program. Called when tracing has ended. */
  results(): Node[] {
    return this.stands.flatMap(({ grad }, place) =>
      grad === undefined || grad === this.before[place] ? [] : [grad.node],
    );
  }

  /** Gives each leaf its gradient after a run. `values` are in the order of `results`. */
  deliver(leaves: readonly Tensor[], values: readonly Tensor[]): void {
    let next = 0;
    for (const [place, { grad }] of this.stands.entries())
      if (grad !== this.before[place]) (leaves[place] as Tensor).grad = grad === undefined ? undefined : values[next++];
  }
}
