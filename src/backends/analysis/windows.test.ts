// Which windows and sums are computed together: each limit where it is just kept, and where it is just passed. Results are compared in ../windows.test.ts.
import { describe, expect, it } from "vitest";
import { runKernels } from "../../../test/runKernels.ts";
import type { LoopKernel, Statement } from "../../compiler/kernel.ts";
import type { ElementType } from "../../graph/dtype.ts";
import {
  type Axis,
  add,
  axisValue,
  binary,
  int,
  load,
  localValue,
  mul,
  newAxis,
  newLocal,
  type Scalar,
  sub,
} from "../../graph/scalar.ts";
import { type Step, visitSteps } from "./steps.ts";
import { type Value, ValueTable } from "./values.ts";
import { hasWindows, stepsInWindows, sumsAtOnce } from "./windows.ts";

const place = (axes: readonly Axis[]) =>
  axes.reduce((sum, axis) => add(mul(sum, int(axis.extent)), axisValue(axis)), int(0));

/** results[outer, taps] = Σ values[outer, of] · others[taps, of] */
function sums(outer: number, taps: number, of: number): LoopKernel {
  const [o, t, k] = [newAxis(outer), newAxis(taps), newAxis(of)];
  const local = newLocal("float32");
  const value = mul(load(0, place([o, k]), "float32"), load(1, place([t, k]), "float32"));
  return {
    kind: "loops",
    name: "sums",
    axes: [o, t],
    body: [
      { kind: "reduce", local, combine: "sum", axes: [k], value },
      { kind: "store", buffer: 2, index: place([o, t]), value: localValue(local) },
    ],
  };
}

const reductionsOf = ({ body }: LoopKernel): number => body.filter(({ kind }) => kind === "reduce").length;

describe("sums that share what they read", () => {
  it.each([
    [16, 2, 64, 2],
    [16, 12, 64, 12],
    [16, 13, 64, 1],
    [16, 1, 64, 1],
    [15, 2, 64, 1],
    [16, 2, 63, 1],
  ])("of %i × %i points over %i elements: %i at once", (outer, taps, of, expected) => {
    const kernel = sumsAtOnce(sums(outer, taps, of));
    expect(reductionsOf(kernel)).toBe(expected);
    expect(kernel.axes.map(({ extent }) => extent)).toEqual(expected === 1 ? [outer, taps] : [outer]);
  });
});

/** The largest of `high` × `wide` neighbours, in rows of 10 results; with weights, which are loaded too. */
function windows(rows: number, high: number, wide: number, weighted: boolean): LoopKernel {
  const [y, x, i, j] = [newAxis(rows), newAxis(10), newAxis(high), newAxis(wide)];
  const local = newLocal("float32");
  const at = add(mul(add(axisValue(y), axisValue(i)), int(32)), add(axisValue(x), axisValue(j)));
  const element = load(0, at, "float32");
  return {
    kind: "loops",
    name: "windows",
    axes: [y, x],
    body: [
      {
        kind: "reduce",
        local,
        combine: "sum",
        axes: [i, j],
        value: weighted ? mul(element, load(1, place([i, j]), "float32")) : element,
      },
      { kind: "store", buffer: 2, index: place([y, x]), value: localValue(local) },
    ],
  };
}

function storesOf(steps: readonly Step[]): number {
  let stores = 0;
  visitSteps(
    steps,
    () => undefined,
    () => stores++,
  );
  return stores;
}

describe("windows that overlap", () => {
  it.each([
    [8, 2, 1, false, 4],
    [10, 3, 3, false, 5],
    [9, 3, 3, false, 3],
    [14, 3, 3, false, 2],
    [49, 3, 3, false, 7],
    [11, 3, 3, false, 1],
    [8, 1, 1, false, 1],
    [8, 8, 8, false, 4],
    [8, 13, 5, false, 1],
    [8, 4, 4, true, 4],
    [8, 17, 1, true, 1],
  ])("in %i rows, of %i × %i, weighted %s: %i rows together", (rows, high, wide, weighted, expected) => {
    const table = () => new ValueTable((buffer) => ({ length: 4096, stored: buffer === 2 }));
    const { axes, steps } = stepsInWindows(windows(rows, high, wide, weighted), table);
    expect(storesOf(steps)).toBe(expected);
    expect(axes[0]?.extent).toBe(expected === 1 ? rows : rows / expected);
  });
});

interface Other {
  readonly dtype?: ElementType;
  readonly combine?: "sum" | "max";
  /** Statements behind the window, or before it, instead of one that stores it. */
  readonly behind?: (result: Scalar, at: Scalar) => readonly Statement[];
  readonly before?: readonly Statement[];
}

const store = (buffer: number, index: Scalar, value: Scalar): Statement => ({ kind: "store", buffer, index, value });

/** Results along axes of these extents, each a combination over windows of `value`. */
function kernelOf(
  extents: readonly number[],
  window: readonly number[],
  value: (at: readonly Scalar[], taps: readonly Scalar[]) => Scalar,
  { dtype = "float32", combine = "sum", before = [], behind }: Other = {},
): LoopKernel {
  const [axes, taps] = [extents.map(newAxis), window.map(newAxis)];
  const local = newLocal(dtype);
  const at = place(axes);
  const rest = behind?.(localValue(local), at) ?? [store(2, at, localValue(local))];
  const reduce: Statement = {
    kind: "reduce",
    local,
    combine,
    axes: taps,
    value: value(axes.map(axisValue), taps.map(axisValue)),
  };
  return { kind: "loops", name: "windows", axes, body: [...before, reduce, ...rest] };
}

const [y, x, i, j] = [0, 1, 0, 1];

const part = (list: readonly Scalar[], at: number): Scalar => list[at] ?? int(0);
/** Elements `down` rows and `across` columns further for each result, and for each element of a window. */
const element =
  (down: number, across: number, tapsDown: number, tapsAcross: number) =>
  (at: readonly Scalar[], taps: readonly Scalar[]): Scalar => {
    const row = add(mul(part(at, y), int(down)), mul(part(taps, i), int(tapsDown)));
    const column = add(mul(part(at, x), int(across)), mul(part(taps, j), int(tapsAcross)));
    return load(0, add(mul(row, int(64)), column), "float32");
  };
const plain = element(1, 1, 1, 1);
const weighted = (at: readonly Scalar[], taps: readonly Scalar[]): Scalar =>
  mul(plain(at, taps), load(1, add(mul(part(taps, i), int(3)), part(taps, j)), "float32"));

const tableOf = (): ValueTable => new ValueTable((buffer) => ({ length: 4096, stored: buffer === 2 }));
const together = (kernel: LoopKernel): number => {
  const { axes } = stepsInWindows(kernel, tableOf);
  return (kernel.axes[0]?.extent ?? 0) / (axes[0]?.extent ?? 0);
};

describe("windows overlap", () => {
  it.each<[string, LoopKernel, boolean, number]>([
    ["along both axes", kernelOf([8, 10], [3, 3], plain), true, 4],
    ["along the first alone", kernelOf([8, 10], [3, 3], element(1, 3, 1, 1)), true, 4],
    ["along the last alone, where lanes are", kernelOf([8, 10], [3, 3], element(3, 1, 1, 1)), true, 1],
    ["two steps apart, of three elements", kernelOf([8, 10], [3, 3], element(2, 3, 1, 1)), true, 4],
    ["nowhere", kernelOf([8, 10], [3, 3], element(3, 3, 1, 1)), false, 1],
    ["with gaps in step", kernelOf([8, 10], [3, 3], element(2, 9, 2, 1)), true, 4],
    ["not with gaps out of step", kernelOf([8, 10], [3, 3], element(3, 100, 2, 1)), false, 1],
    ["not backwards", kernelOf([8, 10], [3, 3], element(-1, 9, 1, 2)), false, 1],
    ["not where all rows read the same", kernelOf([8, 10], [3, 3], element(0, 9, 1, 1)), false, 1],
    [
      "not where places are looked up",
      kernelOf([8, 10], [3, 3], ([at = int(0)], [tap = int(0)]) =>
        load(0, binary("mod", add(at, tap), int(7)), "float32"),
      ),
      false,
      1,
    ],
    [
      "not along weights alone",
      kernelOf([8, 10], [3, 3], (at, taps) => mul(load(0, part(at, y), "float32"), load(1, part(taps, i), "float32"))),
      false,
      1,
    ],
    ["of 64 elements", kernelOf([8, 10], [8, 8], plain), true, 4],
    ["of 65, too many", kernelOf([8, 10], [13, 5], plain), false, 1],
    ["of float64, which are few in registers", kernelOf([8, 10], [3, 3], plain, { dtype: "float64" }), true, 1],
  ])("%s", (_, kernel, expected, rows) => {
    expect([hasWindows(kernel), together(kernel)]).toEqual([expected, rows]);
  });

  it("where values and stores alone follow", () => {
    const local = newLocal("float32");
    const named = (result: Scalar, at: Scalar): readonly Statement[] => [
      { kind: "let", local, value: add(result, result) },
      store(2, at, localValue(local)),
      store(3, at, result),
    ];
    expect(together(kernelOf([8, 10], [3, 3], plain, { behind: named }))).toBe(4);
    const loop = (result: Scalar, at: Scalar): readonly Statement[] => [
      { kind: "for", axes: [newAxis(3)], order: "sequential", body: [store(2, at, result)] },
    ];
    expect(together(kernelOf([8, 10], [3, 3], plain, { behind: loop }))).toBe(1);
    const before = [store(3, int(0), load(4, int(0), "float32"))];
    expect(together(kernelOf([8, 10], [3, 3], plain, { before }))).toBe(1);
    expect(hasWindows(kernelOf([8, 10], [3, 3], plain, { before }))).toBe(false);
  });
});

describe("partial results of rows that are computed together", () => {
  /** In order: the place that each reads last. */
  const places = (kernel: LoopKernel): number[] => {
    const { steps } = stepsInWindows(kernel, tableOf);
    const loadOf = (value: Value): number => {
      if (value.kind === "load") return value.index.constant;
      return value.kind === "binary" ? loadOf(value.a) : Number.NaN;
    };
    return steps.flatMap((step) =>
      step.kind === "force" && step.value.kind === "binary" ? [loadOf(step.value.b)] : [],
    );
  };
  it("go through memory once", () => {
    const found = places(kernelOf([8, 10], [3, 3], plain));
    expect(found).toHaveLength(4 * 9);
    expect(found).toEqual([...found].sort((a, b) => a - b));
    expect(new Set(found).size).toBe(6 * 3);
    expect(places(kernelOf([8, 10], [3, 3], weighted))).toEqual(found);
  });
  it("begin with an element, where they are no sums", () => {
    for (const value of [plain, weighted]) {
      const found = places(kernelOf([8, 10], [3, 3], value, { combine: "max" }));
      expect(found).toHaveLength(4 * 8);
      expect(found).toEqual([...found].sort((a, b) => a - b));
    }
  });
  it("go by the load that moves along most axes, the first of several", () => {
    const backwards = (at: readonly Scalar[], taps: readonly Scalar[]): Scalar =>
      load(1, sub(add(mul(part(at, y), int(640)), add(part(at, x), int(500))), part(taps, i)), "float32");
    const found = places(kernelOf([8, 10], [3, 3], (at, taps) => mul(plain(at, taps), backwards(at, taps))));
    expect(found).toHaveLength(4 * 9);
    expect(found).toEqual([...found].sort((a, b) => a - b));
    const weightFirst = (at: readonly Scalar[], taps: readonly Scalar[]): Scalar =>
      mul(load(1, sub(int(90), part(taps, i)), "float32"), plain(at, taps));
    const { steps } = stepsInWindows(kernelOf([8, 10], [3, 3], weightFirst), tableOf);
    const second = steps.flatMap(({ kind, ...step }) =>
      kind === "force" && "value" in step && step.value.kind === "binary" && step.value.b.kind === "binary"
        ? [step.value.b.b.kind === "load" ? step.value.b.b.index.constant : Number.NaN]
        : [],
    );
    expect(second).toHaveLength(4 * 9);
    expect(second).toEqual([...second].sort((a, b) => a - b));
  });
});

describe("sums at once", () => {
  /** Σ of `first` · `second` over `of`, at outer × taps points. */
  const sumsOf = (
    first: (o: Scalar, t: Scalar, k: readonly Scalar[]) => Scalar,
    second: ((o: Scalar, t: Scalar, k: readonly Scalar[]) => Scalar) | undefined,
    {
      of = [64],
      outer = 16,
      taps = 2,
      ...other
    }: Other & { readonly of?: readonly number[]; readonly outer?: number; readonly taps?: number } = {},
  ): LoopKernel => {
    const read = (buffer: number, index: Scalar): Scalar => load(buffer, index, other.dtype ?? "float32");
    return kernelOf(
      [outer, taps],
      of,
      ([o = int(0), t = int(0)], k) => {
        const one = read(0, first(o, t, k));
        return second === undefined ? one : mul(one, read(1, second(o, t, k)));
      },
      other,
    );
  };
  const shared = (o: Scalar, _: Scalar, [k = int(0)]: readonly Scalar[]): Scalar => add(mul(o, int(64)), k);
  const own = (_: Scalar, t: Scalar, [k = int(0)]: readonly Scalar[]): Scalar => add(mul(t, int(64)), k);
  const strided =
    (stride: number) =>
    (_: Scalar, t: Scalar, [k = int(0)]: readonly Scalar[]): Scalar =>
      add(mul(t, int(200)), mul(k, int(stride)));
  const two = (o: Scalar, _: Scalar, [k = int(0), l = int(0)]: readonly Scalar[]): Scalar =>
    add(mul(o, int(200)), add(mul(k, int(3)), l));
  const sameOfTwo = (_: Scalar, t: Scalar, [k = int(0), l = int(0)]: readonly Scalar[]): Scalar =>
    add(mul(t, int(200)), add(mul(k, int(3)), l));

  it.each<[string, LoopKernel, number]>([
    ["where one load is shared and one is not", sumsOf(shared, own), 2],
    ["where both are", sumsOf(shared, shared), 2],
    ["not where none is", sumsOf(own, own), 1],
    ["not of one load", sumsOf(shared, undefined), 1],
    ["of every second element", sumsOf(shared, strided(2)), 2],
    ["not of every third", sumsOf(shared, strided(3)), 1],
    ["not where a load is the same for all elements", sumsOf(shared, (_, t) => t), 1],
    ["not of places that are looked up", sumsOf(shared, (_, t, [k = int(0)]) => add(t, binary("mod", k, int(7)))), 1],
    ["along the last axis, of two elements too", sumsOf(two, sameOfTwo, { of: [40, 2] }), 2],
    ["along the last axis of more than one element", sumsOf(shared, own, { of: [64, 1] }), 2],
    ["not of float64", sumsOf(shared, own, { dtype: "float64" }), 1],
    ["not of nothing", sumsOf(shared, own, { of: [1] }), 1],
    [
      "not where loops follow",
      sumsOf(shared, own, {
        behind: (result, at) => [
          { kind: "for", axes: [newAxis(3)], order: "sequential", body: [store(2, at, result)] },
        ],
      }),
      1,
    ],
    ["not behind a store", sumsOf(shared, own, { before: [store(3, int(0), load(0, int(0), "float32"))] }), 1],
  ])("%s", (_, kernel, expected) => {
    expect(reductionsOf(sumsAtOnce(kernel))).toBe(expected);
    if (expected === 1) expect(sumsAtOnce(kernel)).toBe(kernel);
  });

  it("give what they gave one by one, with what is made of them", () => {
    const behind = (result: Scalar, at: Scalar): readonly Statement[] => {
      const local = newLocal("float32");
      return [{ kind: "let", local, value: add(result, int32(at)) }, store(2, at, mul(localValue(local), result))];
    };
    const int32 = (index: Scalar): Scalar => ({ kind: "cast", dtype: "float32", x: index });
    const kernel = sumsOf(shared, own, { taps: 3, behind });
    const numbers = (length: number) => Float32Array.from({ length }, (_, at) => ((at * 7) % 11) - 4);
    const arrays = [numbers(16 * 64), numbers(3 * 64), new Float32Array(48)];
    const joined = sumsAtOnce(kernel);
    expect(reductionsOf(joined)).toBe(3);
    expect(runKernels([joined], arrays)).toEqual(runKernels([kernel], arrays));
  });
});
