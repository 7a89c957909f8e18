// Dropped objects free their memory: compiled functions, models, whole trainings. HEBB_LONG=1 makes 1,200 of them.
import { describe, expect, test } from "vitest";
import { Dataset } from "../src/data/index.ts";
import * as nn from "../src/nn/index.ts";
import * as optim from "../src/optim/index.ts";
import { backendInfo, useBackend } from "../src/runtime/index.ts";
import { compile, seed, type Tensor, tensor } from "../src/tensor/index.ts";
import { type FitOptions, fit as trainModel } from "../src/train/index.ts";
import { training, type Used, used } from "./memoryUse.ts";

const long = process.env.HEBB_LONG === "1";
/** The number of functions and models to make and drop. */
const rounds = long ? 1_200 : 400;

/** Rows of two classes, new each time. */
const rowsOf = (count: number, width: number): Dataset =>
  new Dataset({
    features: Float32Array.from({ length: count * width }, (_, place) => Math.sin(place)),
    featureShape: [width],
    targets: Int32Array.from({ length: count }, (_, row) => row % 2),
  });

/** A training from scratch: its data, its model and its optimizer. */
async function trainOnce(count: number, width: number, options: Partial<FitOptions>): Promise<void> {
  seed(1);
  const model = new nn.Sequential(new nn.Linear(width, 16), new nn.ReLU(), new nn.Linear(16, 2));
  const optimizer = new optim.Adam(model.parameters());
  await trainModel(model, { train: rowsOf(count, width), optimizer, epochs: 1, ...options });
}

/** Everything that a training can keep. */
const everything: Partial<FitOptions> = {
  validation: rowsOf(32, 8),
  batchSize: 16,
  accumulate: 2,
  ema: 0.9,
  histograms: 1,
  doctor: true,
  earlyStopping: { patience: 2 },
  onEvent: () => {},
  save: () => {},
};

describe.each(["wasm", "c"] as const)("on %s, dropped memory", (backend) => {
  const on = async (body: () => Promise<void>, skip: () => void): Promise<void> => {
    const before = backendInfo().backend;
    try {
      if (useBackend({ backend: backend === "c" ? "auto" : backend }).backend !== backend) skip();
      await body();
    } finally {
      useBackend({ backend: before });
    }
  };
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  /**
   * Growth over the second half of the rounds. In the first half V8 compiles the code: 3 MB for a hundred of them, and little afterwards.
   * The result is twice the growth of the calmer quarter: a leak grows in both, while V8 recompiles in one or the other.
   */
  const growth = async (rounds: number, round: (place: number) => void | Promise<void>): Promise<Used> => {
    const run = async (from: number, to: number): Promise<void> => {
      for (let place = from; place < to; place++) {
        await round(place);
        await turn();
      }
    };
    await run(0, rounds / 2);
    const start = await used();
    await run(rounds / 2, (3 * rounds) / 4);
    const between = await used();
    await run((3 * rounds) / 4, rounds);
    const end = await used();
    const calmer = (part: keyof Used): number => 2 * Math.min(between[part] - start[part], end[part] - between[part]);
    return {
      heap: calmer("heap"),
      external: calmer("external"),
      device: calmer("device"),
      reserved: calmer("reserved"),
      programs: calmer("programs"),
    };
  };

  test(
    "is freed: compiled functions over 512 × 512",
    ({ skip }) =>
      on(async () => {
        const one = tensor(new Float32Array(512 * 512).fill(0.01), { shape: [512, 512] });
        const grown = await growth(rounds, () => {
          const next = compile((a: Tensor) => a.matmul(a).add(one).softmax(1).matmul(a).sum());
          next(one).itemSync();
        });
        // One value of this size is a mebibyte. V8's own records about the code stay below that: 5 KB for each of 200.
        expect(grown.device).toBeLessThan(64 << 10);
        expect(grown.reserved).toBeLessThan(1 << 20);
        expect(grown.heap).toBeLessThan(1 << 20);
        expect(grown.external).toBeLessThan(1 << 20);
      }, skip),
    240_000,
  );

  test(
    "is freed: models trained with their own step",
    ({ skip }) =>
      on(async () => {
        const [x, y] = training().batch();
        const grown = await growth(rounds, () => {
          const { step } = training();
          compile(step)(x, y).itemSync();
        });
        expect(grown.device).toBeLessThan(64 << 10);
        expect(grown.heap).toBeLessThan(1 << 20);
      }, skip),
    240_000,
  );

  const trainings = [
    // One batch of 5000 × 200 is 4 MB.
    { what: "one batch of 5000 × 200", fits: long ? 1_000 : 20, once: () => trainOnce(5000, 200, { batchSize: 5000 }) },
    { what: "all that a training keeps", fits: long ? 1_000 : 40, once: () => trainOnce(64, 8, everything) },
  ];
  test.for(trainings)("is freed: fit with $what", { timeout: 1_200_000 }, ({ fits, once }, { skip }) =>
    on(async () => {
      const grown = await growth(fits, once);
      expect(grown.device).toBeLessThan(64 << 10);
      // The memory obtained depends on how many data sets are dropped between two collections; all of the second half would be 40 MiB.
      expect(grown.external).toBeLessThan(36 << 20);
      // V8's own records about the code. If each of the small ones kept 100 KiB of graph, it would be more.
      expect(grown.heap).toBeLessThan(3 << 19);
    }, skip),
  );
});
