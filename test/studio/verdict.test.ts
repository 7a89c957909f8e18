// What stops a run: it depends on the step and not on drawing, is never memorising while all test rows are right, and its remedy works at once.
import { describe, expect, it } from "vitest";
import { useBackend } from "../../src/index.ts";
import { withCure } from "../../studio/engine/cure.ts";
import { Session } from "../../studio/engine/session.ts";
import type { Stopped } from "../../studio/shared/protocol.ts";
import { type Layer, type StudioState, startState } from "../../studio/shared/state.ts";

// The backend of the page.
useBackend({ backend: "wasm", threads: 1 });

const layers = (units: number, activation: Layer["activation"], count = 2): Layer[] =>
  Array.from({ length: count }, () => ({ kind: "dense", units, activation }));
const open = (patch: Partial<StudioState>): Promise<Session> => Session.open({ ...startState, ...patch }, undefined);

const memorises: Partial<StudioState> = { count: 60, noise: 0.6, test: 0.5, layers: layers(32, "relu", 3) };

/** Plays in strides until the run stops, or for `most` steps. */
function end(session: Session, stride: number, most = 40000): { readonly step: number; readonly stopped?: Stopped } {
  while (session.step < most)
    if (!session.play(stride)) {
      const stopped = session.verdict();
      return { step: session.step, ...(stopped === undefined ? {} : { stopped }) };
    }
  return { step: session.step };
}

describe("a verdict", () => {
  for (const [name, patch] of [
    ["memorising", memorises],
    ["a plateau", { data: "circles", noise: 0.1, count: 80, layers: layers(4, "identity", 1) }],
    ["lost numbers", { data: "curve", loss: "mse", optimizer: "sgd", lr: 10, layers: layers(8, "relu") }],
  ] as const) {
    it(`${name}: comes at the same step with the same words, at any stride and any number of pictures`, async () => {
      const first = end(await open(patch), 256);
      expect(first.stopped).toBeDefined();
      for (const stride of [1, 7]) {
        const other = await open(patch);
        for (let k = 0; k < 20; k++) {
          if (other.step + stride < first.step) other.play(stride);
          other.record();
        }
        expect(end(other, stride)).toEqual(first);
      }
    });
  }
  it("memorising: names the losses of its epochs, and returns to the best", async () => {
    const session = await open(memorises);
    const { stopped } = end(session, 64);
    expect(stopped?.reason).toBe("overfit");
    const [, epoch] = /Since epoch (\d+) the training loss fell/.exec(stopped?.text ?? "") ?? [];
    expect(stopped?.goTo).toBe(Number(epoch) * session.batches);
    const risen = session.record().test?.loss ?? 0;
    session.goTo(stopped?.goTo ?? 0);
    expect(session.record().test?.loss).toBeLessThan(risen / 1.5);
  });
  it("memorising is never said where all test rows are right: a first visitor's run ends as learned", async () => {
    for (const seed of [startState.seed, 1, 2]) {
      const session = await open({ seed });
      const { stopped } = end(session, 60);
      expect(session.record().test?.metric).toBeGreaterThan(0.95);
      expect(stopped).toMatchObject({ reason: "plateau", fix: "" });
      expect(stopped?.text).toMatch(/^Learned/);
    }
  });
  it("a run with learned training rows but wrong test rows is not told to add units", async () => {
    const session = await open(memorises);
    const overruled = new Set<Stopped["reason"]>(["overfit"]);
    while (session.play(200, overruled) && session.step < 20000);
    expect(session.verdict()).toMatchObject({ reason: "plateau", fix: "" });
    expect(session.verdict()?.text).toMatch(/the test rows are not: test accuracy \d/);
  });
  it("a rate that is too low is reported, with one ten times as large, and training continues", async () => {
    const session = await open({ optimizer: "sgd", lr: 1e-6 });
    end(session, 64, 100);
    expect(session.verdict()).toBeUndefined();
    expect(session.advice).toMatchObject([{ code: "learningRateTooLow", patch: { lr: 1e-5 } }]);
  });
});

describe("NaN", () => {
  for (const patch of [
    { lr: 10 },
    { lr: 100 },
    { lr: 10, init: "large" },
    { lr: 3, optimizer: "momentum" },
    { lr: 100, layers: layers(64, "relu", 4) },
  ] as const)
    it(`${JSON.stringify(patch)}: the remedy works the first time`, async () => {
      const session = await open({
        data: "curve",
        loss: "mse",
        optimizer: "sgd",
        layers: layers(8, "relu"),
        ...patch,
      } satisfies Partial<StudioState>);
      const { step, stopped } = end(session, 64);
      expect(stopped?.reason).toBe("nan");
      expect(stopped?.text).toContain(`at step ${step}`);
      expect(Number.isFinite(session.record().train.loss)).toBe(false);
      const cured = await Session.open({ ...session.state, ...withCure(session, stopped as Stopped).patch }, undefined);
      const before = cured.record().train.loss;
      expect(cured.advance(3000)).toBe(true);
      expect(cured.record().train.loss).toBeLessThan(before);
    });
  it("a link beyond the NaN stops there, and going back works", async () => {
    const session = await open({ data: "curve", loss: "mse", optimizer: "sgd", lr: 10, layers: layers(8, "relu") });
    expect(session.goTo(5000)).toBe(false);
    const lost = session.step;
    expect(lost).toBeLessThan(5000);
    expect(session.verdict()?.reason).toBe("nan");
    expect(session.goTo(lost - 1)).toBe(true);
    expect(session.verdict()).toBeUndefined();
    expect(session.goTo(lost)).toBe(true);
    expect(session.verdict()?.text).toContain(`at step ${lost}`);
  });
});
