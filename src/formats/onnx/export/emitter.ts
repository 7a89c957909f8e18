// Turns the nodes of a graph into ONNX nodes: finds the rule for each, and supplies names, sizes and constants to rules.
import { at } from "../../../graph/at.ts";
import { allocate, type DType, type TypedArray } from "../../../graph/dtype.ts";
import { HebbError } from "../../../graph/errors.ts";
import type { Node, Attributes as NodeAttributes } from "../../../graph/node.ts";
import { describeType } from "../../../graph/node.ts";
import type { Progression } from "./constants.ts";
import { formulaOf, formulaText, isFixed, type NamedDim, type Size, sameSize, sameSizes, type Term } from "./sizes.ts";
import type { Traces } from "./traces.ts";
import { type Attributes, elementTypeCode, GraphWriter } from "./writer.ts";

/** State shared by the whole export: the traces, and the values already known for their nodes. */
export interface ExportContext {
  readonly traces: Traces;
  readonly opset: number;
  readonly dims: readonly NamedDim[];
  /** Whether to allow ONNX's random generators, whose numbers differ from hebb's. */
  readonly random: boolean;
  /** Values of nodes that depend on no input and no state. */
  readonly folded: ReadonlyMap<Node, TypedArray>;
  /** Evenly spaced numbers whose count depends on a named size. */
  readonly progressions: ReadonlyMap<Node, Progression>;
  /** Notes on everything that the file cannot express. */
  readonly notes: Set<string>;
  /** Finds the rule of a node and emits it. */
  emit(node: Node, out: Emitter): string;
  /** The body values of a loop that are read at every step, by their index. */
  stacksOf(loop: Node): readonly number[];
}

/** Emits the nodes of one graph. The body of a loop has its own emitter, which also has access to outer values. */
export class Emitter {
  readonly context: ExportContext;
  readonly writer: GraphWriter;
  readonly #outer: Emitter | undefined;
  readonly #values = new Map<Node, string>();
  readonly #composites = new Map<object, readonly string[]>();
  readonly #sizes = new Map<string, string>();
  #scope = "";

  constructor(context: ExportContext, outer?: Emitter) {
    this.context = context;
    this.#outer = outer;
    this.writer = new GraphWriter(outer?.writer);
  }

  get opset(): number {
    return this.context.opset;
  }

  /** Names a value that is not computed here: an input, a weight, a leaf of a loop. */
  define(node: Node, name: string): void {
    this.#values.set(node, name);
  }

  /** The name of a value that is already emitted, here or in an outer graph. */
  known(node: Node): string | undefined {
    return this.#values.get(node) ?? this.#outer?.known(node);
  }

  /** The name of the value of a node whose inputs have been emitted. */
  value(node: Node): string {
    const source = plain(node);
    const known = this.known(source);
    if (known !== undefined) return known;
    const name = this.#emit(source);
    this.#values.set(source, name);
    return name;
  }

  #emit(node: Node): string {
    const outer = this.#scope;
    this.#scope = node.scope;
    try {
      return this.context.emit(node, this);
    } catch (error) {
      if (error instanceof HebbError && !error.message.includes("exportOnnx: ")) throw this.refuse(node, error.message);
      throw error;
    } finally {
      this.#scope = outer;
    }
  }

  /** The results of a composite, emitted on first use. */
  once(composite: object, results: () => readonly string[]): readonly string[] {
    const known = this.#composites.get(composite) ?? results();
    this.#composites.set(composite, known);
    return known;
  }

  refuse(node: Node, why: string): HebbError {
    const place = node.scope === "" ? "" : ` in "${node.scope}"`;
    return new HebbError(`exportOnnx: ${node.op.name} of ${describeType(node)}${place}: ${why}`);
  }

  // ── nodes ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  op(type: string, inputs: readonly string[], attributes: Attributes = {}): string {
    return at(this.writer.results(this.#scope, type, inputs, 1, attributes), 0);
  }

  ops(type: string, inputs: readonly string[], count: number, attributes: Attributes = {}): readonly string[] {
    return this.writer.results(this.#scope, type, inputs, count, attributes);
  }

  cast(name: string, dtype: DType): string {
    return this.op("Cast", [name], { to: elementTypeCode(dtype) });
  }

  number(value: number, dtype: DType): string {
    const data = allocate(dtype, 1);
    data[0] = value;
    return this.writer.constant(data, [], dtype);
  }

  constant(values: ArrayLike<number>, shape: readonly number[], dtype: DType): string {
    const data = allocate(dtype, values.length);
    data.set(values);
    return this.writer.constant(data, shape, dtype);
  }

  /** Emits a reduction. Its axes are an input from opset `since` on, and an attribute before. */
  reduction(type: string, x: string, axes: readonly number[], since: number): string {
    return this.opset >= since
      ? this.op(type, [x, this.writer.ints(axes)], { keepdims: 1 })
      : this.op(type, [x], { keepdims: 1, axes });
  }

  // ── sizes ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  shape(node: Node): readonly Size[] {
    return this.context.traces.shape(node);
  }

  /** A numeric attribute of a node, in all traces. */
  size(node: Node, read: (attributes: NodeAttributes, node: Node) => unknown): Size {
    return this.context.traces.size(node, (variant) => Number(read(variant.attributes, variant)));
  }

  sizes(node: Node, read: (attributes: NodeAttributes, node: Node) => unknown): readonly Size[] {
    const list = read(node.attributes, node);
    return Array.isArray(list)
      ? list.map((_, place) =>
          this.size(node, (attributes, variant) => {
            const other = read(attributes, variant);
            return Array.isArray(other) ? other[place] : undefined;
          }),
        )
      : [];
  }

  /** The size of one dim. */
  extent(node: Node, axis: number): Size {
    at(node.shape, axis);
    return this.context.traces.size(node, ({ shape }) => shape[axis]);
  }

  /** A size that must not depend on the named dims. */
  fixed(size: Size, node: Node, what: string): number {
    if (isFixed(size)) return size;
    throw this.refuse(
      node,
      `${what} depends on ${this.#dimNames()}, which this operation cannot have in ONNX; export it with fixed sizes`,
    );
  }

  fixedShape(node: Node): readonly number[] {
    return this.shape(node).map((size) => this.fixed(size, node, `its shape`));
  }

  /** The formula of a size that varies. */
  formula(size: readonly number[], node: Node): readonly Term[] {
    const terms = formulaOf(size, this.context.dims);
    if (terms !== undefined) return terms;
    throw this.refuse(
      node,
      `a size is ${size.join(", ")} for ${this.context.dims.map(({ name, samples }) => `${name} = ${samples.join(", ")}`).join(" and ")}, which is not a sum of whole multiples of ${this.#dimNames()}; export it with a fixed size`,
    );
  }

  #dimNames(): string {
    return this.context.dims.map(({ name }) => name).join(" and ");
  }

  /** One size as an int64 list of length one. Sizes are computed once, in the outermost graph. */
  sizeValue(size: Size, node: Node): string {
    if (this.#outer !== undefined) return this.#outer.sizeValue(size, node);
    if (isFixed(size)) return this.writer.ints([size]);
    const terms = this.formula(size, node);
    const key = formulaText(terms);
    const known = this.#sizes.get(key);
    if (known !== undefined) return known;
    const products = terms.map(({ factor, dims }) => {
      const factors = dims.map((dim) => this.#dimValue(dim));
      if (factor !== 1 || factors.length === 0) factors.push(this.writer.ints([factor]));
      return factors.reduce((a, b) => this.op("Mul", [a, b]));
    });
    const name = products.reduce((a, b) => this.op("Add", [a, b]));
    this.#sizes.set(key, name);
    return name;
  }

  #dimValue({ name, input, dim }: NamedDim): string {
    const known = this.#sizes.get(`dim ${name}`);
    if (known !== undefined) return known;
    const outer = this.#scope;
    this.#scope = "";
    const value =
      this.opset >= 15
        ? this.op("Shape", [input], { start: dim, end: dim + 1 })
        : this.op("Slice", [this.op("Shape", [input]), this.writer.ints([dim]), this.writer.ints([dim + 1])]);
    this.#scope = outer;
    this.#sizes.set(`dim ${name}`, value);
    return value;
  }

  /** Sizes as an int64 list. */
  sizeList(sizes: readonly Size[], node: Node): string {
    if (sizes.every(isFixed)) return this.writer.ints(sizes);
    const parts: string[] = [];
    let fixed: number[] = [];
    const close = (): void => {
      if (fixed.length > 0) parts.push(this.writer.ints(fixed));
      fixed = [];
    };
    for (const size of sizes) {
      if (isFixed(size)) fixed.push(size);
      else {
        close();
        parts.push(this.sizeValue(size, node));
      }
    }
    close();
    return parts.length === 1 ? at(parts, 0) : this.op("Concat", parts, { axis: 0 });
  }

  // ── shapes ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Reshapes a value; `from` is its current shape. */
  reshape(name: string, from: readonly Size[], to: readonly Size[], node: Node): string {
    if (sameSizes(from, to)) return name;
    const changing = to.filter((size) => !isFixed(size)).length;
    if (changing === 1 && !to.includes(0))
      return this.op("Reshape", [name, this.writer.ints(to.map((size) => (isFixed(size) ? size : -1)))]);
    // 0 keeps the input's size at that position.
    const kept = to.map((size, axis) => (!isFixed(size) && sameSize(size, from[axis]) ? 0 : size));
    const left = kept.filter((size) => !isFixed(size)).length;
    if (changing > 0 && left <= 1 && !to.includes(0))
      return this.op("Reshape", [name, this.writer.ints(kept.map((size) => (isFixed(size) ? size : -1)))]);
    const zeros = to.includes(0) && this.opset >= 14 ? { allowzero: 1 } : {};
    return this.op("Reshape", [name, this.sizeList(to, node)], zeros);
  }

  /** Reshapes a node's value, skipping earlier reshapes: only the last of a chain counts. */
  reshaped(node: Node, to: readonly Size[], by: Node): string {
    let from = node;
    while (from.op.name === "reshape" && from.composite === undefined && !this.context.folded.has(from))
      from = plain(from.inputs[0] as Node);
    return this.reshape(this.value(from), this.shape(from), to, by);
  }

  permute(name: string, perm: readonly number[]): string {
    return perm.every((dim, place) => dim === place) ? name : this.op("Transpose", [name], { perm });
  }

  /** The smallest value that broadcasts to the node, and its shape: the node itself, or the value that it repeats. */
  narrow(node: Node): { readonly node: Node; readonly shape: readonly Size[] } {
    let at = plain(node);
    while (at.op.name === "expand" && at.composite === undefined && !this.context.folded.has(at)) {
      at = plain(at.inputs[0] as Node);
      while (at.op.name === "reshape" && at.composite === undefined && this.#addsLeadingOnes(at))
        at = plain(at.inputs[0] as Node);
    }
    return { node: at, shape: at.op.name === "full" && at.inputs.length === 0 ? [] : this.shape(at) };
  }

  #addsLeadingOnes(node: Node): boolean {
    const to = this.shape(node);
    const from = this.shape(node.inputs[0] as Node);
    const added = to.length - from.length;
    return added > 0 && to.slice(0, added).every((size) => size === 1) && sameSizes(to.slice(added), from);
  }

  /** The inputs of an elementwise function, as small as broadcasting allows. */
  operands(node: Node): string[] {
    const wanted = this.shape(node);
    const narrowed = node.inputs.map((input) => this.narrow(input));
    const covers = wanted.every((size, axis) =>
      narrowed.some(({ shape }) => sameSize(shape[axis - wanted.length + shape.length], size)),
    );
    return narrowed.map(({ node: from, shape }, place) => {
      if (!covers && place === 0) return this.value(node.inputs[0] as Node);
      // A constant of one value needs no shape.
      if (shape.length === 0 && from.op.name === "full") return this.fullValue(from);
      return this.value(from);
    });
  }

  /** The number of a `full`: a constant, or computed if it depends on named dims. */
  fullValue(node: Node): string {
    const value = this.size(node, ({ value }) => value);
    if (isFixed(value)) return this.number(value, node.dtype);
    const terms = formulaOf(value, this.context.dims);
    const scalar = (size: readonly number[]): string =>
      this.cast(this.op("Squeeze", [this.sizeValue(size, node), this.writer.ints([0])]), node.dtype);
    if (terms !== undefined) return scalar(value);
    return this.op("Reciprocal", [scalar(value.map((one) => 1 / one))]);
  }
}

/** Ops whose value is that of their first input. Checks are dropped, since runtimes look up positions without them. */
export const aliases: ReadonlySet<string> = new Set([
  "alias",
  "custom",
  "recompute",
  "stopGradient",
  "position",
  "check",
]);

/** Skips custom gradients and checks, which do not change the value, unless they belong to a composite. */
export function plain(node: Node): Node {
  let source = node;
  while (aliases.has(source.op.name) && source.composite === undefined) source = source.inputs[0] as Node;
  return source;
}
