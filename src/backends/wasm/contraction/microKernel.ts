// The innermost loops of contractions: tiles of sums in vectors, over one block of k.

import { at } from "../../../graph/at.ts";
import { byteSize, type ElementType } from "../../../graph/dtype.ts";
import type { Axis } from "../../../graph/scalar.ts";
import type { Source } from "../../contraction/sources.ts";
import type { FunctionBuilder, MemoryOpcode } from "../module.ts";
import type { PlainOpcode } from "../opcodes.ts";
import { transpose } from "./pack.ts";

const vectorBytes = 16;

export type TileType = "float32" | "float64" | "int32";
export const isTileType = (dtype: ElementType): dtype is TileType => byteSize(dtype) >= 4;

interface NumberKind {
  readonly bytes: number;
  readonly splat: MemoryOpcode;
  readonly mul: PlainOpcode;
  readonly add: PlainOpcode;
}

/** For words of two 16-bit numbers: sums both products. */
const pairs: PlainOpcode = "i32x4.dot_i16x8_s";

export const numberKinds: Readonly<Record<TileType, NumberKind>> = {
  float32: { bytes: 4, splat: "v128.load32_splat", mul: "f32x4.mul", add: "f32x4.add" },
  int32: { bytes: 4, splat: "v128.load32_splat", mul: "i32x4.mul", add: "i32x4.add" },
  float64: { bytes: 8, splat: "v128.load64_splat", mul: "f64x2.mul", add: "f64x2.add" },
};

interface KStep {
  readonly extent: number;
  readonly a: number;
  readonly b: number;
}

/** The steps along k, the first outermost. Neighbouring axes with uniform strides on both sides are merged. */
export function joined(axes: readonly Axis[], a: Source, b: Source): KStep[] {
  const steps: KStep[] = [];
  for (const axis of axes) {
    if (axis.extent === 1) continue;
    const step: KStep = { extent: axis.extent, a: a.kStride(axis), b: b.kStride(axis) };
    const outer = steps.at(-1);
    if (outer !== undefined && outer.a === step.a * step.extent && outer.b === step.b * step.extent) {
      steps[steps.length - 1] = { ...step, extent: outer.extent * step.extent };
    } else steps.push(step);
  }
  return steps;
}

/** The address of a row: a local and an offset. */
export interface Pointer {
  readonly local: number;
  readonly offset: number;
}

/** sums[row][vector]: v128 locals. */
type Sums = readonly (readonly number[])[];

/** `width` columns, starting at the address in a local. */
interface Columns {
  readonly local: number;
  readonly width: number;
  readonly stride: number;
}

/** A sum over k: its steps in blocks of kc, and the local with the start of the current block. */
export interface KLoop {
  readonly steps: readonly KStep[];
  readonly kc: number;
  readonly blocks: number;
  readonly start: number;
}

/** Adds the products of one block of k to the sums of a tile. */
export class MicroKernel {
  readonly #f: FunctionBuilder;
  readonly #kind: NumberKind;
  readonly #k: KLoop;

  /** `areWords`: both sides are words of two numbers. */
  constructor(f: FunctionBuilder, dtype: TileType, k: KLoop, areWords: boolean) {
    this.#f = f;
    this.#kind = areWords ? { ...numberKinds[dtype], mul: pairs } : numberKinds[dtype];
    this.#k = k;
  }

  /**
   * Loops over k with one point per iteration: V8 hoists all loads of an iteration together, and the loads of several points
   * leave too few of its 16 registers for the sums (measured: 56 GFLOP/s with one point, 38 with four).
   */
  outer(starts: readonly Pointer[], panel: number, sums: Sums): void {
    const f = this.#f;
    const kind = this.#kind;
    const { steps } = this.#k;
    const moving = new Map<number, number>();
    const rowLocals = [...new Set(starts.map(({ local }) => local))];
    for (const local of [...rowLocals, panel]) {
      const copy = f.local("i32");
      f.get(local).set(copy);
      moving.set(local, copy);
    }
    const bPointer = moving.get(panel) ?? panel;
    const aPointers = starts.map(({ local, offset }) => ({ local: moving.get(local) ?? local, offset }));
    const advance = (a: number, b: number): void => {
      for (const local of rowLocals) this.#move(moving.get(local) ?? local, a);
      this.#move(bPointer, b);
    };
    const factor = f.local("v128");
    const columns = at(sums, 0).map(() => f.local("v128"));
    const point = (): void => {
      columns.forEach((column, vector) => {
        f.get(bPointer)
          .memory("v128.load", vector * vectorBytes)
          .set(column);
      });
      aPointers.forEach(({ local, offset }, row) => {
        f.get(local).memory(kind.splat, offset).set(factor);
        columns.forEach((column, vector) => {
          const sum = at(at(sums, row), vector);
          f.get(factor).get(column).op(kind.mul).get(sum).op(kind.add).set(sum);
        });
      });
    };
    /** Emits the loops from `place` on; afterwards the pointers have advanced by `extent` steps. */
    const loops = (place: number): void => {
      const step = steps[place];
      if (step === undefined) return point();
      const inner = steps[place + 1];
      const counter = f.local("i32");
      this.#pushTimes(step);
      f.set(counter);
      f.loop((again) => {
        loops(place + 1);
        const within = inner?.extent ?? 0;
        advance(step.a - (inner?.a ?? 0) * within, step.b - (inner?.b ?? 0) * within);
        f.get(counter).i32(1).op("i32.sub").tee(counter).brIf(again);
      });
      f.release(counter);
    };
    loops(0);
    for (const local of [factor, ...columns, ...moving.values()]) f.release(local);
  }

  /** Four columns at a time, each with sums in lanes along k that are reduced at the end. */
  dot(starts: readonly Pointer[], panel: Columns, sums: Sums): void {
    const f = this.#f;
    const kind = this.#kind;
    const { width } = panel;
    const between = panel.stride * kind.bytes;
    const [left, right, counter] = [f.local("i32"), f.local("i32"), f.local("i32")];
    const partial = sums.map(() => [0, 1, 2, 3].map(() => f.local("v128")));
    for (const local of partial.flat()) f.i32x4(0).set(local);
    f.get(at(starts, 0).local).set(left);
    f.get(panel.local).set(right);
    const factors = starts.map(() => f.local("v128"));
    const loaded = f.local("v128");
    const loop = (loading: MemoryOpcode, step: number): void => {
      f.loop((again) => {
        starts.forEach(({ offset }, row) => {
          f.get(left).memory(loading, offset).set(at(factors, row));
        });
        for (let column = 0; column < width; column++) {
          f.get(right)
            .memory(loading, column * between)
            .set(loaded);
          partial.forEach((row, place) => {
            const sum = at(row, column);
            f.get(at(factors, place)).get(loaded).op(kind.mul).get(sum).op(kind.add).set(sum);
          });
        }
        this.#move(left, step);
        this.#move(right, step);
        f.get(counter).i32(1).op("i32.sub").tee(counter).brIf(again);
      });
    };
    const step = at(this.#k.steps, 0);
    this.#pushTimes(step);
    f.i32(2)
      .op("i32.shr_u")
      .tee(counter)
      .if(() => loop("v128.load", 4));
    this.#pushTimes(step);
    f.i32(3)
      .op("i32.and")
      .tee(counter)
      .if(() => loop("v128.load32_zero", 1));
    partial.forEach((row, place) => {
      transpose(f, row);
      const [a = 0, b = 0, c = 0, d = 0] = row;
      f.get(a).get(b).op(kind.add).get(c).get(d).op(kind.add).op(kind.add);
      f.set(at(at(sums, place), 0));
    });
    for (const local of [left, right, counter, loaded, ...factors, ...partial.flat()]) f.release(local);
  }

  #move(pointer: number, elements: number): void {
    if (elements === 0) return;
    this.#f
      .get(pointer)
      .i32(elements * this.#kind.bytes)
      .op("i32.add")
      .set(pointer);
  }

  /** Pushes the iterations of a step of k: the last block of k may be shorter. */
  #pushTimes(step: KStep): void {
    const f = this.#f;
    const { kc, blocks, start } = this.#k;
    if (blocks === 1) {
      f.i32(step.extent);
      return;
    }
    const last = step.extent - (blocks - 1) * kc;
    if (last === kc) f.i32(kc);
    else
      f.i32(last)
        .i32(kc)
        .get(start)
        .i32(kc * (blocks - 1))
        .op("i32.eq")
        .op("select");
  }
}
