// The Text surface gives the verdict of the library's doctor on the same figures.
import { describe, expect, it } from "vitest";
import { data, useBackend } from "../../src/index.ts";
import { judgedEvery } from "../../studio/engine/text/course.ts";
import { TextSession } from "../../studio/engine/text/textSession.ts";
import { startText } from "../../studio/shared/text.ts";

useBackend({ backend: "wasm", threads: 1 });
const none = new Set<never>();
const small = { ...startText, layers: 1, width: 32, heads: 2, context: 16, batch: 16 };

/** A short text of random letters: a model can only memorise it. */
const random = new data.Random(5);
const noise = Array.from({ length: 700 }, () => "abcdefgh"[random.integer(8)]).join("");

describe("verdicts on a text model", () => {
  it("one that memorises is stopped at the doctor's finding, and going back removes it", () => {
    const session = new TextSession({ ...small, source: "own", lr: 0.01, schedule: "constant" }, noise);
    let stop = session.verdict(none);
    while (stop === undefined && session.step < 1600) {
      session.advance(judgedEvery);
      stop = session.verdict(none);
    }
    expect(stop?.reason).toBe("overfit");
    expect(stop?.text).toMatch(/since step \d+00 the training loss fell from .* while the held-out loss rose from/);
    const [{ course }] = session.runs;
    expect(course.found.map(({ finding }) => finding.code)).toContain("overfitting");
    const back = stop?.goTo ?? 0;
    expect(back).toBe(((course.best?.epoch ?? 0) + 1) * judgedEvery);
    const at = session.step;
    session.goTo(back);
    expect(session.verdict(none)).toBeUndefined();
    session.goTo(at);
    expect(session.verdict(none)).toEqual(stop);
  }, 300_000);

  it("a rate that hardly moves the weights is called too low, once, and training continues", () => {
    const session = new TextSession({ ...small, source: "reverse", length: 4, lr: 1e-7, schedule: "constant" }, "");
    session.advance(5 * judgedEvery);
    const [advice, ...others] = session.fresh();
    expect(others).toEqual([]);
    expect(advice?.text).toMatch(/^The learning rate 1e-7 is too low: in \d+ stretches of 200 steps/);
    expect(advice?.patch).toEqual({ lr: 1e-6 });
    expect(session.fresh()).toEqual([]);
    expect(session.verdict(none)).toBeUndefined();
  }, 300_000);

  it("one that learns gets none", () => {
    const session = new TextSession({ ...small, source: "copy", length: 3, lr: 0.003 }, "");
    session.advance(4 * judgedEvery);
    expect(session.fresh()).toEqual([]);
    const stop = session.verdict(none);
    expect(stop === undefined || stop.reason === "solved").toBe(true);
  }, 300_000);
});
