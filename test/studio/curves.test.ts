// Curves: a point for every epoch, however often they are drawn; bounded memory without losing an extreme; labelled axes.
import { describe, expect, it } from "vitest";
import { useBackend } from "../../src/index.ts";
import { Session } from "../../studio/engine/session.ts";
import { View } from "../../studio/engine/view.ts";
import type { HistoryPoint } from "../../studio/shared/protocol.ts";
import { type StudioState, startState } from "../../studio/shared/state.ts";
import { addPoint, mostPoints } from "../../studio/shared/thin.ts";
import { missing, until, useStudio } from "./browser.ts";

// The backend of the page.
useBackend({ backend: "wasm", threads: 1 });
const studio = useStudio();

const whole = (patch: Partial<StudioState>): StudioState => ({ ...startState, ...patch });
const stepsOf = (points: readonly HistoryPoint[]): number[] => points.map(({ step }) => step);

describe("points", () => {
  it("every epoch of 110 at full speed has one, and a step between two epochs has none", async () => {
    const session = await Session.open(whole({ speed: 0 }), undefined);
    const view = new View(session);
    session.advance(110 * session.batches + 5);
    const epochs = Array.from({ length: 111 }, (_, epoch) => epoch * session.batches);
    expect(stepsOf(session.history)).toEqual(epochs);
    // Drawing adds no points; the current figures come separately.
    const { history, now } = view.snapshot(session.state, 0);
    expect(stepsOf(history)).toEqual(epochs);
    expect(now.step).toBe(110 * session.batches + 5);
  });
  it("do not depend on how often a picture is taken, nor on going back", async () => {
    const [often, once] = [await Session.open(whole({}), undefined), await Session.open(whole({}), undefined)];
    const view = new View(often);
    for (let k = 0; k < 40; k++) {
      often.advance(7);
      view.snapshot({ ...often.state, selected: k % 2 === 0 ? "1.2" : "" }, 0);
    }
    once.advance(280);
    expect(often.history).toEqual(once.history);
    once.goTo(100);
    expect(stepsOf(once.history).at(-1)).toBeLessThanOrEqual(100);
    once.goTo(280);
    expect(once.history).toEqual(often.history);
  });
  it("in a large network there is one every fifth epoch after the twentieth, and the page says so", async () => {
    const dense = { kind: "dense" as const, units: 32, activation: "tanh" as const };
    const session = await Session.open(whole({ count: 1200, batch: 64, layers: [dense, dense] }), undefined);
    expect(session.info.measuredEvery).toBe(5);
    session.advance(41 * session.batches);
    const epochs = [...Array.from({ length: 21 }, (_, epoch) => epoch), 25, 30, 35, 40];
    expect(stepsOf(session.history)).toEqual(epochs.map((epoch) => epoch * session.batches));
    expect((await Session.open(whole({}), undefined)).info.measuredEvery).toBe(1);
  });
  it("a long epoch has intermediate points", async () => {
    const session = await Session.open(whole({ count: 3000, batch: 8 }), undefined);
    expect(session.batches).toBeGreaterThan(200);
    session.advance(200);
    expect(stepsOf(session.history)).toEqual([0, 64, 128, 192]);
  });
});

describe("thinning", () => {
  it("keeps every least and largest figure of a million epochs in bounded memory", () => {
    const points: HistoryPoint[] = [];
    let [low, high, most] = [Number.POSITIVE_INFINITY, 0, 0];
    for (let step = 0; step < 1_000_000; step++) {
      // A falling loss with single spikes up and down.
      const noise = ((step * 2654435761) >>> 8) / 2 ** 24;
      const spike = step === 123_457 ? 9 : step === 876_543 ? -0.9 : 0;
      const loss = 1 + 1 / (1 + step / 1e5) + 0.1 * noise + spike;
      [low, high] = [Math.min(low, loss), Math.max(high, loss)];
      addPoint(points, { step, train: { loss, metric: noise }, test: { loss: 3 - loss, metric: 1 - noise } });
      most = Math.max(most, points.length);
    }
    expect(most).toBeLessThanOrEqual(mostPoints);
    const losses = points.map(({ train }) => train.loss);
    expect(Math.max(...losses)).toBe(high);
    expect(Math.min(...losses)).toBe(low);
    expect(points.find(({ train }) => train.loss === high)?.step).toBe(123_457);
    expect(Math.max(...points.map(({ test }) => test?.loss ?? 0))).toBe(3 - low);
    expect([points[0]?.step, points.at(-1)?.step]).toEqual([0, 999_999]);
    // Every part of the run keeps points.
    const gaps = points.slice(1).map(({ step }, k) => step - (points[k]?.step ?? 0));
    expect(Math.max(...gaps)).toBeLessThan(1_000_000 / 100);
  });
  it("keeps the first NaN", () => {
    const points: HistoryPoint[] = [];
    for (let step = 0; step < 10_000; step++) {
      const figure = step < 7000 ? 1 / (1 + step) : Number.NaN;
      addPoint(points, { step, train: { loss: figure, metric: figure }, test: undefined });
    }
    expect(points.find(({ train }) => Number.isNaN(train.loss))?.step).toBe(7000);
  });
});

describe.skipIf(missing)("on the page", () => {
  it("a run at full speed shows every epoch, and the axes are labelled", async () => {
    const page = await studio.open("speed=0", { query: "&play=0" });
    await page.getByRole("button", { name: "Play" }).click();
    await until(page, ({ epoch }) => epoch >= 110, "110 epochs");
    await page.evaluate("studio.play(false)");
    await until(page, ({ playing, step, state }) => !playing && state["step"] === step, "a pause");
    const { epochs, steps, batches } = await page.evaluate<{ epochs: number; steps: number[]; batches: number }>(
      "({ epochs: Math.floor(studio.hot.snapshot.epoch), steps: studio.hot.history.map(({ step }) => step), batches: studio.run.value.batches })",
    );
    expect(steps).toEqual(Array.from({ length: epochs + 1 }, (_, epoch) => epoch * batches));
    await page.getByRole("application", { name: "Loss, nats per row, by epoch (12 steps each)" }).waitFor();
    await page.getByRole("application", { name: "Accuracy, share of rows, by epoch (12 steps each)" }).waitFor();
    await page.close();
  });
});
