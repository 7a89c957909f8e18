// hebb inspect, export and import of ONNX files as users call them.
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { readNpz, writeNpz, writeSafetensors } from "../../src/formats/index.ts";
import { externalise, importOnnx, readOnnx, writeOnnx } from "../../src/formats/onnx/index.ts";
import { Generator, rand, tensor } from "../../src/tensor/index.ts";
import { assertTensorsClose } from "../../src/testing/index.ts";
import { useHebb } from "./hebb.ts";

const { folder, hebb } = useHebb();
const fixtures = fileURLToPath(new URL("../onnx/fixtures/", import.meta.url));
const at = (name: string): string => join(folder(), name);

interface Shown {
  readonly kind: string;
  readonly facts: Readonly<Record<string, string>>;
  readonly arrays: readonly { readonly name: string; readonly shape: readonly number[] }[];
  readonly graph: readonly string[];
  readonly flops: number | null;
}
const shownOf = async (...args: readonly string[]): Promise<Shown> => {
  const { stdout, stderr } = await hebb("inspect", ...args, "--json");
  expect(stderr).toBe("");
  return JSON.parse(stdout) as Shown;
};

beforeAll(() => {
  // The name does not reveal the format.
  copyFileSync(join(fixtures, "cnn-17.onnx"), at("network.bin"));
});

test("a model is shown: inputs and outputs, operators, weights, and its graph", async () => {
  const shown = await shownOf("network.bin");
  expect(shown.kind).toBe("onnx");
  expect(shown.facts).toMatchObject({ opsets: "ai.onnx 17", inputs: expect.stringMatching(/^\S+ f32\[/) });
  expect(shown.facts["operators"]).toContain("Conv × 2");
  expect(shown.arrays.map(({ name }) => name)).toContain("fc.weight");
  expect(shown.graph.filter((line) => line.includes(" = Conv("))).toHaveLength(2);
  expect(shown.facts).not.toHaveProperty("operators that hebb does not know");
  const { stdout } = await hebb("inspect", "network.bin", "--graph");
  expect(stdout).toMatch(/^network\.bin: ONNX, /);
  expect(stdout).toMatch(/\n%\d+ = Conv\(%\d+, %\d+, %\d+\)/);
});

test("unknown operators are all named, and the rest is shown", async () => {
  const model = readOnnx(readFileSync(at("network.bin")));
  const node = (model.graph?.node ?? []).map((one) => (one.opType === "Conv" ? { ...one, opType: "Conw" } : one));
  const odd = node.map((one) => (one.opType === "Gemm" ? { ...one, opType: "Mystery", domain: "org.example" } : one));
  writeFileSync(at("odd.onnx"), writeOnnx({ ...model, graph: { ...model.graph, node: odd } }));
  const { facts } = await shownOf("odd.onnx");
  expect(facts["operators that hebb does not know"]).toBe("Conw × 2, org.example.Mystery");
});

test("operations are counted where the shapes are known", async () => {
  const f32 = (name: string, ...sizes: readonly number[]) => ({
    name,
    type: { tensorType: { elemType: 1, shape: { dim: sizes.map((dimValue) => ({ dimValue })) } } },
  });
  writeFileSync(
    at("product.onnx"),
    writeOnnx({
      irVersion: 8,
      opsetImport: [{ domain: "", version: 17 }],
      graph: {
        name: "g",
        node: [{ opType: "MatMul", input: ["a", "b"], output: ["c"] }],
        input: [f32("a", 2, 3), f32("b", 3, 5)],
        output: [f32("c", 2, 5)],
      },
    }),
  );
  const shown = await shownOf("product.onnx");
  expect(shown.flops).toBe(2 * 2 * 3 * 5);
  expect(shown.graph).toContain("%3 = MatMul(%1, %2) : f32[2, 5]");
});

test("weights in another file are shown without it, and exported with it", async () => {
  const whole = readOnnx(readFileSync(at("network.bin")));
  const { model, parts } = externalise(whole, "weights.data", 1);
  writeFileSync(at("outside.onnx"), writeOnnx(model));
  expect((await shownOf("outside.onnx")).arrays).toEqual((await shownOf("network.bin")).arrays);
  expect((await hebb("export", "outside.onnx", "--to", "npz")).stderr).toMatch(/weights\.data/);
  writeFileSync(at("weights.data"), Buffer.concat(parts));
  for (const name of ["outside.onnx", "network.bin"]) {
    const { stderr, code } = await hebb("export", name, "--to", "npz", "--out", `${name}.npz`);
    expect(stderr).toBe("");
    expect(code).toBe(0);
  }
  expect(readFileSync(at("outside.onnx.npz"))).toEqual(readFileSync(at("network.bin.npz")));
});

test("a damaged model is refused as a damaged ONNX file", async () => {
  writeFileSync(at("short.onnx"), readFileSync(at("network.bin")).subarray(0, 2000));
  const { stderr, code } = await hebb("inspect", "short.onnx");
  expect(stderr).toMatch(/^hebb: short\.onnx: .*truncated, damaged or not ONNX/);
  expect(code).not.toBe(0);
});

test("a run exported as ONNX is imported as one that predicts the same", async () => {
  await hebb("train", "iris", "--epochs", "3", "--out", "run");
  writeFileSync(at("rows.csv"), "sepal_length,sepal_width,petal_length,petal_width\n5.1,3.5,1.4,0.2\n7.1,3,5.9,2.1\n");
  expect((await hebb("export", "run", "--to", "onnx")).code).toBe(0);
  const imported = await hebb("import", "run.onnx", "--out", "back");
  expect(imported.stderr).toBe("");
  const [before, after] = [await hebb("predict", "run", "rows.csv"), await hebb("predict", "back", "rows.csv")];
  expect(before.stdout.split("\n").length).toBeGreaterThan(2);
  expect(after.stdout).toBe(before.stdout);
});

test("a model predicts from arrays by name, in either kind of file", async () => {
  const model = importOnnx(readFileSync(at("network.bin")));
  const [input] = model.inputs;
  const shape = (input?.shape ?? []).map((size) => (typeof size === "number" ? size : 3));
  const x = rand(shape, { generator: new Generator(1) });
  const name = input?.name ?? "";
  writeFileSync(at("in.npz"), writeNpz({ [name]: x }));
  // Floats of another precision are accepted, and a single array needs no name.
  writeFileSync(at("in.safetensors"), writeSafetensors({ anything: x.to("float64") }));
  const wanted = await model.forward(x).data();
  for (const from of ["in.npz", "in.safetensors"]) {
    const { code, stdout } = await hebb("predict", "network.bin", from, "--out", "out.npz");
    expect(code).toBe(0);
    expect(stdout).toMatch(/ float32 \[3, \d+\] → out\.npz\n$/);
    const [given] = Object.values(await readNpz(readFileSync(at("out.npz"))));
    expect(given?.shape[0]).toBe(3);
    assertTensorsClose(
      tensor(given?.data ?? [], { shape: given?.shape ?? [] }),
      tensor(wanted, { shape: given?.shape ?? [] }),
    );
  }
  writeFileSync(at("two.npz"), writeNpz({ a: x, b: x }));
  const refused = await hebb("predict", "network.bin", "two.npz");
  expect(refused.stderr).toContain(
    `two.npz has no array "${name}", which the model takes; it takes ${name}, and the file has a, b`,
  );
  const over = await hebb("predict", "network.bin", "in.npz", "--out", "in.npz");
  expect(over.stderr).toMatch(/in\.npz is read here, and would be overwritten/);
});
