// Lessons 9 to 14, solved by script after wrong attempts.
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { looksBack } from "../../studio/page/lessons/looksBack.ts";
import { numberIn } from "../../studio/page/lessons/numberIn.ts";
import { percent } from "../../studio/page/numbers.ts";
import { type LessonView, lessons } from "../../studio/shared/lessons.ts";
import { type Layer, type StudioState, startState } from "../../studio/shared/state.ts";
import { type Memory, missing, until, useStudio, whenTrue } from "./browser.ts";

const dense = (units: number, activation: Layer["activation"]): Layer => ({ kind: "dense", units, activation });

/** For each task a view that solves it, followed by views that do not. */
const cases: readonly (readonly [number, number, Partial<StudioState>, Partial<LessonView>, Partial<LessonView>[]])[] =
  [
    [
      9,
      1,
      { batch: 1, lr: 1 },
      { epoch: 6, loss: 0.5 },
      [{ epoch: 4 }, { loss: 0.1 }, { state: { ...startState, optimizer: "sgd", batch: 16, lr: 1 } }],
    ],
    [
      9,
      2,
      { batch: 512 },
      { batches: 1, step: 150, metric: 0.95 },
      [{ step: 200 }, { metric: 0.8 }, { batches: 12 }, { step: 0 }],
    ],
    [
      10,
      0,
      {},
      { trainMetric: 1, loss: 0.01, testLoss: 0.8 },
      [{ trainMetric: 0.97 }, { testLoss: 0.04 }, { testLoss: undefined }],
    ],
    [
      10,
      2,
      {},
      { trainMetric: 0.85, metric: 0.83, testLoss: 0.4, testRows: 300 },
      [{ trainMetric: 1 }, { testLoss: 0.6 }, { testRows: 10 }, { step: 40 }, { state: { ...startState, noise: 0.1 } }],
    ],
    [
      11,
      1,
      {},
      { epoch: 70, marks: new Set(["vanishing"]) },
      [{ marks: new Set() }, { epoch: 20 }, { state: { ...startState, layers: [dense(8, "sigmoid")] } }],
    ],
    [
      11,
      2,
      { layers: Array.from({ length: 6 }, () => dense(8, "relu")) },
      { metric: 0.95 },
      [{ metric: 0.6 }, { step: 0 }, { state: { ...startState, optimizer: "sgd", layers: [dense(8, "relu")] } }],
    ],
    [
      12,
      2,
      { layers: [{ kind: "conv", units: 6, activation: "relu" }] },
      { metric: 0.95, parameters: 1800 },
      [
        { parameters: 3730 },
        { metric: 0.7 },
        { state: { ...startState, data: "digits", layers: [dense(24, "relu")] } },
      ],
    ],
    [14, 0, {}, { metric: 0.9 }, [{ metric: 0.5 }, { step: 0 }, { state: startState }]],
  ];

describe("what counts as done", () => {
  for (const [number, task, patch, right, wrong] of cases)
    it(`lesson ${number}, task ${task + 1}`, () => {
      const lesson = lessons[number - 1];
      const done = lesson?.tasks[task]?.done;
      const view: LessonView = {
        state: { ...startState, ...lesson?.setup, ...patch },
        ...{ step: 150, epoch: 10, loss: 0.1, metric: 0.9, trainMetric: 0.9, testLoss: 0.2, batches: 12 },
        ...{ parameters: 100, testRows: 60, majority: 0.5, marks: new Set() },
        ...right,
      };
      expect(done?.(view)).toBe(true);
      for (const one of wrong) expect(done?.({ ...view, ...one }), JSON.stringify(one)).toBe(false);
    });
  it("accepts fractions and decimal commas", () => {
    expect(["1/4096", "0,5", "−3", " 2 ", "1e-3"].map(numberIn)).toEqual([1 / 4096, 0.5, -3, 2, 0.001]);
    for (const none of ["", " ", "1/", "/2", "1/2/3", "x"]) expect(numberIn(none), none).toBeNaN();
  });
  it("a head looks back if its attention is on the required letter", () => {
    const tokens = 12;
    const even = new Float32Array(tokens * tokens).fill(1 / tokens);
    expect(looksBack(even, tokens, 6)).toBe(false);
    const one = even.slice();
    one[7 * tokens + 4] = 0.8;
    expect(looksBack(one, tokens, 6)).toBe(true);
    const beside = even.slice();
    beside[7 * tokens + 5] = 0.8;
    expect(looksBack(beside, tokens, 6)).toBe(false);
  });
});

const studio = useStudio();
async function lesson(number: number): Promise<Page> {
  const page = await studio.open(`surface=lessons&lesson=${number}`, { query: "&play=0" });
  await page.getByText(`Lesson ${number} of 14`).waitFor();
  return page;
}
const done = (page: Page, task: number): Promise<void> =>
  page.locator(`.tasks li:nth-child(${task})[data-done=true]`).waitFor();
async function undone(page: Page, task: number): Promise<void> {
  await page.waitForTimeout(250);
  expect(await page.locator(`.tasks li:nth-child(${task})`).getAttribute("data-done")).toBe("false");
}
const answer = async (
  page: Page,
  label: string | RegExp,
  wrong: number | string,
  right: number | string,
  task: number,
): Promise<void> => {
  const field = page.getByLabel(label);
  await field.fill(String(wrong));
  await undone(page, task);
  await field.fill(String(right));
  await done(page, task);
};
const take = async (page: Page, steps: number): Promise<Memory> => {
  await page.evaluate(`studio.advance(${steps})`);
  return until(page, ({ step }) => step >= steps, `${steps} steps`);
};

describe.skipIf(missing)("on the page", () => {
  it("9: batches and learning rate", async () => {
    const page = await lesson(9);
    await answer(page, "steps in an epoch, with batches of 16", 11, 12, 1);
    await take(page, 60);
    await undone(page, 2);
    await page.evaluate("studio.change({ batch: 1, lr: 1 })");
    await take(page, 900);
    await done(page, 2);
    await undone(page, 3);
    await page.evaluate("studio.change({ batch: 512, lr: 3 })");
    await take(page, 150);
    await done(page, 3);
    await page.close();
  }, 300_000);
  it("10: overfitting", async () => {
    const page = await lesson(10);
    await undone(page, 1);
    await take(page, 400);
    await done(page, 1);
    await undone(page, 3);
    await answer(page, "percent of new rows that it gets right", 100, 83.3, 2);
    // With more rows, which the lesson itself suggests.
    const points = page.getByLabel("points, half of them for testing");
    while (Number((await points.getAttribute("aria-valuetext"))?.replaceAll(/\D/g, "")) < 1200)
      await points.press("ArrowRight");
    await take(page, 400);
    await done(page, 3);
    await page.close();
  }, 300_000);
  it("11: vanishing gradients", async () => {
    const page = await lesson(11);
    await answer(page, "what is left at most, (¼)⁶", "1/256", "1/4096", 1);
    await take(page, 720);
    await undone(page, 2);
    await page.getByRole("button", { name: "Measure it now" }).click();
    await done(page, 2);
    await undone(page, 3);
    await page.evaluate(
      "studio.change({ init: 'he', layers: studio.state.value.layers.map((layer) => ({ ...layer, activation: 'relu' })) })",
    );
    await take(page, 720);
    await done(page, 3);
    await page.close();
  }, 300_000);
  it("12: convolution", async () => {
    const page = await lesson(12);
    await page.getByRole("button", { name: "row 2, column 1" }).click();
    // Rows 001, 001 and 011 of the picture: for each, the right pixel minus the left one.
    await answer(page, "pixel · kernel, added up, at row 2, column 1", 2, 3, 1);
    // The field's content is still checked after the task is done.
    const field = page.getByLabel("pixel · kernel, added up, at row 2, column 1");
    await field.fill("99");
    await page.locator(".answer-row", { has: field }).getByText("not yet").waitFor();
    await answer(page, "numbers of six 3 × 3 kernels with biases", 54, 60, 2);
    await take(page, 150);
    await undone(page, 3);
    await page.getByRole("button", { name: "Add a layer after the inputs" }).click();
    await page.locator("#part-Network header").getByText("12 × 12 → 8 maps → 24 → 10").waitFor();
    await page.evaluate(
      "studio.change({ layers: [{ kind: 'conv', units: 6, activation: 'relu' }, { kind: 'conv', units: 8, activation: 'relu' }, { kind: 'dense', units: 16, activation: 'relu' }] })",
    );
    await take(page, 220);
    await done(page, 3);
    await page.close();
  }, 300_000);
  it("13: attention", async () => {
    const page = await lesson(13);
    await whenTrue(page, "globalThis.texts?.hot.picture?.look !== undefined");
    expect(await page.evaluate("texts.text.value.heads")).toBe(2);
    await answer(page, "the letter to look at first, of six", 1, 6, 1);
    await undone(page, 2);
    await page.evaluate("texts.textTransport.play(true)");
    await done(page, 2);
    await page.evaluate("texts.textTransport.play(false)");
    // Cycle through the four heads until the right one has been shown, however slowly the page draws.
    for (let turn = 0; turn < 100; turn++) {
      if ((await page.locator(".tasks li:nth-child(3)").getAttribute("data-done")) === "true") break;
      await page.evaluate(`texts.alter({ head: '${Math.floor(turn / 2) % 2}.${turn % 2}' })`);
      await page.waitForTimeout(400);
    }
    await done(page, 3);
    await page.close();
  }, 300_000);
  it("14: reading mistakes", async () => {
    const page = await lesson(14);
    await page.locator(".importance button").nth(6).waitFor();
    await page.locator("#threshold").fill("0.3");
    await undone(page, 1);
    await undone(page, 2);
    const { testMetric = Number.NaN } = await take(page, 200);
    await done(page, 1);
    await page.locator("#threshold").fill("0");
    await undone(page, 2);
    await page.locator("#threshold").fill("0.1");
    await done(page, 2);
    // The columns are in the order of the trained network.
    await page.getByText(`test accuracy (${percent(testMetric)}) falls by`).waitFor();
    await page.locator(".importance button").nth(6).click();
    await undone(page, 3);
    await page.locator(".importance button").nth(1).click();
    await done(page, 3);
    await answer(page, "the loss of a row with 10 % for its class", 0.1, Math.LN10, 4);
    await page.close();
  }, 300_000);
});
