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
 * Σ over the ranks of their x, on all: same shape. Each rank's gradient is the sum of the gradients that the ranks have for it. Without a
 * world, or alone in it: x. All ranks must call the same collectives in the same order. Source: torch.distributed.nn.functional.all_reduce.
 */
export const allReduce = (x: Tensor): Tensor => together("allReduce", x);

/** [n, …] on each rank → [ranks · n, …] on all: rank 0's rows, then rank 1's, … Source: torch.distributed.nn.functional.all_gather. */
export const allGather = (x: Tensor): Tensor => together("allGather", x);

/** [ranks · n, …] on each rank → [n, …]: the rank's part of the sum over ranks. Source: torch.distributed.nn.functional.reduce_scatter. */
export const reduceScatter = (x: Tensor): Tensor => together("reduceScatter", x);
