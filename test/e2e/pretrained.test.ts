// A pretrained model fine-tuned on texts of a table: the commands train, pause, resume, evaluate and query it.
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readSafetensors } from "../../src/formats/index.ts";
import { loadModel, openRun } from "../../src/formats/node.ts";
import type { TrainChoices } from "../../src/run/choices.ts";
import { loadRun } from "../../src/run/index.ts";
import { makeJob, readFor, resumeJob, startJob } from "../../src/run/job.ts";
import type { Manner } from "../../src/run/perform.ts";
import type { Notices } from "../../src/run/readOptions.ts";
import type { TrainEvent } from "../../src/train/index.ts";
import { folderOf } from "../models/golden.ts";
import { removeFolder } from "../suite/removeFolder.ts";

let folder = "";
let reviews = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "hebb-base-"));
  reviews = join(folder, "reviews.csv");
  const [good, bad] = [
    ["good", "great", "liked"],
    ["bad", "dull", "terrible"],
  ];
  const rows = Array.from({ length: 60 }, (_, i) => {
    const words = i % 2 === 0 ? good : bad;
    return `${i},"the film: ${words[Math.floor(i / 2) % 3]}, the ${["cat", "dog", "mat"][i % 3]}",${i % 2 === 0 ? "yes" : "no"}`;
  });
  writeFileSync(reviews, ["number,review,label", ...rows, '60,"nobody said",'].join("\n"));
});
afterAll(() => removeFolder(folder));

const notices: Notices = { progress: () => {}, warn: () => {}, note: () => {} };
const choices: TrainChoices = {
  target: "label",
  base: folderOf("bert"),
  seed: 3,
  epochs: 10,
  batchSize: 8,
  lr: 5e-3,
  patience: 20,
};

function manner(events: TrainEvent[] = [], pauseAfter?: number): Manner {
  return { tell: (event) => events.push(event), onInterrupt: () => () => {}, pauseAfter, doctor: false, logs: false };
}

async function trained(name: string, more: Partial<TrainChoices>, pauseAfter?: number) {
  const chosen = { ...choices, ...more };
  const job = await makeJob(await readFor(reviews, chosen, notices), chosen, null, notices);
  const events: TrainEvent[] = [];
  const run = join(folder, name);
  return { ...(await startJob(job, run, manner(events, pauseAfter))), run, events };
}

const weightsOf = (run: string) => loadModel(openRun(run)).tensors;
const losses = (events: readonly TrainEvent[]): number[] =>
  events.flatMap((event) => (event.type === "epoch" ? [event.train["loss"] ?? Number.NaN] : []));

describe("hebb train --base", () => {
  it("learns classes of texts, names them, and loses nothing when it is paused", async () => {
    const { metrics, run } = await trained("all", {});
    expect(metrics?.train["accuracy"]).toBeGreaterThan(0.9);
    const loaded = await loadRun(run);
    const rows = [{ review: "the film: great, the dog" }, { review: "the film: dull, the mat" }];
    expect((await loaded.predict(rows)).map(({ prediction }) => prediction)).toEqual(["yes", "no"]);
    await expect(loaded.predict([{ text: "great" }])).rejects.toThrow('no column "review"');
    const paused = await trained("paused", {}, 1);
    await resumeJob(paused.run, { ...manner(), notices });
    expect(weightsOf(paused.run)).toEqual(weightsOf(run));
  });

  it.each([
    ["lora", { lora: 4 }],
    ["head", { headOnly: true }],
  ])("trains %s alone: the base stays unchanged, and the loss falls", async (name, more) => {
    const { run, events } = await trained(name, more);
    const list = losses(events);
    expect(list.at(-1)).toBeLessThan(list[0] ?? 0);
    const base = name === "lora" ? "query.base.weight" : "query.weight";
    const { tensors } = readSafetensors(readFileSync(folderOf("bert/model.safetensors")));
    const kept = weightsOf(run)[`model.body.blocks.0.attention.${base}`];
    expect(kept?.data).toEqual(tensors["encoder.layer.0.attention.self.query.weight"]?.data);
    expect((await loadRun(run)).config.model.kind).toBe("pretrained");
  });

  it("refuses incompatible choices with a message", async () => {
    const ask = (more: Partial<TrainChoices>) => readFor(reviews, { ...choices, ...more }, notices);
    await expect(ask({ base: undefined, lora: 4 })).rejects.toThrow("--lora is for a pretrained model");
    await expect(ask({ lora: 4, headOnly: true })).rejects.toThrow("exclude each other");
    await expect(ask({ hidden: [3] })).rejects.toThrow("--hidden is for untrained networks");
    await expect(trained("none", { base: folder })).rejects.toThrow("has no config.json");
    await expect(trained("none", { base: folderOf("gpt2") })).rejects.toThrow("has no tokenizer.json");
  });
});
