// gridSample, affineGrid and normalised weights against PyTorch in float64; rotary and ALiBi positions against their defining properties.
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import {
  compile,
  grad,
  HebbError,
  nn,
  optim,
  type Parameter,
  type Tensor,
  tensor,
  useBackend,
} from "../../src/index.ts";

beforeAll(() => useBackend({ backend: "wasm", threads: 1 }));

interface GridCase {
  readonly size: readonly number[];
  readonly out: readonly number[];
  readonly mode: "bilinear" | "nearest" | "bicubic";
  readonly paddingMode: "zeros" | "border" | "reflection";
  readonly alignCorners: boolean;
  readonly value: readonly number[];
  readonly gradients: readonly (readonly number[])[];
}
const golden: {
  readonly cases: readonly GridCase[];
  readonly grids: readonly {
    readonly size: readonly number[];
    readonly alignCorners: boolean;
    readonly value: readonly number[];
    readonly gradient: readonly number[];
  }[];
  readonly norms: Readonly<Record<string, readonly (readonly number[])[]>>;
} = JSON.parse(readFileSync(new URL("sampling.json", import.meta.url), "utf8"));

function wave(shape: readonly number[], step: number): Tensor {
  const size = shape.reduce((product, extent) => product * extent, 1);
  return tensor(
    Float64Array.from({ length: size }, (_, place) => Math.sin(place * step + 0.3)),
    { shape: [...shape] },
  );
}
const weighted = (x: Tensor): Tensor =>
  x
    .mul(
      tensor(
        Float64Array.from({ length: x.size }, (_, place) => Math.cos(place + 1)),
        { shape: [...x.shape] },
      ),
    )
    .sum();

/** A few dozen roundings of float64 on numbers below 100. */
function close(actual: Tensor | undefined, wanted: readonly number[] = [], what = ""): void {
  const found = [...(actual?.dataSync() ?? [])];
  expect(found.length, what).toBe(wanted.length);
  found.forEach((value, place) => {
    expect(Math.abs(value - (wanted[place] ?? Number.NaN)), `${what}[${place}]`).toBeLessThan(1e-11);
  });
}

describe("gridSample", () => {
  it.each(
    golden.cases.map(
      (entry) => [`${entry.size} ${entry.mode} ${entry.paddingMode} ${entry.alignCorners}`, entry] as const,
    ),
  )("%s", (_, { size, out, value, gradients, ...options }) => {
    const x = wave([2, 2, ...size], 0.7);
    const grid = wave([2, ...out, size.length], 1.9).mul(1.7);
    const run = (a: Tensor, b: Tensor): Tensor => nn.functional.gridSample(a, b, options);
    close(run(x, grid), value, "value");
    const found = grad((a: Tensor, b: Tensor) => weighted(run(a, b)))(x, grid);
    close(found[0], gradients[0], "of the image");
    close(found[1], gradients[1], "of the grid");
  });

  it("refuses arguments that do not fit", () => {
    expect(() => nn.functional.gridSample(wave([1, 1, 2, 2], 1), wave([1, 2, 2, 3], 1))).toThrow(
      "with a grid [N, h, w, 2]",
    );
    const box = [wave([1, 1, 2, 2, 2], 1), wave([1, 2, 2, 2, 3], 1)] as const;
    expect(() => nn.functional.gridSample(...box, { mode: "bicubic" })).toThrow(HebbError);
  });
});

it.each(golden.grids.map((entry) => [`${entry.size} ${entry.alignCorners}`, entry] as const))(
  "affineGrid %s",
  (_, { size, alignCorners, value, gradient }) => {
    const theta = wave([2, size.length - 2, size.length - 1], 0.9);
    close(nn.functional.affineGrid(theta, size, { alignCorners }), value, "value");
    close(
      grad((x: Tensor) => weighted(nn.functional.affineGrid(x, size, { alignCorners })))(theta),
      gradient,
      "gradient",
    );
  },
);

describe("nn.utils", () => {
  const linear = (): nn.Linear => {
    const layer = new nn.Linear(4, 5, { dtype: "float64" });
    layer.weight.assign(wave([5, 4], 0.8));
    layer.bias?.assign(wave([5], 1.1));
    return layer;
  };
  const x = wave([3, 4], 0.5);
  const field = (layer: nn.Linear, name: string): Parameter => Reflect.get(layer, name) as Parameter;

  it.each([0, 1, null])("weightNorm over dim %s", (dim) => {
    const layer = nn.utils.weightNorm(linear(), { dim });
    expect(layer.namedParameters().map(([name]) => name)).toEqual(["bias", "weight_g", "weight_v"]);
    const output = layer.forward(x);
    weighted(output).backward();
    const [value, ofLength, ofDirection] = golden.norms[`weight ${dim === null ? "None" : dim}`] ?? [];
    close(output, value, "output");
    close(field(layer, "weightG").grad, ofLength, "of the length");
    close(field(layer, "weightV").grad, ofDirection, "of the direction");
    nn.utils.removeWeightNorm(layer);
    expect(layer.namedParameters().map(([name]) => name)).toEqual(["bias", "weight"]);
    close(layer.forward(x), value, "afterwards");
    expect(() => nn.utils.removeWeightNorm(layer)).toThrow("is not normalised by weightNorm");
  });

  it("spectralNorm", () => {
    const layer = nn.utils.spectralNorm(linear());
    const unit = (v: Tensor): Tensor => v.div(v.norm());
    field(layer, "weightU").assign(unit(wave([5], 0.6)));
    field(layer, "weightV").assign(unit(wave([4], 0.9)));
    const output = layer.forward(x);
    weighted(output).backward();
    const [value, gradient, left, right] = golden.norms.spectral ?? [];
    close(output, value, "output");
    close(field(layer, "weightOrig").grad, gradient, "gradient");
    close(field(layer, "weightU"), left, "u");
    close(field(layer, "weightV"), right, "v");
    layer.eval();
    const used = layer.forward(x).toArraySync();
    expect(layer.forward(x).toArraySync()).toEqual(used);
  });

  it("trains a normalised weight inside compile", () => {
    const layer = nn.utils.weightNorm(linear());
    const optimizer = new optim.SGD(layer.parameters(), { lr: 0.05 });
    const step = compile((input: Tensor) => {
      optimizer.zeroGrad();
      const loss = layer.forward(input).square().mean();
      loss.backward();
      optimizer.step();
      return loss;
    });
    const losses = Array.from({ length: 30 }, () => step(x).itemSync());
    expect(losses.at(-1)).toBeLessThan(0.5 * (losses[0] as number));
  });

  it("converts parameters to a vector, and packs sequences side by side", () => {
    const layer = linear();
    const vector = nn.utils.parametersToVector(layer.parameters());
    expect(vector.shape).toEqual([25]);
    nn.utils.vectorToParameters(vector.mul(2), layer.parameters());
    expect(nn.utils.parametersToVector(layer.parameters()).toArraySync()).toEqual(vector.mul(2).toArraySync());
    expect(() => nn.utils.vectorToParameters(vector.slice(0, 1), layer.parameters())).toThrow("need [25] values");
    close(nn.utils.getTotalNorm([x, vector]), [Math.hypot(x.norm().itemSync(), vector.norm().itemSync())]);
    const rows = [tensor([1, 2, 3]), tensor([4])];
    const padded = nn.utils.padSequence(rows, { paddingValue: -1, batchFirst: true });
    expect(padded.toArraySync()).toEqual([
      [1, 2, 3],
      [4, -1, -1],
    ]);
    expect(nn.utils.padSequence(rows, { paddingSide: "left" }).toArraySync()).toEqual([
      [1, 0],
      [2, 0],
      [3, 4],
    ]);
    const apart = nn.utils.unpadSequence(padded, [3, 1], { batchFirst: true });
    expect(apart.map((row) => row.toArraySync())).toEqual([[1, 2, 3], [4]]);
  });
});

describe("positions", () => {
  it.each([false, true])("products of rotated rows depend on their distance alone, interleaved %s", (interleaved) => {
    const [query, key] = [wave([1, 6], 0.4), wave([1, 6], 1.3)];
    const score = (i: number, j: number): number => {
      const at = (x: Tensor, place: number): Tensor =>
        nn.functional.rotary(x, { positions: tensor([place]), interleaved });
      return at(query, i).mul(at(key, j)).sum().itemSync();
    };
    expect(score(7, 4)).toBeCloseTo(score(103, 100), 10);
    expect(score(7, 4)).not.toBeCloseTo(score(7, 5), 3);
    close(nn.functional.rotary(query, { interleaved }), [...query.dataSync()], "position 0");
  });

  it("ALiBi's slopes and distances, for powers of two and others", () => {
    const bias = nn.functional.alibi(8, 2, { keys: 3 }).toArraySync() as number[][][];
    expect(bias[0]).toEqual([
      [-0.5, -0, -0.5],
      [-1, -0.5, -0],
    ]);
    expect(bias[7]?.[1]?.[0]).toBe(-2 * 2 ** -8);
    const slopes = nn.functional.alibi(6, 1, { keys: 2 }).select(1, 0).select(1, 0).neg();
    // The four slopes of 4 heads, then every other one of 8 heads.
    expect([...slopes.dataSync()]).toEqual([2 ** -2, 2 ** -4, 2 ** -6, 2 ** -8, 2 ** -1, 2 ** -3]);
  });
});
