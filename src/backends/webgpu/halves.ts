// Which float16 products the GPU offers, and whether they are correct: a trial product checks that when the GPU is opened.

import { flatAxes } from "../../compiler/indexing.ts";
import type { ContractionKernel, Program } from "../../compiler/kernel.ts";
import { at } from "../../graph/at.ts";
import type { ElementType } from "../../graph/dtype.ts";
import { storedNumbers, valueOfBits } from "../../graph/halves.ts";
import { load, localValue, newAxis, newLocal } from "../../graph/scalar.ts";
import type { Target } from "../gpu/mapping.ts";
import { type MatrixShape, matrixTileFor } from "../gpu/matrices.ts";
import { emitProgram, LoadedProgram } from "./executable.ts";
import type { Session } from "./session.ts";

export const float16Feature = "shader-f16";
/** Chromium's name: TypeScript's list only has the standard features. */
export const matrixFeature = "chromium-experimental-subgroup-matrix" as GPUFeatureName;

type Card = Extract<Target, { kind: "card" }>;

/** Chromium's description of a matrix product of a subgroup. */
interface MatrixConfig {
  readonly componentType: string;
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

type AdapterInfo = GPUAdapterInfo & { readonly subgroupMatrixConfigs?: Iterable<MatrixConfig> };

/** The largest float16 matrices with float32 sums that have a tile, if all subgroups have the same size. */
function matricesOf(gpu: GPUDevice): MatrixShape | undefined {
  const info: AdapterInfo = gpu.adapterInfo;
  const { subgroupMinSize, subgroupMaxSize, subgroupMatrixConfigs } = info;
  if (!gpu.features.has(matrixFeature) || subgroupMatrixConfigs === undefined) return undefined;
  if (subgroupMinSize === undefined || subgroupMinSize !== subgroupMaxSize) return undefined;
  const [largest] = [...subgroupMatrixConfigs]
    .filter(({ componentType, resultComponentType }) => componentType === "f16" && resultComponentType === "f32")
    .map(({ M, N, K }): MatrixShape => ({ m: M, n: N, k: K, subgroup: subgroupMinSize }))
    .filter((shape) => matrixTileFor({ batch: 1, ...trialExtents }, shape, 1) !== undefined)
    .sort((one, other) => other.m * other.n * other.k - one.m * one.n * one.k);
  return largest;
}

/** The target with the GPU's float16 support, and part of a sentence that says what is trusted and what is not. */
export async function withHalves(session: Session, target: Card): Promise<{ target: Card; remark: string }> {
  if (!session.gpu.features.has(float16Feature)) return { target, remark: "" };
  const matrices = matricesOf(session.gpu);
  const float16: Card = { ...target, float16: true };
  if (matrices !== undefined) {
    const all: Card = { ...float16, matrices };
    if (await areRight(session, all, trialBatches))
      return { target: all, remark: ", float16 products in matrices of subgroups" };
  }
  if (await areRight(session, float16, [1])) {
    const remark = matrices === undefined ? "" : ", whose matrices of subgroups failed a trial and are not used";
    return { target: float16, remark };
  }
  return { target, remark: ", whose float16 failed a trial and is not used" };
}

/** Batch sizes that together exercise every tile size of every shape of matrices. */
export const trialBatches = [1, 48, 64, 128];

async function areRight(session: Session, target: Card, batches: readonly number[]): Promise<boolean> {
  for (const batch of batches) if (!(await isRight(session, target, batch))) return false;
  return true;
}

/** Not multiples of a tile's extents, and larger than any matrix. */
export const trialExtents = { m: 70, n: 40, k: 35 };
const { m: rows, n: columns, k: steps } = trialExtents;

/** Integers, whose sums are exact. The first row uses multiples of the smallest positive float16, a subnormal that drivers may flush to zero. */
const numbers = {
  a: (i: number, k: number): number => (((7 * i + 3 * k) % 17) - 8) * (i === 0 ? 2 ** -24 : 1),
  b: (k: number, j: number): number => (((5 * k + j) % 13) - 6) * (j === 0 ? 1024 : 1),
};

const filled = (height: number, width: number, number: (i: number, j: number) => number): Float32Array =>
  Float32Array.from({ length: height * width }, (_, place) => number(Math.floor(place / width), place % width));

/** Whether a float16 product is correct to the last bit with the target's kernels. */
async function isRight(session: Session, target: Card, batch: number): Promise<boolean> {
  const { gpu } = session;
  const [a, b] = [filled(rows, steps, numbers.a), filled(steps, columns, numbers.b)];
  const expected = filled(rows, columns, (i, j) => {
    let sum = 0;
    for (let k = 0; k < steps; k++) sum += numbers.a(i, k) * numbers.b(k, j);
    return sum;
  });
  const places = [0, 2 ** 16, 2 ** 17];
  gpu.pushErrorScope("internal");
  gpu.pushErrorScope("validation");
  const loaded = new LoadedProgram(session, emitProgram(productOfHalves(batch), target));
  await session.heap.ensure(places.length * 2 ** 16);
  for (const [side, values] of [a, b].entries()) session.write(at(places, side), storedNumbers("float16", values));
  session.fill(at(places, 2), "float32", expected.length, Number.NaN);
  loaded.run(places, 0);
  const found = await session.read(at(places, 2), "float32", expected.length);
  loaded.release();
  const refused = [await gpu.popErrorScope(), await gpu.popErrorScope()];
  return refused.every((error) => error === null) && expected.every((value, place) => value === found[place]);
}

/** The same product `batch` times, each storing the same results in the same place. */
function productOfHalves(batch: number): Program {
  const [m, n, k] = [newAxis(rows), newAxis(columns), newAxis(steps)];
  const result = newLocal("float32");
  const kernel: ContractionKernel = {
    kind: "contraction",
    name: "trial",
    batch: batch === 1 ? [] : [newAxis(batch)],
    m: [m],
    n: [n],
    k: [k],
    a: valueOfBits(load(0, flatAxes([m, k]), "uint16"), "float16"),
    b: valueOfBits(load(1, flatAxes([k, n]), "uint16"), "float16"),
    dtype: "float32",
    result,
    epilogue: [{ kind: "store", buffer: 2, index: flatAxes([m, n]), value: localValue(result) }],
  };
  const buffers = [rows * steps, steps * columns, rows * columns].map((length, id) => {
    const dtype: ElementType = id === 2 ? "float32" : "uint16";
    return { id, name: `trial${id}`, dtype, length, placement: { kind: "argument", slot: id } } as const;
  });
  return { name: "trial", buffers, kernels: [kernel], checks: [], argumentCount: 3, windowCount: 0, arenaBytes: 0 };
}
