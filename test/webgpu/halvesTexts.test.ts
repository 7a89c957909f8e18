// The shaders for float16 and for subgroup matrices, validated by Dawn for a card with both: its null backend has every feature and computes nothing.
import { createRequire } from "node:module";
import { afterAll, expect, it } from "vitest";
import { formsOf } from "../../src/backends/analysis/kernelForms.ts";
import { mapKernel, type Target } from "../../src/backends/gpu/mapping.ts";
import { float16Feature, matrixFeature } from "../../src/backends/webgpu/halves.ts";
import { declarationsFor } from "../../src/backends/webgpu/wgsl/library.ts";
import { shaderOf } from "../../src/backends/webgpu/wgsl/shader.ts";
import { compileGraph } from "../../src/compiler/compile.ts";
import { dot } from "../../src/graph/ops/matmul.ts";
import { inputNode } from "../conformance/run.ts";

interface Dawn {
  create(options: readonly string[]): GPU;
}

/** Held for the life of the process, because Dawn is collected otherwise. */
const held: GPU[] = [];

async function nullDevice(): Promise<GPUDevice | undefined> {
  try {
    const dawn = createRequire(import.meta.url)("webgpu") as Dawn;
    const gpu = dawn.create(["backend=null", "enable-dawn-features=allow_unsafe_apis"]);
    held.push(gpu);
    const adapter = await gpu.requestAdapter();
    return await adapter?.requestDevice({ requiredFeatures: [float16Feature, "subgroups", matrixFeature] });
  } catch (error) {
    console.warn(`skipped on webgpu: ${error instanceof Error ? error.message : error}`);
    return undefined;
  }
}

const device = await nullDevice();
afterAll(() => device?.destroy());

const card = { kind: "card", subgroups: true, float16: true } as const;
const large = { m: 16, n: 16, k: 16, subgroup: 32 };
it.skipIf(device === undefined).each<[string, string, Target, number]>([
  ["tiles", "vec4<f16>", card, 256],
  ["matrices of 16 × 16 × 16, four by four", "sum3_3", { ...card, matrices: large }, 2048],
  ["matrices of 16 × 16 × 16, two by two", "sum1_1", { ...card, matrices: large }, 1000],
  ["a matrix of 16 × 16 × 16 for each subgroup", "sum0_0", { ...card, matrices: large }, 256],
  [
    "matrices of 8 × 16 × 32",
    "subgroup_matrix_left<f16, 32, 8>",
    { ...card, matrices: { m: 8, n: 16, k: 32, subgroup: 64 } },
    512,
  ],
])("%s", async (_, part, target, size) => {
  if (device === undefined) return;
  const [a, b] = [
    inputNode({ shape: [size, 99], dtype: "float16" }),
    inputNode({ shape: [99, size], dtype: "float16" }),
  ];
  const [formed] = formsOf(compileGraph("product", [{ node: dot(a, b, 0, 1) }]).program);
  if (formed === undefined) throw new Error("no kernel");
  const code = shaderOf(formed.form, mapKernel(formed.form.kernel, target));
  expect(code).toContain(part);
  device.pushErrorScope("validation");
  const module = device.createShaderModule({ code: `${code}\n${declarationsFor(code)}` });
  device.createComputePipeline({ layout: "auto", compute: { module, entryPoint: "main" } });
  const refused = await device.popErrorScope();
  expect(refused?.message).toBeUndefined();
});
