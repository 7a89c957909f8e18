// Training: the shown internals of a run are the engine's, and computed inputs are the same in page and program.
import { beforeAll, describe, expect, it } from "vitest";
import { useBackend } from "../../src/index.ts";
import { findLr } from "../../src/train/index.ts";
import { filmOf, rateSearch, stepsOf } from "../../studio/engine/film.ts";
import { predict } from "../../studio/engine/predict.ts";
import { Session } from "../../studio/engine/session.ts";
import { exportRun } from "../../studio/engine/ship.ts";
import { View } from "../../studio/engine/view.ts";
import { featureNames } from "../../studio/shared/features.ts";
import { parseHash, printHash, readState } from "../../studio/shared/state.ts";
import { missing, picture, until, useStudio, whenTrue } from "./browser.ts";

beforeAll(() => {
  useBackend({ backend: "wasm", threads: 1 });
});

describe("the film of a run", () => {
  it("ends at the numbers of the run, and leaves the run unchanged", async () => {
    const session = await Session.open(readState({ data: "moons", dropout: 0.2, lr: 0.02 }), undefined);
    session.advance(90);
    const film = await filmOf(session, undefined);
    expect(session.step).toBe(90);
    expect(film.frames.map(({ step }) => step)).toEqual(stepsOf(0, 90));
    const last = film.frames.at(-1);
    expect(last?.loss).toBe(session.now().train.loss);
    const layers = new View(session).layers();
    layers.forEach(({ weight, weightGrad }, place) => {
      const told = last?.layers[place];
      expect(told?.gradientNorm).toBe(Math.hypot(...weightGrad));
      expect(told?.weights.quantiles[0]).toBe(Math.min(...weight));
      expect(told?.weights.quantiles.at(-1)).toBe(Math.max(...weight));
      expect(told?.weights.counts.reduce((a, b) => a + b, 0)).toBe(weight.length);
    });
    // tanh is between −1 and 1, and the path has a point for each frame.
    expect(Math.abs(last?.layers[0]?.activations.quantiles[0] ?? 9)).toBeLessThanOrEqual(1);
    expect(film.landscape.paths[0]?.length).toBe(2 * film.frames.length);
    expect(film.landscape.values.every(Number.isFinite)).toBe(true);
  });

  it("the rate search is the library's, on the initial weights", async () => {
    const session = await Session.open(readState({ data: "moons", optimizer: "sgd", lr: 0.1 }), undefined);
    session.advance(40);
    const before = session.now().train.loss;
    const found = rateSearch(session);
    const fresh = await Session.open(session.state, undefined);
    const own = findLr(fresh.network.model, {
      train: session.prepared.train,
      optimizer: fresh.optimizer,
      loss: (output, target) => fresh.loss(output, target),
      batchSize: session.state.batch,
      seed: session.state.seed,
      from: 1e-5,
      to: 10,
      steps: 120,
    });
    expect(found.suggested).toBe(own.suggested);
    expect(found.losses).toEqual(own.losses);
    expect(found.suggested).toBeGreaterThan(0.01);
    expect(session.measure(session.trainPart).loss).toBeCloseTo(before, 6);
  });
});

describe("computed inputs", () => {
  it("are part of the state, of the network and of its program, and are not requested", async () => {
    const state = readState({ data: "circles", features: ["xx", "yy"], layers: [] });
    expect(parseHash(printHash(state)).features).toEqual(["xx", "yy"]);
    const session = await Session.open(state, undefined);
    session.advance(300);
    // A circle is a line in the squares.
    expect(session.now().test?.metric).toBeGreaterThan(0.95);
    const plain = await Session.open({ ...state, features: [] }, undefined);
    plain.advance(300);
    expect(plain.now().test?.metric).toBeLessThan(0.8);
    expect(session.prepared.info.form.map(({ name }) => name)).toEqual(["x₁", "x₂"]);
    const inside = predict(session, { inputs: [0, 0] });
    expect(inside).not.toEqual(predict(session, { inputs: [1, 1] }));
    expect((await exportRun(session, "typescript", undefined)).difference).toBeLessThan(1e-6);
    const all = await Session.open({ ...state, data: "xor", test: 0, features: [...featureNames] }, undefined);
    all.advance(5);
    expect((await exportRun(all, "typescript", undefined)).difference).toBeLessThan(1e-6);
  });
});

/** Ticks that overlap an axis title of their plot. */
const coveredTicks = `[...document.querySelectorAll(".plot-svg")].flatMap((plot) => {
  const titles = [...plot.querySelectorAll(".axis-title")].map((one) => one.getBoundingClientRect());
  return [...plot.querySelectorAll(".plot-tick")].filter((one) => {
    const tick = one.getBoundingClientRect();
    return titles.some((title) => tick.left < title.right && title.left < tick.right && tick.top < title.bottom && title.top < tick.bottom);
  }).map((one) => plot.getAttribute("aria-label") + ": " + one.textContent);
})`;

const studio = useStudio();
describe.skipIf(missing)("the Training surface", () => {
  it("shows the film at a pause, another after more steps, and a rate that a click applies", async () => {
    const page = await studio.open("surface=training&step=60", { query: "&play=0" });
    await page.getByText("looks from step 0 to 60").waitFor();
    await page.getByRole("button", { name: "gradients", exact: true }).click();
    await page.getByRole("img", { name: "gradients of layer 1 over the steps" }).waitFor();
    await page.locator("#film-step").fill("3");
    await page.getByRole("img", { name: /Histogram of the gradients of output at step/ }).waitFor();
    await page.getByRole("img", { name: /The loss around the way of this run/ }).waitFor();
    await page.evaluate("studio.advance(20)");
    await page.getByText("looks from step 0 to 80").waitFor();
    await page.getByRole("button", { name: "Look for one" }).click();
    await page.getByRole("button", { name: /^Train with/ }).click();
    await until(page, ({ step, state }) => step === 0 && state["lr"] !== 0.01, "another rate");
    // Vanishing slopes have long tick labels, next to the title of their axis.
    await page.evaluate(
      "studio.change({ layers: Array.from({ length: 5 }, () => ({ kind: 'dense', units: 4, activation: 'sigmoid' })) })",
    );
    await page.evaluate("studio.advance(20)");
    await page.getByText("looks from step 0 to 20").waitFor();
    expect(await page.evaluate(coveredTicks)).toEqual([]);
    await picture(page, "training-slopes", { fullPage: true });
    await page.evaluate("studio.change({ surface: 'lab' })");
    await page.getByLabel("x₁²").check();
    await whenTrue(page, "studio.run.value.stages[0].units === 3");
    await page.close();
  }, 300_000);
});
