// Step shows the step that training takes: the whole batch, with the same dropout, at any batch, optimizer, decay and step.
import { describe, expect, it } from "vitest";
import { useBackend } from "../../src/index.ts";
import { Session } from "../../studio/engine/session.ts";
import { stepThrough } from "../../studio/engine/stepThrough.ts";
import { View } from "../../studio/engine/view.ts";
import { optimizerNames } from "../../studio/shared/names.ts";
import { parseHash, type StudioState, startState } from "../../studio/shared/state.ts";
import type { StepTrace } from "../../studio/shared/steps.ts";

// The backend of the page.
useBackend({ backend: "wasm", threads: 1 });

/** Takes the step, and expects every weight to equal the shown one, to the bit. */
function expectTaken(session: Session, trace: StepTrace): void {
  session.advance(1);
  session.network.layers.forEach(({ weight, bias }, place) => {
    expect(trace.layers[place]?.weight.updated.values).toEqual(weight.dataSync());
    expect(trace.layers[place]?.bias.updated.values).toEqual(bias?.dataSync());
  });
}

const open = async (state: StudioState): Promise<Session> => {
  const session = await Session.open(state, undefined);
  session.goTo(state.step);
  return session;
};

describe("the step in Step is the step that training takes", () => {
  it("for the link that was cut to 16 rows", async () => {
    const session = await open(parseHash("surface=step&step=601&batch=64&optimizer=sgd&lr=0.1"));
    const trace = stepThrough(session, { edits: [] });
    expect(trace.rows).toBe(session.nextRows().length);
    expect(trace.rows).toBeGreaterThan(16);
    expectTaken(session, trace);
  });
  for (const [turn, batch] of [1, 17, 64, 512].entries())
    it(`batches of ${batch}: every optimizer, with and without dropout and weight decay`, async () => {
      for (const [place, optimizer] of optimizerNames.entries()) {
        const dropout = (place + turn) % 2 === 0 ? 0 : 0.4;
        const session = await open({
          ...startState,
          ...{ count: 200, batch, optimizer, dropout, decay: place % 2 === 0 ? 0 : 0.01, lr: 0.01, step: 13 },
        });
        const trace = stepThrough(session, { edits: [] });
        const ticks = trace.layers.flatMap(({ weight, bias }) => [...weight.ticks, ...bias.ticks]);
        expect(ticks.filter((tick) => tick === 0)).toEqual([]);
        expectTaken(session, trace);
      }
    }, 240_000);
});

describe("dropout in Step", () => {
  it("shows which values are dropped, and the same ones in later numbers", async () => {
    const session = await open({ ...startState, dropout: 0.5, batch: 20, step: 5 });
    const { layers, rows } = stepThrough(session, { edits: [] });
    const [first, second] = layers;
    const factors = first?.dropout?.factors ?? new Float64Array();
    expect(new Set(factors)).toEqual(new Set([0, 2]));
    factors.forEach((factor, k) => {
      expect(first?.dropout?.values.values[k]).toBeCloseTo((first?.a.values[k] ?? 0) * factor, 12);
    });
    const units = first?.units ?? 0;
    for (let row = 0; row < rows; row++) {
      let z = second?.bias.value.values[0] ?? 0;
      for (let k = 0; k < units; k++)
        z += (second?.weight.value.values[k] ?? 0) * (first?.dropout?.values.values[row * units + k] ?? 0);
      expect(second?.z.values[row * (second?.units ?? 0)]).toBeCloseTo(z, 6);
    }
    expect(layers.at(-1)?.dropout).toBeUndefined();
  });
  it("looking changes nothing: the next step is the same without it", async () => {
    const state = { ...startState, dropout: 0.3, step: 9 };
    const [looked, other] = [await open(state), await open(state)];
    stepThrough(looked, { edits: [] });
    looked.advance(5);
    other.advance(5);
    expect(looked.tensors()).toEqual(other.tensors());
  });
});

describe("the inspector's update", () => {
  it("is the change of the latest step, even right after a link or a jump back", async () => {
    const state = { ...startState, seed: 4, selected: "1.2", batch: 20 };
    const [before, session] = [await open({ ...state, step: 299 }), await open({ ...state, step: 300 })];
    const shown = (of: Session) => new View(of).snapshot(state, 0);
    const [, last] = [shown(before), shown(session)];
    const weights = (of: Session): number[] => Array.from(of.network.layers[0]?.weight.dataSync() ?? []).slice(4, 6);
    const changed = Float32Array.from(weights(session), (weight, k) => weight - (weights(before)[k] ?? 0));
    expect(last.unit?.weightUpdate).toEqual(changed);
    expect(changed.some((value) => value !== 0)).toBe(true);
    session.goTo(500);
    session.goTo(300);
    expect(shown(session).unit?.weightUpdate).toEqual(changed);
    // Looking does not move the run. In strides, this is the update of each stride's last step.
    expect(session.step).toBe(300);
    before.advance(1);
    expect(shown(before).unit?.weightUpdate).toEqual(changed);
    session.goTo(0);
    expect(shown(session).unit?.weightUpdate).toEqual(new Float32Array(2));
  });
});

describe("a large network", () => {
  it("checks a sample of its slopes, and they agree", async () => {
    const session = await open({
      ...startState,
      ...{
        batch: 100,
        layers: [1, 2].map(() => ({ kind: "dense" as const, units: 100, activation: "tanh" as const })),
      },
    });
    const { layers } = stepThrough(session, { edits: [] });
    const ticks = layers.flatMap(({ weight, bias }) => [...weight.ticks, ...bias.ticks]);
    const compared = ticks.filter((tick) => tick !== 3);
    expect(ticks.length).toBe(session.info.parameters);
    expect(compared.length).toBeGreaterThan(50);
    expect(compared.length).toBeLessThan(4000);
    expect(compared.every((tick) => tick === 1)).toBe(true);
  });
});
