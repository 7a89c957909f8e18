// The logs of a run are rewritten from its events, warn once if they fail, and never follow a link.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { diskOperations, type FileOperations } from "../formats/atomic.ts";
import { createRun, openRun, type Run, readEvents } from "../formats/node.ts";
import type { TrainEvent } from "../train/index.ts";
import { EventLog, RunLogs } from "./logs.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hebb-logs-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const epoch = (number: number): TrainEvent => ({
  type: "epoch",
  epoch: number,
  step: 10 * (number + 1),
  lr: 0.01,
  train: { loss: 0.5 + number },
  validation: { loss: 0.25, rocAuc: number === 1 ? Number.NaN : 0.5 },
  seconds: 1.5,
  best: true,
});
const newRun = (): Run => createRun(join(folder, "run"), { config: {} });
const table = (): string => readFileSync(join(folder, "run", "epochs.csv"), "utf8");
const header = "epoch,step,lr,seconds,train loss,validation loss,validation rocAuc\n";
const line = (number: number): string =>
  `${number + 1},${10 * (number + 1)},0.01,1.500,${0.5 + number},0.25,${number === 1 ? "" : "0.5"}\n`;

/** Writes these epochs like a process that then ends, or continues. */
function train(run: Run, epochs: readonly number[], kept: number): string[] {
  const warnings: string[] = [];
  const before = readEvents(run).events.slice(0, kept);
  const [log, logs] = [
    new EventLog(run, before.length, (text) => warnings.push(text)),
    new RunLogs(run, before, (text) => warnings.push(text)),
  ];
  for (const number of epochs) {
    log.append(epoch(number));
    logs.listen(epoch(number));
  }
  logs.close();
  return warnings;
}

test("a run stopped in its first epoch has a header when it is resumed", () => {
  const run = newRun();
  expect(train(run, [], 0)).toEqual([]);
  expect(table()).toBe("");
  train(run, [0, 1, 2], 0);
  expect(table()).toBe(header + line(0) + line(1) + line(2));
});

test("a resumed run has exactly the lines before that point, whatever happened to the file", () => {
  const run = newRun();
  train(run, [0, 1, 2, 3], 0);
  for (const damage of ["", "epoch,st", "nonsense\n1\n2\n3\n4\n5\n"]) {
    writeFileSync(join(run.path, "epochs.csv"), damage);
    train(run, [2], 2);
    expect(table()).toBe(header + line(0) + line(1) + line(2));
  }
  expect(readdirSync(join(run.path, "tensorboard")).length).toBeGreaterThan(0);
});

/** Fails for one file, from its n-th write on, after writing half of the data. */
function failing(name: string, from: number): FileOperations {
  const files = new Map<number, string>();
  let writes = 0;
  return {
    ...diskOperations,
    open: (path, flags) => {
      const file = diskOperations.open(path, flags);
      files.set(file, path);
      return file;
    },
    write: (file, bytes, offset, length) => {
      if (files.get(file)?.includes(name) !== true || writes++ < from)
        return diskOperations.write(file, bytes, offset, length);
      if (writes % 2 === 1) return diskOperations.write(file, bytes, offset, Math.ceil(length / 2));
      throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC" });
    },
  };
}

test("a log that cannot be written keeps only whole lines and is reported once, and the others continue", () => {
  newRun();
  for (const [name, from] of [
    ["epochs.csv", 3],
    ["tfevents", 2],
    ["events.jsonl", 2],
  ] as const) {
    rmSync(join(folder, "run", "events.jsonl"), { force: true });
    const run = openRun(join(folder, "run"), failing(name, from));
    const warnings = train(run, [0, 1, 2, 3, 4], 0);
    expect(warnings).toEqual([
      expect.stringMatching(`${name}.* could not be saved: the disk is full.*training continues`),
    ]);
    if (name === "epochs.csv") expect(header + [0, 1, 2, 3, 4].map(line).join("")).toContain(table());
    else expect(table()).toBe(header + [0, 1, 2, 3, 4].map(line).join(""));
    expect(table().endsWith("\n")).toBe(true);
    const { events, warnings: damaged } = readEvents(run);
    expect([events.length === 5, damaged]).toEqual([name !== "events.jsonl", []]);
  }
});

test("links in the place of logs are not followed", () => {
  const run = newRun();
  const outside = join(folder, "outside");
  mkdirSync(outside);
  const precious = join(outside, "precious.txt");
  writeFileSync(precious, "precious");
  for (const target of [precious, join(outside, "absent")]) {
    rmSync(join(run.path, "epochs.csv"), { force: true });
    symlinkSync(target, join(run.path, "epochs.csv"));
    expect(train(run, [0], 0)).toEqual([expect.stringMatching(/epochs\.csv is a symbolic link.*training continues/)]);
  }
  rmSync(join(run.path, "epochs.csv"));
  rmSync(join(run.path, "tensorboard"), { recursive: true });
  symlinkSync(outside, join(run.path, "tensorboard"));
  expect(train(run, [0], 0)).toEqual([expect.stringMatching(/tensorboard is a symbolic link.*training continues/)]);
  expect(readdirSync(outside)).toEqual(["precious.txt"]);
  expect(readFileSync(precious, "utf8")).toBe("precious");
});
