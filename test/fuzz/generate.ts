// Draws random graphs: shared subexpressions, equal constants, views, reductions between elementwise ops, contractions, several outputs.
import type { Node } from "../../src/graph/node.ts";
import { sizeOf } from "../../src/graph/shape.ts";
import { inputNode } from "../conformance/run.ts";
import { applyStep, type Entry, type OpName, type Recipe } from "./recipe.ts";

/**
 * "exact": whole numbers that stay small, and only ops that are exact on them, including jumps and ties; every backend must
 * give the same bits. "smooth": no jumps, so that roundoff stays roundoff.
 */
export type Mode = "exact" | "smooth";

export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = (seed ^ 0x9e3779b9) >>> 0;
  }
  /** Uniform on [0, 1): mulberry32. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }
  /** A whole number in [low, high]. */
  whole(low: number, high: number): number {
    return low + Math.floor(this.next() * (high - low + 1));
  }
  pick<T>(list: readonly T[]): T {
    return list[this.whole(0, list.length - 1)] as T;
  }
}

/** Whole numbers beyond this are no longer exact in float32. */
const largest = 2 ** 23;
const mostElements = 600;

/** A value drawn so far, and a bound on its magnitude. */
interface Drawn {
  readonly node: Node;
  readonly bound: number;
}

type Step = {
  readonly op: OpName;
  readonly args: readonly number[];
  readonly numbers: readonly number[];
  readonly bound: number;
};

const exactUnary: readonly OpName[] = ["neg", "abs", "relu", "castInt", "castByte", "wrapInt8", "wrapInt16"];
/** A narrow whole number can reach its dtype's limits, whatever it is converted from. */
const exactBound = (bound: number): number => Math.max(bound, 2 ** 15);
const smoothUnary: readonly OpName[] = ["neg", "tanh", "sigmoid", "exp", "sin", "root", "log", "erf"];

export function generate(seed: number, mode: Mode): Recipe {
  const random = new Random(seed);
  const dtype =
    mode === "exact"
      ? random.pick(["float32", "float64", "int32"] as const)
      : random.pick(["float32", "float64"] as const);
  const entries: Entry[] = [];
  const drawn: Drawn[] = [];
  const addInput = (shape: readonly number[]): number => {
    const data = Array.from({ length: sizeOf(shape) }, () =>
      mode === "exact" ? random.whole(-3, 3) : Math.round((random.next() * 4 - 2) * 64) / 64,
    );
    entries.push({ kind: "input", dtype, shape, data });
    return drawn.push({ node: inputNode({ shape, dtype }), bound: 3 }) - 1;
  };
  const extents = () => Array.from({ length: random.whole(1, 3) }, () => random.pick([1, 2, 3, 4, 5, 7, 17]));
  for (let count = random.whole(1, 3); count > 0; count--) addInput(extents());
  if (random.next() < 0.25) addInput([random.whole(1, 2), random.whole(1, 3), random.whole(3, 7), random.whole(3, 7)]);

  const steps = random.whole(3, 16);
  for (let step = 0, tries = 0; step < steps && tries < 200; tries++) {
    const next = draw(random, mode, drawn, addInput);
    if (next === undefined || next.bound > largest) continue;
    const node = applyStep(
      next.op,
      next.args.map((place) => drawn[place]?.node as Node),
      next.numbers,
    );
    if (sizeOf(node.shape) > mostElements || node.shape.length > 4) continue;
    const { bound, ...entry } = next;
    entries.push({ kind: "op", ...entry });
    drawn.push({ node, bound });
    step++;
  }
  const ops = entries.flatMap((entry, place) => (entry.kind === "op" ? [place] : []));
  const last = entries.length - 1;
  const outputs = new Set([ops.at(-1) ?? last]);
  for (let extra = random.whole(0, 2); extra > 0 && ops.length > 0; extra--) outputs.add(random.pick(ops));
  return { entries, outputs: [...outputs] };
}

/** One op with matching arguments; undefined if none fits. */
function draw(
  random: Random,
  mode: Mode,
  drawn: readonly Drawn[],
  addInput: (shape: readonly number[]) => number,
): Step | undefined {
  // Recent values are likelier, so that graphs get deep; old ones stay shared.
  const at =
    random.next() < 0.6 ? Math.max(0, drawn.length - 1 - random.whole(0, 2)) : random.whole(0, drawn.length - 1);
  const { node, bound } = drawn[at] as Drawn;
  const { shape } = node;
  const rank = shape.length;
  const step = (
    op: OpName,
    numbers: readonly number[] = [],
    newBound = bound,
    others: readonly number[] = [],
  ): Step => ({ op, args: [at, ...others], numbers, bound: newBound });
  const dim = rank === 0 ? 0 : random.whole(0, rank - 1);
  const extent = shape[dim] ?? 1;

  switch (random.whole(0, 16)) {
    case 0:
      return mode === "exact"
        ? step(random.pick(exactUnary), [], exactBound(bound))
        : step(random.pick(smoothUnary), [], Math.max(bound, 3));
    case 14:
      // Division jumps, so it is drawn for whole numbers only.
      return mode === "exact"
        ? step(random.pick<OpName>(["quotient", "remainder"]), [random.pick([2, 3, 4, -2])])
        : undefined;
    case 15: {
      if (rank < 2) return undefined;
      return mode === "exact"
        ? step(random.pick<OpName>(["anyTrue", "cumprod"]), [dim])
        : step("triangle", [random.whole(-1, 1)]);
    }
    case 1:
      return step("square", [], bound * bound);
    case 2:
    case 3: {
      const partners = drawn.flatMap((other, place) => (fits(shape, other.node.shape) ? [place] : []));
      const other = random.pick(partners);
      const otherBound = drawn[other]?.bound ?? 1;
      const op = random.pick<OpName>(
        mode === "exact"
          ? ["add", "sub", "mul", "maximum", "minimum", "whereGreater", "countEqual"]
          : ["add", "sub", "mul", "ratio"],
      );
      return step(op, [], op === "mul" ? bound * otherBound : op === "ratio" ? bound : bound + otherBound, [other]);
    }
    case 4: {
      // Few distinct values, so that equal constants occur.
      const value = random.pick([0, 1, 1, 2, -1]);
      return random.next() < 0.5 ? step("addConstant", [value], bound + 2) : step("mulConstant", [value], bound * 2);
    }
    case 5:
    case 6: {
      if (rank === 0) return step("sumAll");
      const keep = random.whole(0, 1);
      if (mode === "smooth") {
        const op = random.pick<OpName>(["sum", "mean", "softmax", "logsumexp", "variance", "sumAll"]);
        return step(
          op,
          op === "sumAll" ? [] : [dim, keep],
          op === "sum"
            ? bound * extent
            : op === "sumAll"
              ? bound * sizeOf(shape)
              : op === "variance"
                ? bound * bound
                : bound + 4,
        );
      }
      const op = random.pick<OpName>(["sum", "max", "min", "argmax", "cumsum", "sumAll"]);
      return step(
        op,
        op === "sumAll" ? [] : [dim, keep],
        op === "sum" || op === "cumsum"
          ? bound * extent
          : op === "sumAll"
            ? bound * sizeOf(shape)
            : Math.max(bound, extent),
      );
    }
    case 7:
      return step("reshape", reshaped(random, shape));
    case 8: {
      const dims = [...shape.keys()];
      for (let i = dims.length - 1; i > 0; i--) {
        const j = random.whole(0, i);
        [dims[i], dims[j]] = [dims[j] as number, dims[i] as number];
      }
      return step("permute", dims);
    }
    case 9: {
      if (rank === 0) return step("expand", [random.whole(1, 3)]);
      if (random.next() < 0.5) return step("flip", [dim]);
      if (random.next() < 0.5)
        return step("expand", [random.whole(1, 3), ...shape.map((size) => (size === 1 ? random.whole(1, 4) : size))]);
      const start = random.whole(0, extent - 1);
      return step("slice", [dim, start, random.whole(start + 1, extent), random.whole(1, 2)]);
    }
    case 10:
      return rank === 0
        ? undefined
        : step(
            "pad",
            [
              random.whole(0, 2),
              random.whole(-1, 2) < 0 && (shape.at(-1) ?? 0) > 1 ? -1 : random.whole(0, 2),
              random.whole(0, 1),
            ],
            Math.max(bound, 1),
          );
    case 11: {
      if (rank === 0) return undefined;
      const partners = drawn.flatMap((other, place) =>
        other.node.shape.length === rank && other.node.shape.every((size, axis) => axis === dim || size === shape[axis])
          ? [place]
          : [],
      );
      const other = random.pick(partners);
      if (random.next() < 0.5)
        return step("select", [dim, ...Array.from({ length: random.whole(1, 3) }, () => random.whole(0, extent - 1))]);
      return step("cat", [dim], Math.max(bound, drawn[other]?.bound ?? 1), [other]);
    }
    case 12: {
      if (rank < 2) return undefined;
      const inner = shape.at(-1) ?? 1;
      if (random.next() < 0.3) return step("gram", [], bound * bound * inner);
      const weight = addInput([inner, random.whole(1, 9)]);
      return step("matmul", [], bound * 3 * inner, [weight]);
    }
    case 13: {
      if (rank !== 4)
        return rank > 0 && mode === "exact" && extent <= 9
          ? step(random.pick<OpName>(["sort", "pick"]), [dim])
          : undefined;
      const channels = shape[1] ?? 1;
      const most = Math.min(3, shape[2] ?? 1, shape[3] ?? 1);
      const kernel = random.whole(1, most);
      if (random.next() < 0.3)
        return mode === "exact" ? step("maxPool", [kernel, random.whole(1, 2)]) : step("avgPool", [kernel]);
      const weight = addInput([random.whole(1, 4), channels, kernel, kernel]);
      return step("conv", [random.whole(1, 2), random.whole(0, 1)], bound * 3 * channels * kernel * kernel, [weight]);
    }
    default:
      return mode === "smooth"
        ? step(random.pick(smoothUnary), [], Math.max(bound, 3))
        : step(random.pick(exactUnary), [], exactBound(bound));
  }
}

function fits(a: readonly number[], b: readonly number[]): boolean {
  const rank = Math.min(a.length, b.length);
  for (let back = 1; back <= rank; back++) {
    const [left, right] = [a.at(-back), b.at(-back)];
    if (left !== right && left !== 1 && right !== 1) return false;
  }
  return true;
}

/** Another shape with the same number of elements. */
function reshaped(random: Random, shape: readonly number[]): number[] {
  const size = sizeOf(shape);
  const factors = [1, 2, 3, 4, 5, 7].filter((factor) => size % factor === 0);
  const first = random.pick(factors);
  return random.next() < 0.5 ? [size / first, first] : random.next() < 0.5 ? [size] : [first, size / first];
}
