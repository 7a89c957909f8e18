// Pretrained models of pictures and of the next token, fine-tuned by the commands: trained, paused, resumed, queried.
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encode } from "fast-png";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { generate } from "../../src/cli/commands/generate.ts";
import { decodePicture, formatIdx } from "../../src/data/index.ts";
import { readSafetensors } from "../../src/formats/index.ts";
import { loadModel, openRun } from "../../src/formats/node.ts";
import { ImageProcessor } from "../../src/models/index.ts";
import { folderFiles } from "../../src/models/node.ts";
import type { TrainChoices } from "../../src/run/choices.ts";
import { loadRun } from "../../src/run/index.ts";
import { makeJob, readFor, resumeJob, startJob } from "../../src/run/job.ts";
import type { Manner } from "../../src/run/perform.ts";
import type { Notices } from "../../src/run/readOptions.ts";
import { openModel } from "../../src/run/saved.ts";
import { vocabularyOf } from "../../src/run/text.ts";
import type { TrainEvent } from "../../src/train/index.ts";
import { folderOf } from "../models/golden.ts";
import { removeFolder } from "../suite/removeFolder.ts";

let folder = "";
let pictures = "";
let text = "";

/** A base in its own folder: a tiny model and the files that belong to it. */
function baseOf(name: string, more: object, tokenizer?: string): string {
  const base = join(folder, `base-${name}`);
  mkdirSync(base);
  for (const file of ["config.json", "model.safetensors"]) copyFileSync(folderOf(`${name}/${file}`), join(base, file));
  writeFileSync(join(base, "preprocessor_config.json"), JSON.stringify(more));
  if (tokenizer !== undefined)
    for (const file of ["tokenizer.json", "tokenizer_config.json"])
      copyFileSync(folderOf(`${tokenizer}/${file}`), join(base, file));
  return base;
}

/** Red or blue pictures of many sizes, with noise. */
function picture(number: number, red: boolean): Uint8Array {
  const [width, height] = [20 + (number % 7), 18 + (number % 5)];
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const strong = i % 3 === (red ? 0 : 2);
    return (strong ? 180 : 30) + ((i * 37 + number * 11) % 60);
  });
  return encode({ width, height, channels: 3, depth: 8, data });
}

const bases: Record<string, string> = {};
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "hebb-kinds-"));
  pictures = join(folder, "pictures");
  for (const name of ["blue", "red"]) {
    mkdirSync(join(pictures, name), { recursive: true });
    for (let i = 0; i < 12; i++) writeFileSync(join(pictures, name, `${i}.png`), picture(i, name === "red"));
  }
  text = join(folder, "text.txt");
  writeFileSync(text, "the cat sat on the mat, and the dog ate the food.\n".repeat(60));
  const square = { image_processor_type: "ViTImageProcessor", size: { height: 16, width: 16 } };
  const edge = { image_processor_type: "ConvNextImageProcessor", size: { shortest_edge: 16 }, crop_pct: 0.875 };
  bases["vit"] = baseOf("vit", square);
  bases["resnet"] = baseOf("resnet", edge);
  bases["convnext"] = baseOf("convnext", edge);
  bases["gpt2"] = baseOf("gpt2", {}, "bert");
  bases["llama"] = baseOf("llama", {}, "bert");
});
afterAll(() => removeFolder(folder));

const notices: Notices = { progress: () => {}, warn: () => {}, note: () => {} };
const manner = (events: TrainEvent[] = [], pauseAfter?: number): Manner => ({
  tell: (event) => events.push(event),
  onInterrupt: () => () => {},
  pauseAfter,
  doctor: false,
  logs: false,
});

let runs = 0;
async function trained(data: string, base: string, more: Partial<TrainChoices> = {}, pauseAfter?: number) {
  const choices: TrainChoices = { base: bases[base], seed: 3, epochs: 6, batchSize: 8, lr: 1e-2, ...more };
  const job = await makeJob(await readFor(data, choices, notices), choices, null, notices);
  const events: TrainEvent[] = [];
  const run = join(folder, `run-${runs++}`);
  const { metrics } = await startJob(job, run, manner(events, pauseAfter));
  const losses = events.flatMap((event) => (event.type === "epoch" ? [event.train["loss"] ?? Number.NaN] : []));
  return { metrics, run, losses };
}

const weightsOf = (run: string) => loadModel(openRun(run)).tensors;
const baseWeight = (base: string, name: string) =>
  readSafetensors(readFileSync(folderOf(`${base}/model.safetensors`))).tensors[name]?.data;

describe("hebb train FOLDER-OF-PICTURES --base", () => {
  it.each(["vit", "resnet", "convnext"])("learns classes of pictures: %s", async (base) => {
    const { metrics, run, losses } = await trained(pictures, base);
    expect(losses.at(-1)).toBeLessThan((losses[0] ?? 0) / 2);
    expect(metrics?.train["accuracy"]).toBe(1);
    const loaded = await loadRun(run);
    const found = await loaded.predictFile(join(pictures, "red"));
    expect(new Set(found.map(({ prediction }) => prediction))).toEqual(new Set(["red"]));
    expect((await loaded.predictFile(join(pictures, "blue", "3.png")))[0]?.prediction).toBe("blue");
  });

  it("uses the pixels of the base's processor, before and after a pause", async () => {
    const whole = await trained(pictures, "vit", { epochs: 2 });
    const paused = await trained(pictures, "vit", { epochs: 2 }, 1);
    await resumeJob(paused.run, { ...manner(), notices });
    expect(weightsOf(paused.run)).toEqual(weightsOf(whole.run));
    const choices: TrainChoices = { base: bases["vit"], seed: 3 };
    const { data } = await makeJob(await readFor(pictures, choices, notices), choices, null, notices);
    if (data.kind !== "rows" || data.preprocessing.kind !== "images") throw new Error("no pictures");
    const { mean, scale } = data.preprocessing;
    expect([mean, scale].map((values) => values.map((one) => one / 255))).toEqual(Array(2).fill([0.5, 0.5, 0.5]));
    const processor = await ImageProcessor.from(folderFiles(bases["vit"] ?? ""));
    const seen = await decodePicture(readFileSync(join(pictures, "red", "5.png")));
    const pixels = Array.from(processor.pixels(seen).flatten().dataSync());
    expect(data.train.features.shape).toEqual([3, 16, 16]);
    // One of the rows must be this picture.
    const rows = [data.train, data.validation].flatMap((part) =>
      Array.from({ length: part?.length ?? 0 }, (_, row) =>
        part?.features.data.subarray(row * pixels.length, (row + 1) * pixels.length),
      ),
    );
    const same = rows.filter((row) => pixels.every((one, i) => Math.abs(one - Number(row?.[i])) < 1e-6));
    expect([rows.length, same.length]).toEqual([24, 1]);
  });

  it.each([
    ["lora", { lora: 2 }, "model.body.blocks.0.attention.query.base.weight"],
    ["head", { headOnly: true }, "model.body.blocks.0.attention.query.weight"],
  ])("trains %s alone", async (_, more, name) => {
    const { run, losses } = await trained(pictures, "vit", more);
    expect(losses.at(-1)).toBeLessThan(losses[0] ?? 0);
    const kept = baseWeight("vit", "vit.encoder.layer.0.attention.attention.query.weight");
    expect(kept).toBeDefined();
    expect(weightsOf(run)[name]?.data).toEqual(kept);
  });
});

describe("hebb train TEXT --base", () => {
  it.each(["gpt2", "llama"])("goes on learning to write: %s", async (base) => {
    const { run, losses } = await trained(text, base, { epochs: 12, context: 16 });
    expect(losses.at(-1)).toBeLessThan((losses[0] ?? 0) / 3);
    const written = async (tokens: number) => {
      const write = vi.spyOn(process.stdout, "write").mockReturnValue(true);
      try {
        await generate(run, { prompt: "the cat", tokens, temperature: 0, seed: 0, json: true });
        return JSON.parse(String(write.mock.calls.at(-1)?.[0])).text;
      } finally {
        write.mockRestore();
      }
    };
    expect(await written(3)).toBe(" sat on the");
    // More tokens than the model has positions: the window of the context moves along.
    expect((await written(150)).length).toBeGreaterThan(100);
    const { preprocessing } = openModel(run);
    if (preprocessing.kind !== "text") throw new Error("no text");
    expect(vocabularyOf(preprocessing).size).toBe(99);
    expect(preprocessing.context).toBe(16);
  });

  it("resumes where it was paused, with LoRA matrices next to frozen layers and the tokenizer stored in the run", async () => {
    const whole = await trained(text, "gpt2", { lora: 2, epochs: 3 });
    const paused = await trained(text, "gpt2", { lora: 2, epochs: 3 }, 1);
    const moved = bases["gpt2"] ?? "";
    writeFileSync(join(moved, "tokenizer.json"), "{}");
    await resumeJob(paused.run, { ...manner(), notices });
    expect(weightsOf(paused.run)).toEqual(weightsOf(whole.run));
    copyFileSync(folderOf("bert/tokenizer.json"), join(moved, "tokenizer.json"));
  });

  it("refuses incompatible choices with a message", async () => {
    const digits = join(folder, "digits-images-idx3-ubyte");
    writeFileSync(digits, formatIdx({ dtype: "uint8", shape: [4, 5, 5], data: new Uint8Array(100) }));
    writeFileSync(
      join(folder, "digits-labels-idx1-ubyte"),
      formatIdx({ dtype: "uint8", shape: [4], data: Uint8Array.of(0, 1, 0, 1) }),
    );
    await expect(trained(digits, "vit")).rejects.toThrow(
      "takes images of [3, 16, 16], and these arrays hold [1, 5, 5]",
    );
    await expect(trained(pictures, "llama")).rejects.toThrow("does not classify pictures");
    await expect(trained(text, "vit")).rejects.toThrow("does not write text");
    await expect(trained(text, "gpt2", { context: 65 })).rejects.toThrow("--context 65 is more than the 64 positions");
    await expect(trained(text, "gpt2", { headOnly: true })).rejects.toThrow("shares its last layer");
    await expect(trained(text, "gpt2", { layers: 3 })).rejects.toThrow("--layers is for untrained networks");
  });
});
