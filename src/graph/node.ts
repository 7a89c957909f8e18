// The graph: immutable nodes, and the declaration of an op.
import type { CompositeOf } from "./composites.ts";
import type { DType } from "./dtype.ts";
import type { Scalar } from "./scalar.ts";
import { checkExtents, formatShape, type Shape } from "./shape.ts";

export interface TensorType {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** The parameters of an op: plain data, so that equal attributes print and hash equal. */
export type AttributeValue =
  | number
  | string
  | boolean
  | null
  | undefined
  | readonly AttributeValue[]
  | { readonly [key: string]: AttributeValue };
export type Attributes = { readonly [key: string]: AttributeValue };

/** Something outside the graph that a source node reads: a value, a state cell, or an argument of a traced function. */
export interface Source {
  /** "step": a value that the body of a loop reads at each step (see ops/scan.ts); it exists only there. */
  readonly sourceKind: "value" | "state" | "argument" | "step";
}

export interface Node<A extends Attributes = Attributes> {
  readonly id: number;
  readonly op: Op<A>;
  readonly inputs: readonly Node[];
  readonly attributes: A;
  readonly shape: Shape;
  readonly dtype: DType;
  /** The module path where the node was made, e.g. "encoder.fc1"; "" outside any module. */
  readonly scope: string;
  /** Set for source nodes only. */
  readonly source?: Source;
  /** Set for scan nodes only. */
  readonly body?: LoopBody;
  /** The composite that the node is a result of (see composites.ts). It affects neither computation nor compilation. */
  readonly composite?: Composite | undefined;
  /** Its index among the composite's results, which share the composite. */
  readonly compositeResult?: number | undefined;
}

/** A composite over nodes: a graph walk may continue with its inputs instead of the node's. */
export type Composite = CompositeOf<Node>;

/** The computation of each step of a loop over time, as a graph over its leaves (see ops/scanBody.ts). */
export interface LoopBody {
  /** Leaves, in the order of the scan's inputs: the constants, the carried values, and one row of each stacked input. */
  readonly constants: readonly Node[];
  readonly carried: readonly Node[];
  readonly rows: readonly Node[];
  /** The next value of each carried value. */
  readonly next: readonly Node[];
  /** Every value of the body, inputs first. Results of the loop refer to them by index. */
  readonly order: readonly Node[];
  /** The values kept for the gradient: every value that is expensive to recompute, or the carried values alone. */
  readonly keeps: "costly" | "carried";
}

/** The gradient of each input (undefined: none flows), given the gradient of the output. Built from ops, so that it can be differentiated again. */
export interface GradientContext<A extends Attributes> {
  readonly node: Node<A>;
  readonly grad: Node;
  /** Whether input k needs a gradient: building an unneeded one is harmless but slower. */
  needs(k: number): boolean;
}
export type Gradient<A extends Attributes> = {
  readonly kind: "gradient";
  of(context: GradientContext<A>): readonly (Node | undefined)[];
};
export type NotDifferentiable = { readonly kind: "notDifferentiable"; readonly reason: string };

/** For a node whose results are separate nodes: the gradient of each input from those of the results. */
export type JointGradient = {
  readonly kind: "joint";
  of(node: Node, results: readonly ResultGradient[], needs: (k: number) => boolean): readonly (Node | undefined)[];
};
export interface ResultGradient {
  readonly result: Node;
  readonly grad: Node;
}
/** For a result: its gradient goes to its node, together with those of the other results. */
export type ResultOf = { readonly kind: "result" };
export type AnyGradient<A extends Attributes> = Gradient<A> | NotDifferentiable | JointGradient | ResultOf;

/** No gradient flows, with the reason: `notDifferentiable("argmax returns an index, and indices have no gradient")`. */
export const notDifferentiable = (reason: string): NotDifferentiable => ({ kind: "notDifferentiable", reason });
export const gradient = <A extends Attributes>(of: Gradient<A>["of"]): Gradient<A> => ({ kind: "gradient", of });

/** The reads available to an element rule: its own index, and any element of its inputs. */
export interface ElementContext<A extends Attributes> {
  readonly attributes: A;
  readonly type: TensorType;
  readonly inputTypes: readonly TensorType[];
  /** One int32 index per output dim. */
  readonly index: readonly Scalar[];
  /** The element of input k at an index, one per dim. */
  input(k: number, index: readonly Scalar[]): Scalar;
}

export type Combine = "sum" | "prod" | "max" | "min";

/** The iteration space of a contraction: extents of its batch, m, n and k axes, and the index maps of operands and output. All maps are affine. */
export interface ContractionRule {
  readonly batch: readonly number[];
  readonly m: readonly number[];
  readonly n: readonly number[];
  readonly k: readonly number[];
  /** The index into input 0, given one counter per axis. */
  a(batch: readonly Scalar[], m: readonly Scalar[], k: readonly Scalar[]): readonly Scalar[];
  /** The index into input 1. */
  b(batch: readonly Scalar[], k: readonly Scalar[], n: readonly Scalar[]): readonly Scalar[];
  /** The index into the output: each axis becomes one output dim, in some order. */
  output(batch: readonly Scalar[], m: readonly Scalar[], n: readonly Scalar[]): readonly Scalar[];
}

/** How an op is computed. Sealed: the compiler switches over it. */
export type Rule<A extends Attributes> =
  /** Bound when the program runs. */
  | { readonly kind: "source" }
  /** An effect (see ops/check.ts): the run fails if an element of input 0 is out of range. The value is input 0. */
  | { readonly kind: "check" }
  /** A loop over time. Only its results have values. */
  | { readonly kind: "loop" }
  /** A value of the loop that is its input. */
  | { readonly kind: "result" }
  /** Computed by several processes together, between two programs (see ops/collective.ts). */
  | { readonly kind: "collective" }
  /** Each output element is a pure function of input elements; composing these functions is fusion. */
  | { readonly kind: "element"; element(context: ElementContext<A>): Scalar }
  /** Combines input 0 over axes; the output keeps them with size 1. An empty axis gives the identity. */
  | { readonly kind: "reduce"; readonly combine: Combine; axes(attributes: A): readonly number[] }
  /** output = Σ_k a · b. */
  | { readonly kind: "contract"; contract(attributes: A, inputTypes: readonly TensorType[]): ContractionRule }
  /**
   * Several elements at each point of a loop over `points`, from shared values. The points write every element exactly once. If the
   * result starts as a copy of input 0, which may be smaller, they write the remaining elements and may change the copied ones.
   */
  | {
      readonly kind: "tile";
      readonly startsAsCopy?: true;
      points(attributes: A, inputTypes: readonly TensorType[]): Shape;
      /** Dims of `points` walked in row-major order; each point sees the results of earlier ones. Points that differ in other dims never interact. */
      serialAxes?(attributes: A, inputTypes: readonly TensorType[]): readonly number[];
      elements(context: TileContext<A>): readonly TileElement[];
    }
  /** The inclusive running combination of input 0 along one axis. */
  | { readonly kind: "scan"; readonly combine: Combine; axis(attributes: A): number };

export interface TileContext<A extends Attributes> {
  readonly attributes: A;
  readonly type: TensorType;
  readonly inputTypes: readonly TensorType[];
  /** One counter per dim of `points`. */
  readonly point: readonly Scalar[];
  /** The element of input k at an index, one per dim. */
  input(k: number, index: readonly Scalar[]): Scalar;
  /** An element of the result, as earlier points left it. */
  own(index: readonly Scalar[]): Scalar;
  /** Binds a value that several elements use. */
  share(value: Scalar): Scalar;
}

export interface TileElement {
  readonly index: readonly Scalar[];
  readonly value: Scalar;
  /** Adds to the current element instead of replacing it. */
  readonly adds?: true;
}

/** Properties that rewriting and scheduling rely on, independent of the op's name. */
export interface Traits {
  /**
   * Computes nothing, and only rearranges elements of its single input. "same": in the same order; "all": all of them, in another shape or
   * order, or repeated; "some": a subset.
   */
  readonly view?: "same" | "all" | "some";
  /** Elementwise, and more expensive than a load. */
  readonly costly?: boolean;
  /** Computed from random bits, in many integer steps. */
  readonly random?: boolean;
  /** Its gradient is not that of its computation. */
  readonly ownGradient?: boolean;
  /** Its results are elements of its inputs, or zeros: 16-bit floats need no rounding. */
  readonly moves?: boolean;
}

/** An op, declared once: its shape rule, its gradient, and its computation. */
export interface Op<A extends Attributes = Attributes> {
  readonly name: string;
  readonly traits?: Traits;
  /** For a source: the compiled function that returned it, if a gradient outside would have to continue inside the function. */
  readonly resultOf?: string;
  /** The output's type; throws ShapeError if the inputs do not fit. */
  infer(inputs: readonly TensorType[], attributes: A): TensorType;
  readonly gradient: AnyGradient<A>;
  readonly rule: Rule<A>;
}

/** Whether the node has this op, and therefore its attributes. */
export const isOp = <A extends Attributes>(node: Node, op: Op<A>): node is Node<A> => node.op === (op as Op<never>);

let nextId = 0;
/** An unused id. */
export const newId = (): number => nextId++;
let scope = "";

/** Runs `body` with the module path for new nodes. */
export function withScope<T>(path: string, body: () => T): T {
  const outer = scope;
  scope = path;
  try {
    return body();
  } finally {
    scope = outer;
  }
}

export const currentScope = (): string => scope;

/** Makes a node from unconverted inputs: infers its type, and names the module in the error if they do not fit. */
export function makeNode<A extends Attributes>(op: Op<A>, inputs: readonly Node[], attributes: A): Node<A> {
  let type: TensorType;
  try {
    type = op.infer(inputs, attributes);
    checkExtents(op.name, type.shape);
  } catch (error) {
    if (scope !== "" && error instanceof Error && !error.message.includes(" (in ")) {
      error.message += ` (in "${scope}")`;
    }
    throw error;
  }
  return {
    id: nextId++,
    op,
    inputs,
    attributes,
    shape: type.shape,
    dtype: type.dtype,
    scope,
    composite: undefined,
    compositeResult: undefined,
  };
}

/** The same op with other inputs of the same types and no composite: for rewriting a graph. */
export function withInputs<A extends Attributes>(node: Node<A>, inputs: readonly Node[]): Node<A> {
  return { ...node, id: nextId++, inputs, composite: undefined, compositeResult: undefined };
}

const sourceOp: Op = {
  name: "source",
  infer: () => {
    throw new Error("a source is made by sourceNode");
  },
  gradient: notDifferentiable("a source has no inputs"),
  rule: { kind: "source" },
};

/** The op of a compiled function's results, if a gradient outside would have to continue inside it. */
export const resultSource = (name: string): Op => ({ ...sourceOp, resultOf: name });

/** A leaf that reads something outside the graph. */
export function sourceNode(type: TensorType, source: Source, op = sourceOp): Node {
  return {
    id: nextId++,
    op,
    inputs: [],
    attributes: {},
    shape: type.shape,
    dtype: type.dtype,
    scope,
    source,
  };
}

/** `f32[32, 10]` is printed by print.ts; this is the error-message form. */
export const describeType = (type: TensorType): string => `${type.dtype}${formatShape(type.shape)}`;
