// Attention step by step: every number is the model's own, every formula gives the number next to it, and the slopes are those of training.
import { describe, expect, it } from "vitest";
import { nn, tensor, useBackend } from "../../src/index.ts";
import { attentionStep } from "../../studio/engine/text/attentionStep.ts";
import { Looking } from "../../studio/engine/text/look.ts";
import { sizeOf } from "../../studio/engine/text/models.ts";
import { TextRun } from "../../studio/engine/text/run.ts";
import { textData } from "../../studio/engine/text/textData.ts";
import { attentionStages, explainAttention, type Spot, stageOf } from "../../studio/page/text/attentionMath.ts";
import { presetOf, startText } from "../../studio/shared/text.ts";
import type { AttentionStep } from "../../studio/shared/textPicture.ts";
import { missing, useStudio, whenTrue } from "./browser.ts";

useBackend({ backend: "wasm", threads: 1 });

const state = { ...startText, ...presetOf("reverse"), length: 4, layers: 2, width: 12, heads: 3, batch: 8 };

function trained(): TextRun {
  const data = textData(state, "");
  const own = new TextRun(state, data, { name: "gpt", size: sizeOf(state, data.tokens.names.length, data.context) });
  own.advance(20);
  return own;
}

/** A number of a head by its name, position and column, in double precision. */
function numberOf({ values, slopes, tokens, size }: AttentionStep, { name, slope, place, other }: Spot): number {
  const columns = name === "scores" || name === "weights" ? tokens.length : size;
  return (slope ? slopes : values)[name][place * columns + other] ?? Number.NaN;
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

describe("one attention head, step by step", () => {
  const own = trained();
  const looking = new Looking(own.model, own.data);
  const tokens = looking.seen("");
  const n = tokens.length;
  const asks = [0, 1].flatMap((layer) => [0, 2].flatMap((head) => [1, n - 1].map((row) => ({ layer, head, row }))));
  const steps = asks.map((ask) => {
    const step = attentionStep(own.model, tokens, ask);
    if (step === undefined) throw new Error("nothing was laid open");
    return step;
  });

  it("has the weights of the attention map", () => {
    const look = looking.look("");
    for (const { layer, head, values } of steps)
      values.weights.forEach((weight, k) => {
        const shown = look.attention[(layer * look.heads + head) * n * n + k] ?? Number.NaN;
        expect(Math.abs(weight - shown)).toBeLessThan(1e-6);
      });
  });
  it("the terms of every formula add up to the number next to it, forward and backward", () => {
    for (const step of steps)
      for (const stage of attentionStages)
        for (let to = 0; to <= step.row; to++)
          for (let unit = 0; unit < step.size; unit++) {
            const { factors, count, result } = stageOf(step, { stage, to, unit, term: 0 });
            const terms = Array.from({ length: count }, (_, k) => factors(k).map((spot) => numberOf(step, spot)));
            const products = terms.map((factors) => factors.reduce((a, b) => a * b, 1));
            const found = numberOf(step, result);
            const at = (name: "scores" | "weights", slope: boolean): number =>
              numberOf(step, { name, slope, place: step.row, other: to });
            const depth = Math.sqrt(step.size);
            const wanted = {
              score: sum(products) / depth,
              softmax: Math.exp(at("scores", false)) / sum(products.map(Math.exp)),
              mix: sum(products),
              dWeight: sum(products),
              dScore: at("weights", false) * (at("weights", true) - sum(products)),
              dQuery: sum(products) / depth,
              dKey: sum(products) / depth,
              dValue: sum(products),
            }[stage];
            // Terms in single precision, each off by one unit in the last place.
            const bound = 2 ** -22 * (sum(products.map(Math.abs)) + Math.abs(wanted) + 1e-6) * count;
            expect(Math.abs(found - wanted), `${stage} to ${to}, number ${unit}`).toBeLessThan(bound);
          }
  });
  it("the slopes, summed over the positions, are the gradient of the biases in training", () => {
    const { model } = trained();
    const { module, size } = model;
    // In float64, so that only the rounding of shown values to float32 differs: half a unit in the last place of each slope.
    for (const [, part] of module.namedModules())
      for (const [key, value] of Object.entries(part))
        if (value instanceof nn.Parameter) Reflect.set(part, key, new nn.Parameter(value.detach().to("float64")));
    for (const { layer, head, row } of steps) {
      const laid = attentionStep(model, tokens, { layer, head, row });
      if (laid === undefined) throw new Error("nothing was laid open");
      module.eval();
      module.zeroGrad();
      const input = tensor(tokens, { shape: [1, n] });
      const measured = nn.functional.crossEntropy(
        module.forward(input).select(1, row),
        tensor(Int32Array.of(laid.next)),
      );
      measured.backward();
      const bias = [...module.namedParameters()].find(([name]) => name === `blocks.${layer}.attention.qkv.bias`)?.[1];
      const gradient = bias?.grad?.dataSync() ?? new Float64Array();
      expect(bias?.dtype).toBe("float64");
      expect(gradient.length).toBe(3 * size.width);
      expect(laid.loss).toBeCloseTo(Number(measured.dataSync()[0]), 12);
      for (const [part, name] of [
        [0, "q"],
        [1, "k"],
        [2, "v"],
      ] as const)
        for (let c = 0; c < laid.size; c++) {
          const columns = Array.from(
            { length: n },
            (_, place) => laid.slopes[name][place * laid.size + c] ?? Number.NaN,
          );
          const wanted = Number(gradient[part * size.width + head * laid.size + c]);
          const bound = 2 ** -24 * sum(columns.map(Math.abs)) + 1e-14;
          expect(Math.abs(sum(columns) - wanted), `layer ${layer} head ${head} ${name} ${c}`).toBeLessThan(bound);
        }
    }
  });
  it("changes nothing in the run, and is absent in models without attention", () => {
    const [watched, alone] = [trained(), trained()];
    attentionStep(watched.model, tokens, { layer: 1, head: 1, row: 2 });
    watched.advance(5);
    alone.advance(5);
    expect(watched.weights()).toEqual(alone.weights());
    expect(attentionStep(own.model, tokens, { layer: 2, head: 0, row: 0 })).toBeUndefined();
    const [, lstm] = [0, new TextRun(state, own.data, { name: "lstm", size: own.model.size })];
    expect(attentionStep(lstm.model, tokens, { layer: 0, head: 0, row: 0 })).toBeUndefined();
  });
  it("every operation has a sentence, its terms, and a result that appears with the last", () => {
    const [step] = steps;
    if (step === undefined) throw new Error("nothing was laid open");
    for (const stage of attentionStages) {
      const { sentence, terms, formulas } = explainAttention(step, { stage, to: 0, unit: 0, term: 0 });
      expect(sentence).toMatch(/\.$/);
      expect(formulas[0]?.done).toBe(terms - 1);
    }
  });
});

const studio = useStudio();

describe.skipIf(missing)("on the Text surface", () => {
  it("goes term by term through the formulas, for the selected head and token", async () => {
    const page = await studio.open(
      "surface=text&text=source:reverse;length:4;layers:2;width:12;heads:3;batch:8;step:20",
      { query: "&play=0" },
    );
    await whenTrue(page, "globalThis.texts?.hot.picture !== undefined");
    await page.getByText("step by step").click();
    const terms = page.locator(".attention-steps .turn.now");
    await terms.first().waitFor();
    const result = page.locator(".attention-steps .result b");
    expect(await result.textContent()).toBe("…");
    for (let k = 0; k < 4; k++) await page.getByRole("button", { name: "Next term" }).click();
    const shown = async (): Promise<number> =>
      Number(((await result.textContent()) ?? "").replace("−", "-").replace("e−", "e-"));
    const score = await page.evaluate<number>(
      "(({ values, row, tokens }) => values.scores[row * tokens.length])(texts.laidOpen.value)",
    );
    expect(Math.abs((await shown()) - score)).toBeLessThan(1e-3 * Math.max(0.1, Math.abs(score)));
    await page.getByRole("button", { name: "Next term" }).click();
    await page.getByText("The scores become shares of 1").waitFor();
    await page.getByRole("button", { name: "∂v" }).click();
    await page.getByText("The slope of the value of place 1").waitFor();
    await page.getByRole("button", { name: "Layer 2, head 3" }).click();
    await whenTrue(page, "texts.laidOpen.value.layer === 1 && texts.laidOpen.value.head === 2");
    await page.getByRole("button", { name: "Play" }).click();
    await page.getByText("Pause, and every number of this head").waitFor();
    await page.close();
  });
});
