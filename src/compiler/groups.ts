// The result of fusion: groups of nodes, each of which becomes a kernel, or a loop of kernels.
import type { Node } from "../graph/node.ts";
import type { Axis, Scalar } from "../graph/scalar.ts";
import type { CheckGroup } from "./checkKernel.ts";
import type { LoopKernel, Product } from "./kernel.ts";
import type { Stages } from "./stages.ts";

/** Stages that share a nest: the first `outerCount` of the `axes` are the kernel's parallel axes. */
export interface LoopGroup {
  readonly kind: "loops";
  readonly axes: readonly Axis[];
  outerCount: number;
  /** Whether the axes are row-major over a full-size value (not so for a sum over leading dims). */
  readonly rowMajor: boolean;
  readonly stages: Stages;
}

export interface ContractionGroup extends Product {
  readonly kind: "contraction";
  readonly node: Node;
  /** The flat index of the result. */
  readonly place: Scalar;
  /** The contraction itself first, then its epilogue. */
  readonly stages: Stages;
}

/** A node that nothing joins: a scan, a tile with its initial copy, or the parts of a cat that are not computed in place. */
export interface KernelGroup {
  readonly kind: "kernels";
  readonly kernels: readonly LoopKernel[];
}

/** A loop over time and its required results. */
export interface RepeatGroup {
  readonly kind: "repeat";
  readonly node: Node;
  readonly results: readonly Node[];
}

export type Group = RepeatGroup | CheckGroup | LoopGroup | ContractionGroup | KernelGroup;

/** The buffer of each node's value. */
export type BufferIds = ReadonlyMap<Node, number>;
