// A tiled matrix product in WGSL: each workgroup loads blocks of both operands into shared memory and computes a tile of results in registers.
// Source for the scheme: V. Volkov, J. Demmel, Benchmarking GPUs to tune dense linear algebra, 2008.

import type { Axis, Scalar } from "../../../graph/scalar.ts";
import { operandOf } from "../../analysis/operand.ts";
import { extentOf } from "../../analysis/steps.ts";
import { heightOf, type Mapping, widthOf } from "../../gpu/mapping.ts";
import { serialStatements } from "./statements.ts";
import type { Writer } from "./writer.ts";

/** Sums are added to others after this many blocks of k, so that long ones keep their accuracy. */
const blocksOfSum = 8;

const range = (count: number): readonly number[] => Array.from({ length: count }, (_, place) => place);

/** Writes the body; returns the declarations of the workgroup's memory. */
export function writeTiles(w: Writer, { kernel, tile, workgroup }: Extract<Mapping, { kind: "tiles" }>): string[] {
  const { dtype, result } = kernel;
  const [m, n, k] = [extentOf(kernel.m), extentOf(kernel.n), extentOf(kernel.k)];
  const { down, across, depth } = tile;
  const [tall, wide] = [heightOf(tile), widthOf(tile)];
  const element = dtype === "float32" ? "f32" : "i32";
  const type = `vec4<${element}>`;
  const [groupsAcross, groupsDown] = [Math.ceil(n / wide), Math.ceil(m / tall)];
  const long = dtype === "float32" && k > depth * blocksOfSum;
  const rows = range(tile.rows);

  w.line(`let top = i32(group / ${groupsAcross}u % ${groupsDown}u) * ${tall}i;`);
  w.line(`let left = i32(group % ${groupsAcross}u) * ${wide}i;`);
  w.line(`let row = i32(lane) / ${across}i;`);
  w.line(`let column = i32(lane) % ${across}i;`);
  w.bindAxes(kernel.batch, `i32(group / ${groupsAcross * groupsDown}u)`);
  const shape = { type, element, depth, k, axes: kernel.k, workgroup };
  const a = new Panel(w, shape, { name: "a", start: "top", extent: m, width: tall, axes: kernel.m, value: kernel.a });
  const b = new Panel(w, shape, { name: "b", start: "left", extent: n, width: wide, axes: kernel.n, value: kernel.b });
  for (const i of rows) w.line(`var sum${i} = ${type}();`);
  if (long) for (const i of rows) w.line(`var part${i} = ${type}();`);

  a.fetch("0i");
  b.fetch("0i");
  w.block(`for (var step = 0i; step < ${k}i; step += ${depth}i)`, () => {
    a.put();
    b.put();
    w.line("workgroupBarrier();");
    // What the next block needs is on its way while this one is multiplied.
    w.block(`if (step + ${depth}i < ${k}i)`, () => {
      a.fetch(`step + ${depth}i`);
      b.fetch(`step + ${depth}i`);
    });
    w.block(`for (var z = 0i; z < ${depth}i; z++)`, () => {
      for (const part of range(tile.rows / 4)) w.line(`let a${part} = ${a.quad("z", `row + ${part * down}i`)};`);
      w.line(`let b0 = ${b.quad("z", "column")};`);
      for (const i of rows)
        w.line(`${long ? "part" : "sum"}${i} += a${Math.floor(i / 4)}.${"xyzw".charAt(i % 4)} * b0;`);
    });
    if (long)
      w.block(`if ((step / ${depth}i) % ${blocksOfSum}i == ${blocksOfSum - 1}i)`, () => {
        for (const i of rows) {
          w.line(`sum${i} += part${i};`);
          w.line(`part${i} = ${type}();`);
        }
      });
    w.line("workgroupBarrier();");
  });
  for (const i of rows) {
    const y = `(top + row * 4i + ${Math.floor(i / 4) * down * 4 + (i % 4)}i)`;
    for (const j of range(tile.columns)) {
      const x = `(left + column * 4i + ${j}i)`;
      w.block(`if (${y} < ${m}i && ${x} < ${n}i)`, () => {
        w.bindAxes(kernel.m, y);
        w.bindAxes(kernel.n, x);
        const lane = "xyzw".charAt(j);
        w.line(`let ${w.rename(result.id)} = ${long ? `sum${i}.${lane} + part${i}.${lane}` : `sum${i}.${lane}`};`);
        serialStatements(w, kernel.epilogue);
      });
    }
  }
  return [a.declaration, b.declaration];
}

/** What both operands have in common. */
interface Steps {
  readonly type: string;
  readonly element: string;
  readonly depth: number;
  readonly k: number;
  readonly axes: readonly Axis[];
  readonly workgroup: number;
}

interface Side {
  readonly name: "a" | "b";
  /** Where the tile begins along the operand's own axes. */
  readonly start: string;
  readonly extent: number;
  readonly width: number;
  readonly axes: readonly Axis[];
  readonly value: Scalar;
}

/**
 * One operand: `depth` rows of `width` numbers in fours, in the workgroup's memory. An invocation brings some of the fours: neighbours read what
 * lies together in memory, along k or along the operand's own axes. Beyond the edges of the operand its last numbers are read again; no
 * result is made of them. Beyond the end of k there are zeros.
 */
class Panel {
  readonly declaration: string;
  readonly #w: Writer;
  readonly #steps: Steps;
  readonly #side: Side;
  readonly #alongK: boolean;
  /** Fours in a row, and with the padding that lets neighbours along k store at once. */
  readonly #quads: number;
  readonly #pitch: number;
  /** Of each of an invocation's fours: the names of the axes of its four places. */
  readonly #places: readonly (readonly (readonly string[])[])[];

  constructor(w: Writer, steps: Steps, side: Side) {
    this.#w = w;
    this.#steps = steps;
    this.#side = side;
    const { name, width, extent, start, axes } = side;
    const { depth, workgroup, type } = steps;
    this.#alongK = isContiguous(side.value, steps.axes) && !isContiguous(side.value, axes);
    this.#quads = width / 4;
    this.#pitch = this.#quads + (this.#alongK ? 1 : 0);
    this.declaration = `var<workgroup> shared_${name}: array<${type}, ${this.#pitch * depth}>;`;
    const count = (this.#quads * depth) / workgroup;
    const [inner, stride] = this.#alongK ? [depth, workgroup / depth] : [this.#quads, workgroup / this.#quads];
    const [near, far] = this.#alongK ? ["z", "q"] : ["q", "z"];
    w.line(`let ${near}_${name} = i32(lane) % ${inner}i;`);
    for (const item of range(count)) w.line(`let ${far}_${name}${item} = i32(lane) / ${inner}i + ${item * stride}i;`);
    const four = (quad: string): (readonly string[])[] =>
      range(4).map((c) => w.bindAxes(axes, `min(${start} + ${quad} * 4i + ${c}i, ${extent - 1}i)`));
    const shared = this.#alongK ? undefined : four(`q_${name}`);
    this.#places = range(count).map((item) => shared ?? four(`q_${name}${item}`));
    for (const item of range(count)) w.line(`var next_${name}${item}: ${type};`);
  }

  /** Reads this invocation's fours of the block that begins at a step of k. */
  fetch(step: string): void {
    const w = this.#w;
    const { depth, k, axes, element, type } = this.#steps;
    const { name, value } = this.#side;
    const isWhole = k % depth === 0;
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
        const read = `${type}(${four.join(", ")})`;
        const inside = `inside_${name}${this.#alongK ? 0 : item}`;
        w.line(`next_${name}${item} = ${isWhole ? read : `select(vec4<${element}>(), ${read}, ${inside})`};`);
      }
    });
  }

  /** Puts them where the workgroup sees them. */
  put(): void {
    const { name } = this.#side;
    for (const item of this.#places.keys()) {
      const quad = this.#alongK ? `q_${name}${item}` : `q_${name}`;
      this.#w.line(`shared_${name}[${this.#row(item)} * ${this.#pitch}i + ${quad}] = next_${name}${item};`);
    }
  }

  /** Four numbers of a row. */
  quad(row: string, quad: string): string {
    return `shared_${this.#side.name}[${row} * ${this.#pitch}i + ${quad}]`;
  }

  #row(item: number): string {
    return this.#alongK ? `z_${this.#side.name}` : `z_${this.#side.name}${item}`;
  }
}

/** Whether neighbours along the last of the axes are neighbours in memory. */
function isContiguous(value: Scalar, axes: readonly Axis[]): boolean {
  const last = axes.findLast(({ extent }) => extent > 1);
  const operand = operandOf(value);
  return last !== undefined && operand !== undefined && Math.abs(operand.strideOf(last)) === 1;
}
