// The library's own view of a state: its Trainer on a model built here by hand, with a step that records its gradients.
import { gradients } from "../../../src/graph/autodiff.ts";
import { isFloat } from "../../../src/graph/dtype.ts";
import { sourceNode } from "../../../src/graph/node.ts";
import { sizeOf } from "../../../src/graph/shape.ts";
import { topologicalOrder } from "../../../src/graph/walk.ts";
import {
  compile,
  Generator,
  nn,
  noGrad,
  oneHot,
  optim,
  State,
  Tensor,
  Trainer,
  tensor,
  withGenerator,
} from "../../../src/index.ts";
import { evaluate } from "../../../src/tensor/lazy.ts";
import { isJudged, type LossFunction, makeObjective, Tabular } from "../../../src/train/index.ts";
import type { Prepared } from "../../../studio/engine/data.ts";
import { activations, type LossName, type TaskKind } from "../../../studio/shared/names.ts";
import type { StudioState } from "../../../studio/shared/state.ts";

const F = nn.functional;

/** Positions of one layer's modules; undefined for those it lacks. */
export interface Places {
  readonly layer: number;
  readonly norm: number | undefined;
  readonly activation: number | undefined;
  readonly pool: number | undefined;
  readonly dropout: number | undefined;
}

const activationOf = (name: keyof typeof activations): nn.Module => new nn[activations[name].module]();

/** A sequence of modules that keeps the output of each. */
class Watched extends nn.Sequential {
  /** The input and the output of each module. */
  readonly #given: Tensor[] = [];

  given(): readonly Tensor[] {
    return this.#given;
  }

  override forward(x: Tensor): Tensor {
    this.#given.splice(0, this.#given.length, x);
    let value = x;
    for (const module of this) {
      value = module.forward(value);
      this.#given.push(value);
    }
    return value;
  }
}

function build({ layers, batchNorm, dropout, init }: StudioState, { info }: Prepared) {
  const modules: nn.Module[] = [];
  const places: Places[] = [];
  const put = (module: nn.Module): number => modules.push(module) - 1;
  let shape = info.inputShape;
  const flat = (): number => {
    if (shape.length > 1) put(new nn.Flatten());
    shape = [shape.reduce((a, b) => a * b, 1)];
    return shape[0] ?? 1;
  };
  const starts: { weight: nn.Parameter; bias: nn.Parameter | undefined; tanh: boolean }[] = [];
  const start = <T extends nn.Linear | nn.Conv2d>(made: T, tanh: boolean): T => {
    starts.push({ weight: made.weight, bias: made.bias, tanh });
    return made;
  };
  for (const { kind, units, activation } of layers) {
    const image = kind === "conv" && shape.length === 3;
    const [channels = 1, height = 1, width = 1] = shape;
    const tanh = activation === "tanh";
    const layer = image
      ? put(start(new nn.Conv2d(channels, units, 3, { padding: 1 }), tanh))
      : ((given) => put(start(new nn.Linear(given, units), tanh)))(flat());
    const norm = batchNorm ? put(image ? new nn.BatchNorm2d(units) : new nn.BatchNorm1d(units)) : undefined;
    const bend = put(activationOf(activation));
    const pool = image && Math.min(height, width) >= 4 ? put(new nn.MaxPool2d(2)) : undefined;
    const by = pool === undefined ? 1 : 2;
    shape = image ? [units, Math.floor(height / by), Math.floor(width / by)] : [units];
    const dropped = dropout > 0 ? put(new nn.Dropout(dropout)) : undefined;
    places.push({ layer, norm, activation: bend, pool, dropout: dropped });
  }
  const outputs = info.task === "classes" ? info.classes.length : 1;
  const last = ((given) => put(start(new nn.Linear(given, outputs), false)))(flat());
  places.push({ layer: last, norm: undefined, activation: undefined, pool: undefined, dropout: undefined });
  for (const { weight, bias, tanh } of init === "default" ? [] : starts) {
    if (init === "he") nn.init.kaimingNormal(weight, { nonlinearity: "relu" });
    else if (init === "xavier") nn.init.xavierNormal(weight, tanh ? 5 / 3 : 1);
    else if (init === "zeros") nn.init.zeros(weight);
    else nn.init.normal(weight, 0, init === "small" ? 0.01 : 1);
    if (bias !== undefined) nn.init.zeros(bias);
  }
  return { model: new Watched(...modules), places };
}

const optimizerOf = ({ optimizer, lr, decay: weightDecay }: StudioState, model: nn.Module): optim.Optimizer => {
  const [all, options] = [model.parameters(), { lr, weightDecay }];
  switch (optimizer) {
    case "sgd":
      return new optim.SGD(all, options);
    case "momentum":
      return new optim.SGD(all, { ...options, momentum: 0.9 });
    case "nesterov":
      return new optim.SGD(all, { ...options, momentum: 0.9, nesterov: true });
    case "adagrad":
      return new optim.Adagrad(all, options);
    case "rmsprop":
      return new optim.RMSprop(all, options);
    case "adam":
      return new optim.Adam(all, options);
    case "adamw":
      return new optim.AdamW(all, options);
  }
};

type Reduction = "mean" | "none";

/** The losses as documented. */
function lossOf(name: LossName, task: TaskKind, classes: number) {
  return (output: Tensor, target: Tensor, reduction: Reduction = "mean"): Tensor => {
    const options = { reduction };
    if (name === "crossEntropy") return F.crossEntropy(output, target, options);
    if (task === "number") return F[name === "bce" || name === "hinge" ? "mse" : name](output, target, options);
    if (name === "bce" || name === "hinge") {
      const y = target.reshape([target.size, 1]).to("float32");
      return name === "bce" ? F.bceWithLogits(output, y, options) : F.hinge(output, y.mul(2).sub(1), options);
    }
    return task === "classes"
      ? F[name](output.softmax(1), oneHot(target, classes).to("float32"), options)
      : F[name](output.sigmoid(), target.reshape([target.size, 1]).to("float32"), options);
  };
}

/** The inputs of the Trainer's step. */
export interface Written {
  readonly loss: number;
  readonly target: Float32Array;
  readonly gradients: ReadonlyMap<string, Float32Array>;
}

/** The next step in detail, by the library: the input, the output of each module, and ∂loss/∂ of each. */
export interface Open {
  readonly values: readonly Float32Array[];
  readonly slopes: readonly Float32Array[];
}

export interface Rows {
  readonly x: Tensor;
  readonly y: Tensor;
}

export interface Figures {
  readonly loss: number;
  readonly output: Float32Array;
}

export const floats = (value: Tensor): Float32Array => Float32Array.from(value.dataSync());

export class Reference {
  readonly model: nn.Module;
  readonly places: readonly Places[];
  readonly trainer: Trainer;
  readonly #prepared: Prepared;
  readonly #loss: ReturnType<typeof lossOf>;
  /** For each batch size the cells that the compiled step writes: targets, then gradients of parameters. */
  readonly #cells = new Map<number, State[]>();
  readonly #watched: Watched | undefined;
  readonly #generator: Generator;
  readonly #measured: (x: Tensor, y: Tensor) => [Tensor, Tensor];
  readonly #answered: (x: Tensor) => Tensor;
  readonly #staged: (x: Tensor) => Tensor[];
  readonly #sloped: (x: Tensor, y: Tensor) => Tensor[];
  #rows = 0;
  /** Every weight as the latest step left it, if some have been edited since. */
  #made: ReadonlyMap<string, Float32Array> | undefined;

  /** `state` has a loss that fits the data. */
  constructor(state: StudioState, prepared: Prepared) {
    this.#prepared = prepared;
    const { info, train } = prepared;
    const { ensemble } = state;
    const generator = new Generator(state.seed);
    this.#generator = generator;
    this.#loss = lossOf(state.loss, info.task, info.classes.length);
    const batchSize = Math.min(state.batch, train.length);
    const tabular = ensemble !== undefined && info.inputShape.length === 1;
    const made = withGenerator(generator, () => {
      if (!tabular) return build(state, prepared);
      const { members, bins, embedding } = ensemble;
      const model = new Tabular({
        features: info.inputs.length,
        outputs: info.task === "classes" ? info.classes.length : 1,
        hidden: state.layers.map(({ units }) => units),
        activation: activationOf(state.layers[0]?.activation ?? "relu"),
        average: ({ binary: "sigmoid", classes: "softmax", number: "outputs" } as const)[info.task],
        ...{ dropout: state.dropout, members, bins, embedding, numbers: info.numbers },
      });
      model.fitQuantiles(train);
      return { model, places: [] };
    });
    [this.model, this.places] = [made.model, made.places];
    if (made.model instanceof Watched) this.#watched = made.model;
    this.trainer = new Trainer(made.model, {
      ...{ train, batchSize, seed: state.seed, generator, evaluateOn: isJudged },
      optimizer: optimizerOf(state, made.model),
      loss: tabular ? (state.loss === "bce" ? "bceWithLogits" : state.loss) : this.#written,
      callbacks: [
        {
          stepEnd: ({ step }) => {
            this.#made = state.edits.some((edit) => edit.step === step) ? this.state() : undefined;
            this.#edit(state, step);
            return undefined;
          },
        },
      ],
    });
    this.#edit(state, 0);
    const objective = tabular
      ? makeObjective(
          state.loss === "bce" ? "bceWithLogits" : state.loss,
          info.task === "number" ? { kind: "number" } : { kind: "classes", count: info.classes.length },
        )
      : undefined;
    const mean = (output: Tensor, target: Tensor): Tensor =>
      objective?.measure(output, target, { weights: undefined, complete: true }).loss ?? this.#loss(output, target);
    const { model } = this;
    this.#measured = compile((x, y) =>
      noGrad((): [Tensor, Tensor] => {
        const output = model.forward(x);
        return [mean(output, y), this.#reading(output)];
      }),
    );
    this.#answered = compile((x) => noGrad(() => this.#reading(model.forward(x))));
    this.#staged = compile((x) =>
      noGrad(() => {
        const output = model.forward(x);
        const given = this.#watched?.given() ?? [];
        return this.places.map(({ layer, activation, pool }, place) => {
          const value = given[(pool ?? activation ?? layer) + 1] ?? output;
          return place === this.places.length - 1 ? this.#reading(value) : value;
        });
      }),
    );
    this.#sloped = compile((x, y) => {
      const parameters = this.#layered();
      for (const parameter of parameters) parameter.grad = undefined;
      mean(model.forward(x), y).backward();
      const found = parameters.map((one) => one.grad ?? one.mul(0));
      for (const parameter of parameters) parameter.grad = undefined;
      return found;
    });
  }

  /** Weights and biases of layers, but not of normalisations. */
  #layered(): nn.Parameter[] {
    if (this.#watched === undefined) {
      const { model } = this;
      return model instanceof Tabular
        ? [...model.layers, model].flatMap(({ weight, bias }) => (bias === undefined ? [weight] : [weight, bias]))
        : [];
    }
    return [...this.#watched].flatMap((module) =>
      module instanceof nn.Linear || module instanceof nn.Conv2d
        ? [module.weight, ...(module.bias === undefined ? [] : [module.bias])]
        : [],
    );
  }

  #edit({ edits }: StudioState, step: number): void {
    for (const { parameter, index, value } of edits.filter((edit) => edit.step === step)) {
      const found = this.model.namedParameters().find(([path]) => path === parameter)?.[1];
      if (found === undefined || index >= found.size) continue;
      const values = found.dataSync();
      values[index] = value;
      found.assign(values);
    }
  }

  /** The loss of a batch, with a step that records its targets and gradients. */
  readonly #written: LossFunction = (output, target) => {
    const loss = this.#loss(output, target);
    if (!this.model.training) return loss;
    const parameters = this.model.parameters();
    const slopes = gradients(
      loss.node,
      parameters.map(({ node }) => node),
    );
    noGrad(() => {
      const kept = [
        target,
        ...parameters.map((one, k) => (slopes[k] === undefined ? one.mul(0) : Tensor.of(slopes[k]))),
      ];
      const cells = kept.map(({ shape }) => new State(0, { shape, dtype: "float32" }));
      for (const [place, value] of kept.entries()) cells[place]?.assign(value.detach().to("float32"));
      this.#cells.set(target.shape[0] ?? 0, cells);
    });
    return loss;
  };

  /** The step on these rows with every value kept, as `inspect` keeps them; it changes nothing. */
  open({ x, y }: Rows): Open {
    const before = this.#generator.getState();
    const buffers = this.model.buffers().map((buffer) => ({ buffer, values: buffer.dataSync().slice() }));
    const loss = withGenerator(this.#generator, () => this.#loss(this.model.forward(x), y));
    const given = (this.#watched?.given() ?? []).map(({ node }) => node);
    const order = topologicalOrder([loss.node]);
    const wanted = order.filter(({ dtype }) => isFloat(dtype));
    const slopes = gradients(loss.node, wanted);
    const asked = [...order, ...slopes.filter((slope) => slope !== undefined)];
    const found = new Map(evaluate(asked).map((value, k) => [asked[k], floats(Tensor.of(sourceNode(value, value)))]));
    this.#generator.setState(before);
    for (const { buffer, values } of buffers) buffer.assign(values);
    const slopeOf = new Map(wanted.map((node, k) => [node, slopes[k]]));
    return {
      values: given.map((node) => found.get(node) ?? new Float32Array()),
      slopes: given.map((node) => found.get(slopeOf.get(node)) ?? new Float32Array(sizeOf(node.shape))),
    };
  }

  /** Takes a step of the Trainer; `rows` are those of its batch. */
  step(rows: number): boolean {
    this.#rows = rows;
    return this.trainer.advance(1);
  }

  /** The record of the latest step. */
  written(): Written {
    const [target = new Float32Array(), ...slopes] = (this.#cells.get(this.#rows) ?? []).map(floats);
    const names = this.model.namedParameters().map(([path]) => path);
    return {
      loss: this.trainer.loss,
      target,
      gradients: new Map(names.map((path, k) => [path, slopes[k] ?? new Float32Array()])),
    };
  }

  /** Every weight and the optimizer's state for each, by name. */
  state(): ReadonlyMap<string, Float32Array> {
    const parameters = this.model.namedParameters();
    const remembered = Object.entries(this.trainer.optimizer.stateDict().state).map(([name, value]) => {
      const [place = "", slot = ""] = name.split(".");
      return [`${parameters[Number(place)]?.[0] ?? ""}.${slot}`, floats(value)] as const;
    });
    const own = Object.entries(this.model.stateDict()).map(([name, value]) => [name, floats(value)] as const);
    return new Map([...own, ...remembered]);
  }

  /** The same right after the latest step, before later edits of weights. */
  made(): ReadonlyMap<string, Float32Array> {
    return this.#made ?? this.state();
  }

  #evaluated<T>(body: () => T): T {
    this.model.eval();
    try {
      return body();
    } finally {
      this.model.train();
    }
  }

  rowsOf(part: "train" | "test", count: number): Rows {
    const { train, test } = this.#prepared;
    const { features, targets, length } = part === "train" ? train : (test ?? train);
    const cut = (values: Tensor): Tensor => values.narrow(0, 0, Math.min(count, length));
    return {
      x: cut(tensor(features.data, { shape: [length, ...features.shape] })),
      y: cut(tensor(targets.data, { shape: [length, ...targets.shape] })),
    };
  }

  #reading(output: Tensor): Tensor {
    const { task } = this.#prepared.info;
    return task === "number" ? output : task === "binary" ? output.sigmoid() : output.softmax(1);
  }

  /** Outputs as the page displays them. */
  read(output: Tensor): Float32Array {
    return floats(this.#reading(output));
  }

  /** Outputs for rows: compiled, as for a map, or eager, as for a single case. */
  answers(x: Tensor, { compiled }: { readonly compiled: boolean }): Float32Array {
    return this.#evaluated(() =>
      compiled ? floats(this.#answered(x)) : noGrad(() => this.read(this.model.forward(x))),
    );
  }

  measure({ x, y }: Rows): Figures {
    return this.#evaluated(() => {
      const [loss, output] = this.#measured(x, y);
      return { loss: loss.itemSync(), output: floats(output) };
    });
  }

  /** The loss of each row alone. */
  rowLosses(output: Tensor, target: Tensor): Float32Array {
    const single = compile((one: Tensor, y: Tensor) => noGrad(() => this.#loss(one, y)));
    return Float32Array.from({ length: output.shape[0] ?? 0 }, (_, row) =>
      single(output.narrow(0, row, 1), target.narrow(0, row, 1)).itemSync(),
    );
  }

  /** Slopes of the loss of rows for every weight and bias of a layer, in evaluation mode. */
  slopesOf({ x, y }: Rows): ReadonlyMap<nn.Parameter, Float32Array> {
    return this.#evaluated(() => {
      const slopes = this.#sloped(x, y).map(floats);
      return new Map(this.#layered().map((one, k) => [one, slopes[k] ?? new Float32Array()]));
    });
  }

  /** The output of each layer for rows, after its activation and pooling, in evaluation mode; of the last as displayed. */
  stages(x: Tensor): Float32Array[] {
    return this.#evaluated(() => this.#staged(x).map(floats));
  }
}
