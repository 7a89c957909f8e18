// Run folders under stress: every failure while saving, every flipped bit, links, torn logs.
import { spawn } from "node:child_process";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fitPreprocessing } from "../data/fitting.ts";
import { iris } from "../data/iris.ts";
import { diskOperations, type FileOperations, sealJson, writeFileAtomic } from "./atomic.ts";
import {
  appendEvent,
  createRun,
  loadLatestCheckpoint,
  loadModel,
  openRun,
  type Run,
  readConfig,
  readEvents,
  readPreprocessing,
  type SavedState,
  saveCheckpoint,
  saveModel,
  truncateEvents,
} from "./node.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "hebb-run-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const state = (value: number): SavedState => ({
  tensors: {
    "model.weight": { dtype: "float32", shape: [2, 2], data: Float32Array.of(value, 2, 3, Number.NaN) },
    "optimizer.step": { dtype: "int32", shape: [], data: Int32Array.of(value) },
  },
  json: { epoch: value, loader: { batch: 3 }, best: null },
});
const newRun = (operations?: FileOperations): Run =>
  createRun(join(folder, "run"), {
    config: { target: "species", hidden: [16, 8] },
    ...(operations ? { operations } : {}),
  });
const epochOf = (run: Run): unknown => loadLatestCheckpoint(run)?.state.json["epoch"];
const fail = (code: string): never => {
  throw Object.assign(new Error(code), { code });
};

test("configuration, preprocessing, model, checkpoint and events survive a round trip", () => {
  const preprocessing = fitPreprocessing(iris(), { target: "species" });
  const run = createRun(join(folder, "run"), { config: { target: "species" }, preprocessing });
  saveModel(run, state(7));
  saveCheckpoint(run, state(1));
  appendEvent(run, { type: "epoch", loss: Number.NaN });
  const again = openRun(join(folder, "run"));
  expect(readConfig(again)).toEqual({ target: "species" });
  expect(readPreprocessing(again)).toEqual(preprocessing);
  expect(loadModel(again)).toEqual(state(7));
  expect(loadLatestCheckpoint(again)).toEqual({ sequence: 1, state: state(1), warnings: [] });
  expect(readEvents(again)).toEqual({ events: [{ type: "epoch", loss: "NaN" }], warnings: [] });
});

test("an existing folder is never overwritten, and a folder that is not a run is refused", () => {
  newRun();
  expect(() => newRun()).toThrow(/already exists and is not empty; choose another folder/);
  expect(() => openRun(join(folder, "nothing"))).toThrow(/there is no run folder/);
  expect(() => openRun(folder)).toThrow(/has no config\.json/);
  writeFileSync(join(folder, "file"), "x");
  expect(() => openRun(join(folder, "file"))).toThrow(/is a file, not a run folder/);
  expect(() => createRun(join(folder, "file"), { config: {} })).toThrow(/not a folder/);
});

test("the newest checkpoints stay, older ones are removed", () => {
  const run = newRun();
  for (let i = 1; i <= 5; i++) expect(saveCheckpoint(run, state(i), { keep: 2 })).toBe(i);
  expect(readdirSync(join(run.path, "checkpoints")).sort()).toEqual([
    "00000004.json",
    "00000004.safetensors",
    "00000005.json",
    "00000005.safetensors",
  ]);
  expect(epochOf(run)).toBe(5);
});

test("whichever operation of a save fails, the old or the new checkpoint loads", () => {
  // Counts the operations of one save, then makes each of them fail in turn, in each way.
  let calls = 0;
  let failAt = -1;
  let how: "ENOSPC" | "EIO" | "nothing written" = "EIO";
  const step = (): boolean => calls++ === failAt;
  const operations: FileOperations = {
    open: (path, flags) => (step() ? fail(how) : diskOperations.open(path, flags)),
    // Always short: a single write never writes all bytes.
    write: (file, bytes, offset, length) => {
      if (step()) return how === "nothing written" ? 0 : fail(how);
      return diskOperations.write(file, bytes, offset, Math.min(length, 150));
    },
    sync: (file) => (step() ? fail(how) : diskOperations.sync(file)),
    close: (file) => {
      const failing = step();
      diskOperations.close(file);
      if (failing) fail(how);
    },
    rename: (from, to) => (step() ? fail(how) : diskOperations.rename(from, to)),
    remove: (path) => (step() ? fail(how) : diskOperations.remove(path)),
  };
  const run = newRun(operations);
  saveCheckpoint(run, state(1));
  calls = 0;
  saveCheckpoint(run, state(2));
  const operationsPerSave = calls;
  expect(operationsPerSave).toBeGreaterThan(12);
  let saved = 2;
  let refused = 0;
  for (how of ["ENOSPC", "EIO", "nothing written"] as const) {
    for (let at = 0; at < operationsPerSave; at++) {
      calls = 0;
      failAt = at;
      let failed = false;
      try {
        saveCheckpoint(run, state(saved + 1));
      } catch (error) {
        failed = true;
        refused++;
        expect(String(error)).toMatch(/could not be saved: .* What was saved before is unchanged/);
      }
      failAt = -1;
      const now = epochOf(run);
      // A failed folder sync comes after the rename, so the new one is already there.
      expect([saved, saved + 1]).toContain(now);
      if (!failed) expect(now).toBe(saved + 1);
      expect(loadLatestCheckpoint(run)?.warnings).toEqual([]);
      saved = Number(now);
    }
  }
  expect(refused).toBeGreaterThan(30);
  saveCheckpoint(run, state(saved + 1));
  expect(readdirSync(join(run.path, "checkpoints")).filter((name) => name.startsWith("."))).toEqual([]);
  expect(readdirSync(join(run.path, "checkpoints")).length).toBe(6);
});

test("the same for the model: it is the old or the new one, intact", () => {
  let left = Number.POSITIVE_INFINITY;
  const check = (): void => {
    if (left-- <= 0) fail("ENOSPC");
  };
  const operations: FileOperations = {
    open: (path, flags) => {
      check();
      return diskOperations.open(path, flags);
    },
    write: (file, bytes, offset, length) => {
      check();
      return diskOperations.write(file, bytes, offset, length);
    },
    sync: (file) => {
      check();
      diskOperations.sync(file);
    },
    close: diskOperations.close,
    rename: (from, to) => {
      check();
      diskOperations.rename(from, to);
    },
    remove: diskOperations.remove,
  };
  const run = newRun(operations);
  saveModel(run, state(1));
  for (let at = 0; at < 12; at++) {
    left = at;
    try {
      saveModel(run, state(at + 2));
    } catch (error) {
      expect(String(error)).toMatch(/disk is full/);
    }
    expect([...Array(at + 2).keys()].map((i) => i + 1)).toContain(loadModel(run).json["epoch"]);
  }
  expect(loadModel(run).json["epoch"]).toBe(13);
});

test("kill -9 during saves: the loaded state is intact", async () => {
  const run = newRun();
  saveCheckpoint(run, state(0));
  const module = fileURLToPath(new URL("./node.ts", import.meta.url));
  const script = join(folder, "saver.mts");
  writeFileSync(
    script,
    `const { openRun, saveCheckpoint } = await import(${JSON.stringify(module)});
     const run = openRun(${JSON.stringify(run.path)});
     process.stdout.write("ready");
     for (let i = 1; ; i++) saveCheckpoint(run, { tensors: { w: { dtype: "float32", shape: [200000], data: new Float32Array(200000).fill(i) } }, json: { epoch: i } });`,
  );
  for (const delay of [7, 23, 41]) {
    const child = spawn(process.execPath, ["--import", "tsx", script], {
      stdio: ["ignore", "pipe", "inherit"],
      cwd: fileURLToPath(new URL("../..", import.meta.url)),
    });
    await new Promise((resolve) => child.stdout.once("data", resolve));
    await new Promise((resolve) => setTimeout(resolve, delay));
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
    const loaded = loadLatestCheckpoint(run);
    expect(loaded?.warnings).toEqual([]);
    const w = loaded?.state.tensors["w"];
    if (w) expect(new Set(w.data)).toEqual(new Set([loaded?.state.json["epoch"]]));
  }
}, 30_000);

describe("every flipped bit and every truncation is detected and named", () => {
  const damage = (path: string, check: (what: string) => void): void => {
    const whole = readFileSync(path);
    for (let at = 0; at < whole.length; at++) {
      const copy = Buffer.from(whole);
      copy[at] = (copy[at] ?? 0) ^ (1 << (at % 8));
      writeFileSync(path, copy);
      check(`byte ${at}`);
    }
    for (const length of [0, 1, 7, 8, 20, whole.length >> 1, whole.length - 1]) {
      writeFileSync(path, whole.subarray(0, length));
      check(`length ${length}`);
    }
    writeFileSync(path, Buffer.concat([whole, Buffer.from("\n")]));
    check("one byte more");
    writeFileSync(path, whole);
  };

  test.each(["json", "safetensors"])(
    "in the newest checkpoint (%s): the one before is used, with a warning",
    (kind) => {
      const run = newRun();
      saveCheckpoint(run, state(1));
      saveCheckpoint(run, state(2));
      damage(join(run.path, "checkpoints", `00000002.${kind}`), (what) => {
        const loaded = loadLatestCheckpoint(run);
        expect(loaded?.state, what).toEqual(state(1));
        expect(loaded?.warnings[0], what).toMatch(/checkpoint 2 cannot be used.*00000002\.\w+ is damaged/);
      });
      expect(epochOf(run)).toBe(2);
    },
  );

  test("in the model, the configuration and the preprocessing", () => {
    const run = createRun(join(folder, "run"), {
      config: { a: 1 },
      preprocessing: fitPreprocessing(iris(), { target: "species" }),
    });
    saveModel(run, state(3));
    damage(join(run.path, "model.safetensors"), (what) =>
      expect(() => loadModel(run), what).toThrow(/model\.safetensors is damaged/),
    );
    damage(join(run.path, "config.json"), (what) =>
      expect(() => readConfig(run), what).toThrow(/config\.json is damaged/),
    );
    damage(join(run.path, "preprocessing.json"), (what) =>
      expect(() => readPreprocessing(run), what).toThrow(/preprocessing\.json is damaged/),
    );
    expect(loadModel(run)).toEqual(state(3));
  });

  test("if every checkpoint is damaged, the error names them", () => {
    const run = newRun();
    expect(loadLatestCheckpoint(run)).toBeUndefined();
    saveCheckpoint(run, state(1));
    saveCheckpoint(run, state(2));
    for (const n of [1, 2]) truncateSync(join(run.path, "checkpoints", `0000000${n}.safetensors`), 3);
    expect(() => loadLatestCheckpoint(run)).toThrow(
      /none of the 2 checkpoints .* 00000001\.safetensors|00000002\.safetensors is damaged/,
    );
  });
});

test("a checkpoint under another's name, or without its arrays, is not accepted", () => {
  const run = newRun();
  saveCheckpoint(run, state(1));
  saveCheckpoint(run, state(2));
  const at = (name: string): string => join(run.path, "checkpoints", name);
  writeFileSync(at("00000003.json"), readFileSync(at("00000001.json")));
  rmSync(at("00000002.safetensors"));
  const loaded = loadLatestCheckpoint(run);
  expect(loaded?.state).toEqual(state(1));
  expect(loaded?.warnings.join()).toMatch(
    /describes checkpoint 1, which is not its name[\s\S]*00000002\.safetensors does not exist/,
  );
});

test("the error for a sealed file with wrong contents names the position", () => {
  const run = newRun();
  const put = (name: string, value: Record<string, unknown>): void =>
    writeFileSync(join(run.path, name), sealJson(value));
  put("preprocessing.json", {
    format: "hebb-preprocessing",
    preprocessing: { kind: "table", version: 1, inputs: [{ kind: "number", column: 3 }] },
  });
  expect(() => readPreprocessing(run)).toThrow(
    /preprocessing\.json: preprocessing\.inputs\[0\]\.column must be a text, but is 3/,
  );
  put("preprocessing.json", { format: "hebb-preprocessing", preprocessing: { kind: "pickle" } });
  expect(() => readPreprocessing(run)).toThrow(/kind is table or images or text/);
  put("config.json", { format: "other", version: 1, config: {} });
  expect(() => readConfig(run)).toThrow(/config\.json: format must be "hebb-run", but is "other"/);
});

test("links inside the folder are refused for reading and writing", () => {
  const run = newRun();
  const outside = join(folder, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "events"), "");
  symlinkSync(join(outside, "events"), join(run.path, "events.jsonl"));
  expect(() => appendEvent(run, { type: "x" })).toThrow(/is a symbolic link/);
  expect(readFileSync(join(outside, "events"), "utf8")).toBe("");
  rmSync(join(run.path, "checkpoints"), { recursive: true });
  symlinkSync(outside, join(run.path, "checkpoints"));
  expect(() => saveCheckpoint(run, state(1))).toThrow(/is a symbolic link/);
  symlinkSync(join(folder, "elsewhere"), join(run.path, "model.safetensors"));
  expect(() => saveModel(run, state(1))).toThrow(/is a symbolic link/);
  expect(() => loadModel(run)).toThrow(/is a symbolic link/);
  expect(readdirSync(outside)).toEqual(["events"]);
});

test("events: a torn last line is skipped and removed by the next append; other damage is named", () => {
  const run = newRun();
  appendEvent(run, { type: "start" });
  appendFileSync(join(run.path, "events.jsonl"), '{"type":"ep');
  expect(readEvents(run)).toEqual({ events: [{ type: "start" }], warnings: [] });
  appendEvent(run, { type: "end" });
  expect(readEvents(run).events).toEqual([{ type: "start" }, { type: "end" }]);
  appendFileSync(join(run.path, "events.jsonl"), 'rubbish\n{"type":"after"}\n');
  const read = readEvents(run);
  // All lines after one with a checksum must have one.
  expect(read.events.length).toBe(2);
  expect(read.warnings).toEqual([
    expect.stringMatching(/events\.jsonl, line 3 is not an event/),
    expect.stringMatching(/events\.jsonl, line 4 is not an event/),
  ]);
  truncateEvents(run, 1);
  expect(readEvents(run).events).toEqual([{ type: "start" }]);
});

test("events: any flipped bit drops its line and is reported", () => {
  const run = newRun();
  const events = [{ type: "start" }, { type: "epoch", loss: 0.5 }, { type: "end", best: "accuracy" }];
  for (const event of events) appendEvent(run, event);
  const path = join(run.path, "events.jsonl");
  const whole = readFileSync(path);
  for (let bit = 0; bit < 8 * whole.length; bit++) {
    const damaged = Buffer.from(whole);
    damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    writeFileSync(path, damaged);
    const read = readEvents(run);
    const torn = whole[bit >> 3] === 10 && (bit >> 3) + 1 === whole.length;
    expect
      .soft(
        read.events.every((event) => events.some((one) => JSON.stringify(one) === JSON.stringify(event))),
        `bit ${bit}`,
      )
      .toBe(true);
    expect.soft(read.warnings.length > 0 || torn, `bit ${bit} is reported`).toBe(true);
  }
});

test("events: lines of an earlier version have no checksum, and precede those that have", () => {
  const run = newRun();
  writeFileSync(join(run.path, "events.jsonl"), '{"type":"start"}\n{"type":"epoch","loss":1}\n');
  appendEvent(run, { type: "end" });
  expect(readEvents(run)).toEqual({
    events: [{ type: "start" }, { type: "epoch", loss: 1 }, { type: "end" }],
    warnings: [],
  });
});

test("leftovers of another process with the same pid, as in a restarted container, do not interfere", () => {
  const path = join(folder, "model.safetensors");
  for (let save = 0; save < 1000; save++)
    writeFileSync(join(folder, `.model.safetensors.${process.pid}.${save}.saving`), "half");
  for (let save = 0; save < 3; save++) writeFileAtomic(path, `${save}`);
  expect(readFileSync(path, "utf8")).toBe("2");
});

test("a value that JSON would silently change is refused when saving, and nothing is written", () => {
  const run = newRun();
  expect(() => saveCheckpoint(run, { tensors: {}, json: { best: Number.NaN } })).toThrow(
    /checkpoint\.best is NaN, which JSON cannot hold/,
  );
  expect(readdirSync(join(run.path, "checkpoints"))).toEqual([]);
});

test("writeFileAtomic replaces the file, keeps the old one on failure and leaves nothing behind", () => {
  const path = join(folder, "file");
  writeFileAtomic(path, "old");
  writeFileAtomic(path, "new");
  expect(() => writeFileAtomic(path, "newer", { ...diskOperations, rename: () => fail("EXDEV") })).toThrow(
    /could not be saved/,
  );
  expect(readFileSync(path, "utf8")).toBe("new");
  expect(readdirSync(folder)).toEqual(["file"]);
  expect(() => writeFileAtomic(join(folder, "no", "file"), "x")).toThrow(/its folder does not exist; create it/);
});

test("the error for a folder that cannot be created mentions no earlier save", () => {
  expect(() => createRun("/proc/hebb/run", { config: {} })).toThrow(/could not be created: (?!.*saved before)/);
});

test("a save is written, synced and closed before the rename, and the folder is synced after it", () => {
  const order: string[] = [];
  const recorded: FileOperations = {
    open: (path, flags) => {
      order.push(flags === "r" ? "open folder" : "open");
      return diskOperations.open(path, flags);
    },
    write: (file, bytes, offset, length) => {
      order.push("write");
      return diskOperations.write(file, bytes, offset, length);
    },
    sync: (file) => {
      order.push("sync");
      diskOperations.sync(file);
    },
    close: (file) => {
      order.push("close");
      diskOperations.close(file);
    },
    rename: (from, to) => {
      order.push("rename");
      diskOperations.rename(from, to);
    },
    remove: diskOperations.remove,
  };
  writeFileAtomic(join(folder, "file"), "x", recorded);
  expect(order).toEqual(["open", "write", "sync", "close", "rename", "open folder", "sync", "close"]);
});
