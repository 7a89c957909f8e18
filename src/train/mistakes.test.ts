// Common wrong arguments of fit: each error says what does not match, and what to change.
import { describe, expect, test } from "vitest";
import { Dataset, moons, prepareSeries, Table } from "../data/index.ts";
import { HebbError } from "../graph/errors.ts";
import * as nn from "../nn/index.ts";
import * as optim from "../optim/index.ts";
import { Parameter, seed, type Tensor } from "../tensor/index.ts";
import { type FitOptions, type History, fit as trainModel } from "./index.ts";

const train = moons({ count: 60, seed: 1 });
const validation = moons({ count: 20, seed: 2 });

function run(outputs: number, options: Partial<FitOptions> = {}): Promise<History> {
  seed(1);
  const model = new nn.Linear(2, outputs);
  return trainModel(model, { train, validation, optimizer: new optim.Adam(model.parameters()), epochs: 1, ...options });
}

const labelled = (...targets: number[]): Dataset =>
  new Dataset({
    features: new Float32Array(2 * targets.length),
    featureShape: [2],
    targets: Int32Array.from(targets),
  });

describe("outputs", () => {
  test("fewer than classes, counted over training and validation data", async () => {
    await expect(run(1)).rejects.toThrow(/targets are 2 classes, but the model returns \[32, 1\].*2 outputs/);
    await expect(run(2, { validation: labelled(0, 2) })).rejects.toThrow(/3 classes.*3 outputs/);
  });

  test("more than classes are still measured", async () => {
    const { epochs } = await run(5);
    expect(epochs[0]?.validation?.["accuracy"]).toBeGreaterThanOrEqual(0);
    expect(epochs[0]?.validation?.["loss"]).toBeGreaterThan(0);
  });

  test("a label that is not a class, too large to count the classes below it", async () => {
    const train = labelled(0, 1, 2147483647);
    const own: FitOptions["loss"] = (output, target) => output.mean().add(target.mul(0).sum());
    for (const options of [{}, { classWeights: "balanced" }] as const)
      await expect(run(2, { train, validation: undefined, ...options })).rejects.toThrow(
        /the target of row 2 of train is 2147483647, but classes are counted from 0/,
      );
    await expect(run(2, { train, validation: undefined, loss: own, classWeights: "balanced" })).rejects.toThrow(
      /classWeights weigh classes .* a target is 2147483647/,
    );
  });

  test("two where one is enough", async () => {
    for (const loss of ["bceWithLogits", "hinge"] as const)
      await expect(run(2, { loss })).rejects.toThrow(/takes one output for each row.*\[32, 2\]/);
  });

  test("numbers of another shape", async () => {
    const flat = (targetShape: readonly number[]): Dataset =>
      new Dataset({
        features: Float32Array.of(1, 2, 3, 4),
        featureShape: [2],
        targets: Float32Array.of(1, 2),
        targetShape,
      });
    await expect(run(1, { train: flat([]), validation: undefined })).rejects.toThrow(/targetShape: \[1\]/);
    await expect(run(3, { train: flat([1]), validation: undefined })).rejects.toThrow(
      /class labels are int32: .*Int32Array\.from\(labels\)/,
    );
    await expect(run(3, { train: flat([1]), validation: undefined, loss: "crossEntropy" })).rejects.toThrow(
      /class labels are int32: .*Int32Array\.from\(labels\)/,
    );
  });

  test("several numbers for each row are accepted", async () => {
    const rows = Array.from({ length: 60 }, (_, i) => ({ sold: 50 + (i % 7) * 5 }));
    const series = prepareSeries(Table.fromRows(rows), { target: "sold", task: "regression", window: 7, horizon: 3 });
    const model = new nn.Sequential(new nn.Flatten(), new nn.Linear(7, 3));
    const optimizer = new optim.Adam(model.parameters(), { lr: 0.05 });
    const { epochs } = await trainModel(model, {
      train: series.train,
      validation: series.validation,
      optimizer,
      epochs: 60,
    });
    expect(epochs.at(-1)?.validation?.["mae"]).toBeLessThan(0.3);
  });
});

describe("missing or misplaced arguments", () => {
  test("an optimizer of another model", async () => {
    const optimizer = new optim.Adam(new nn.Linear(2, 2).parameters());
    await expect(run(2, { optimizer })).rejects.toThrow(/none of the optimizer's 2 parameters belongs to this model/);
  });

  test("a parameter that cannot be listed, in a #private field", async () => {
    class Hidden extends nn.Module {
      readonly layer = new nn.Linear(2, 2);
      readonly #scale = new Parameter(1);
      readonly #body = new nn.Linear(2, 2);
      override forward(x: Tensor): Tensor {
        return this.layer.forward(this.use ? this.#body.forward(x) : x.mul(this.#scale));
      }
      readonly use: boolean;
      constructor(use: boolean) {
        super();
        this.use = use;
      }
    }
    for (const [use, shape] of [
      [false, /shape \[\] that/],
      [true, /shape \[2(, 2)?\] that/],
    ] as const) {
      const model = new Hidden(use);
      const optimizer = new optim.Adam(model.parameters());
      const training = trainModel(model, { train, optimizer, epochs: 1 });
      await expect(training).rejects.toThrow(/model.parameters\(\) does not list.*#private/);
      await expect(training).rejects.toThrow(shape);
    }
  });

  test("no rows, labels below 0, validation of another kind", async () => {
    await expect(run(2, { train: labelled() })).rejects.toThrow(/train has no rows/);
    await expect(run(2, { train: labelled(0, -1) })).rejects.toThrow(/row 1 of train is -1; renumber/);
    const numbers = new Dataset({ features: new Float32Array(4), featureShape: [2], targets: new Float32Array(2) });
    await expect(run(2, { validation: numbers })).rejects.toThrow(/train are classes, those of validation numbers/);
  });

  test("a monitored metric that does not exist, before any step", async () => {
    let steps = 0;
    const callbacks = [{ stepEnd: (): undefined => void steps++ }];
    await expect(run(2, { monitor: "acc", callbacks })).rejects.toThrow(
      /no metric "acc" to watch.*accuracy, balancedAccuracy, precision/,
    );
    await expect(run(2, { monitor: "accuracy", validation: undefined, callbacks })).rejects.toThrow(/validation data/);
    expect(steps).toBe(0);
    await expect(run(2, { monitor: "rocAuc" })).resolves.toBeDefined();
    await expect(run(2, { monitor: "own", mode: "max", metrics: { own: () => 1 } })).resolves.toBeDefined();
    await expect(run(2, { monitor: "macroF1" })).rejects.toThrow(/no metric "macroF1"/);
  });

  test("from JavaScript: unknown options, and values of another kind", async () => {
    const wrong = (options: object): Promise<History> => run(2, options);
    const cases: readonly (readonly [object, RegExp])[] = [
      [{ batchsize: 8 }, /no option batchsize; did you mean batchSize\?/],
      [{ early_stopping: { patience: 2 } }, /no option early_stopping; did you mean earlyStopping\?/],
      [{ earlyStopping: { patince: 2 } }, /earlyStopping: there is no option patince; did you mean patience\?/],
      [{ earlyStopping: {} }, /earlyStopping needs a patience/],
      [{ earlyStopping: 3 }, /earlyStopping: options must be an object/],
      [
        { callbacks: [{ onEpochEnd: () => undefined }] },
        /callback: there is no option onEpochEnd; did you mean epochEnd\?/,
      ],
      [{ callbacks: () => undefined }, /callbacks must be a list/],
      [{ callbacks: [() => undefined] }, /a callback is an object/],
      [{ batchSize: "8" }, /batchSize must be a number, got "8"/],
      [{ epochs: undefined }, /number of epochs is missing/],
      [{ scheduleEvery: "step" }, /scheduleEvery "step" does not exist/],
      [{ schedule: 0.1 }, /schedule must be a learning-rate schedule/],
      [{ classWeights: "balance" }, /did you mean "balanced"/],
      [{ metrics: { mine: 3 } }, /metric "mine" must be a function/],
      [{ metrics: { loss: () => 1 } }, /cannot be named "loss"/],
      [{ metrics: { mine: async () => 1 } }, /metric "mine" returned a Promise; make the function synchronous/],
      [{ clipNorm: -1 }, /clipNorm must be at least 0, got -1/],
      [{ mode: "higher" }, /mode "higher" does not exist; use "min" or "max"/],
      [
        { monitor: "mine", metrics: { mine: () => 1 } },
        /it is not known whether a lower or a higher "mine" is better; say mode/,
      ],
      [{ monitor: "balanced_accuracy" }, /did you mean "balancedAccuracy"\?/],
    ];
    for (const [options, message] of cases) {
      const failure = await wrong(options).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(HebbError);
      expect(String(failure)).toMatch(message);
    }
    const call = trainModel as (...given: readonly unknown[]) => Promise<History>;
    await expect(call(nn.Linear, {})).rejects.toThrow(/number of epochs/);
    await expect(call(nn.Linear, { epochs: 1 })).rejects.toThrow(/write new Linear/);
    await expect(call(new nn.Linear(2, 2), 10)).rejects.toThrow(/options must be an object/);
  });

  test("from JavaScript: a misspelt loss, arrays for data, no optimizer", async () => {
    const wrong = (options: object): Promise<History> => run(2, options);
    await expect(wrong({ loss: "bcewithlogits" })).rejects.toThrow(
      /loss "bcewithlogits" does not exist; did you mean "bceWithLogits"/,
    );
    await expect(wrong({ train: [[1, 2]] })).rejects.toThrow(/train must be a data set; make one/);
    await expect(wrong({ optimizer: undefined })).rejects.toThrow(/an optimizer is needed/);
  });
});
