// Random calls of the functions beyond the basic ones against PyTorch: outputs, gradients and gradients of gradients, in float64 to 1e-7.
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { isFloat } from "../../src/graph/dtype.ts";
import { useBackend } from "../../src/runtime/index.ts";
import { compile, type Tensor, valueAndGrad } from "../../src/tensor/index.ts";
import { type Argument, called } from "./calls.ts";
import { backends, type Figure, type Numeral, numbers, tensorOf, weighted } from "./figures.ts";

interface Case {
  readonly call: string;
  readonly args: readonly Argument[];
  readonly inputs: readonly Figure[];
  readonly outputs: readonly Figure[];
  readonly gradients?: readonly (readonly Numeral[] | null)[];
  readonly second?: readonly (readonly Numeral[] | null)[];
}
interface Golden {
  readonly torch: string;
  readonly cases: readonly Case[];
}
const golden = ["parity", "linear"].map((name): [string, Golden] => [
  name,
  JSON.parse(readFileSync(new URL(`${name}.json`, import.meta.url), "utf8")),
]);

const sum = (parts: readonly Tensor[]): Tensor => parts.reduce((total, part) => total.add(part));
/** Σ x · sin(i + 1). */
const weightedAgain = (x: Tensor): Tensor => {
  const weights = Float64Array.from({ length: x.size }, (_, place) => Math.sin(place + 1));
  return x.mul(tensorOf({ shape: x.shape, dtype: "float64", data: [...weights] }, "float64")).sum();
};
const gradientsOf = (fn: (...xs: Tensor[]) => Tensor, at: Tensor[]): Tensor[] => valueAndGrad(fn)(...at)[1];

/** The results of a case, to be computed with those of others as one program. */
function results({ call, args, inputs, gradients, second }: Case): Tensor[] {
  const given = inputs.map((figure) => tensorOf(figure, "float64"));
  const leaves = given.flatMap((input, place) => (isFloat(input.dtype) ? [place] : []));
  const apply = (own: readonly Tensor[]): Tensor[] => {
    const all = given.map((input, place) => (leaves.includes(place) ? (own[leaves.indexOf(place)] ?? input) : input));
    return called(call, args, all);
  };
  const own = leaves.map((place) => given[place] as Tensor);
  const outputs = apply(own);
  if (gradients === undefined) return outputs;
  const loss = (...xs: Tensor[]): Tensor =>
    sum(
      apply(xs)
        .filter(({ dtype }) => isFloat(dtype))
        .map(weighted),
    );
  const first = gradientsOf(loss, own);
  if (second === undefined) return [...outputs, ...first];
  const again = gradientsOf((...xs) => sum(gradientsOf(loss, xs).map(weightedAgain)), own);
  return [...outputs, ...first, ...again];
}

/** Figures have 8 digits: 1e-7 of the largest number of each tensor. */
function differences(what: string, found: ArrayLike<number>, expected: readonly number[]): string[] {
  const largest = Math.max(1, ...expected.filter(Number.isFinite).map(Math.abs));
  return expected.flatMap((value, place) => {
    const actual = found[place] ?? Number.NaN;
    if (Object.is(actual, value) || actual === value) return [];
    return Math.abs(actual - value) <= 1e-7 * largest ? [] : [`${what}[${place}] is ${actual}, not ${value}`];
  });
}

const together = 60;
const chunks = golden.flatMap(([name, { cases }]) =>
  Array.from({ length: Math.ceil(cases.length / together) }, (_, k): [string, number, readonly Case[]] => [
    name,
    k * together,
    cases.slice(k * together, (k + 1) * together),
  ]),
);

describe.each(backends.filter((backend) => backend !== "c" || process.env["HEBB_LONG"] === "1"))(
  `calls of PyTorch ${golden[0]?.[1].torch}, on %s`,
  (backend) => {
    beforeAll(() => {
      useBackend({ backend, threads: 1 });
    });
    it.each(chunks)("%s, from case %i", (_, start, cases) => {
      const counts: number[] = [];
      const whole = compile(() =>
        cases.flatMap((entry) => {
          const made = results(entry);
          counts.push(made.length);
          return made;
        }),
      );
      const found = whole();
      let at = 0;
      const wrong = cases.flatMap((entry, k) => {
        const own = found.slice(at, at + (counts[k] ?? 0));
        at += counts[k] ?? 0;
        const { outputs, gradients = [], second = [] } = entry;
        const label = `${start + k}: ${entry.call} ${JSON.stringify(entry.args)}`;
        const floats = entry.inputs.filter(({ dtype }) => isFloat(dtype)).length;
        return [
          ...outputs.flatMap(({ data, shape }, place) => {
            const output = own[place];
            if (output === undefined || output.shape.join() !== shape.join())
              return [`${label}: shape [${output?.shape}], not [${shape}]`];
            return differences(`${label}: output ${place}`, output.dataSync(), numbers(data));
          }),
          ...gradients.flatMap((data, place) =>
            data === null
              ? []
              : differences(
                  `${label}: gradient ${place}`,
                  own[outputs.length + place]?.dataSync() ?? [],
                  numbers(data),
                ),
          ),
          ...second.flatMap((data, place) =>
            data === null
              ? []
              : differences(
                  `${label}: second gradient ${place}`,
                  own[outputs.length + floats + place]?.dataSync() ?? [],
                  numbers(data),
                ),
          ),
        ];
      });
      expect(wrong).toEqual([]);
    });
  },
);
