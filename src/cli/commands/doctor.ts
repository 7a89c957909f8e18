// hebb doctor: reports the capabilities of this machine, or the problems of a run.
import { cpus, totalmem } from "node:os";
import { describeCard } from "../../backends/webgpu/index.ts";
import type { JsonObject } from "../../formats/index.ts";
import { isRecord } from "../../formats/json.ts";
import { readEvents } from "../../formats/node.ts";
import { HebbError } from "../../graph/errors.ts";
import { dataOf } from "../../run/job.ts";
import { sampleOf } from "../../run/prepared.ts";
import { openValidated } from "../../run/saved.ts";
import { classNames, taskFor } from "../../run/task.ts";
import { backendInfo } from "../../runtime/index.ts";
import { rand } from "../../tensor/index.ts";
import { checkFinding } from "../../train/doctor/finding.ts";
import { Doctor, type EpochRecord, type Finding, makeObjective, samplesOf } from "../../train/index.ts";
import { betterThanNetwork } from "../comparison.ts";
import { out } from "../output.ts";
import { findingLines, noticesFor } from "../report.ts";

interface Note {
  /** "absent" marks something optional. */
  readonly level: "ok" | "absent" | "warning";
  readonly what: string;
  /** The remedy; empty if all is well. */
  readonly fix: string;
}

/** The set-up: Node, processor, backend and the reason for it. */
async function machine(): Promise<Note[]> {
  const info = backendInfo();
  const started = performance.now();
  const product = rand([512, 512]).matmul(rand([512, 512]));
  await product.data();
  const cold = performance.now() - started;
  const card = await describeCard();
  const shared = typeof SharedArrayBuffer === "function";
  return [
    { level: "ok", what: `Node ${process.versions.node} on ${process.platform}/${process.arch}`, fix: "" },
    {
      level: "ok",
      what: `${cpus().length} × ${cpus()[0]?.model.trim() ?? "processor"}, ${Math.round(totalmem() / 2 ** 30)} GiB of memory`,
      fix: "",
    },
    { level: "ok", what: `backend: ${info.description}`, fix: "" },
    { level: card.usable ? "ok" : "absent", what: `webgpu: ${card.text}`, fix: "" },
    ...(info.warning === undefined ? [] : [{ level: "warning", ...info.warning } as const]),
    shared
      ? { level: "ok", what: "SharedArrayBuffer is available: threads can be used", fix: "" }
      : { level: "warning", what: "SharedArrayBuffer is missing: one thread only", fix: "use a newer Node" },
    { level: "ok", what: `a 512 × 512 product, compiled and run: ${cold.toFixed(0)} ms`, fix: "" },
  ];
}

/** The problems of a run: findings during training, and problems of its weights, data and log now. */
async function examine(folder: string, json: boolean): Promise<{ notes: Note[]; findings: Finding[] }> {
  const { run, config, preprocessing, model } = openValidated(folder);
  const { events, warnings } = readEvents(run);
  const notes: Note[] = warnings.map((what) => ({ level: "warning", what, fix: "the rest of the log was used" }));
  const told = events.flatMap((event): Finding[] =>
    event.type === "finding" ? [checkFinding(event.finding, "finding")] : [],
  );
  const records = events.flatMap((event): EpochRecord[] => (event.type === "epoch" ? [recordOf(event)] : []));
  const ended = events.some(({ type }) => type === "end");
  const broke = told.some(({ code }) => code === "notANumber");
  if (!ended)
    notes.push({
      level: "warning",
      what: records.length === 0 ? "no epoch was finished" : "the run did not end",
      fix: `continue with: hebb resume ${folder}`,
    });
  else if (records.length === 0)
    notes.push({
      level: "warning",
      what: "no epoch was finished",
      fix: broke
        ? `retrain with a learning rate below ${config.lr}, or with corrected data`
        : "retrain with more epochs",
    });
  const found = [...told];
  const known = new Set(told.map(keyOf));
  if (config.model.kind !== "perceptron" && !broke) {
    const data = await dataOf(config, preprocessing, { notices: noticesFor(json) }).catch((error: unknown) => {
      if (!(error instanceof HebbError)) throw error;
      notes.push({ level: "warning", what: "the data could not be inspected again", fix: error.message });
      return undefined;
    });
    if (data !== undefined) {
      if (data.kind === "rows")
        notes.push(...data.findings().map((what): Note => ({ level: "warning", what, fix: "" })));
      const rows = sampleOf(data);
      const doctor = new Doctor({
        model,
        objective: makeObjective(config.loss, taskFor(preprocessing, config)),
        samples: samplesOf(rows),
        train: rows,
        validation: data.validation,
        classNames: classNames(preprocessing),
      });
      found.push(...doctor.examine(records, config.lr).filter((finding) => !known.has(keyOf(finding))));
    }
  }
  const [first, last] = [records[0], records.at(-1)];
  const better = events.flatMap((event) => (event.type === "end" ? (betterIn(event) ?? []) : [])).at(-1);
  if (better !== undefined) notes.push({ level: "warning", ...better });
  const faults = notes.some(({ level }) => level === "warning");
  if (found.length === 0 && !faults && first !== undefined && last !== undefined)
    notes.push({
      level: "ok",
      what: `${records.length} epochs, loss ${lossOf(first)} → ${lossOf(last)}: nothing suspicious`,
      fix: "",
    });
  return { notes, findings: found };
}

const keyOf = ({ code, layer }: Finding): string => `${code} ${layer ?? ""}`;
const lossOf = ({ train }: EpochRecord): string => (train["loss"] ?? Number.NaN).toPrecision(4);

/** Metrics in a log, where NaN and infinities are strings. */
const figuresOf = (value: unknown): Record<string, number> =>
  Object.fromEntries(
    Object.entries(isRecord(value) ? value : {}).map(([name, figure]): [string, number] => [
      name,
      typeof figure === "number" ? figure : Number.NaN,
    ]),
  );

/** The baseline that beats the network of a finished run. */
function betterIn({ baselines, metrics }: JsonObject): Omit<Note, "level"> | undefined {
  if (!isRecord(baselines) || !isRecord(metrics)) return undefined;
  const [own, linear, constant] = [metrics["validation"], baselines["linear"], baselines["constant"]].map(figuresOf);
  return betterThanNetwork({ own: own ?? {}, linear: linear ?? {}, constant: constant ?? {} });
}

function recordOf(event: JsonObject): EpochRecord {
  const { epoch, train, validation } = event;
  return {
    epoch: typeof epoch === "number" ? epoch : 0,
    train: figuresOf(train),
    validation: validation === null || validation === undefined ? null : figuresOf(validation),
  };
}

const marks = { ok: "✓", absent: "–", warning: "!" } as const;

export async function doctor(folder: string | undefined, args: { readonly json: boolean }): Promise<number> {
  const { notes, findings } =
    folder === undefined ? { notes: await machine(), findings: [] } : await examine(folder, args.json);
  if (args.json) {
    out.json({ notes, findings });
    return 0;
  }
  for (const finding of findings) out.line(...findingLines(finding));
  for (const { level, what, fix } of notes) out.line(`${marks[level]} ${what}`, ...(fix === "" ? [] : [`  → ${fix}`]));
  return 0;
}
