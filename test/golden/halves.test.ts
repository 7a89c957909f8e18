// Random calls on float16 and bfloat16 against PyTorch: the dtypes of results, and errors close to PyTorch's own.
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import type { DType } from "../../src/graph/dtype.ts";
import { isFloat } from "../../src/graph/dtype.ts";
import { useBackend } from "../../src/runtime/index.ts";
import { compile, type Tensor, tensor, valueAndGrad } from "../../src/tensor/index.ts";
import { type Argument, called } from "./calls.ts";
import { backends, type Figure, numbers } from "./figures.ts";

interface Case {
  readonly call: string;
  readonly args: readonly Argument[];
  readonly dtype: "float16" | "bfloat16";
  readonly inputs: readonly Figure[];
  /** With the dtype of PyTorch and the numbers of float64. */
  readonly outputs: readonly Figure[];
  readonly gradients: readonly (readonly number[] | null)[];
  /** PyTorch's error in the dtype, relative to the largest number. */
  readonly lost: readonly (number | null)[];
  readonly gradientsLost: readonly (number | null)[];
}
const golden: { readonly torch: string; readonly cases: readonly Case[] } = JSON.parse(
  readFileSync(new URL("halves.json", import.meta.url), "utf8"),
);

/** Half a unit in the last place of 1. */
const unit = { float16: 2 ** -11, bfloat16: 2 ** -8 } as const;
/** The result is rounded once, one intermediate result is rounded once, and PyTorch rounds one more that we do not. */
const leastUnits = 3;
const timesTheirs = 2;

const held = ({ shape, dtype, data }: Figure): Tensor =>
  tensor(Float64Array.from(numbers(data)), { shape, dtype: dtype satisfies DType });

/** Σ output · cos(i + 1) in float64. */
const weighted = (output: Tensor): Tensor => {
  const weights = Float64Array.from({ length: output.size }, (_, place) => Math.cos(place + 1));
  return output
    .to("float64")
    .mul(tensor(weights, { shape: output.shape }))
    .sum();
};

/** The results of a case, to be computed with those of others as one program. */
function results({ call, args, inputs }: Case): { outputs: Tensor[]; gradients: (Tensor | undefined)[] } {
  const given = inputs.map(held);
  const leaves = given.filter(({ dtype }) => isFloat(dtype));
  const apply = (own: readonly Tensor[]): Tensor[] => {
    let next = 0;
    return called(
      call,
      args,
      given.map((input) => (isFloat(input.dtype) ? (own[next++] ?? input) : input)),
    );
  };
  const outputs = apply(leaves);
  const differentiable = outputs.some(({ dtype }) => isFloat(dtype)) && leaves.length > 0;
  if (!differentiable) return { outputs, gradients: [] };
  const slopes = valueAndGrad((...xs: Tensor[]) =>
    apply(xs)
      .filter(({ dtype }) => isFloat(dtype))
      .map(weighted)
      .reduce((total, part) => total.add(part)),
  )(...leaves)[1];
  let next = 0;
  return { outputs, gradients: given.map(({ dtype }) => (isFloat(dtype) ? slopes[next++] : undefined)) };
}

function errorOf(found: ArrayLike<number>, expected: readonly number[]): number {
  const largest = Math.max(1e-3, ...expected.map(Math.abs));
  return expected.reduce((worst, value, place) => {
    const error = Math.abs((found[place] ?? Number.NaN) - value) / largest;
    return error <= worst ? worst : Number.isNaN(error) ? Number.POSITIVE_INFINITY : error;
  }, 0);
}

const together = 50;
const chunks = Array.from(
  { length: Math.ceil(golden.cases.length / together) },
  (_, k) => [k * together, golden.cases.slice(k * together, (k + 1) * together)] as const,
);

// Compiling that many programs is slow; test/halves.test.ts covers the c backend.
describe.each(backends.filter((backend) => backend !== "c" || process.env["HEBB_LONG"] === "1"))(
  `floats of 16 bits as PyTorch ${golden.torch}, on %s`,
  (backend) => {
    beforeAll(() => {
      useBackend({ backend, threads: 1 });
    });
    it.each(chunks)("from case %i", (start, cases) => {
      const made: { outputs: number; gradients: (number | undefined)[] }[] = [];
      const whole = compile(() => {
        const all: Tensor[] = [];
        for (const entry of cases) {
          const { outputs, gradients } = results(entry);
          const first = all.push(...outputs) - outputs.length;
          made.push({ outputs: first, gradients: gradients.map((slope) => slope && all.push(slope) - 1) });
        }
        return all;
      });
      const found = whole();
      const wrong = cases.flatMap((entry, k) => {
        const label = `${start + k}: ${entry.call} ${JSON.stringify(entry.args)} ${entry.dtype}`;
        const least = leastUnits * unit[entry.dtype];
        const check = (
          what: string,
          output: Tensor | undefined,
          expected: readonly number[],
          theirs: number | null,
        ) => {
          if (theirs === null) return [];
          const error = errorOf(output?.dataSync() ?? [], expected);
          const bound = Math.max(least, timesTheirs * theirs);
          return error <= bound ? [] : [`${label}: ${what} differs by ${error}, PyTorch by ${theirs}`];
        };
        const { outputs, gradients } = made[k] ?? { outputs: 0, gradients: [] };
        return [
          ...entry.outputs.flatMap(({ data, dtype, shape }, place) => {
            const output = found[outputs + place];
            if (output?.dtype !== dtype || output.shape.join() !== shape.join())
              return [`${label}: output ${place} is ${output}, not ${dtype}[${shape}]`];
            return check(`output ${place}`, output, numbers(data), entry.lost[place] ?? null);
          }),
          ...entry.gradients.flatMap((data, place) => {
            const at = gradients[place];
            if (data === null || at === undefined) return [];
            return check(`gradient ${place}`, found[at], data, entry.gradientsLost[place] ?? null);
          }),
        ];
      });
      expect(wrong).toEqual([]);
    });
  },
);
