// Whole numbers of 8 and 16 bits against PyTorch: promotion of every pair, and arithmetic that wraps, on every backend.
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exportOnnx } from "../../src/formats/onnx/index.ts";
import { type DType, dtypes, isFloat, promote } from "../../src/graph/dtype.ts";
import { cat, compile, nn, type Tensor, tensor, where } from "../../src/index.ts";
import { defaultDevice, moveToHost, useBackend } from "../../src/runtime/index.ts";
import { runOnnx } from "../onnx/session.ts";
import { webgpuDevice } from "../webgpu/dawn.ts";
import { type Argument, called } from "./calls.ts";
import { backends, type Figure, numbers } from "./figures.ts";

interface Case {
  readonly call: string;
  readonly args: readonly Argument[];
  readonly inputs: readonly Figure[];
  readonly outputs: readonly Figure[];
}
const golden: {
  readonly torch: string;
  readonly dtypes: readonly DType[];
  readonly promote: readonly (readonly DType[])[];
  readonly cases: readonly Case[];
} = JSON.parse(readFileSync(new URL("narrow.json", import.meta.url), "utf8"));

/** Whole numbers must be equal; floats are rounded once, or go through a function whose errors are within 8 ulp. */
function isNear(found: number, expected: number, dtype: DType): boolean {
  if (Object.is(found, expected) || found === expected) return true;
  if (!isFloat(dtype)) return false;
  const unit = { float16: 2 ** -10, bfloat16: 2 ** -7, float32: 8 * 2 ** -23, float64: 8 * 2 ** -52 }[dtype];
  return Math.abs(found - expected) <= unit * Math.abs(expected);
}

const together = 60;
const chunks = Array.from(
  { length: Math.ceil(golden.cases.length / together) },
  (_, k) => [k * together, golden.cases.slice(k * together, (k + 1) * together)] as const,
);
/** Graphics cards have no float64. */
const onCards = ({ inputs, outputs }: Case): boolean =>
  [...inputs, ...outputs].every(({ dtype }) => dtype !== "float64");

const card = await webgpuDevice();
card?.close();

it("two dtypes promote as torch.result_type does", () => {
  expect(dtypes).toEqual(golden.dtypes);
  expect(dtypes.map((a) => dtypes.map((b) => promote(a, b)))).toEqual(golden.promote);
});

describe.each([...backends, ...(card === undefined ? [] : (["webgpu"] as const))])(
  `whole numbers of 8 and 16 bits as PyTorch ${golden.torch}, on %s`,
  (backend) => {
    beforeAll(async () => {
      useBackend({ backend, threads: 1 });
      await defaultDevice.ready();
    });
    afterAll(async () => {
      await moveToHost();
      useBackend({ backend: "wasm", threads: 1 });
    });

    it.each(chunks)("from case %i", async (start, all) => {
      const cases = backend === "webgpu" ? all.filter(onCards) : all;
      const places: number[] = [];
      const whole = compile(() => {
        const results = cases.map(({ call, args, inputs }) =>
          called(
            call,
            args,
            inputs.map(({ shape, dtype, data }) => tensor(Float64Array.from(numbers(data)), { shape, dtype })),
          ),
        );
        let next = 0;
        for (const { length } of results) {
          places.push(next);
          next += length;
        }
        return results.flat();
      });
      const found = whole();
      const values = await Promise.all(found.map((output) => output.data()));
      const wrong = cases.flatMap(({ call, args, inputs, outputs }, k) =>
        outputs.flatMap(({ shape, dtype, data }, place) => {
          const what = `${start + k}: ${call} ${JSON.stringify(args)} of ${inputs.map((x) => x.dtype)}, output ${place}`;
          const output = found[(places[k] ?? 0) + place];
          if (output?.dtype !== dtype || output.shape.join() !== shape.join())
            return [`${what} is ${output}, not ${dtype}[${shape}]`];
          const own = values[(places[k] ?? 0) + place] ?? [];
          return numbers(data).flatMap((value, i) =>
            isNear(own[i] ?? Number.NaN, value, dtype) ? [] : [`${what}[${i}] is ${own[i]}, not ${value}`],
          );
        }),
      );
      expect(wrong).toEqual([]);
    });
  },
);

describe.each(["int8", "int16"] as const)("%s", (dtype) => {
  it("picks elements, and names the position that does not exist", () => {
    const x = tensor(Float32Array.from({ length: 300 }, (_, i) => i));
    const index = tensor([2, 0, 5], { dtype });
    expect(x.indexSelect(0, index).toArraySync()).toEqual([2, 0, 5]);
    expect(x.gather(0, index).toArraySync()).toEqual([2, 0, 5]);
    expect(() => x.indexSelect(0, tensor([-1], { dtype })).dataSync()).toThrow(/-1/);
  });

  it("is exported to ONNX, where the runtime gives the same", async () => {
    const x = tensor([0, 1, -1, 127, -128, 7, -50, 100], { dtype });
    const y = tensor([3, -2, 5, 100, -7, 127, 1, -128], { dtype });
    const model = (a: Tensor, b: Tensor): Tensor[] => [
      a.add(b),
      a.mul(b).sub(a),
      a.neg(),
      a.abs(),
      a.sign(),
      a.relu(),
      a.maximum(b),
      where(a.lt(b), a, b),
      a.remainder(b),
      a.fmod(b),
      a.floorDivide(b),
      a.bitwiseAnd(b),
      a.sum(),
      a.amax(),
      a.cumsum(0),
      a.sort(0).values,
      cat([a, b]),
      nn.functional.pad(a, [1, 2], { value: 3 }),
      a.to("float32").mul(3.7).to(dtype),
      a.to("int32").mul(1000).to(dtype),
      a.to("bool"),
    ];
    const expected = model(x, y);
    const { bytes } = await exportOnnx(model, { a: x, b: y });
    const found = Object.values(await runOnnx(bytes, { a: x, b: y }));
    expect(found.map((output) => output.toArraySync())).toEqual(expected.map((output) => output.toArraySync()));
    expect(found.map((output) => output.dtype)).toEqual(expected.map((output) => output.dtype));
  });
});
