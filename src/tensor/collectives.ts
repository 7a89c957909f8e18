// Collectives of tensors: values that the ranks of the current world compute together. In a compiled function they are part of the step.
import { type CollectiveAttributes, collective } from "../graph/ops/collective.ts";
import { currentWorld } from "../runtime/index.ts";
import { given } from "./arguments.ts";
import { refuseInStep } from "./steps.ts";
import { Tensor } from "./tensor.ts";
import { traceGuard } from "./trace.ts";

function together(kind: CollectiveAttributes["collective"], x: Tensor): Tensor {
  given(kind, x);
  refuseInStep(`${kind} was called`, "call it on the results of the loop");
  const ranks = traceGuard(currentWorld)?.size ?? 1;
  return ranks === 1 ? x : Tensor.from(collective(x.node, { collective: kind, ranks }), [x]);
}

/**
 * Σ over the ranks of x, on all ranks, in the shape of x. The gradient on each rank is the sum of all ranks' gradients. Without a world, or with a
 * single rank: x. All ranks must call the same collectives in the same order. Source: torch.distributed.nn.functional.all_reduce.
 */
export const allReduce = (x: Tensor): Tensor => together("allReduce", x);

/** [n, …] on each rank → [ranks · n, …] on all ranks: rank 0's rows, then rank 1's, … Source: torch.distributed.nn.functional.all_gather. */
export const allGather = (x: Tensor): Tensor => together("allGather", x);

/** [ranks · n, …] on each rank → [n, …]: this rank's part of the sum over the ranks. Source: torch.distributed.nn.functional.reduce_scatter. */
export const reduceScatter = (x: Tensor): Tensor => together("reduceScatter", x);
