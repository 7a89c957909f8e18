// Inference in float32, bfloat16 and int8: a CNN on MNIST and a small GPT on Shakespeare, trained here; size, accuracy and time of a batch.
// node --import tsx bench/quantization.ts DIR writes them as ONNX too, with the data, for python bench/peers/quantization.py DIR.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus, loadavg } from "node:os";
import { join } from "node:path";
import { readIdxFile } from "../src/data/files.ts";
import * as data from "../src/data/index.ts";
import { writeNpy, writeSafetensors } from "../src/formats/index.ts";
import { exportOnnx } from "../src/formats/onnx/index.ts";
import { compile, nn, noGrad, optim, quantization, seed, type Tensor, tensor, useBackend } from "../src/index.ts";
import { Gpt } from "../src/train/models/gpt.ts";
import { digitsCnn } from "./networks.ts";
import { median } from "./results.ts";

const [folder = ""] = process.argv.slice(2);
const shared = join("..", "shared", "data");

interface Problem {
  readonly name: string;
  /** Builds the model; training or a state dict sets its weights. */
  build(): nn.Module & { forward(x: Tensor): Tensor };
  readonly train: readonly [Tensor, Tensor][];
  readonly test: readonly [Tensor, Tensor];
  /** Rows for calibration. */
  readonly calibration: Tensor;
}

async function digits(): Promise<Problem> {
  const read = async (part: string): Promise<[Tensor, Tensor]> => {
    const [images, labels] = await Promise.all(
      ["images-idx3", "labels-idx1"].map((kind) => readIdxFile(join(shared, "mnist", `${part}-${kind}-ubyte.gz`))),
    );
    if (images === undefined || labels === undefined) throw new Error("MNIST is not there");
    const x = tensor(
      Float32Array.from(images.data, (value) => value / 255),
      { shape: [labels.data.length, 1, 28, 28] },
    );
    return [x, tensor(Int32Array.from(labels.data))];
  };
  const [x, y] = await read("train10k");
  return {
    name: "cnn",
    build: digitsCnn,
    train: Array.from({ length: 400 }, (_, k) => [x.narrow(0, (k % 200) * 50, 50), y.narrow(0, (k % 200) * 50, 50)]),
    test: await read("test5k"),
    calibration: x.narrow(0, 0, 256),
  };
}

function shakespeare(): Problem {
  const text = readFileSync(join(shared, "tinyshakespeare.txt"), "utf8");
  const letters = [...new Set(text)].sort();
  const tokens = Int32Array.from(text, (letter) => letters.indexOf(letter));
  const context = 64;
  const random = new data.Random(3);
  const windows = (count: number, from: number, to: number): [Tensor, Tensor] => {
    const starts = Array.from({ length: count }, () => from + random.integer(to - from - context - 1));
    const rows = (shift: number): Tensor =>
      tensor(
        Int32Array.from({ length: count * context }, (_, i) => {
          const start = starts[Math.floor(i / context)] as number;
          return tokens[start + (i % context) + shift] as number;
        }),
        { shape: [count, context] },
      );
    return [rows(0), rows(1)];
  };
  const kept = Math.floor(tokens.length * 0.9);
  return {
    name: "gpt",
    build: () => new Gpt({ vocabulary: letters.length, context, width: 128, heads: 4, layers: 4, dropout: 0 }),
    train: Array.from({ length: 600 }, () => windows(16, 0, kept)),
    test: windows(256, kept, tokens.length),
    calibration: windows(64, 0, kept)[0],
  };
}

function train({ build, train: batches }: Problem): ReturnType<Problem["build"]> {
  seed(1);
  const model = build();
  const optimizer = new optim.AdamW(model.parameters(), { lr: 1e-3 });
  const step = compile((x: Tensor, y: Tensor) => {
    const logits = model.forward(x);
    const loss = nn.functional.crossEntropy(logits.reshape([y.size, logits.shape.at(-1) ?? 1]), y.reshape([y.size]));
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return loss;
  });
  for (const [x, y] of batches) step(x, y);
  return model;
}

async function measure(problem: Problem): Promise<void> {
  const trained = train(problem);
  const [x, y] = problem.test;
  const copy = (): ReturnType<Problem["build"]> => {
    const model = problem.build();
    model.loadStateDict(trained.stateDict());
    model.eval();
    return model;
  };
  const watched = quantization.prepare(copy());
  noGrad(() => void watched.forward(problem.calibration).dataSync());
  const models = {
    float32: copy(),
    bfloat16: copy().bfloat16(),
    "int8, dynamic": quantization.quantizeDynamic(copy()),
    "int8, static": quantization.convert(watched),
  };
  if (folder !== "") {
    mkdirSync(folder, { recursive: true });
    const { bytes } = await exportOnnx(models.float32, { x: x.narrow(0, 0, 2) }, { dynamic: { x: { 0: "batch" } } });
    writeFileSync(join(folder, `${problem.name}.onnx`), bytes);
    for (const [name, values] of Object.entries({ x, y, calibration: problem.calibration }))
      writeFileSync(join(folder, `${problem.name}-${name}.npy`), writeNpy(values));
  }
  const batches = problem.name === "cnn" ? [1, 64] : [1, 16];
  const runs = Object.entries(models).map(([name, model]) => {
    const isHalf = name === "bfloat16" && problem.name === "cnn";
    const pass = compile((given: Tensor) => noGrad(() => model.forward(isHalf ? given.bfloat16() : given)));
    const hits = noGrad(() => pass(x).argmax(-1).eq(y).to("float32").mean().itemSync());
    const times = batches.map((): number[] => []);
    return { name, pass, hits, times, bytes: writeSafetensors(model.stateDict()).length };
  });
  for (let round = 0; round < 41; round++)
    for (const { pass, times } of runs)
      batches.forEach((batch, place) => {
        const rows = x.narrow(0, 0, batch).clone();
        rows.dataSync();
        const began = performance.now();
        pass(rows).dataSync();
        times[place]?.push(performance.now() - began);
      });
  for (const { name, hits, times, bytes } of runs) {
    const spent = times.map((each, place) => `batch ${batches[place]} ${median(each).toFixed(3)} ms`);
    console.log(
      `${problem.name}  ${name.padEnd(14)} ${String(bytes).padStart(8)} bytes  accuracy ${(100 * hits).toFixed(2)} %  ${spent.join(", ")}`,
    );
  }
}

for (const backend of ["c", "wasm"] as const) {
  useBackend({ backend, threads: 1 });
  console.log(`${cpus()[0]?.model}, load ${loadavg()[0]?.toFixed(2)}, ${backend}, 1 thread`);
  await measure(await digits());
  await measure(shakespeare());
}
