// Compare: the presets show what they claim, as medians over ten seeds; forks begin equal; the landscape is the loss.
import { beforeAll, describe, expect, it } from "vitest";
import { useBackend } from "../../src/index.ts";
import { Lanes } from "../../studio/engine/lanes.ts";
import { drawable, rangeOf } from "../../studio/page/compare/range.ts";
import { comparePresets, quartiles } from "../../studio/shared/compare.ts";
import { startState } from "../../studio/shared/state.ts";

// The backend of the page.
useBackend({ backend: "wasm", threads: 1 });

type Bands = Readonly<Record<"loss" | "metric", readonly (readonly [number, number, number])[]>>;

/** Quartiles of each lane after the preset's steps, over seeds 1 to 10. */
async function bandsOf(id: string, share = 1): Promise<Bands> {
  const preset = comparePresets.find((one) => one.id === id);
  if (preset === undefined) throw new Error(id);
  const lanes = await Lanes.open({ state: { ...startState, ...preset.base }, lanes: preset.lanes }, undefined);
  const at = [Math.round(preset.steps * share)];
  const runs = [0, ...preset.lanes.map((_, k) => k + 1)].map((lane) =>
    Array.from({ length: 10 }, (_, k) => lanes.seedRun({ lane, seed: k + 1, steps: at })),
  );
  const band = (which: "loss" | "metric") =>
    runs.map((lane) => quartiles(lane.map((run) => run[which][0] ?? Number.NaN)));
  return { loss: band("loss"), metric: band("metric") };
}

describe("the curves of lanes", () => {
  it("are not cut off: a loss of 40, or of ten million, is on the axis", () => {
    for (const high of [0.2, 4, 40, 1e7]) {
      const [low, top] = rangeOf("loss", 0, high);
      expect(low).toBe(0);
      expect(top).toBeGreaterThanOrEqual(high);
      expect(drawable(high, false)).toBe(high);
      expect(drawable(high, true)).toBe(high);
    }
    expect(drawable(Number.NaN, false)).toBeNull();
    expect(drawable(Number.POSITIVE_INFINITY, false)).toBeNull();
    expect(drawable(0, true)).toBeNull();
    expect(rangeOf("metric", -3, 0.4)).toEqual([-3, 1]);
  });
});

describe("the presets hold over ten seeds", () => {
  it("deep sigmoid stalls, ReLU learns", async () => {
    const { loss } = await bandsOf("vanishing");
    expect(loss[0]?.[0]).toBeGreaterThan(0.65);
    expect(loss[1]?.[1]).toBeLessThan(0.3);
  });
  it("squared error after a sigmoid is slower on confidently wrong points", async () => {
    const { metric } = await bandsOf("loss", 0.25);
    expect(metric[0]?.[0]).toBeGreaterThan((metric[1]?.[2] ?? 1) + 0.05);
  });
  it("zero initial weights never break the symmetry", async () => {
    const { loss } = await bandsOf("zeros");
    expect(loss[1]?.[0]).toBeGreaterThan(0.65);
    expect(loss[0]?.[1]).toBeLessThan(0.3);
  });
  it("without activations circles stay near chance", async () => {
    const { metric } = await bandsOf("linear");
    expect(metric[1]?.[2]).toBeLessThan(0.65);
    expect(metric[0]?.[1]).toBeGreaterThan(0.95);
  });
  it("momentum, RMSProp and Adam are faster than plain descent", async () => {
    const { loss } = await bandsOf("optimizers");
    for (const lane of [1, 2, 3]) expect(loss[lane]?.[2]).toBeLessThan(loss[0]?.[0] ?? 0);
  });
  it("learning rates: too small is slow, too large does not settle", async () => {
    const { loss } = await bandsOf("rates");
    expect(loss[0]?.[1]).toBeGreaterThan(loss[2]?.[1] ?? 0);
    expect(loss[4]?.[1]).toBeGreaterThan(loss[2]?.[1] ?? 0);
  });
});

describe("a fork", () => {
  let lanes: Lanes;
  beforeAll(async () => {
    lanes = await Lanes.open(
      { state: { ...startState, optimizer: "sgd" }, lanes: [{ optimizer: "adam" }, { lr: 0.3 }] },
      undefined,
    );
  });
  it("begins with the same loss and continues differently", () => {
    const begin = lanes.numbers();
    expect(begin.map(({ train }) => train.loss)).toEqual(begin.map(() => begin[0]?.train.loss));
    const after = lanes.move({ steps: 50 });
    expect(new Set(after.map(({ train }) => train.loss)).size).toBe(3);
    expect(after.every(({ step }) => step === 50)).toBe(true);
    expect(after.every(({ gradients, map }) => gradients.length === 3 && map.length === 1600)).toBe(true);
  });
  it("moves through a landscape that is the loss itself", () => {
    for (let k = 0; k < 20; k++) lanes.move({ steps: 20 });
    const now = lanes.numbers();
    const { side, values, paths, share, x, y } = lanes.landscape();
    expect(paths.map(({ length }) => length)).toEqual([44, 44, 44]);
    expect(share).toBeGreaterThan(0.5);
    // Drawing the landscape changes nothing.
    expect(lanes.numbers().map(({ train }) => train.loss)).toEqual(now.map(({ train }) => train.loss));
    // At the end of the longest path the height is about the loss there.
    const path = paths[1] ?? new Float32Array();
    const [px, py] = [path.at(-2) ?? 0, path.at(-1) ?? 0];
    const column = Math.floor(((px - x[0]) / (x[1] - x[0])) * side);
    const row = Math.floor((1 - (py - y[0]) / (y[1] - y[0])) * side);
    expect(Math.abs((values[row * side + column] ?? 0) - (now[1]?.train.loss ?? 0))).toBeLessThan(0.25);
  });
});
