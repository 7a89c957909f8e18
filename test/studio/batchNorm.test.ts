// Batch norm in the Studio: trained, stored, restored, exported and opened again with its running statistics.
import { describe, expect, it } from "vitest";
import { readSafetensors } from "../../src/formats/index.ts";
import { useBackend } from "../../src/index.ts";
import { Session } from "../../studio/engine/session.ts";
import { exportRun, tensorsOf } from "../../studio/engine/ship.ts";
import { parseHash, printHash, runKey, startState } from "../../studio/shared/state.ts";

// The backend of the page.
useBackend({ backend: "wasm", threads: 1 });

const states = {
  dense: { ...startState, batchNorm: true, dropout: 0.3 },
  convolution: {
    ...{ ...startState, batchNorm: true, data: "digits" as const, loss: "crossEntropy" as const, count: 120 },
    layers: [
      { kind: "conv" as const, units: 3, activation: "relu" as const },
      { kind: "dense" as const, units: 8, activation: "relu" as const },
    ],
  },
};

describe("batch norm", () => {
  for (const [name, state] of Object.entries(states)) {
    it(`${name}: every export reads back without a difference, and a program trains to the same loss`, async () => {
      const session = await Session.open(state, undefined);
      session.advance(30);
      for (const format of ["safetensors", "project", "typescript"] as const)
        expect((await exportRun(session, format, undefined)).difference, format).toBeLessThan(1e-6);
    });
    it(`${name}: jumps back and resumes to the same bits, and its own weights open again`, async () => {
      const [session, other] = [await Session.open(state, undefined), await Session.open(state, undefined)];
      session.advance(20);
      other.restore(session.save());
      other.advance(10);
      session.advance(40);
      session.goTo(30);
      expect(session.tensors()).toEqual(other.tensors());
      const { bytes } = await exportRun(session, "safetensors", undefined);
      expect(Object.keys(readSafetensors(bytes).tensors)).toContain("1.running_mean");
      const opened = await Session.open(state, undefined, {
        ...{ runKey: runKey(state), name: "model.safetensors", step: 0, history: [], notes: [] },
        weights: tensorsOf(bytes),
      });
      expect(opened.beginning?.notes).toEqual([]);
      expect(opened.now().test).toEqual(session.now().test);
    });
  }
  it("is in the address, and refuses a batch of one row with a message", async () => {
    expect(parseHash(printHash(states.dense)).batchNorm).toBe(true);
    await expect(Session.open({ ...states.dense, batch: 1 }, undefined)).rejects.toThrow(
      "batch normalisation needs more than one row in a batch",
    );
  });
});
