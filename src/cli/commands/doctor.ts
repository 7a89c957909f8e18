// hebb doctor: what this machine offers, or what is wrong with a run.
import { cpus, totalmem } from "node:os";
import { openRun, readConfig, readEvents } from "../../formats/node.ts";
import { backendInfo } from "../../runtime/index.ts";
import { rand } from "../../tensor/index.ts";
import { checkConfig } from "../job.ts";

interface Finding {
  readonly level: "ok" | "warning";
  readonly what: string;
  /** What to do; empty when all is well. */
  readonly fix: string;
}

/** The set-up: Node, processor, backend and why it was chosen. */
function machine(): Finding[] {
  const info = backendInfo();
  const started = performance.now();
  const product = rand([512, 512]).matmul(rand([512, 512]));
  product.dataSync();
  const cold = performance.now() - started;
  const shared = typeof SharedArrayBuffer === "function";
  return [
    { level: "ok", what: `Node ${process.versions.node} on ${process.platform}/${process.arch}`, fix: "" },
    {
      level: "ok",
      what: `${cpus().length} × ${cpus()[0]?.model.trim() ?? "processor"}, ${Math.round(totalmem() / 2 ** 30)} GiB of memory`,
      fix: "",
    },
    { level: "ok", what: `backend: ${info.description}`, fix: "" },
    shared
      ? { level: "ok", what: "SharedArrayBuffer is there: threads can be used", fix: "" }
      : { level: "warning", what: "SharedArrayBuffer is missing: one thread only", fix: "use a newer Node" },
    { level: "ok", what: `a 512 × 512 product, compiled and run: ${cold.toFixed(0)} ms`, fix: "" },
  ];
}

/** What the log of a run tells. */
function diagnose(folder: string): Finding[] {
  const run = openRun(folder);
  const config = checkConfig(readConfig(run), "config.json:");
  const { events, warnings } = readEvents(run);
  const findings: Finding[] = warnings.map((what) => ({ level: "warning", what, fix: "the rest of the log was used" }));
  const epochs = events.flatMap((event) => epochOf(event));
  for (const event of events) {
    if (isRecord(event) && event.type === "warning" && typeof event.message === "string")
      findings.push({ level: "warning", what: event.message, fix: "" });
  }
  const first = epochs[0];
  const last = epochs.at(-1);
  const ended = events.some((event) => isRecord(event) && event.type === "end");
  // A run that ended without an epoch came to grief at the start: resuming it would take the same steps again.
  if (first === undefined || last === undefined)
    return [
      ...findings,
      {
        level: "warning",
        what: "no epoch was finished",
        fix: ended
          ? `train anew with a lower learning rate than ${config.lr}, or with the data mended`
          : `go on with: hebb resume ${folder}`,
      },
    ];
  if (!ended)
    findings.push({ level: "warning", what: "the run did not end", fix: `go on with: hebb resume ${folder}` });
  if (epochs.length > 2 && last.train > 0.98 * first.train) {
    findings.push({
      level: "warning",
      what: `the training loss hardly moved: ${first.train.toPrecision(4)} → ${last.train.toPrecision(4)}`,
      fix: `try another learning rate (now ${config.lr}): ten times more, ten times less`,
    });
  }
  const rises = epochs.filter(
    (epoch, place) => place > 0 && epoch.train > 1.2 * (epochs[place - 1]?.train ?? Number.POSITIVE_INFINITY),
  ).length;
  if (epochs.length > 4 && rises > epochs.length / 4)
    findings.push({
      level: "warning",
      what: `the training loss jumped up in ${rises} of ${epochs.length} epochs`,
      fix: `lower the learning rate (now ${config.lr})`,
    });
  const best = Math.min(...epochs.map(({ validation }) => validation ?? Number.POSITIVE_INFINITY));
  if (last.validation !== undefined && last.validation > 1.3 * best && last.train < first.train) {
    findings.push({
      level: "warning",
      what: `validation loss rose from ${best.toPrecision(4)} to ${last.validation.toPrecision(4)} while training loss fell: it overfits`,
      fix: "the best weights were kept; more dropout, weight decay or data would help further",
    });
  }
  if (config.model.activation === "identity" && config.model.hidden.length > 0 && config.model.kind === "mlp") {
    findings.push({
      level: "warning",
      what: "there is no activation between the layers: together they are one linear layer",
      fix: "use --activation relu",
    });
  }
  return findings.length > 0
    ? findings
    : [
        {
          level: "ok",
          what: `${epochs.length} epochs, loss ${first.train.toPrecision(4)} → ${last.train.toPrecision(4)}: nothing suspicious`,
          fix: "",
        },
      ];
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

function epochOf(event: unknown): { train: number; validation: number | undefined }[] {
  if (!isRecord(event) || event.type !== "epoch" || !isRecord(event.train)) return [];
  const validation = isRecord(event.validation) ? event.validation.loss : undefined;
  return [{ train: Number(event.train.loss), validation: typeof validation === "number" ? validation : undefined }];
}

export async function doctor(folder: string | undefined, args: { readonly json: boolean }): Promise<number> {
  const findings = folder === undefined ? machine() : diagnose(folder);
  if (args.json) process.stdout.write(`${JSON.stringify(findings)}\n`);
  else
    for (const { level, what, fix } of findings)
      process.stdout.write(`${level === "ok" ? "✓" : "!"} ${what}${fix === "" ? "" : `\n  → ${fix}`}\n`);
  return 0;
}
