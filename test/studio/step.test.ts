// Step: every number is the engine's own, bit for bit, at any loss, activation and optimizer; edits propagate; finite differences agree.
import { describe, expect, it } from "vitest";
import { useBackend } from "../../src/index.ts";
import { Session } from "../../studio/engine/session.ts";
import { stepThrough } from "../../studio/engine/stepThrough.ts";
import { activationNames, initNames, lossesOf, optimizerNames, type TaskKind } from "../../studio/shared/names.ts";
import { type StudioState, startState } from "../../studio/shared/state.ts";

// The backend of the page.
useBackend({ backend: "wasm", threads: 1 });

const dataOf: Readonly<Record<TaskKind, StudioState["data"]>> = { binary: "moons", classes: "iris", number: "curve" };

function stateOf(task: TaskKind, patch: Partial<StudioState>): StudioState {
  const [loss = "mse"] = lossesOf[task];
  return { ...startState, data: dataOf[task], loss, count: 60, batch: 6, ...patch };
}

async function check(state: StudioState): Promise<void> {
  const session = await Session.open(state, undefined);
  session.advance(7);
  const trace = stepThrough(session, { edits: [] });
  const ticks = trace.layers.flatMap(({ weight, bias }) => [...weight.ticks, ...bias.ticks]);
  expect(ticks.length).toBe(session.info.parameters);
  expect(ticks.filter((tick) => tick === 0).length).toBe(0);
  session.advance(1);
  const remembered = { sgd: 0, momentum: 1, nesterov: 1, adagrad: 1, rmsprop: 1, adam: 2, adamw: 2 };
  for (const { weight } of trace.layers) expect(weight.slots.length).toBe(remembered[state.optimizer]);
  const own = session.optimizerState().state;
  trace.layers.forEach(({ weight, bias }, place) => {
    for (const [k, { slots }] of [weight, bias].entries())
      for (const { name, after } of slots) expect(after.values).toEqual(own[`${2 * place + k}.${name}`]?.dataSync());
  });
  session.network.layers.forEach((layer, place) => {
    const shown = trace.layers[place];
    expect(shown?.weight.updated.values).toEqual(layer.weight.dataSync());
    expect(shown?.bias.updated.values).toEqual(layer.bias?.dataSync());
  });
}

describe("Step equals the engine", () => {
  for (const task of ["binary", "classes", "number"] as const) {
    for (const loss of lossesOf[task]) {
      it(`${task}, ${loss}: every activation and optimizer`, async () => {
        // Every activation with each loss, and the optimizers in turn.
        for (const [place, activation] of activationNames.entries()) {
          const optimizer = optimizerNames[place % optimizerNames.length] ?? "sgd";
          await check(stateOf(task, { loss, optimizer, layers: [{ kind: "dense", units: 4, activation }] }));
        }
      }, 240_000);
    }
    it(`${task}: every optimizer, with and without weight decay`, async () => {
      for (const optimizer of optimizerNames)
        for (const decay of [0, 0.01])
          await check(stateOf(task, { optimizer, decay, layers: [{ kind: "dense", units: 3, activation: "tanh" }] }));
    });
  }
  it("every initialisation", async () => {
    for (const init of initNames)
      await check(stateOf("binary", { init, layers: [{ kind: "dense", units: 4, activation: "tanh" }] }));
  });
});

describe("an edited number", () => {
  it("changes everything downstream and nothing upstream", async () => {
    const session = await Session.open(stateOf("binary", {}), undefined);
    session.advance(3);
    const before = stepThrough(session, { edits: [] });
    const z = before.layers[0]?.z;
    const after = stepThrough(session, { edits: [{ node: z?.node ?? "", index: 2, value: 3 }] });
    expect(after.layers[0]?.z.values[2]).toBe(3);
    expect(after.layers[0]?.a.values[2]).toBeCloseTo(Math.tanh(3), 6);
    expect(after.loss.values[0]).not.toBe(before.loss.values[0]);
    expect(after.layers[1]?.weight.gradient.values).not.toEqual(before.layers[1]?.weight.gradient.values);
    expect(after.layers[0]?.weight.updated.values).not.toEqual(before.layers[0]?.weight.updated.values);
    expect(after.x.values).toEqual(before.x.values);
    expect(after.layers[0]?.weight.value.values).toEqual(before.layers[0]?.weight.value.values);
    // Nothing was written: the session takes the step without the edits.
    session.advance(1);
    expect(before.layers[0]?.weight.updated.values).toEqual(session.network.layers[0]?.weight.dataSync());
  });
  it("a weight, an input or a gradient may be edited too", async () => {
    const session = await Session.open(stateOf("number", {}), undefined);
    // Adam's first update has the size of the rate at any slope.
    session.advance(3);
    const before = stepThrough(session, { edits: [] });
    const weight = before.layers[0]?.weight;
    const edited = stepThrough(session, { edits: [{ node: weight?.value.node ?? "", index: 0, value: 2 }] });
    expect(edited.loss.values[0]).not.toBe(before.loss.values[0]);
    expect([...(edited.layers[0]?.weight.ticks ?? [])].every((tick) => tick > 0)).toBe(true);
    const slope = stepThrough(session, { edits: [{ node: weight?.gradient.node ?? "", index: 0, value: 5 }] });
    expect(slope.loss.values[0]).toBe(before.loss.values[0]);
    expect(slope.layers[0]?.weight.updated.values[0]).not.toBe(before.layers[0]?.weight.updated.values[0]);
    const input = stepThrough(session, { edits: [{ node: before.x.node, index: 0, value: 1 }] });
    expect(input.layers[0]?.z.values[0]).not.toBe(before.layers[0]?.z.values[0]);
  });
});
