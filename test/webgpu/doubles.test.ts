// float64 in WGSL, bit by bit: every operation on edges and random pairs, compared with the processor.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findAdapter, openDevice } from "../../src/backends/webgpu/adapter.ts";
import { grid } from "../../src/backends/webgpu/pipelines.ts";
import { Session } from "../../src/backends/webgpu/session.ts";
import { declarationsFor } from "../../src/backends/webgpu/wgsl/library.ts";
import { webgpuDevice } from "./dawn.ts";

const device = await webgpuDevice();
device?.close();
const session = device && new Session(await openDevice(await findAdapter("any")), declarationsFor, () => undefined);
afterAll(() => session?.close());

const edges = [
  ...[
    0,
    -0,
    1,
    -1,
    0.5,
    -0.5,
    1.5,
    2.5,
    -2.5,
    3,
    1 / 3,
    Math.PI,
    1e-310,
    -5e-324,
    2 ** -1022,
    2 ** 52,
    2 ** 53 - 1,
    1e16,
  ],
  ...[
    1e300,
    -1e300,
    Number.MAX_VALUE,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    Number.NaN,
    2147483647,
    -2147483648,
  ],
];

/** Pairs of all edges, then of random bits, then of close numbers, whose difference cancels. */
function pairs(): readonly (readonly [number, number])[] {
  let state = 12345;
  const word = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state ^ (state >>> 13)) >>> 0;
  };
  const bits = new DataView(new ArrayBuffer(8));
  const any = (): number => {
    bits.setUint32(0, word());
    bits.setUint32(4, word());
    return bits.getFloat64(0);
  };
  const close = (): number => (word() / 2 ** 32 + word() / 2 ** 64 + 0.5) * 2 ** ((word() % 9) - 4);
  return [
    ...edges.flatMap((a) => edges.map((b) => [a, b] as const)),
    ...Array.from({ length: 1500 }, () => [any(), any()] as const),
    ...Array.from({ length: 1500 }, () => [close(), -close()] as const),
  ];
}

const modulo = (a: number, b: number): number => {
  const rest = a % b;
  return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
};
const halfEven = (x: number): number => {
  if (!(Math.abs(x) < 2 ** 52)) return x;
  const size = Math.abs(x) + 2 ** 52 - 2 ** 52;
  return Object.is(x, -0) || x < 0 ? -size : size;
};
const truth = (holds: boolean): number => (holds ? 1 : 0);

/** The expression and its meaning. A result that is not a double is in the lower word. */
const operations: readonly (readonly [string, (a: number, b: number) => number, "double" | "word"])[] = [
  ["doubleAdd(a, b)", (a, b) => a + b, "double"],
  ["doubleMul(a, b)", (a, b) => a * b, "double"],
  ["doubleDiv(a, b)", (a, b) => a / b, "double"],
  ["doubleSqrt(doubleAbs(a))", (a) => Math.sqrt(Math.abs(a)), "double"],
  ["doubleMod(doubleMul(a, vec2<u32>(0u, 0x3ff00000u)), b)", modulo, "double"],
  ["doubleRound(a)", halfEven, "double"],
  ["doubleTrunc(a)", Math.trunc, "double"],
  ["doubleMax(a, b)", Math.max, "double"],
  ["doubleMin(a, b)", Math.min, "double"],
  ["doubleTruth(doubleLess(a, b))", (a, b) => truth(a < b), "word"],
  ["doubleTruth(doubleLessEqual(a, b))", (a, b) => truth(a <= b), "word"],
  ["doubleTruth(doubleEqual(a, b))", (a, b) => truth(a === b), "word"],
  ["doubleFromF32(f32FromDouble(a))", Math.fround, "double"],
  ["doubleFromI32(i32FromDouble(a))", (a) => Math.trunc(Math.min(Math.max(a, -2147483648), 2147483647)) || 0, "double"],
];

const shader = (operation: string, count: number): string => `
@group(0) @binding(0) var<storage, read_write> heap: array<u32>;
@group(0) @binding(1) var<storage, read> status: array<u32>;
@group(0) @binding(2) var<uniform> base: vec4<u32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) id: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
  let place = (id.x * 64u + lane) * 4u;
  if (place >= ${4 * count}u || status[0] != 0u) { return; }
  let a = vec2<u32>(heap[place], heap[place + 1u]);
  let b = vec2<u32>(heap[place + 2u], heap[place + 3u]);
  let r = ${operation};
  let to = ${4 * count}u + place / 2u + base.x;
  heap[to] = r.x;
  heap[to + 1u] = r.y;
}
`;

describe.skipIf(session === undefined)("float64 in WGSL", () => {
  if (session === undefined) return;
  const given = pairs();
  const values = Float64Array.from(given.flat());
  beforeAll(() => session.heap.ensure(3 * values.byteLength));
  const { gpu, heap, pipelines, status } = session;
  const base = gpu.createBuffer({ size: 256, usage: 0x40 | 0x8 });

  it.each(operations)("%s", async (text, expected, kind) => {
    session.write(0, values);
    const group = pipelines.bindGroup("plain", heap.buffer, status, base, 256);
    const pipeline = pipelines.take(shader(text, given.length), "plain");
    session.submit((pass) => {
      pass.setPipeline(pipeline);
      pass.setBindGroup(0, group, [0]);
      pass.dispatchWorkgroups(...grid(Math.ceil(given.length / 64)));
    });
    const found = await session.read(values.byteLength, "float64", given.length);
    const words = new Uint32Array(found.buffer);
    const wrong = given.flatMap(([a, b], place) => {
      const right = expected(a, b);
      const value = kind === "double" ? found[place] : words[2 * place];
      // For minima and maxima either zero is accepted.
      return Object.is(value, right) || (value === right && /M(ax|in)/.test(text))
        ? []
        : [`${a}, ${b}: ${value}, not ${right}`];
    });
    expect(wrong.slice(0, 5)).toEqual([]);
  });
});
