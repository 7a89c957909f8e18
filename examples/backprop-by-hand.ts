// Backpropagation by hand in a 2-2-1 network: every z, a and δ computed in four ways, which agree.
import { compile, inspect, nn, type Parameter, type Tensor, tensor } from "../src/index.ts";

const f64 = { dtype: "float64" } as const;
const [x1, x2, y] = [0.5, -1, 1];
const [w11, w12, w21, w22] = [0.8, -0.4, 0.3, 0.9];
const [b1, b2] = [0.1, -0.2];
const [v1, v2, c] = [-0.7, 0.5, 0.05];

// 1. By hand. Forward: z = Σ input × weight + bias, a = sigmoid(z), loss = ½(a − y)².
const sigmoid = (z: number): number => 1 / (1 + Math.exp(-z));
const z1 = x1 * w11 + x2 * w12 + b1;
const z2 = x1 * w21 + x2 * w22 + b2;
const [a1, a2] = [sigmoid(z1), sigmoid(z2)];
const z3 = a1 * v1 + a2 * v2 + c;
const a3 = sigmoid(z3);
// Backward: δ = ∂loss/∂z. At the output it is (a − y)·a(1 − a); below, δ above × weight between × a(1 − a).
const d3 = (a3 - y) * a3 * (1 - a3);
const d1 = d3 * v1 * a1 * (1 - a1);
const d2 = d3 * v2 * a2 * (1 - a2);
// The gradient of a weight is δ above × the activation below; that of a bias is δ itself.
const byHand = {
  z: [z1, z2, z3],
  a: [a1, a2, a3],
  δ: [d1, d2, d3],
  weights: [d1 * x1, d1 * x2, d2 * x1, d2 * x2, d3 * a1, d3 * a2],
};
type Numbers = typeof byHand;

// 2. The same network from layers, in float64.
const hidden = new nn.Linear(2, 2, f64);
const output = new nn.Linear(2, 1, f64);
const network = new nn.Sequential(hidden, new nn.Sigmoid(), output, new nn.Sigmoid());
const biasOf = (layer: nn.Linear): Parameter => {
  if (layer.bias === undefined) throw new Error("this layer has no bias");
  return layer.bias;
};
const set: readonly (readonly [Parameter, number[]])[] = [
  [hidden.weight, [w11, w12, w21, w22]],
  [biasOf(hidden), [b1, b2]],
  [output.weight, [v1, v2]],
  [biasOf(output), [c]],
];
for (const [parameter, values] of set) parameter.assign(Float64Array.from(values));
const x = tensor([[x1, x2]], f64);
const wanted = tensor([[y]], f64);
const lossOf = (answer: Tensor): Tensor => answer.sub(wanted).square().sum().mul(0.5);
const forward = (): { z: Tensor[]; a: Tensor[]; loss: Tensor } => {
  const below = hidden.forward(x);
  const between = below.sigmoid();
  const above = output.forward(between);
  const answer = above.sigmoid();
  return { z: [below, above], a: [between, answer], loss: lossOf(answer) };
};

// inspect keeps every intermediate of one run, with its value and its gradient.
function byInspect(): Numbers {
  const listing = inspect(() => lossOf(network.forward(x)));
  const activations = listing.filter((entry) => entry.op === "sigmoid");
  const sums = activations.map((entry) => listing.find((below) => below.name === entry.inputs[0]));
  const weights = ["0.weight", "2.weight"].map((path) => listing.find((entry) => entry.path === path));
  return {
    z: sums.flatMap((entry) => [...(entry?.value ?? [])]),
    a: activations.flatMap((entry) => [...entry.value]),
    δ: sums.flatMap((entry) => [...(entry?.gradient ?? [])]),
    weights: weights.flatMap((entry) => [...(entry?.gradient ?? [])]),
  };
}

// 3. Forward and backward in one compiled program; for one sample the gradient of a bias is δ.
async function byProgram(): Promise<Numbers> {
  const program = compile(() => {
    const { z, a, loss } = forward();
    for (const [parameter] of set) parameter.grad = undefined;
    loss.backward();
    const slope = (parameter: Parameter): Tensor => parameter.grad ?? tensor([Number.NaN], f64);
    return {
      z,
      a,
      deltas: [slope(biasOf(hidden)), slope(biasOf(output))],
      weights: [slope(hidden.weight), slope(output.weight)],
    };
  });
  const { z, a, deltas, weights } = program();
  const read = async (tensors: readonly Tensor[]): Promise<number[]> =>
    (await Promise.all(tensors.map((part) => part.data()))).flatMap((values) => [...values]);
  return { z: await read(z), a: await read(a), δ: await read(deltas), weights: await read(weights) };
}

// 4. Finite differences do not use the chain rule: change one number a little and see how the loss changes.
async function byDifferences(): Promise<Pick<Numbers, "δ" | "weights">> {
  const loss = compile(() => forward().loss);
  const epsilon = 1e-5;
  const slopes = async (parameter: Parameter, values: readonly number[]): Promise<number[]> => {
    const found: number[] = [];
    for (const place of values.keys()) {
      const at = async (delta: number): Promise<number> => {
        parameter.assign(Float64Array.from(values, (value, k) => (k === place ? value + delta : value)));
        return loss().item();
      };
      found.push(((await at(epsilon)) - (await at(-epsilon))) / (2 * epsilon));
    }
    parameter.assign(Float64Array.from(values));
    return found;
  };
  const all: number[][] = [];
  for (const [parameter, values] of set) all.push(await slopes(parameter, values));
  const [first = [], firstBias = [], second = [], secondBias = []] = all;
  return { δ: [...firstBias, ...secondBias], weights: [...first, ...second] };
}

const inspected = byInspect();
const compiled = await byProgram();
const differences = await byDifferences();
const names: Readonly<Record<keyof Numbers, readonly string[]>> = {
  z: ["z1", "z2", "z3"],
  a: ["a1", "a2", "a3"],
  δ: ["δ1", "δ2", "δ3"],
  weights: ["∂w11", "∂w12", "∂w21", "∂w22", "∂v1", "∂v2"],
};
const column = (value: number | undefined): string => (value === undefined ? "" : value.toFixed(9)).padStart(15);
console.log(
  `${"".padEnd(6)}${["by hand", "inspect", "compiled", "differences"].map((name) => name.padStart(15)).join("")}`,
);
let exact = 0;
let approximate = 0;
let count = 0;
for (const kind of ["z", "a", "δ", "weights"] as const) {
  for (const [place, value] of byHand[kind].entries()) {
    const [second, third] = [inspected[kind][place], compiled[kind][place]];
    const fourth = kind === "δ" || kind === "weights" ? (differences[kind][place] ?? Number.NaN) : undefined;
    console.log(`${(names[kind][place] ?? "").padEnd(6)}${[value, second, third, fourth].map(column).join("")}`);
    exact = Math.max(exact, Math.abs((second ?? Number.NaN) - value), Math.abs((third ?? Number.NaN) - value));
    if (fourth !== undefined) approximate = Math.max(approximate, Math.abs(fourth - value));
    count++;
  }
}
console.log(`${count} numbers; hand, inspect and compiled differ by at most ${exact.toExponential(1)}`);
console.log(`finite differences differ by at most ${approximate.toExponential(1)}`);
