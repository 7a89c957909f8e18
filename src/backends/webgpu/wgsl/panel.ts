// The operands of a product in shared memory. The invocations of the workgroup load them one block of k at a time.

import type { ContractionKernel } from "../../../compiler/kernel.ts";
import type { Axis, Scalar } from "../../../graph/scalar.ts";
import { operandOf } from "../../analysis/operand.ts";
import { extentOf } from "../../analysis/steps.ts";
import { matrixPadding } from "../../gpu/matrices.ts";
import type { Writer } from "./writer.ts";

/** Properties common to both operands of a product. */
interface Steps {
  readonly depth: number;
  readonly k: number;
  readonly axes: readonly Axis[];
  readonly workgroup: number;
  readonly content: Content;
}

interface Side {
  readonly name: "a" | "b";
  /** The start of the tile along the operand's own axes. */
  readonly start: string;
  readonly extent: number;
  readonly width: number;
  readonly axes: readonly Axis[];
  /** An element, or its bits if the content is halves. */
  readonly value: Scalar;
}

/** The content of a panel: numbers in groups of four; float16 in groups of four; or single float16, as subgroup matrices are loaded. */
type Content = "f32" | "i32" | "halves" | "matrices";

const isHalves = (content: Content): boolean => content === "halves" || content === "matrices";

/** The type of a group of four in registers; halves are their bits in two words. */
const typeOnItsWay = (content: Content): string => (isHalves(content) ? "vec2<u32>" : `vec4<${content}>`);

/** Padding of a row, in groups of four: it lets neighbours along k store at the same time. */
function paddingOf(content: Content, alongK: boolean): number {
  if (content === "matrices") return matrixPadding / 4;
  return alongK ? 1 : 0;
}

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, place) => place);

/**
 * `depth` rows of `width` numbers, in groups of four, in shared memory. Each invocation loads some of the groups; neighbours read
 * contiguous memory, along k or along the operand's own axes. Beyond the operand's edges its last numbers are read again, for results
 * that are not stored. Beyond the end of k there are zeros.
 */
class Panel {
  readonly declaration: string;
  readonly #w: Writer;
  readonly #steps: Steps;
  readonly #side: Side;
  readonly #alongK: boolean;
  /** Groups of four from one row to the next. */
  readonly #pitch: number;
  /** For each of an invocation's groups of four, the names of the axes at its four positions. */
  readonly #places: readonly (readonly (readonly string[])[])[];

  constructor(w: Writer, steps: Steps, side: Side) {
    this.#w = w;
    this.#steps = steps;
    this.#side = side;
    const { name, width, extent, start, axes } = side;
    const { depth, workgroup, content } = steps;
    this.#alongK = isContiguous(side.value, steps.axes) && !isContiguous(side.value, axes);
    const quads = width / 4;
    this.#pitch = quads + paddingOf(content, this.#alongK);
    this.declaration = `var<workgroup> shared_${name}: ${this.#memory(this.#pitch * depth)};`;
    const count = (quads * depth) / workgroup;
    const [inner, stride] = this.#alongK ? [depth, workgroup / depth] : [quads, workgroup / quads];
    const [near, far] = this.#alongK ? ["z", "q"] : ["q", "z"];
    w.line(`let ${near}_${name} = i32(lane) % ${inner}i;`);
    for (const item of range(count)) w.line(`let ${far}_${name}${item} = i32(lane) / ${inner}i + ${item * stride}i;`);
    const four = (quad: string): (readonly string[])[] =>
      range(4).map((c) => w.bindAxes(axes, `min(${start} + ${quad} * 4i + ${c}i, ${extent - 1}i)`));
    const shared = this.#alongK ? undefined : four(`q_${name}`);
    this.#places = range(count).map((item) => shared ?? four(`q_${name}${item}`));
    for (const item of range(count)) w.line(`var next_${name}${item}: ${typeOnItsWay(content)};`);
  }

  /** Elements from one row to the next. */
  get stride(): number {
    return 4 * this.#pitch;
  }

  /** Reads this invocation's groups of the block that begins at a step of k. */
  fetch(step: string): void {
    const w = this.#w;
    const { depth, k, axes, content } = this.#steps;
    const { name, value } = this.#side;
    const isWhole = k % depth === 0;
    const type = typeOnItsWay(content);
    w.block("", () => {
      for (const [item, places] of this.#places.entries()) {
        if (item === 0 || !this.#alongK) {
          const z = `${step} + ${this.#row(item)}`;
          w.bindAxes(axes, isWhole ? `(${z})` : `min(${z}, ${k - 1}i)`);
          if (!isWhole) w.line(`let inside_${name}${item} = ${z} < ${k}i;`);
        }
        const four = places.map((names) => {
          w.recall(this.#side.axes, names);
          return w.values(value)[0];
        });
        const [p, q, r, s] = four;
        const read = isHalves(content)
          ? `${type}(pairOf(${p}, ${q}), pairOf(${r}, ${s}))`
          : `${type}(${four.join(", ")})`;
        const inside = `inside_${name}${this.#alongK ? 0 : item}`;
        w.line(`next_${name}${item} = ${isWhole ? read : `select(${type}(), ${read}, ${inside})`};`);
      }
    });
  }

  /** Stores them to shared memory. */
  put(): void {
    const { name } = this.#side;
    for (const item of this.#places.keys()) {
      const quad = this.#alongK ? `q_${name}${item}` : `q_${name}`;
      this.#store(`${this.#row(item)} * ${this.#pitch}i + ${quad}`, `next_${name}${item}`);
    }
  }

  #store(place: string, four: string): void {
    const w = this.#w;
    const shared = `shared_${this.#side.name}`;
    const halves = `vec4<f16>(halvesOf(${four}.x), halvesOf(${four}.y))`;
    switch (this.#steps.content) {
      case "f32":
      case "i32":
        w.line(`${shared}[${place}] = ${four};`);
        break;
      case "halves":
        w.line(`${shared}[${place}] = ${halves};`);
        break;
      case "matrices":
        w.block("", () => {
          w.line(`let first = (${place}) * 4i;`);
          w.line(`let four = ${halves};`);
          for (const c of range(4)) w.line(`${shared}[first + ${c}i] = four[${c}];`);
        });
        break;
    }
  }

  #memory(quads: number): string {
    const { content } = this.#steps;
    switch (content) {
      case "f32":
      case "i32":
        return `array<vec4<${content}>, ${quads}>`;
      case "halves":
        return `array<vec4<f16>, ${quads}>`;
      case "matrices":
        return `array<f16, ${4 * quads}>`;
    }
  }

  /** Four numbers of a row, in the type that tiles compute with. */
  quad(row: string, quad: string): string {
    const four = `shared_${this.#side.name}[${row} * ${this.#pitch}i + ${quad}]`;
    return this.#steps.content === "halves" ? `vec4<f32>(${four})` : four;
  }

  #row(item: number): string {
    return this.#alongK ? `z_${this.#side.name}` : `z_${this.#side.name}${item}`;
  }
}

/** Whether memory is contiguous along the last of the axes. */
function isContiguous(value: Scalar, axes: readonly Axis[]): boolean {
  const last = axes.findLast(({ extent }) => extent > 1);
  const operand = operandOf(value.kind === "cast" ? value.x : value);
  return last !== undefined && operand !== undefined && Math.abs(operand.strideOf(last)) === 1;
}

/** Results of a workgroup's tile. */
interface TileExtents {
  readonly tall: number;
  readonly wide: number;
}

/** Binds `top` and `left`, where the workgroup's tile begins, and the axes of its batch. */
export function placeTile(w: Writer, kernel: ContractionKernel, { tall, wide }: TileExtents): void {
  const across = Math.ceil(extentOf(kernel.n) / wide);
  const down = Math.ceil(extentOf(kernel.m) / tall);
  w.line(`let top = i32(group / ${across}u % ${down}u) * ${tall}i;`);
  w.line(`let left = i32(group % ${across}u) * ${wide}i;`);
  w.bindAxes(kernel.batch, `i32(group / ${across * down}u)`);
}

/** Both operands of a placed tile. */
export class Panels {
  readonly a: Panel;
  readonly b: Panel;
  readonly #w: Writer;
  readonly #steps: Steps;

  constructor(w: Writer, kernel: ContractionKernel, { tall, wide }: TileExtents, steps: Omit<Steps, "k" | "axes">) {
    const { m, n, k } = kernel;
    this.#w = w;
    this.#steps = { ...steps, k: extentOf(k), axes: k };
    const a: Side = { name: "a", start: "top", extent: extentOf(m), width: tall, axes: m, value: kernel.a };
    const b: Side = { name: "b", start: "left", extent: extentOf(n), width: wide, axes: n, value: kernel.b };
    this.a = new Panel(w, this.#steps, a);
    this.b = new Panel(w, this.#steps, b);
  }

  /** Loads block after block of k, from `step` on; `multiply` writes what is done with each. */
  eachBlock(multiply: () => void): void {
    const w = this.#w;
    const { k, depth } = this.#steps;
    const fetch = (step: string): void => {
      this.a.fetch(step);
      this.b.fetch(step);
    };
    fetch("0i");
    w.block(`for (var step = 0i; step < ${k}i; step += ${depth}i)`, () => {
      this.a.put();
      this.b.put();
      w.line("workgroupBarrier();");
      // Prefetches the next block while this one is multiplied.
      w.block(`if (step + ${depth}i < ${k}i)`, () => fetch(`step + ${depth}i`));
      multiply();
      w.line("workgroupBarrier();");
    });
  }

  get declarations(): string[] {
    return [this.a.declaration, this.b.declaration];
  }
}
