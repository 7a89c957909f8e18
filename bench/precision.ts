// The error of float32 here against that of PyTorch's float32, both relative to float64, for the cases of bench/precision.py:
//
//   python -P bench/precision.py 1200 > FILE; node scripts/run.mjs bench/precision.ts FILE [c|wasm|reference]
//
// An error is relative to the largest number of its tensor. Errors below half a unit in the last place, which are mere rounding, count as that.
import { readFileSync } from "node:fs";
import { backendNames } from "../src/backends/backend.ts";
import { HebbError } from "../src/graph/errors.ts";
import { compile, type Tensor, useBackend, valueAndGrad } from "../src/index.ts";
import { type Argument, called } from "../test/golden/calls.ts";
import { type Figure, type Numeral, numbers, tensorOf, weighted } from "../test/golden/figures.ts";

/** A tensor in float64, and the largest error of PyTorch's float32. */
interface Expected {
  readonly values: readonly Numeral[];
  readonly theirs: number;
}
interface Case {
  readonly call: string;
  readonly args: readonly Argument[];
  readonly inputs: readonly Figure[];
  readonly outputs: readonly (Expected | null)[];
  readonly gradients: readonly (Expected | null)[];
}

const [file, name = "wasm"] = process.argv.slice(2);
const backend = backendNames.find((each) => each === name);
if (file === undefined) throw new HebbError("say which file bench/precision.py has made");
if (backend === undefined) throw new HebbError(`there is no backend ${name}; use ${backendNames.join(", ")}`);
// Rounding is measured, not speed: each program runs once and is not worth long compilation.
process.env["HEBB_CFLAGS"] ??= "-O1";
useBackend({ backend, threads: 1 });
const { torch, cases }: { torch: string; cases: readonly Case[] } = JSON.parse(readFileSync(file, "utf8"));

const halfUnit = 2 ** -24;
/** Where float32 has less than two correct digits, there is nothing to compare. */
const hopeless = 1e-2;

/** Outputs, then gradients; undefined where a tensor has none. */
function results({ call, args, inputs, gradients }: Case): readonly (Tensor | undefined)[] {
  const given = inputs.map((figure) => tensorOf(figure, "float32"));
  const leaves = given.filter(({ dtype }) => dtype === "float32");
  const apply = (own: readonly Tensor[]): Tensor[] => {
    const rest = [...own];
    const held = given.map((input) => (input.dtype === "float32" ? (rest.shift() ?? input) : input));
    return called(call, args, held);
  };
  const outputs = apply(leaves);
  if (gradients.length === 0) return outputs;
  const loss = (...own: Tensor[]): Tensor =>
    apply(own)
      .filter(({ dtype }) => dtype === "float32")
      .map(weighted)
      .reduce((total, part) => total.add(part));
  return [...outputs, ...valueAndGrad(loss)(...leaves)[1]];
}

function errorOf(found: ArrayLike<number>, { values }: Expected): number {
  const expected = numbers(values);
  const largest = Math.max(...expected.map(Math.abs));
  return Math.max(...expected.map((value, place) => Math.abs((found[place] ?? Number.NaN) - value))) / largest;
}

interface Compared {
  readonly what: string;
  readonly ours: number;
  readonly theirs: number;
  readonly ratio: number;
}
const compared: Compared[] = [];
const refused = new Map<string, string>();
let without = 0;
for (const entry of cases) {
  const what = `${entry.call} ${JSON.stringify(entry.args)} of ${JSON.stringify(entry.inputs.map(({ shape }) => shape))}`;
  const expected = [...entry.outputs, ...entry.gradients];
  let found: readonly (Tensor | undefined)[];
  try {
    found = compile(() => results(entry).filter((each) => each !== undefined))();
  } catch (error) {
    if (!(error instanceof HebbError)) throw error;
    refused.set(entry.call, error.message);
    continue;
  }
  for (const [place, figure] of expected.entries()) {
    if (figure === null) continue;
    if (figure.theirs > hopeless) {
      without++;
      continue;
    }
    const ours = errorOf(found[place]?.dataSync() ?? [], figure);
    const ratio = Math.max(ours, halfUnit) / Math.max(figure.theirs, halfUnit);
    const part = place < entry.outputs.length ? `output ${place}` : `gradient ${place - entry.outputs.length}`;
    compared.push({ what: `${part} of ${what}`, ours, theirs: figure.theirs, ratio });
  }
}
compared.sort((a, b) => a.ratio - b.ratio);
const at = (share: number): string => (compared[Math.floor(share * (compared.length - 1))]?.ratio ?? 0).toFixed(2);
console.info(
  `${compared.length} tensors of ${cases.length} calls on ${backend}, beside PyTorch ${torch}; ${without} without two digits in float32.`,
);
console.info(`error beside PyTorch's: median ${at(0.5)}, 90 % ${at(0.9)}, 99 % ${at(0.99)}, largest ${at(1)}`);
for (const [call, why] of refused) console.info(`not computed: ${call}: ${why}`);
for (const { what, ours, theirs, ratio } of compared.filter(({ ratio }) => !(ratio <= 4)).reverse())
  console.info(`${ratio.toFixed(1)} x: ${ours.toExponential(1)} : ${theirs.toExponential(1)}  ${what.slice(0, 200)}`);
