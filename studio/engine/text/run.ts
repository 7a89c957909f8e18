// The training of one text model: a Trainer of the library, figures of held-out rows, and going back.
import { Generator, nn, noGrad, optim, type Tensor, Trainer, tensor, withGenerator } from "../../../src/index.ts";
import { LrSchedule, makeObjective, makeOptimizer, type Objective } from "../../../src/train/index.ts";
import { ignoredLabel } from "../../../src/train/objectives.ts";
import type { HistoryPoint } from "../../shared/protocol.ts";
import { rootSchedule, type TextState } from "../../shared/text.ts";
import type { LaneInfo } from "../../shared/textPicture.ts";
import { addPoint } from "../../shared/thin.ts";
import { keptFloats } from "../kept.ts";
import { Course } from "./course.ts";
import { type ModelSize, makeModel, type TextModel } from "./models.ts";
import type { TextData } from "./textData.ts";

/** The most rows of a task, and tokens of a text, that are evaluated. */
const measured = { rows: 256, tokens: 2048 } as const;
/** Bytes of states to go back to, their number, and updates between two. */
const moments = { bytes: 48_000_000, most: 40, every: 100 } as const;
/** Steps between two points of the curves: few at first, where most happens. */
const stride = (step: number): number => (step < 20 ? 5 : step < 400 ? 20 : 40);

/** The factor of the learning rate at a step: it rises, then falls, so that training settles at the end. */
const rateAfter = (step: number): number =>
  Math.min(1, (step + 1) / rootSchedule.rises, Math.sqrt(rootSchedule.falls / Math.max(1, step)));

interface Rows {
  readonly features: Tensor;
  readonly targets: Tensor;
}

/** The loss of tokens; ignored ones do not count. */
function objectiveOf(vocabulary: number): Objective {
  const base = makeObjective("crossEntropy", { kind: "tokens", count: vocabulary });
  const loss = (output: Tensor, target: Tensor): Tensor =>
    nn.functional.crossEntropy(output.reshape([target.size, vocabulary]), target.reshape([target.size]));
  return { ...base, loss, measure: (output, target) => ({ loss: loss(output, target), weight: target.shape[0] ?? 1 }) };
}

/** A sample of rows, spread over a whole part. */
function rowsOf(data: TextData, part: "train" | "held"): Rows {
  const own = data[part];
  const { context } = data;
  const count = Math.min(
    own.length,
    data.kind === "task" ? measured.rows : Math.max(8, Math.floor(measured.tokens / context)),
  );
  const features = new Int32Array(count * context);
  const targets = new Int32Array(count * context);
  for (let row = 0; row < count; row++) {
    const place = Math.floor((row * own.length) / count) * context;
    for (let k = 0; k < context; k++) {
      const at = row * context + k;
      if ("features" in own) {
        features[at] = own.features.data[place + k] ?? 0;
        targets[at] = own.targets.data[place + k] ?? 0;
      } else {
        features[at] = own.tokens[place + k] ?? 0;
        targets[at] = own.tokens[place + k + 1] ?? 0;
      }
    }
  }
  const shape = [count, context];
  return { features: tensor(features, { shape }), targets: tensor(targets, { shape }) };
}

export class TextRun {
  readonly state: TextState;
  readonly data: TextData;
  readonly model: TextModel;
  readonly history: HistoryPoint[] = [];
  readonly info: LaneInfo;
  /** The doctor's findings about its course. */
  readonly course = new Course();
  readonly #trainer: Trainer;
  readonly #rows: { readonly train: Rows; readonly held: Rows };
  readonly #measure: (features: Tensor, targets: Tensor) => Float32Array[];
  #now: HistoryPoint | undefined;
  /** Milliseconds and steps so far. */
  #spent = { time: 0, steps: 0 };

  constructor(
    state: TextState,
    data: TextData,
    { name, size }: { readonly name: TextModel["name"]; readonly size: ModelSize },
  ) {
    this.state = state;
    this.data = data;
    const generator = new Generator(state.seed);
    this.model = withGenerator(generator, () => makeModel(name, size));
    const { module } = this.model;
    const parameters = module.parameters().reduce((sum, { size: own }) => sum + own, 0);
    this.info = {
      model: name,
      layers: size.layers,
      width: size.width,
      heads: name === "gpt" ? size.heads : 0,
      parameters,
    };
    const { optimizer, lr, decay } = state;
    const objective = objectiveOf(size.vocabulary);
    const own = makeOptimizer({ optimizer, lr, weightDecay: decay, language: true }, module);
    this.#trainer = new Trainer(module, {
      train: data.train,
      optimizer: own,
      loss: objective,
      batchSize: Math.min(state.batch, data.train.length),
      seed: state.seed,
      clipNorm: 1,
      generator,
      evaluateOn: () => false,
      callbacks: [
        this.course,
        ...(state.schedule === "root" ? [new LrSchedule(new optim.LambdaLR(own, rateAfter), "update")] : []),
      ],
      // Weights, and the optimizer's state for each.
      moments: {
        most: Math.max(2, Math.min(moments.most, Math.floor(moments.bytes / (12 * parameters)))),
        every: moments.every,
      },
    });
    this.#rows = { train: rowsOf(data, "train"), held: rowsOf(data, "held") };
    const exact = data.kind === "task";
    this.#measure = keptFloats((features, targets) =>
      noGrad(() => {
        if (features === undefined || targets === undefined) return [];
        const output = module.forward(features);
        const wrong = output.argmax(-1).ne(targets).to("float32").mul(targets.ne(ignoredLabel).to("float32"));
        // For a task, the share of answers that are right from the first token to the last.
        const right = exact ? wrong.sum(1).eq(0).to("float32") : wrong.neg().add(1);
        return [objective.loss(output, targets), right.mean()];
      }),
    );
    this.#trainer.begin();
    this.record();
  }

  get step(): number {
    return this.#trainer.steps;
  }

  get stepsPerEpoch(): number {
    return this.#trainer.stepsPerEpoch;
  }

  /** Whether the loss and the weights are still finite. */
  get healthy(): boolean {
    return this.#trainer.failure === undefined;
  }

  get stepTime(): number {
    return this.#spent.steps === 0 ? 0 : this.#spent.time / this.#spent.steps;
  }

  /** Takes steps, with the points of the curves along the way; false once the run becomes NaN. */
  advance(steps: number): boolean {
    for (let left = steps; left > 0; ) {
      const every = stride(this.step);
      const some = Math.min(left, every - (this.step % every));
      const begun = performance.now();
      const goesOn = this.#trainer.advance(some);
      this.#spent = { time: this.#spent.time + performance.now() - begun, steps: this.#spent.steps + some };
      if (!goesOn) {
        this.record();
        return false;
      }
      if (this.step % stride(this.step) === 0) this.record();
      left -= some;
    }
    return true;
  }

  /** Loss and accuracy at this step, of training rows and of held-out rows. */
  now(): HistoryPoint {
    if (this.#now?.step === this.step) return this.#now;
    const { module } = this.model;
    module.eval();
    const figures = ({ features, targets }: Rows): HistoryPoint["train"] => {
      const [loss, metric] = this.#measure(features, targets);
      return { loss: loss?.[0] ?? Number.NaN, metric: metric?.[0] ?? Number.NaN };
    };
    this.#now = { step: this.step, train: figures(this.#rows.train), test: figures(this.#rows.held) };
    module.train();
    return this.#now;
  }

  record(): void {
    addPoint(this.history, this.now());
    this.course.note(this.now());
  }

  /** Goes to any step, back or forward, to the same bits; false if the run becomes NaN before it. */
  goTo(step: number): boolean {
    if (step < this.step) {
      this.#trainer.rewind(step);
      this.#now = undefined;
      const kept = this.history.findIndex((point) => point.step > this.step);
      if (kept >= 0) this.history.splice(kept);
      this.course.back(this.step);
    }
    return this.advance(step - this.step);
  }

  /** Every weight, in the model's order. */
  weights(): Float32Array[] {
    return this.model.module.parameters().map((parameter) => Float32Array.from(parameter.dataSync()));
  }
}
