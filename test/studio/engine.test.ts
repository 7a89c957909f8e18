// The Studio's engine in Node: the state in an address, programs that reproduce a run, projects, going back, the drawn values.
import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { data, useBackend } from "../../src/index.ts";
import { Session } from "../../studio/engine/session.ts";
import { exportRun } from "../../studio/engine/ship.ts";
import { View } from "../../studio/engine/view.ts";
import { codeOf } from "../../studio/shared/code.ts";
import { initNames, lossesOf, memberLosses, optimizerNames } from "../../studio/shared/names.ts";
import { readProject } from "../../studio/shared/project.ts";
import type { OwnData } from "../../studio/shared/protocol.ts";
import {
  fields,
  keys,
  parseHash,
  printHash,
  readState,
  runKey,
  type StudioState,
  startState,
} from "../../studio/shared/state.ts";
import { removeFolder } from "../suite/removeFolder.ts";

// The backend of the page.
useBackend({ backend: "wasm", threads: 1 });

const states: readonly (readonly [string, Partial<StudioState>])[] = [
  ["the first one", {}],
  ["blobs, squared error", { data: "blobs", loss: "mse", layers: [{ kind: "dense", units: 5, activation: "gelu" }] }],
  ["a curve, Huber", { data: "curve", loss: "huber", optimizer: "rmsprop" }],
  ["loans, dropout", { data: "loans", dropout: 0.3, optimizer: "adamw", decay: 0.01 }],
  ["iris", { data: "iris", loss: "crossEntropy", optimizer: "nesterov" }],
  ["XOR, hinge, no hidden layer", { data: "xor", loss: "hinge", layers: [], batch: 2, optimizer: "sgd", lr: 0.1 }],
  [
    "painted, with a weight set by hand",
    {
      data: "painted",
      points: Array.from({ length: 20 }, (_, k) => [k / 10, (k * k) / 100, k % 2 === 0 ? 0 : 1] as const),
      edits: [
        { step: 0, parameter: "0.weight", index: 1, value: 0.5 },
        { step: 7, parameter: "2.bias", index: 0, value: -1 },
      ],
    },
  ],
  [
    "digits, convolutions",
    {
      data: "digits",
      count: 60,
      loss: "crossEntropy",
      layers: [
        { kind: "conv", units: 3, activation: "relu" },
        { kind: "dense", units: 6, activation: "tanh" },
      ],
    },
  ],
  ["words", { data: "words", loss: "crossEntropy", layers: [{ kind: "dense", units: 6, activation: "tanh" }] }],
  [
    "an ensemble of a table",
    {
      data: "loans",
      ensemble: { members: 3, bins: 6, embedding: 4 },
      layers: [{ kind: "dense", units: 6, activation: "relu" }],
    },
  ],
  ["computed inputs", { data: "circles", features: ["xx", "yy", "sinx"] }],
  ...initNames.map(
    (init) =>
      [
        `initial weights ${init}`,
        {
          init,
          layers: [
            { kind: "dense", units: 4, activation: "tanh" },
            { kind: "dense", units: 4, activation: "relu" },
          ],
        },
      ] as const,
  ),
  ...optimizerNames.map((optimizer) => [`optimizer ${optimizer}`, { optimizer }] as const),
];

/** A table with more rows than the bar's figures use, with names, gaps and classes; and images. */
const ownData: readonly (readonly [OwnData, Partial<StudioState>])[] = [
  [
    {
      kind: "table",
      name: "things.csv",
      text: `size,colour,kind\n${Array.from({ length: 3000 }, (_, k) => `${k % 17 === 0 ? "" : ((k * 37) % 101) / 10},${["red", "green", "blue"][k % 3]},${(k * 37) % 101 > 50 ? "large" : "small"}`).join("\n")}\n`,
    },
    { target: "kind" },
  ],
  [
    {
      kind: "images",
      name: "images.idx",
      images: data.formatIdx({
        dtype: "uint8",
        shape: [40, 6, 6],
        data: Uint8Array.from({ length: 1440 }, (_, k) => (k * 31) % 256),
      }),
      labels: data.formatIdx({ dtype: "uint8", shape: [40], data: Uint8Array.from({ length: 40 }, (_, k) => k % 3) }),
    },
    { loss: "crossEntropy", layers: [{ kind: "conv", units: 3, activation: "relu" }] },
  ],
];

const whole = (patch: Partial<StudioState>): StudioState => ({ ...startState, count: 60, ...patch });

describe("the state in an address", () => {
  it("round-trips every value", () => {
    for (const [, patch] of states) expect(parseHash(printHash(whole(patch)))).toEqual(whole(patch));
    const lanes = whole({
      lanes: [{ optimizer: "adam", lr: 0.3 }, { layers: [{ kind: "dense", units: 2, activation: "relu" }] }],
    });
    expect(parseHash(printHash(lanes))).toEqual(lanes);
    expect(printHash(startState)).toBe("");
  });
  it("rejects invalid states", () => {
    for (const text of [
      "data=nothing",
      "lr=-1",
      "layers=9999.tanh",
      "layers=8.tanh_x",
      "points=1.2.7",
      "%E0%A4%A",
      "edits=1~../x~0~1",
      "lanes=data:x",
      "step=1e99",
      "=&=&&",
      "__proto__=1",
    ])
      expect(parseHash(text)).toEqual(startState);
    expect(readState({ lr: "x", layers: 3, points: null, data: ["moons"] })).toMatchObject({ lr: startState.lr });
    expect(readState(JSON.parse(JSON.stringify(whole({ data: "iris" }))))).toEqual(whole({ data: "iris" }));
  });
  it("describes every field once", () => {
    expect(new Set(keys).size).toBe(Object.keys(fields).length);
    expect(Object.keys(startState).sort()).toEqual([...keys].sort());
    expect(runKey(whole({ speed: 5, selected: "1.1", step: 9 }))).toBe(runKey(whole({})));
    expect(runKey(whole({ lr: 0.5 }))).not.toBe(runKey(whole({})));
  });
});

describe("files", () => {
  for (const [name, patch] of states) {
    it(`${name}: program, weights and project reproduce the run`, async () => {
      const session = await Session.open(whole(patch), undefined);
      session.advance(23);
      expect((await exportRun(session, "typescript", undefined)).difference).toBeLessThan(1e-6);
      expect((await exportRun(session, "safetensors", undefined)).difference).toBe(0);
      const project = await exportRun(session, "project", undefined);
      expect(project.difference).toBe(0);
      expect(readProject(new TextDecoder().decode(project.bytes)).state).toEqual({ ...session.state, step: 23 });
    });
  }
  const root = fileURLToPath(new URL("../..", import.meta.url));
  /** Saves a program as a file that can import the library. */
  const write = (file: string, text: string): void =>
    writeFileSync(
      file,
      text
        .replace('"hebb/data/node"', JSON.stringify(join(root, "src/data/node.ts")))
        .replace('"hebb/train"', JSON.stringify(join(root, "src/train/index.ts")))
        .replace('"hebb"', JSON.stringify(join(root, "src/index.ts"))),
    );
  const programOf = (session: Session): string =>
    codeOf(session.state, session.prepared.info, session.step)
      .map((line) => line.text)
      .join("\n");

  it("every program compiles", async () => {
    const folder = mkdtempSync(join(tmpdir(), "hebb-programs-"));
    const files: string[] = [];
    for (const [place, [, patch]] of states.entries()) {
      const state = whole(patch);
      const { prepared } = await Session.open(state, undefined);
      const fitting = state.ensemble === undefined ? lossesOf[prepared.info.task] : memberLosses(prepared.info.task);
      for (const loss of fitting) {
        const file = join(folder, `program${place}-${loss}.ts`);
        const text = codeOf({ ...state, loss }, prepared.info, 10)
          .map((line) => line.text)
          .join("\n");
        write(file, text);
        files.push(file);
      }
    }
    for (const [place, [own, patch]] of ownData.entries()) {
      const file = join(folder, `own${place}.ts`);
      write(file, programOf(await Session.open(whole({ ...patch, data: "own" }), own)));
      files.push(file);
    }
    execFileSync(
      process.execPath,
      [
        join(root, "node_modules/typescript/bin/tsc"),
        "--noEmit",
        "--strict",
        "--skipLibCheck",
        "--target",
        "es2023",
        "--module",
        "esnext",
        "--moduleResolution",
        "bundler",
        "--allowImportingTsExtensions",
        "--types",
        "node",
        "--typeRoots",
        join(root, "node_modules/@types"),
        ...files,
      ],
      { cwd: folder, stdio: "pipe" },
    );
    removeFolder(folder);
    expect(files.length).toBeGreaterThan(50);
  });
  for (const [own, patch] of ownData)
    it(`${own.name}: the files are checked, and the program ends at the loss in the bar`, async () => {
      const session = await Session.open(whole({ ...patch, data: "own" }), own);
      session.advance(23);
      for (const format of ["typescript", "safetensors", "project"] as const)
        expect((await exportRun(session, format, own)).difference).toBeLessThan(1e-6);
      const folder = mkdtempSync(join(tmpdir(), "hebb-own-"));
      write(join(folder, "train.ts"), programOf(session));
      if (own.kind === "table") writeFileSync(join(folder, own.name), own.text);
      else {
        writeFileSync(join(folder, own.name), own.images);
        writeFileSync(join(folder, "labels.idx"), own.labels);
      }
      const said = execFileSync(process.execPath, [join(root, "scripts/run.mjs"), join(folder, "train.ts")], {
        cwd: folder,
        encoding: "utf8",
        env: { ...process.env, HEBB_BACKEND: "wasm" },
      });
      removeFolder(folder);
      expect(Number(said)).toBeCloseTo(session.record().train.loss, 6);
    });
});

describe("going back", () => {
  it("repeats the same steps, with dropout and edits too", async () => {
    for (const patch of [{}, { dropout: 0.2 }, { edits: [{ step: 12, parameter: "0.weight", index: 0, value: 1 }] }]) {
      const session = await Session.open(whole(patch), undefined);
      session.advance(300);
      const weights = session.tensors();
      session.goTo(12);
      session.goTo(140);
      session.goTo(300);
      expect(session.tensors()).toEqual(weights);
    }
  });
});

describe("drawn values", () => {
  it("have a map for every neuron, and a figure for every kind of data", async () => {
    for (const [, patch] of states.slice(0, 9)) {
      const session = await Session.open(whole(patch), undefined);
      session.advance(3);
      const view = new View(session);
      const snapshot = view.snapshot({ ...session.state, selected: "1.0" }, 0);
      expect(snapshot.layers.length).toBe(session.network.layers.length);
      expect(snapshot.maps.stages.length).toBe(session.network.stages.length);
      expect(Number.isFinite(snapshot.now.train.loss)).toBe(true);
      const { output } = snapshot;
      expect(output.confusion.length + output.pairs.length + output.samples.length).toBeGreaterThan(0);
    }
  });
});
