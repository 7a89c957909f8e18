// The graph: immutable nodes, and what every op must declare.
import type { CompositeOf } from "./composites.ts";
import type { DType } from "./dtype.ts";
import type { Scalar } from "./scalar.ts";
import { checkExtents, formatShape, type Shape } from "./shape.ts";

export interface TensorType {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** What an op is parameterised by: plain data, so that equal attributes print equal and hash equal. */
export type AttributeValue =
  | number
  | string
  | boolean
  | null
  | undefined
  | readonly AttributeValue[]
  | { readonly [key: string]: AttributeValue };
export type Attributes = { readonly [key: string]: AttributeValue };

/** Something outside the graph that a source node reads: a value, a state cell, an argument of a traced function. */
export interface Source {
  /** "step": what the body of a loop reads at each step (see ops/scan.ts); it has a value only there. */
  readonly sourceKind: "value" | "state" | "argument" | "step";
}

export interface Node<A extends Attributes = Attributes> {
  readonly id: number;
  readonly op: Op<A>;
  readonly inputs: readonly Node[];
  readonly attributes: A;
  readonly shape: Shape;
  readonly dtype: DType;
  /** The module path under which the node was made, e.g. "encoder.fc1"; "" outside any module. */
  readonly scope: string;
  /** Set for source nodes only. */
  readonly source?: Source;
  /** Set for scan nodes only. */
  readonly body?: LoopBody;
  /** The composite that the node is a result of (see composites.ts). Nothing that is computed or compiled depends on it. */
  readonly composite?: Composite | undefined;
  /** Which of its results: 0 where it has one. The results of one composite share it. */
  readonly compositeResult?: number | undefined;
}

/** A composite over nodes: who walks a graph may go on with its inputs instead of those of the node. */
export type Composite = CompositeOf<Node>;

/** What a loop over time computes at each step, as a graph over its leaves (see ops/scanBody.ts). */
export interface LoopBody {
  /** Leaves, in the order of the scan's inputs: what stays the same, what is carried, and one row of each stacked input. */
  readonly constants: readonly Node[];
  readonly carried: readonly Node[];
  readonly rows: readonly Node[];
  /** For each carried value the next one. */
  readonly next: readonly Node[];
  /** Every value of the body, inputs first. Results of the loop name them by their place. */
  readonly order: readonly Node[];
  /** What the gradient finds in memory: every value that is costly to compute again, or the carried values alone. */
  readonly keeps: "costly" | "carried";
}

/** The gradient of each input (undefined: none flows), given the gradient of the output. Built from ops, so it can be derived again. */
export interface GradientContext<A extends Attributes> {
  readonly node: Node<A>;
  readonly grad: Node;
  /** Whether input k needs a gradient: building an unneeded one is harmless, only slower. */
  needs(k: number): boolean;
}
export type Gradient<A extends Attributes> = {
  readonly kind: "gradient";
  of(context: GradientContext<A>): readonly (Node | undefined)[];
};
export type NotDifferentiable = { readonly kind: "notDifferentiable"; readonly reason: string };

/** Of a node whose values are nodes of their own: the gradient of each input from those of its results. */
export type JointGradient = {
  readonly kind: "joint";
  of(node: Node, results: readonly ResultGradient[], needs: (k: number) => boolean): readonly (Node | undefined)[];
};
export interface ResultGradient {
  readonly result: Node;
  readonly grad: Node;
}
/** Of a result: its gradient goes to the node that it is a result of, with those of the others. */
export type ResultOf = { readonly kind: "result" };
export type AnyGradient<A extends Attributes> = Gradient<A> | NotDifferentiable | JointGradient | ResultOf;

/** No gradient flows, and this is why: `notDifferentiable("argmax returns an index, and indices have no gradient")`. */
export const notDifferentiable = (reason: string): NotDifferentiable => ({ kind: "notDifferentiable", reason });
export const gradient = <A extends Attributes>(of: Gradient<A>["of"]): Gradient<A> => ({ kind: "gradient", of });

/** What an element rule can read: its own index, and any element of its inputs. */
export interface ElementContext<A extends Attributes> {
  readonly attributes: A;
  readonly type: TensorType;
  readonly inputTypes: readonly TensorType[];
  /** One int32 index for each output dim. */
  readonly index: readonly Scalar[];
  /** The element of input k at an index, one for each of its dims. */
  input(k: number, index: readonly Scalar[]): Scalar;
}

export type Combine = "sum" | "prod" | "max" | "min";

/** How a contraction walks: extents of its batch, m, n and k axes, and the index maps of operands and output. All maps are affine. */
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
  /** An effect (see ops/check.ts): the run fails where an element of input 0 is out of range. The value is input 0. */
  | { readonly kind: "check" }
  /** A loop over time. It has no value of its own: its results do. */
  | { readonly kind: "loop" }
  /** A value of the loop that is its input. */
  | { readonly kind: "result" }
  /** Made by several processes together, between two programs (see ops/collective.ts). */
  | { readonly kind: "collective" }
  /** Each output element is a pure function of input elements; composing these is fusion. */
  | { readonly kind: "element"; element(context: ElementContext<A>): Scalar }
  /** Combines input 0 over axes; the output keeps them with size 1. An empty axis gives the identity. */
  | { readonly kind: "reduce"; readonly combine: Combine; axes(attributes: A): readonly number[] }
  /** output = Σ_k a · b. */
  | { readonly kind: "contract"; contract(attributes: A, inputTypes: readonly TensorType[]): ContractionRule }
  /**
   * Several elements at each point of a loop over `points`, from what they share. Together the points give every element, once, except where
   * the result starts as a copy of input 0, which may be smaller: they then give the rest, and may change it.
   */
  | {
      readonly kind: "tile";
      readonly startsAsCopy?: true;
      points(attributes: A, inputTypes: readonly TensorType[]): Shape;
      /** Dims of `points` that are walked in order, row-major, each point seeing what those before it left. Points apart in the others never meet. */
      serialAxes?(attributes: A, inputTypes: readonly TensorType[]): readonly number[];
      elements(context: TileContext<A>): readonly TileElement[];
    }
  /** The running combination of input 0 along one axis, the element itself included. */
  | { readonly kind: "scan"; readonly combine: Combine; axis(attributes: A): number };

export interface TileContext<A extends Attributes> {
  readonly attributes: A;
  readonly type: TensorType;
  readonly inputTypes: readonly TensorType[];
  /** One counter for each of `points`. */
  readonly point: readonly Scalar[];
  /** The element of input k at an index, one for each of its dims. */
  input(k: number, index: readonly Scalar[]): Scalar;
  /** An element of the result, as the points before left it. */
  own(index: readonly Scalar[]): Scalar;
  /** Binds what several elements need. */
  share(value: Scalar): Scalar;
}

export interface TileElement {
  readonly index: readonly Scalar[];
  readonly value: Scalar;
  /** Added to what is there. */
  readonly adds?: true;
}

/** What rewriting and scheduling may rely on, whatever the op is called. */
export interface Traits {
  /**
   * Makes no element, and only puts those of its one input elsewhere. "same": where they were; "all": every one of them, in another shape or order, or
   * repeated; "some": a part of them.
   */
  readonly view?: "same" | "all" | "some";
  /** Elementwise, and dearer than a load. */
  readonly costly?: boolean;
  /** Computed from random bits, in many steps of whole numbers. */
  readonly random?: boolean;
  /** Its gradient is not that of what it computes. */
  readonly ownGradient?: boolean;
  /** Its results are elements of its inputs, or zeros: floats of 16 bits need no rounding. */
  readonly moves?: boolean;
}

/** An op, declared once: its shape rule, its gradient, its rule of computation. */
export interface Op<A extends Attributes = Attributes> {
  readonly name: string;
  readonly traits?: Traits;
  /** Of a source: the compiled function whose result it is, if a gradient outside would have to go on inside the function. */
  readonly resultOf?: string;
  /** The output's type; throws ShapeError when the inputs do not fit. */
  infer(inputs: readonly TensorType[], attributes: A): TensorType;
  readonly gradient: AnyGradient<A>;
  readonly rule: Rule<A>;
}

/** Whether the node is of this op, and so has its attributes. */
export const isOp = <A extends Attributes>(node: Node, op: Op<A>): node is Node<A> => node.op === (op as Op<never>);

let nextId = 0;
/** A number that no node has. */
export const newId = (): number => nextId++;
let scope = "";

/** Runs `body` with the module path in which nodes are made. */
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

/** Makes a node of inputs as they are: infers its type, and names the module in the error when it does not fit. */
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

/** The same op on other inputs of the same types, of which no composite is known: for rewriting a graph. */
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

/** What results of a compiled function are instead, if a gradient outside would have to go on inside it. */
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
