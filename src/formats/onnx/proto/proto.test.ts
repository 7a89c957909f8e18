// The messages of ONNX files: round trips, weights as views, and errors at the position of damage.
import { describe, expect, it } from "vitest";
import { HebbError } from "../../../graph/errors.ts";
import { attributeTypes } from "../attributeTypes.ts";
import { elementTypes } from "../elementTypes.ts";
import { externalise } from "../external.ts";
import { readOnnx, writeOnnx, writeOnnxParts } from "../files.ts";
import { readTensor, tensorProto } from "../tensors.ts";
import { decode } from "./decode.ts";
import { encode, joined } from "./encode.ts";
import type { Draft, ModelProto, TensorProto } from "./messages.ts";
import { tensorMessage } from "./schema.ts";

const weights = Float32Array.from({ length: 2000 }, (_, at) => at / 7);
const draft: Draft<ModelProto> = {
  irVersion: 10,
  opsetImport: [{ domain: "", version: 21 }],
  graph: {
    name: "g",
    node: [
      {
        opType: "Gemm",
        input: ["x", "w"],
        output: ["y"],
        name: "dense",
        attribute: [
          { name: "alpha", type: attributeTypes.float, f: 0.5 },
          { name: "transB", type: attributeTypes.int, i: 1 },
          { name: "extra", type: attributeTypes.ints, ints: [-1, 2n ** 63n - 1n] },
        ],
      },
    ],
    initializer: [tensorProto("w", { dtype: "float32", shape: [2, 1000], data: weights })],
    input: [
      { name: "x", type: { tensorType: { elemType: 1, shape: { dim: [{ dimParam: "N" }, { dimValue: 1000 }] } } } },
    ],
    output: [{ name: "y" }],
  },
};

describe("the messages of an ONNX file", () => {
  it("reads what it writes", () => {
    const model = readOnnx(writeOnnx(draft));
    expect(model.irVersion).toBe(10);
    expect(model.opsetImport).toEqual([{ domain: "", version: 21 }]);
    const node = model.graph?.node[0];
    expect(node?.input).toEqual(["x", "w"]);
    expect(node?.attribute.map(({ f, i, ints }) => [f, i, ints])).toEqual([
      [0.5, undefined, []],
      [undefined, 1n, []],
      [undefined, undefined, [-1n, 2n ** 63n - 1n]],
    ]);
    expect(model.graph?.input[0]?.type?.tensorType?.shape?.dim).toEqual([{ dimParam: "N" }, { dimValue: 1000 }]);
    const initializer = model.graph?.initializer[0];
    expect(initializer && readTensor(initializer, "w").array?.data).toEqual(weights);
  });

  it("copies no weights, neither reading nor writing", () => {
    expect(writeOnnxParts(draft).some((part) => part.buffer === weights.buffer)).toBe(true);
    const bytes = writeOnnx(draft);
    expect(readOnnx(bytes).graph?.initializer[0]?.rawData?.buffer).toBe(bytes.buffer);
  });

  it("stores weights in another file", () => {
    const { model, parts, byteLength } = externalise(draft, "weights.bin");
    const data = joined({ parts, byteLength });
    const initializer = readOnnx(writeOnnx(model)).graph?.initializer[0];
    if (initializer === undefined) throw new Error("no initializer");
    expect(initializer.rawData).toBeUndefined();
    expect(readTensor(initializer, "w", () => data).array?.data).toEqual(weights);
    expect(() => readTensor(initializer, "w", () => data.subarray(0, 100))).toThrow(/has 100/);
    expect(() => readTensor(initializer, "w")).toThrow(/externalData/);
  });

  it.each<readonly [keyof typeof elementTypes, Draft<TensorProto>, readonly number[]]>([
    ["int32", { int32Data: { chunks: [Uint8Array.of(1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1)] } }, [1, -1]],
    ["float16", { int32Data: { chunks: [Uint8Array.of(0x80, 0x78, 0x80, 0x80, 0x03)] } }, [1, -2]],
    ["int4", { int32Data: { chunks: [Uint8Array.of(0xf1, 0x01)] } }, [1, -1]],
    ["int8", { rawData: Uint8Array.of(5, 251) }, [5, -5]],
    ["bfloat16", { rawData: Uint8Array.of(0x80, 0x3f, 0, 0xc0) }, [1, -2]],
    ["float8e4m3fn", { rawData: Uint8Array.of(0x38, 0xfe) }, [1, -448]],
    [
      "int64",
      { int64Data: { chunks: [Uint8Array.of(3), Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255, 255, 1)] } },
      [3, -1],
    ],
    ["bool", { rawData: Uint8Array.of(0, 7) }, [0, 1]],
  ])("reads values of %s", (type, fields, expected) => {
    const bytes = joined(encode(tensorMessage, { dims: [2], dataType: elementTypes[type], ...fields }));
    expect([...(readTensor(decode(tensorMessage, bytes), "t").array?.data ?? [])]).toEqual(expected);
  });

  it("refuses every truncation", () => {
    const bytes = writeOnnx(draft);
    for (let length = 0; length < bytes.length; length += length < 400 ? 1 : 997) {
      const part = bytes.slice(0, length);
      // A file cut between two fields of the model is valid, as far as it goes.
      try {
        readOnnx(part);
      } catch (error) {
        expect(error).toBeInstanceOf(HebbError);
      }
    }
    expect(() => readOnnx(bytes.slice(0, 700), { name: "m.onnx" })).toThrow(/m\.onnx: graph.* at byte \d+/);
  });

  it("refuses damage of single bytes with its own error, or reads it", () => {
    const bytes = writeOnnx(draft).slice(0, 300);
    for (let at = 0; at < bytes.length; at++)
      for (const flip of [1, 128, 255]) {
        const damaged = bytes.slice();
        damaged[at] = (damaged[at] ?? 0) ^ flip;
        try {
          readOnnx(damaged);
        } catch (error) {
          expect(error).toBeInstanceOf(HebbError);
        }
      }
  });

  it("refuses values that it cannot write", () => {
    expect(() => writeOnnx({ graph: { name: 3 } } as never)).toThrow(/ModelProto\.graph\.name is 3/);
    expect(() => writeOnnx({ irVersion: 1.5 })).toThrow(/whole number/);
    expect(() => writeOnnx({ modelVersion: 2n ** 63n })).toThrow(/int64/);
    expect(() => writeOnnx({ grpah: {} } as never)).toThrow(/no field grpah/);
  });
});
