// What fusion makes of a graph: groups of nodes, each of which becomes a kernel, or a loop of them.
import type { Node } from "../graph/node.ts";
import type { Axis, Local, Scalar } from "../graph/scalar.ts";
import type { Part } from "./assemble.ts";
import type { CheckGroup } from "./checkKernel.ts";
import type { Product } from "./kernel.ts";
import type { Stages } from "./stages.ts";

/** Stages that share a nest: `axes`, of which the first `outerCount` are the kernel's parallel axes. */
export interface LoopGroup {
  readonly kind: "loops";
  readonly axes: readonly Axis[];
  outerCount: number;
  /** Whether the axes in order are row-major over a full-size value (not so for a sum over leading dims). */
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

export interface ScanGroup {
  readonly kind: "scan";
  readonly node: Node;
  readonly outer: readonly Axis[];
  readonly axis: Axis;
  readonly place: Scalar;
  readonly value: Scalar;
}

/** Several elements at each point. */
export interface TileGroup {
  readonly kind: "tile";
  readonly node: Node;
  readonly axes: readonly Axis[];
  readonly shared: readonly { readonly local: Local; readonly value: Scalar }[];
  readonly elements: readonly { readonly place: Scalar; readonly value: Scalar }[];
}

export interface ScatterGroup {
  readonly kind: "scatter";
  readonly node: Node;
  /** The copy of input 0. */
  readonly copyAxes: readonly Axis[];
  readonly copyPlace: Scalar;
  readonly copyValue: Scalar;
  /** The additions: parallel axes never collide, serial ones run in order. */
  readonly parallel: readonly Axis[];
  readonly serial: readonly Axis[];
  readonly place: Scalar;
  readonly value: Scalar;
}

/** The parts of a cat that are not computed inside it. */
export interface CopyGroup {
  readonly kind: "copies";
  readonly node: Node;
  readonly parts: readonly Part[];
}

/** A loop over time and those of its results that are wanted. */
export interface RepeatGroup {
  readonly kind: "repeat";
  readonly node: Node;
  readonly results: readonly Node[];
}

export type Group =
  | RepeatGroup
  | CheckGroup
  | CopyGroup
  | LoopGroup
  | ContractionGroup
  | ScanGroup
  | ScatterGroup
  | TileGroup;

/** The buffer of each node's value. */
export type BufferIds = ReadonlyMap<Node, number>;
