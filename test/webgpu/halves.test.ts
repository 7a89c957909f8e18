// Products of float16 on cards with the type, in tiles and in subgroup matrices, with correct drivers and a faulty one.
import { describe, expect, it } from "vitest";
import { formsOf } from "../../src/backends/analysis/kernelForms.ts";
import type { AsynchronousDevice } from "../../src/backends/backend.ts";
import { mapKernel } from "../../src/backends/gpu/mapping.ts";
import type { MatrixShape } from "../../src/backends/gpu/matrices.ts";
import { createReferenceDevice } from "../../src/backends/reference/index.ts";
import { createWebgpuDevice } from "../../src/backends/webgpu/index.ts";
import { compileGraph } from "../../src/compiler/compile.ts";
import { at } from "../../src/graph/at.ts";
import { numbersOf, storedNumbers } from "../../src/graph/halves.ts";
import type { Node } from "../../src/graph/node.ts";
import { conv2d } from "../../src/graph/ops/conv.ts";
import { cast, relu } from "../../src/graph/ops/elementwise.ts";
import { dot } from "../../src/graph/ops/matmul.ts";
import { permute } from "../../src/graph/ops/movement.ts";
import { inputNode, Runner, type Value } from "../conformance/run.ts";
import { webgpuDevice } from "./dawn.ts";
import { type Emulated, emulateHalves } from "./emulatedHalves.ts";

const reference = createReferenceDevice();
const present = (await webgpuDevice()) !== undefined;

const halfWave = (shape: readonly number[], pace: number): Value => {
  const count = shape.reduce((size, extent) => size * extent, 1);
  const waves = Float32Array.from({ length: count }, (_, i) => Math.sin(pace * i));
  return { shape, dtype: "float16", data: [...numbersOf("float16", storedNumbers("float16", waves))] };
};

interface Case {
  readonly name: string;
  readonly shapes: readonly (readonly number[])[];
  /** The number of terms of each sum, none above 1. */
  readonly terms: number;
  readonly output: (inputs: readonly Node[]) => Node;
}

const [first, second] = [(inputs: readonly Node[]) => at(inputs, 0), (inputs: readonly Node[]) => at(inputs, 1)];
const wide = (x: Node): Node => cast(x, "float32");
const product = (m: number, k: number, n: number, aTurned: boolean, bTurned: boolean): Case => ({
  name: `m, k, n = ${m}, ${k}, ${n}; turned: ${aTurned}, ${bTurned}`,
  shapes: [aTurned ? [k, m] : [m, k], bTurned ? [n, k] : [k, n]],
  terms: k,
  output: (inputs) => {
    const upright = (x: Node, turned: boolean): Node => wide(turned ? permute(x, [1, 0]) : x);
    return relu(dot(upright(first(inputs), aTurned), upright(second(inputs), bTurned), 0, 1));
  },
});

const cases: readonly Case[] = [
  product(33, 40, 35, false, false),
  product(70, 33, 70, true, false),
  product(17, 64, 16, false, true),
  product(40, 19, 100, true, true),
  product(9, 8, 300, false, false),
  {
    name: "a convolution with padding",
    shapes: [
      [2, 8, 9, 9],
      [16, 8, 3, 3],
    ],
    terms: 72,
    output: (inputs) => conv2d(first(inputs), second(inputs), undefined, { padding: 1 }),
  },
];

async function opened(emulated: Emulated): Promise<AsynchronousDevice> {
  const end = emulateHalves(emulated);
  const device = createWebgpuDevice();
  try {
    await device.started;
  } finally {
    end();
  }
  return device;
}

/** How the case's product is mapped to a card. */
function kindsOf({ shapes, output }: Case, matrices: MatrixShape | undefined): readonly string[] {
  const inputs = shapes.map((shape) => inputNode({ shape, dtype: "float16" }));
  const { program } = compileGraph("product", [{ node: output(inputs) }]);
  const target = { kind: "card", subgroups: false, float16: true, ...(matrices && { matrices }) } as const;
  return formsOf(program).map(({ form }) => {
    const mapping = mapKernel(form.kernel, target);
    return mapping.kind === "tiles" ? `tiles${mapping.halves ? " of halves" : ""}` : mapping.kind;
  });
}

async function expectRight(device: AsynchronousDevice, { name, shapes, terms, output }: Case): Promise<void> {
  const inputs = shapes.map((shape) => inputNode({ shape, dtype: "float16" }));
  const outputs = [output(inputs)];
  const values = shapes.map((shape, place) => halfWave(shape, 1 + 2 * place));
  const [expected] = new Runner(reference, inputs, outputs).run(values);
  const runner = new Runner(device, inputs, outputs);
  const [found] = await runner.runLater(values);
  runner.release();
  if (expected === undefined || found === undefined) throw new Error("no result");
  // Products of float16 are exact in float32. Each sum is rounded once for each term, and a float16 result once more.
  const own = expected.dtype === "float16" ? 2 ** -10 : 0;
  const wrong = expected.data.filter(
    (value, k) => !(Math.abs(value - at(found.data, k)) <= terms ** 2 * 2 ** -24 + own * Math.abs(value)),
  );
  expect(wrong, `${name}: so many of ${expected.data.length}`).toHaveLength(0);
}

describe.skipIf(!present)("products of float16", () => {
  const drivers: readonly (readonly [string, string, Emulated, readonly Case[]])[] = [
    ["in tiles", "tiles of halves", {}, cases],
    [
      "in matrices of 8 × 16 × 8",
      "matrices",
      { matrices: { M: 8, N: 16, K: 8 } },
      [0, 3, 5].map((place) => at(cases, place)),
    ],
  ];
  it.each(drivers)("%s", { timeout: 300_000 }, async (_, kind, emulated, some) => {
    const device = await opened(emulated);
    expect(device.description.includes("float16 products in matrices")).toBe(kind === "matrices");
    const config = emulated.matrices;
    const matrices = config && { m: config.M, n: config.N, k: config.K, subgroup: 4 };
    for (const one of some) {
      expect(kindsOf(one, matrices), one.name).toContain(kind);
      await expectRight(device, one);
    }
    device.close();
  });

  it.each<[string, Emulated]>([
    ["float16", { flushes: true }],
    ["matrices of subgroups", { flushes: true, matrices: { M: 8, N: 8, K: 8 } }],
  ])("a driver with wrong %s is detected and reported", async (_, emulated) => {
    const device = await opened(emulated);
    expect(device.description).toMatch(/float16 failed a trial and is not used/);
    await expectRight(device, at(cases, 0));
    device.close();
  });
});
