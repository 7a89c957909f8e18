// Files with false claims: each is refused with an error that says where, within a second and with memory in proportion to the file.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import {
  attributeTypes,
  type Draft,
  importOnnx,
  type ModelProto,
  type NodeProto,
  type TensorProto,
  writeOnnx,
} from "../../src/formats/onnx/index.ts";
import { importOnnxFile } from "../../src/formats/onnx/node.ts";
import { HebbError, ones } from "../../src/index.ts";

type Graph = NonNullable<Draft<ModelProto>["graph"]>;
const float = { tensorType: { elemType: 1 } };
const model = (graph: Graph, more: Draft<ModelProto> = {}): Uint8Array =>
  writeOnnx({
    irVersion: 10,
    opsetImport: [{ domain: "", version: 21 }],
    graph: { name: "g", input: [{ name: "x", type: float }], output: [{ name: "y" }], ...graph },
    ...more,
  });
const node = (
  opType: string,
  input: readonly string[],
  output: readonly string[],
  attribute: Draft<NodeProto>["attribute"] = [],
): Draft<NodeProto> => ({ opType, input, output, attribute });
const relu = node("Relu", ["x"], ["y"]);
const weights = (more: Draft<TensorProto>): Uint8Array =>
  model({ node: [node("Add", ["x", "w"], ["y"])], initializer: [{ name: "w", dataType: 1, ...more }] });
const int = (name: string, i: number | bigint) => ({ name, type: attributeTypes.int, i });
const external = (entries: Readonly<Record<string, string>>, dims: readonly number[] = [4]): Uint8Array =>
  weights({ dims, dataLocation: 1, externalData: Object.entries(entries).map(([key, value]) => ({ key, value })) });

/** A graph in a graph in a graph. */
function nested(depth: number): Graph {
  let inner: Graph = { node: [node("Identity", ["x"], ["y"])], output: [{ name: "y" }] };
  for (let level = 0; level < depth; level++)
    inner = {
      node: [
        node(
          "If",
          ["c"],
          [`y${level}`],
          ["then_branch", "else_branch"].map((name) => ({
            name,
            type: attributeTypes.graph,
            g: name === "then_branch" ? inner : { node: [], output: [{ name: "x" }] },
          })),
        ),
      ],
      output: [{ name: `y${level}` }],
    };
  return { ...inner, input: [{ name: "x", type: float }, { name: "c" }] };
}
const call = (name: string, input: string, output: string): Draft<NodeProto> => ({
  ...node(name, [input], [output]),
  domain: "my",
});
const functions = (bodies: Readonly<Record<string, readonly Draft<NodeProto>[]>>): Draft<ModelProto> => ({
  opsetImport: [
    { domain: "", version: 21 },
    { domain: "my", version: 1 },
  ],
  functions: Object.entries(bodies).map(([name, body]) => ({
    name,
    domain: "my",
    input: ["a"],
    output: ["b"],
    node: body,
    opsetImport: [
      { domain: "", version: 21 },
      { domain: "my", version: 1 },
    ],
  })),
});
/** Each function calls the next one four times. */
const bomb = Object.fromEntries(
  Array.from({ length: 20 }, (_, level) => [
    `f${level}`,
    level === 19
      ? [node("Relu", ["a"], ["b"])]
      : [0, 1, 2, 3].map((one) => call(`f${level + 1}`, one === 0 ? "a" : `t${one - 1}`, one === 3 ? "b" : `t${one}`)),
  ]),
);
const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);
const whole = model({ node: [relu] });

const files: Readonly<Record<string, () => Uint8Array>> = {
  "an empty file": () => bytes(),
  text: () => new TextEncoder().encode("this is not a model, it only looks like one"),
  zeros: () => new Uint8Array(1000),
  "a file cut in its last field": () => whole.slice(0, -3),
  "a file cut in the middle": () => whole.slice(0, whole.length >> 1),
  "a length of 2^32 − 1": () => bytes(8, 10, 58, 255, 255, 255, 255, 15),
  "a length of 2^63": () => bytes(8, 10, 58, 255, 255, 255, 255, 255, 255, 255, 255, 127),
  "a number without an end": () => bytes(8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255),
  "a group": () => bytes(8, 10, 59, 60),
  "a field of the wrong wire type": () => bytes(10, 1, 10),
  "field 0": () => bytes(0, 1, 8, 10),
  "two graphs": () => Uint8Array.from([...whole, ...whole]),
  "names that are not UTF-8": () => bytes(8, 10, 58, 4, 18, 2, 255, 254),
  "messages nested three thousand deep": () => {
    let inner: number[] = [];
    for (let level = 0; level < 3000; level++) {
      const length = inner.length;
      const size =
        length < 128
          ? [length]
          : length < 16384
            ? [(length & 127) | 128, length >> 7]
            : [(length & 127) | 128, ((length >> 7) & 127) | 128, length >> 14];
      inner = [[10, 42, 50][(2999 - level) % 3] ?? 10, ...size, ...inner];
    }
    return Uint8Array.from([
      8,
      10,
      58,
      (inner.length & 127) | 128,
      ((inner.length >> 7) & 127) | 128,
      inner.length >> 14,
      ...inner,
    ]);
  },
  "three million empty nodes": () => {
    const count = 3_000_000;
    const out = new Uint8Array(7 + 2 * count);
    const length = 2 * count;
    out.set([8, 10, 58, (length & 127) | 128, ((length >> 7) & 127) | 128, ((length >> 14) & 127) | 128, length >> 21]);
    for (let at = 7; at < out.length; at += 2) out[at] = 10;
    return out;
  },
  "an input that nothing gives": () => model({ node: [node("Relu", ["z"], ["y"])] }),
  "a cycle of two nodes": () =>
    model({ node: [node("Relu", ["b"], ["a"]), node("Relu", ["a"], ["b"]), node("Relu", ["a"], ["y"])] }),
  "a node that reads itself": () => model({ node: [node("Add", ["x", "y"], ["y"])] }),
  "an output that nothing gives": () => model({ node: [node("Relu", ["x"], ["z"])] }),
  "a name given twice": () => model({ node: [relu, relu] }),
  "an input twice": () => model({ node: [relu], input: [{ name: "x" }, { name: "x" }] }),
  "an initializer twice": () =>
    model({
      node: [relu],
      initializer: [1, 2].map(() => ({ name: "w", dataType: 1, dims: [1], rawData: new Uint8Array(4) })),
    }),
  "an initializer without a name": () =>
    model({ node: [relu], initializer: [{ dataType: 1, dims: [1], rawData: new Uint8Array(4) }] }),
  "a node that writes to an input": () => model({ node: [node("Relu", ["x"], ["x"]), relu] }),
  "an attribute that the operator does not take": () =>
    model({ node: [node("Relu", ["x"], ["y"], [int("slope", 1)])] }),
  "an attribute twice": () => model({ node: [node("Softmax", ["x"], ["y"], [int("axis", 1), int("axis", 0)])] }),
  "an attribute of the wrong type": () =>
    model({ node: [node("Softmax", ["x"], ["y"], [{ name: "axis", type: attributeTypes.string, s: bytes(65) }])] }),
  "an attribute that is missing": () => model({ node: [node("Concat", ["x"], ["y"])] }),
  "an operator that is unknown": () => model({ node: [node("Frobnicate", ["x"], ["y"])] }),
  "an operator named like a method of objects": () =>
    model({ node: [node("constructor", ["x"], ["y"]), node("toString", ["x"], ["z"])] }),
  "a domain named like a method of objects": () => model({ node: [{ ...relu, domain: "__proto__" }] }),
  "operators of ai.onnx.ml": () => model({ node: [{ ...node("TreeEnsemble", ["x"], ["y"]), domain: "ai.onnx.ml" }] }),
  "version 9999 of the operators": () => model({ node: [relu] }, { opsetImport: [{ domain: "", version: 9999 }] }),
  "version −1 of the operators": () => model({ node: [relu] }, { opsetImport: [{ domain: "", version: -1 }] }),
  "a weight of 2^53 elements": () => weights({ dims: [2 ** 26, 2 ** 27], rawData: new Uint8Array(4) }),
  "a weight of 2^40 elements without values": () => weights({ dims: [2 ** 40] }),
  "sizes whose product wraps to 0": () => weights({ dims: [2 ** 32, 2 ** 32], rawData: new Uint8Array(0) }),
  "a size below 0": () => weights({ dims: [-1], rawData: new Uint8Array(4) }),
  "a weight of 100 dims": () => weights({ dims: new Array<number>(100).fill(1), rawData: new Uint8Array(4) }),
  "fewer values than the shape": () => weights({ dims: [3], rawData: new Uint8Array(8) }),
  "more values than the shape": () => weights({ dims: [1], rawData: new Uint8Array(8) }),
  "an unknown element type": () => weights({ dims: [1], dataType: 99, rawData: new Uint8Array(4) }),
  "a weight in segments": () => weights({ dims: [1], segment: { begin: 0, end: 1 }, rawData: new Uint8Array(4) }),
  "packed numbers cut off": () =>
    model({
      node: [relu],
      initializer: [{ name: "w", dataType: 7, dims: [2], int64Data: { chunks: [bytes(1, 255)] } }],
    }),
  "packed numbers of 11 bytes": () =>
    model({
      node: [relu],
      initializer: [{ name: "w", dataType: 7, dims: [1], int64Data: { chunks: [new Uint8Array(11).fill(255)] } }],
    }),
  "a sparse weight": () =>
    model({
      node: [relu],
      sparseInitializer: [
        { dims: [2 ** 40], values: { name: "s", dataType: 1, dims: [1], rawData: new Uint8Array(4) } },
      ],
    }),
  "missing external data": () => external({ location: "w.bin" }),
  "external data without a place": () => external({ offset: "0" }),
  "graphs nested 40 deep": () => model(nested(40)),
  "graphs nested 300 deep": () => model(nested(300)),
  "a function that calls itself": () => model({ node: [call("f", "x", "y")] }, functions({ f: [call("f", "a", "b")] })),
  "functions that call each other": () =>
    model({ node: [call("f", "x", "y")] }, functions({ f: [call("g", "a", "b")], g: [call("f", "a", "b")] })),
  "functions that double a million times": () => model({ node: [call("f0", "x", "y")] }, functions(bomb)),
  "a function twice": () => {
    const one = functions({ f: [node("Relu", ["a"], ["b"])] });
    return model(
      { node: [call("f", "x", "y")] },
      { ...one, functions: [...(one.functions ?? []), ...(one.functions ?? [])] },
    );
  },
  "a function that reads around itself": () =>
    model({ node: [call("f", "x", "y")] }, functions({ f: [node("Relu", ["x"], ["b"])] })),
};

/** Files that import and are refused at the first forward. */
const runs: Readonly<Record<string, () => Uint8Array>> = {
  "a shape of 2^62": () =>
    model({
      node: [
        node("Constant", [], ["s"], [{ name: "value_ints", type: attributeTypes.ints, ints: [2n ** 62n] }]),
        node("ConstantOfShape", ["s"], ["y"]),
      ],
    }),
  "a reshape to the wrong size": () =>
    model({
      node: [
        node("Constant", [], ["s"], [{ name: "value_ints", type: attributeTypes.ints, ints: [7, 0, -1] }]),
        node("Reshape", ["x", "s"], ["y"]),
      ],
    }),
  "a reshape that keeps a missing dim": () =>
    model({
      node: [
        node("Constant", [], ["s"], [{ name: "value_ints", type: attributeTypes.ints, ints: [2, 3, 0] }]),
        node("Reshape", ["x", "s"], ["y"]),
      ],
    }),
  "a range without end": () =>
    model({
      node: [
        ...[0, 2 ** 40, 1].map((i, at) => node("Constant", [], [`c${at}`], [int("value_int", i)])),
        node("Range", ["c0", "c1", "c2"], ["y"]),
      ],
    }),
  "a loop of 2^62 steps": () =>
    model({
      node: [
        node("Constant", [], ["m"], [int("value_int", 2n ** 62n)]),
        node(
          "Loop",
          ["m", "", "x"],
          ["y"],
          [
            {
              name: "body",
              type: attributeTypes.graph,
              g: {
                input: [{ name: "i" }, { name: "c" }, { name: "v" }],
                output: [{ name: "c" }, { name: "v" }],
                node: [],
              },
            },
          ],
        ),
      ],
    }),
  "an axis of 2^62": () => model({ node: [node("Softmax", ["x"], ["y"], [int("axis", 2n ** 62n)])] }),
  "a kernel of 2^40": () =>
    model({
      node: [node("MaxPool", ["x"], ["y"], [{ name: "kernel_shape", type: attributeTypes.ints, ints: [2 ** 40] }])],
    }),
  "a convolution by a matrix": () => model({ node: [node("Conv", ["x", "x"], ["y"])] }),
  "an index outside": () =>
    model({
      node: [
        node("Constant", [], ["i"], [int("value_int", 9)]),
        node("Shape", ["x"], ["s"]),
        node("Gather", ["s", "i"], ["y"]),
      ],
    }),
  "parts of no elements": () =>
    model({
      node: [
        node("Constant", [], ["k"], [int("value_int", 0)]),
        node("SplitToSequence", ["x", "k"], ["s"]),
        node("SequenceAt", ["s", "k"], ["y"]),
      ],
    }),
  "a scale of a billion": () =>
    model({
      node: [
        node("Constant", [], ["k"], [{ name: "value_floats", type: attributeTypes.floats, floats: [1e9, 1e9] }]),
        node("Resize", ["x", "", "k"], ["y"]),
      ],
    }),
  "a window of two billion numbers": () =>
    model({
      node: [node("Constant", [], ["k"], [int("value_int", 2 ** 31 - 1)]), node("HannWindow", ["k"], ["y"])],
    }),
  "a transposed convolution with a stride of a billion": () =>
    model({
      node: [
        node("Constant", [], ["k"], [{ name: "value_ints", type: attributeTypes.ints, ints: [0n, 1n] }]),
        node("Unsqueeze", ["x", "k"], ["image"]),
        node(
          "ConvTranspose",
          ["image", "image"],
          ["y"],
          [{ name: "strides", type: attributeTypes.ints, ints: [2n ** 30n, 2n ** 30n] }],
        ),
      ],
    }),
  "a split into a billion parts": () => model({ node: [node("Split", ["x"], ["y"], [int("num_outputs", 1e9)])] }),
  "fewer inputs than the operator takes": () => model({ node: [node("Add", ["x"], ["y"])] }),
};

/** Messages of few bytes that would take a lot of memory. */
const bombs: Readonly<Record<string, () => Uint8Array>> = {
  "a million nodes": () => model({ node: Array.from({ length: 1_000_000 }, () => ({})) }),
  "a million initializers": () => model({ node: [relu], initializer: Array.from({ length: 1_000_000 }, () => ({})) }),
  "millions of sizes": () => weights({ dims: new Array(3_000_000).fill(1) }),
  "a million names": () => model({ node: [node("Max", new Array(1_000_000).fill("x"), ["y"])] }),
  "millions of numbers in an attribute": () =>
    model({
      node: [
        node("Relu", ["x"], ["y"], [{ name: "a", type: attributeTypes.ints, ints: new Array(3_000_000).fill(1n) }]),
      ],
    }),
};

const folder = mkdtempSync(join(tmpdir(), "hebb-onnx-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function refusal(work: () => unknown): Error {
  const before = process.memoryUsage().rss;
  const start = performance.now();
  try {
    work();
  } catch (error) {
    expect(performance.now() - start).toBeLessThan(5000);
    expect(process.memoryUsage().rss - before).toBeLessThan(256 * 2 ** 20);
    expect(error).toBeInstanceOf(HebbError);
    if (error instanceof Error) return error;
  }
  throw new Error("it was read");
}

describe("hostile ONNX files", () => {
  it.each(Object.keys(files))("refuses %s", (name) => {
    const made = files[name]?.() ?? bytes();
    expect(refusal(() => importOnnx(made, { name: "m.onnx" })).message).toMatch(/^m\.onnx/);
  });

  it.each(Object.keys(bombs))("refuses %s while reading", (name) => {
    const made = bombs[name]?.() ?? bytes();
    expect(refusal(() => importOnnx(made, { name: "m.onnx" })).message).toMatch(/there are more than \d+/);
  });

  it.each(Object.keys(runs))("refuses to run %s", (name) => {
    const made = runs[name]?.() ?? bytes();
    expect(
      refusal(() =>
        importOnnx(made)
          .forward(ones([2, 3]))
          .dataSync(),
      ).message,
    ).toMatch(/node "\d+" \(/);
  });

  it("names every missing operator, and where it is", () => {
    const made = model({
      node: [
        node("Frob", ["x"], ["a"]),
        { ...node("Nicate", ["a"], ["b"]), name: "second", domain: "org.me" },
        node("Frob", ["b"], ["y"]),
      ],
    });
    expect(refusal(() => importOnnx(made)).message).toBe(
      'the file uses operators that are not known: Frob (node "0" (Frob), node "2" (Frob)); org.me.Nicate (node "second" (Nicate))',
    );
  });
});

describe("hostile external data", () => {
  mkdirSync(join(folder, "model"));
  writeFileSync(join(folder, "secret.bin"), new Uint8Array(64));
  writeFileSync(join(folder, "model", "w.bin"), new Uint8Array(64));
  symlinkSync(join(folder, "secret.bin"), join(folder, "model", "link.bin"));
  symlinkSync(folder, join(folder, "model", "up"));
  const write = (entries: Readonly<Record<string, string>>, dims?: readonly number[]): string => {
    const path = join(folder, "model", "m.onnx");
    writeFileSync(path, external(entries, dims));
    return path;
  };

  it("reads files next to the model", () => {
    const path = write({ location: "w.bin", offset: "16", length: "16" });
    expect(
      importOnnxFile(path)
        .forward(ones([4]))
        .dataSync(),
    ).toEqual(Float32Array.of(1, 1, 1, 1));
  });

  const cases: readonly (readonly [string, Readonly<Record<string, string>>, (readonly number[])?])[] = [
    ["a path that climbs", { location: "../secret.bin" }],
    ["a path that climbs within", { location: "a/../../secret.bin" }],
    ["an absolute path", { location: join(folder, "secret.bin") }],
    ["a path of Windows", { location: "..\\secret.bin" }],
    ["a drive", { location: "C:secret.bin" }],
    ["a zero in the path", { location: "w.bin\0.txt" }],
    ["a symbolic link", { location: "link.bin" }],
    ["a folder that is a link", { location: "up/secret.bin" }],
    ["a folder", { location: "." }],
    ["a missing file", { location: "none.bin" }],
    ["a device", { location: "/dev/zero" }],
    ["an offset beyond the file", { location: "w.bin", offset: "100" }],
    ["a length beyond the file", { location: "w.bin", offset: "56", length: "16" }],
    ["an offset of 2^63", { location: "w.bin", offset: "9223372036854775808" }],
    ["an offset below 0", { location: "w.bin", offset: "-4" }],
    ["a length that is not the shape's", { location: "w.bin", length: "8" }],
    ["a shape larger than the file", { location: "w.bin" }, [2 ** 31]],
  ];
  it.each(cases.map(([name, entries, dims]) => ({ name, entries, dims })))("refuses $name", ({ entries, dims }) => {
    refusal(() => importOnnxFile(write(entries, dims)));
  });
});
