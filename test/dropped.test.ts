// What is dropped gives its memory back: compiled functions, models. HEBB_LONG=1 makes 1,200 of them.
import { describe, expect, test } from "vitest";
import { backendInfo, useBackend } from "../src/runtime/index.ts";
import { compile, type Tensor, tensor } from "../src/tensor/index.ts";
import { training, type Used, used } from "./memoryUse.ts";

/** Functions and models made and dropped. */
const rounds = process.env.HEBB_LONG === "1" ? 1_200 : 200;

describe.each(["wasm", "c"] as const)("on %s, what is dropped", (backend) => {
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
  /** Growth over the second half of the rounds: in the first V8 learns the code, 3 MB for a hundred of them and little afterwards. */
  const growth = async (rounds: number, round: (place: number) => void): Promise<Used> => {
    const run = async (from: number, to: number): Promise<void> => {
      for (let place = from; place < to; place++) {
        round(place);
        await turn();
      }
    };
    await run(0, rounds / 2);
    const start = await used();
    await run(rounds / 2, rounds);
    const end = await used();
    return {
      heap: end.heap - start.heap,
      external: end.external - start.external,
      device: end.device - start.device,
      reserved: end.reserved - start.reserved,
      programs: end.programs - start.programs,
    };
  };

  test(
    "gives its memory back: compiled functions over 512 × 512",
    ({ skip }) =>
      on(async () => {
        const one = tensor(new Float32Array(512 * 512).fill(0.01), { shape: [512, 512] });
        const grown = await growth(rounds, () => {
          const next = compile((a: Tensor) => a.matmul(a).add(one).softmax(1).matmul(a).sum());
          next(one).itemSync();
        });
        // One value of this size is a mebibyte; what V8 notes about the code that it sees stays below two.
        expect(grown.device).toBeLessThan(64 << 10);
        expect(grown.reserved).toBeLessThan(1 << 20);
        expect(grown.heap).toBeLessThan(2 << 20);
        expect(grown.external).toBeLessThan(1 << 20);
      }, skip),
    240_000,
  );

  test(
    "gives its memory back: models trained by a step of their own",
    ({ skip }) =>
      on(async () => {
        const [x, y] = training().batch();
        const grown = await growth(rounds, () => {
          const { step } = training();
          compile(step)(x, y).itemSync();
        });
        expect(grown.device).toBeLessThan(64 << 10);
        expect(grown.heap).toBeLessThan(2 << 20);
      }, skip),
    240_000,
  );
});
