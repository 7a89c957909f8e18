// Emulates float16 and subgroup matrices on drivers that lack both: the same shaders, with float32 in place of float16 and a few functions in place
// of matrices.
import { createRequire } from "node:module";
import { float16Feature, matrixFeature } from "../../src/backends/webgpu/halves.ts";
import { takeForCards } from "./dawn.ts";

export interface Emulated {
  readonly matrices?: { readonly M: number; readonly N: number; readonly K: number };
  /** A driver that flushes subnormals to zero. */
  readonly flushes?: boolean;
}

/** Makes adapters offer the emulated features until the returned function is called. */
export function emulateHalves(emulated: Emulated): () => void {
  const end = takeForCards();
  const { globals } = createRequire(import.meta.url)("webgpu") as { readonly globals: { readonly GPU: typeof GPU } };
  const { prototype } = globals.GPU;
  const ask = prototype.requestAdapter;
  const offered = new Set<string>(emulated.matrices ? [float16Feature, matrixFeature] : [float16Feature]);
  prototype.requestAdapter = async function (this: GPU, ...options: Parameters<typeof ask>) {
    const adapter = await ask.apply(this, options);
    if (adapter === null) return null;
    const open = adapter.requestDevice.bind(adapter);
    Object.defineProperty(adapter, "features", { value: new Set([...adapter.features, ...offered]) });
    Object.defineProperty(adapter, "requestDevice", {
      value: async ({ requiredFeatures = [], ...rest }: GPUDeviceDescriptor) => {
        const device = await open({
          ...rest,
          requiredFeatures: [...requiredFeatures].filter((name) => !offered.has(name)),
        });
        const { subgroupMinSize, subgroupMaxSize } = device.adapterInfo;
        const config = { componentType: "f16", resultComponentType: "f32", ...emulated.matrices };
        const subgroupMatrixConfigs = emulated.matrices === undefined ? [] : [config];
        const create = device.createShaderModule.bind(device);
        Object.defineProperties(device, {
          features: { value: new Set([...device.features, ...offered]) },
          adapterInfo: { value: { subgroupMinSize, subgroupMaxSize, subgroupMatrixConfigs } },
          createShaderModule: {
            value: ({ code, ...others }: GPUShaderModuleDescriptor) =>
              create({ ...others, code: emulatedText(code, emulated) }),
          },
        });
        return device;
      },
    });
    return adapter;
  };
  return () => {
    prototype.requestAdapter = ask;
    end();
  };
}

function emulatedText(code: string, { matrices, flushes = false }: Emulated): string {
  const plain = code
    .replace(/^enable (f16|chromium_experimental_subgroup_matrix);\n/gm, "")
    .replaceAll("bitcast<vec2<f16>>(", flushes ? "flushed(" : "unpack2x16float(")
    .replace(/^alias .*$/gm, "")
    .replace(/subgroupMatrixLoad<Left>\(&shared_a, (\w+), true, (\w+)\)/g, "leftAt($1, $2)")
    .replace(/subgroupMatrixLoad<Right>\(&shared_b, (\w+), false, (\w+)\)/g, "rightAt($1, $2)")
    .replace(/subgroupMatrixMultiplyAccumulate\(/g, "productAnd(")
    .replace(/subgroupMatrixStore\(&shared_sum, (\w+), (\w+), false, (\w+)\)/g, "put($1, $2, $3)")
    .replaceAll("f16", "f32");
  const flushing = `fn flushed(pair: u32) -> vec2<f32> {
  let both = unpack2x16float(pair);
  return select(both, vec2<f32>(), abs(both) < vec2<f32>(6.1e-5f));
}`;
  const text = flushes && plain.includes("flushed(") ? `${plain}\n${flushing}` : plain;
  if (matrices === undefined || !plain.includes("Sum()")) return text;
  const { M, N, K } = matrices;
  // Every invocation holds the whole matrix.
  return `${text}
struct Left { cells: array<f32, ${M * K}> }
struct Right { cells: array<f32, ${K * N}> }
struct Sum { cells: array<f32, ${M * N}> }
fn leftAt(place: u32, stride: u32) -> Left {
  var x: Left;
  for (var i = 0u; i < ${M}u; i++) { for (var k = 0u; k < ${K}u; k++) { x.cells[i * ${K}u + k] = shared_a[place + k * stride + i]; } }
  return x;
}
fn rightAt(place: u32, stride: u32) -> Right {
  var x: Right;
  for (var k = 0u; k < ${K}u; k++) { for (var j = 0u; j < ${N}u; j++) { x.cells[k * ${N}u + j] = shared_b[place + k * stride + j]; } }
  return x;
}
fn productAnd(a: Left, b: Right, before: Sum) -> Sum {
  var x = before;
  for (var i = 0u; i < ${M}u; i++) { for (var j = 0u; j < ${N}u; j++) { for (var k = 0u; k < ${K}u; k++) {
    x.cells[i * ${N}u + j] += a.cells[i * ${K}u + k] * b.cells[k * ${N}u + j];
  } } }
  return x;
}
fn put(place: u32, x: Sum, stride: u32) {
  for (var i = 0u; i < ${M}u; i++) { for (var j = 0u; j < ${N}u; j++) { shared_sum[place + i * stride + j] = x.cells[i * ${N}u + j]; } }
}
`;
}
