// Random convolutions in C, whose tiles, paddings and windows depend on every size, against WebAssembly, which has none of them.
import { afterAll, expect, it } from "vitest";
import type { SynchronousDevice } from "../../src/backends/backend.ts";
import { createCDevice } from "../../src/backends/c/index.ts";
import { createWasmDevice } from "../../src/backends/wasm/index.ts";
import { gradients } from "../../src/graph/autodiff.ts";
import { HebbError } from "../../src/graph/errors.ts";
import type { Node } from "../../src/graph/node.ts";
import { conv2d } from "../../src/graph/ops/conv.ts";
import { relu } from "../../src/graph/ops/elementwise.ts";
import { pad } from "../../src/graph/ops/movement.ts";
import { sizeOf } from "../../src/graph/shape.ts";
import { evaluate, type Value, valueOf } from "../conformance/run.ts";

/** HEBB_FUZZ=2000 runs 2,000 of them; HEBB_FUZZ_SEED=1000 begins with another seed. */
const count = Number(process.env["HEBB_FUZZ"] ?? 16);
const firstSeed = Number(process.env["HEBB_FUZZ_SEED"] ?? 0);

/** A convolution of a padded image: its sizes and options. */
interface Settings {
  readonly batch: number;
  readonly groups: number;
  /** Per group. */
  readonly channels: readonly [from: number, to: number];
  readonly size: readonly [number, number];
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly dilation: readonly [number, number];
  readonly pads: readonly [readonly [number, number], readonly [number, number]];
  readonly padding: number;
  readonly before: "relu" | "nothing";
  readonly after: "bias" | "relu" | "nothing";
}

const mostProducts = 2e7;

function generate(seed: number): Settings {
  let state = Math.imul(seed + 1, 0x9e3779b1);
  const below = (limit: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return Math.floor(((state >>> 0) / 2 ** 32) * limit);
  };
  const pick = <T>(...choices: readonly T[]): T => choices[below(choices.length)] as T;
  for (;;) {
    const depthwise = below(3) === 0;
    const side = (): number => pick(7, 14, 28, 1 + below(12), 1 + below(40));
    const taps = (): number => pick(3, 3, 1 + below(5), 1 + below(9));
    const pads = (): [number, number] => pick([1, 1], [2, 2], [below(5), below(5)]);
    const settings: Settings = {
      batch: pick(1, 2, 3, 5),
      groups: depthwise ? 1 + below(20) : pick(1, 1, 2, 3),
      channels: [depthwise ? 1 : pick(1 + below(12), 1 + below(70), 64), depthwise ? pick(1, 1, 2) : 1 + below(70)],
      size: [side(), side()],
      kernel: [taps(), taps()],
      stride: [pick(1, 1, 2, 3), pick(1, 1, 2, 3)],
      dilation: [pick(1, 1, 2), pick(1, 1, 2)],
      pads: [pads(), pads()],
      padding: pick(0, 0, 0, 1),
      before: pick("relu", "nothing"),
      after: pick("bias", "relu", "nothing"),
    };
    if (isPossible(settings)) return settings;
  }
}

function resultSize({ size, kernel, stride, dilation, pads }: Settings): [number, number] {
  const along = (dim: 0 | 1): number => {
    const room = size[dim] + pads[dim][0] + pads[dim][1] - (kernel[dim] - 1) * dilation[dim] - 1;
    return Math.floor(room / stride[dim]) + 1;
  };
  return [along(0), along(1)];
}

function isPossible(settings: Settings): boolean {
  const { batch, groups, channels, kernel } = settings;
  const [rows, columns] = resultSize(settings);
  return rows > 0 && columns > 0 && sizeOf([batch, groups, ...channels, ...kernel, rows, columns]) <= mostProducts;
}

/** Small integers, so that every sum is exact in any order. */
const integers = (shape: readonly number[], salt: number): Value =>
  valueOf(
    "float32",
    shape,
    Array.from({ length: sizeOf(shape) }, (_, i) => ((Math.imul(i + salt * 7919, 0x9e3779b1) >>> 16) % 5) - 2),
  );

/** The convolution and the gradients of all its inputs. */
function compute(device: SynchronousDevice, settings: Settings): Value[] {
  const { batch, groups, channels, size, kernel, stride, dilation, pads, padding, before, after } = settings;
  const [from, to] = [channels[0] * groups, channels[1] * groups];
  const result = [batch, to, ...resultSize(settings)];
  const values = [
    integers([batch, from, ...size], 1),
    integers([to, channels[0], ...kernel], 2),
    integers([to], 3),
    integers(result, 4),
  ];
  return evaluate(device, values, ([x, w, b, g]) => {
    if (!x || !w || !b || !g) return [];
    const image = pad(before === "relu" ? relu(x) : x, [[0, 0], [0, 0], ...pads], padding);
    const z = conv2d(image, w, after === "nothing" ? undefined : b, { stride, dilation, groups });
    const y = after === "relu" ? relu(z) : z;
    return [y, ...gradients(y, after === "nothing" ? [x, w] : [x, w, b], g)] as Node[];
  });
}

const wasm = createWasmDevice({ threads: 1 });
const native = [1, 2].flatMap((threads) => {
  try {
    return [createCDevice({ threads, always: true })];
  } catch (error) {
    if (error instanceof HebbError) return [];
    throw error;
  }
});
afterAll(() => {
  for (const device of [wasm, ...native]) device.close();
});

/** -0 and 0 count as equal. */
const plain = (values: readonly Value[]): unknown => values.map(({ shape, data }) => [shape, data.map((x) => x + 0)]);

function differs(device: SynchronousDevice, settings: Settings): boolean {
  const [expected, actual] = [wasm, device].map((one) => JSON.stringify(plain(compute(one, settings))));
  return expected !== actual;
}

/** Shrinks the settings for as long as the results still differ. */
function smallest(device: SynchronousDevice, settings: Settings): Settings {
  const { batch, groups, channels, size, kernel } = settings;
  const half = (pair: readonly [number, number]): [number, number][] => [
    [Math.ceil(pair[0] / 2), pair[1]],
    [pair[0], Math.ceil(pair[1] / 2)],
    [pair[0] - 1, pair[1]],
    [pair[0], pair[1] - 1],
  ];
  const tried: Settings[] = [
    { ...settings, batch: Math.ceil(batch / 2) },
    { ...settings, groups: Math.ceil(groups / 2) },
    ...half(channels).map((channels) => ({ ...settings, channels })),
    ...half(size).map((size) => ({ ...settings, size })),
    ...half(kernel).map((kernel) => ({ ...settings, kernel })),
    { ...settings, before: "nothing" },
    { ...settings, after: "nothing" },
    { ...settings, stride: [1, 1] },
    { ...settings, dilation: [1, 1] },
    { ...settings, padding: 0 },
  ];
  const smaller = tried.find(
    (one) =>
      JSON.stringify(one) !== JSON.stringify(settings) &&
      [...one.channels, ...one.size, ...one.kernel].every((extent) => extent > 0) &&
      isPossible(one) &&
      differs(device, one),
  );
  return smaller === undefined ? settings : smallest(device, smaller);
}

it.skipIf(native.length === 0)(
  `${count} random convolutions and their gradients`,
  { timeout: 60_000 + 4_000 * count },
  () => {
    for (let seed = firstSeed; seed < firstSeed + count; seed++) {
      const settings = generate(seed);
      const device = native[seed % native.length] as SynchronousDevice;
      if (!differs(device, settings)) continue;
      const found = smallest(device, settings);
      expect.fail(`seed ${seed}, ${device.threads} threads: not the same: differs(device, ${JSON.stringify(found)})`);
    }
  },
);
