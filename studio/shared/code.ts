// Generates the TypeScript for a state: it runs unchanged with hebb, and ends at the same loss.
import type { OptimizerRow } from "../../src/train/names.ts";
import { features } from "./features.ts";
import {
  activations,
  averageOf,
  isPlane,
  type LossName,
  type OptimizerName,
  optimizers,
  type TaskKind,
} from "./names.ts";
import type { DataInfo } from "./protocol.ts";
import { columnsIn, type Ensemble, ensembleOf, type Layer, paintedPoints, type StudioState } from "./state.ts";

export interface CodeLine {
  readonly text: string;
  /** The layer that the line makes; absent for other lines. */
  readonly layer?: number;
}

function optimizerCode(name: OptimizerName, options: string): string {
  const row: OptimizerRow = optimizers[name];
  const own = Object.entries(row.options ?? {}).map(([key, value]) => `, ${key}: ${value}`);
  return `new optim.${row.optimizer}(model.parameters(), { ${options}${own.join("")} })`;
}

function lossCode(loss: LossName, task: TaskKind, classes: number): string {
  const F = "nn.functional";
  if (task === "number") return `${F}.${loss}(output, target)`;
  if (task === "classes")
    return loss === "crossEntropy"
      ? `${F}.crossEntropy(output, target)`
      : `${F}.${loss}(output.softmax(1), oneHot(target, ${classes}).to("float32"))`;
  const y = 'target.reshape([target.size, 1]).to("float32")';
  if (loss === "hinge") return `${F}.hinge(output, ${y}.mul(2).sub(1))`;
  return loss === "bce" ? `${F}.bceWithLogits(output, ${y})` : `${F}.${loss}(output.sigmoid(), ${y})`;
}

/** The most training rows for the loss next to the curves: the first ones. */
export const measuredRows = 2000;

/** With fewer rows nothing is held out. */
export const fewestSplit = 8;

/** The beginning of the line that gives a program rows from outside any file. */
export const handIn = "const [features, targets] = ";

/** The import with which a program reads its own file; empty for generated data. */
function readerOf({ data }: StudioState, { inputShape }: DataInfo): string[] {
  return data === "own"
    ? [`import { ${inputShape.length > 1 ? "readIdxFile" : "readCsvFile"} } from "hebb/data/node";`]
    : [];
}

const quoted = (value: string): string => JSON.stringify(value);

/** Lines that compute further inputs from the two of `whole`, and the name of the result. */
function featureLines(state: StudioState, whole: string): { readonly lines: string[]; readonly whole: string } {
  const names = isPlane(state.data) ? state.features : [];
  if (names.length === 0) return { lines: [], whole };
  return {
    lines: [
      `const given = ${whole};`,
      "const wide = Array.from({ length: given.length }, (_, row) => {",
      "  const [x = 0, y = 0] = given.features.data.slice(2 * row, 2 * row + 2);",
      `  return [x, y, ${names.map((name) => features[name].code).join(", ")}];`,
      "});",
    ],
    whole: `new data.Dataset({ features: Float32Array.from(wide.flat()), featureShape: [${2 + names.length}], targets: given.targets.data })`,
  };
}

/** The table of a file, with the columns that the state uses. */
function readTable({ without }: StudioState, name: string): string {
  const read = `await readCsvFile(${quoted(name)})`;
  return without === "" ? read : `(${read}).drop(${columnsIn(without).map(quoted).join(", ")})`;
}

/** Lines that make `train`, a data set, with everything needed to read a table. */
function dataLines(state: StudioState, info: DataInfo): string[] {
  const options = `{ count: ${state.count}, noise: ${state.noise}, seed: ${state.dataSeed} }`;
  const unsplit = (made: string): string[] => {
    const { lines, whole } = featureLines(state, made);
    return [...lines, `const train = ${whole};`];
  };
  const split = (made: string, labels: boolean): string[] => {
    if (state.test === 0 || info.trainCount + info.testCount < fewestSplit) return unsplit(made);
    const { lines, whole } = featureLines(state, made);
    return [
      ...lines,
      `const all = ${whole};`,
      `const split = data.trainValidationSplit(all.length, { validation: ${state.test}, seed: ${state.dataSeed}${labels ? ", labels: Array.from(all.targets.data)" : ""} });`,
      "const train = all.subset(split.train);",
    ];
  };
  const table = (source: string, target: string): string[] => [
    `const { train } = data.prepareTable(${source}, { target: ${quoted(target)}, validation: ${state.test}, seed: ${state.dataSeed} });`,
  ];
  switch (state.data) {
    case "moons":
    case "circles":
      return split(`data.${state.data}(${options})`, true);
    case "spirals":
      return split(`data.spirals({ count: ${state.count}, noise: ${state.noise / 4}, seed: ${state.dataSeed} })`, true);
    case "blobs":
      return split(`data.blobs({ count: ${state.count}, noise: ${4 * state.noise}, seed: ${state.dataSeed} })`, true);
    case "curve":
      return split(`data.curve(${options})`, false);
    case "loans":
      return table(
        `data.loans({ count: ${Math.max(40, state.count)}, noise: ${state.noise}, seed: ${state.dataSeed} })`,
        "approved",
      );
    case "iris":
      return table("data.iris()", "species");
    case "and":
    case "or":
    case "xor":
      return [
        `const gate = data.gate(${quoted(state.data)});`,
        ...unsplit(
          "new data.Dataset({ features: gate.features.data, featureShape: [2], targets: Int32Array.from(gate.targets.data) })",
        ),
      ];
    case "painted": {
      const painted = paintedPoints(state);
      const points = painted.map(([x, y, label]) => `[${x}, ${y}, ${label}]`).join(", ");
      const whole =
        "new data.Dataset({ features: Float32Array.from(points.flatMap((point) => point.slice(0, 2))), featureShape: [2], targets: Int32Array.from(points, (point) => point[2]) })";
      const lines = [`const points: [number, number, number][] = [${points}];`];
      return [...lines, ...split(whole, true)];
    }
    case "own":
      return info.inputShape.length > 1
        ? [
            "// Your images and their labels, as two IDX files.",
            `const [images, labels] = [await readIdxFile(${quoted(info.name)}), await readIdxFile("labels.idx")];`,
            `const split = data.trainValidationSplit(labels.data.length, { validation: ${state.test}, seed: ${state.dataSeed}, labels: labels.data });`,
            "const fitted = data.fitImagePreprocessing(images, labels, { rows: split.train });",
            "const { features, targets } = data.applyImagePreprocessing(fitted, images, labels);",
            "const train = new data.Dataset({ features, featureShape: fitted.shape, targets: targets ?? new Int32Array() }).subset(split.train);",
          ]
        : table(readTable(state, info.name), info.target);
    case "digits":
    case "words":
      return [
        `// The Studio's ${state.data} are made in the page. Put the inputs of your rows here, and their classes, counted from 0.`,
        `${handIn}[new Float32Array(${info.trainCount * info.inputShape.reduce((a, b) => a * b, 1)}), new Int32Array(${info.trainCount})];`,
        `const train = new data.Dataset({ features, featureShape: [${info.inputShape.join(", ")}], targets });`,
      ];
  }
}

interface Built {
  readonly lines: CodeLine[];
  /** Names of the initialised layers, for initial weights other than the default. */
  readonly starts: readonly { readonly place: number; readonly following: Layer["activation"] }[];
}

function modelLines(state: StudioState, info: DataInfo): Built {
  const lines: CodeLine[] = [];
  const starts: { place: number; following: Layer["activation"] }[] = [];
  let shape = info.inputShape;
  let place = 0;
  const push = (text: string, layer?: number): void => {
    lines.push(layer === undefined ? { text: `  ${text},` } : { text: `  ${text},`, layer });
    place++;
  };
  const flatten = (): void => {
    if (shape.length > 1) {
      push("new nn.Flatten()");
      shape = [shape.reduce((a, b) => a * b, 1)];
    }
  };
  state.layers.forEach(({ kind, units, activation }, layer) => {
    const { module } = activations[activation];
    if (kind === "conv" && shape.length === 3) {
      const [channels = 1, height = 1, width = 1] = shape;
      starts.push({ place, following: activation });
      push(`new nn.Conv2d(${channels}, ${units}, 3, { padding: 1 })`, layer);
      if (state.batchNorm) push(`new nn.BatchNorm2d(${units})`, layer);
      push(`new nn.${module}()`, layer);
      shape = [units, height, width];
      if (Math.min(height, width) >= 4) {
        push("new nn.MaxPool2d(2)", layer);
        shape = [units, Math.floor(height / 2), Math.floor(width / 2)];
      }
    } else {
      flatten();
      starts.push({ place, following: activation });
      push(`new nn.Linear(${shape[0]}, ${units})`, layer);
      if (state.batchNorm) push(`new nn.BatchNorm1d(${units})`, layer);
      push(`new nn.${module}()`, layer);
      shape = [units];
    }
    if (state.dropout > 0) push(`new nn.Dropout(${state.dropout})`, layer);
  });
  flatten();
  starts.push({ place, following: "identity" });
  push(`new nn.Linear(${shape[0]}, ${info.task === "classes" ? info.classes.length : 1})`, state.layers.length);
  return { lines, starts };
}

/** The ensemble, and a loss that is applied to each of its members. */
function ensembleLines(
  { layers, dropout, loss }: StudioState,
  { task, inputs, numbers, classes }: DataInfo,
  { members, bins, embedding }: Ensemble,
): { readonly model: string[]; readonly loss: string[] } {
  const outputs = task === "classes" ? classes.length : 1;
  const aim = task === "number" ? '{ kind: "number" }' : `{ kind: "classes", count: ${classes.length} }`;
  return {
    model: [
      "const model = new Tabular({",
      `  features: ${inputs.length}, outputs: ${outputs}, hidden: [${layers.map(({ units }) => units).join(", ")}],`,
      `  activation: new nn.${activations[layers[0]?.activation ?? "relu"].module}(), dropout: ${dropout}, average: ${quoted(averageOf(task))},`,
      `  members: ${members}, bins: ${bins}, embedding: ${embedding}, numbers: [${numbers.join(", ")}],`,
      "});",
      "model.fitQuantiles(train);",
    ],
    loss: [
      `const objective = makeObjective(${quoted(loss === "bce" ? "bceWithLogits" : loss)}, ${aim});`,
      "const lossOf = (output: Tensor, target: Tensor) => objective.measure(output, target, { weights: undefined, complete: true }).loss;",
    ],
  };
}

function initLines(state: StudioState, starts: Built["starts"]): string[] {
  if (state.init === "default") return [];
  const draw = (following: Layer["activation"]): string => {
    switch (state.init) {
      case "he":
        return 'nn.init.kaimingNormal(layer.weight, { nonlinearity: "relu" });';
      case "xavier":
        return `nn.init.xavierNormal(layer.weight, ${following === "tanh" ? "5 / 3" : "1"});`;
      case "small":
        return "nn.init.normal(layer.weight, 0, 0.01);";
      case "large":
        return "nn.init.normal(layer.weight, 0, 1);";
      default:
        return "nn.init.zeros(layer.weight);";
    }
  };
  const groups = new Map<string, number[]>();
  for (const { place, following } of starts)
    groups.set(draw(following), [...(groups.get(draw(following)) ?? []), place]);
  // The draws come layer by layer, as in the Studio.
  if (groups.size === 1)
    return [
      "for (const layer of model) {",
      "  if (!(layer instanceof nn.Linear || layer instanceof nn.Conv2d)) continue;",
      `  ${draw("identity")}`,
      "  if (layer.bias !== undefined) nn.init.zeros(layer.bias);",
      "}",
    ];
  return [
    "for (const [place, layer] of [...model].entries()) {",
    "  if (!(layer instanceof nn.Linear || layer instanceof nn.Conv2d)) continue;",
    `  nn.init.xavierNormal(layer.weight, [${groups.get(draw("tanh"))?.join(", ") ?? ""}].includes(place) ? 5 / 3 : 1);`,
    "  if (layer.bias !== undefined) nn.init.zeros(layer.bias);",
    "}",
  ];
}

/** The program that trains this state for `steps` steps and prints the training loss. */
export function codeOf(state: StudioState, info: DataInfo, steps: number): CodeLine[] {
  const { lines: layers, starts } = modelLines(state, info);
  const members = ensembleOf(state, info);
  const ensemble = members === undefined ? undefined : ensembleLines(state, info, members);
  const options = [
    `lr: ${state.lr}`,
    ...(state.decay > 0 || state.optimizer === "adamw" ? [`weightDecay: ${state.decay}`] : []),
  ].join(", ");
  const usesOneHot = ensemble === undefined && info.task === "classes" && state.loss !== "crossEntropy";
  const batch = Math.min(state.batch, info.trainCount);
  const plain = (texts: readonly string[]): CodeLine[] => texts.map((text) => ({ text }));
  return [
    ...plain([
      `import { compile, data, nn, ${usesOneHot ? "oneHot, " : ""}optim, seed, type Tensor, tensor } from "hebb";`,
      ...(ensemble === undefined ? [] : ['import { makeObjective, Tabular } from "hebb/train";']),
      ...readerOf(state, info),
      "",
      ...dataLines(state, info),
      "const x = tensor(train.features.data, { shape: [train.length, ...train.features.shape] });",
      "const y = tensor(train.targets.data, { shape: [train.length, ...train.targets.shape] });",
      "",
      `seed(${state.seed});`,
    ]),
    ...(ensemble === undefined
      ? [{ text: "const model = new nn.Sequential(" }, ...layers, ...plain([");", ...initLines(state, starts)])]
      : plain(ensemble.model)),
    ...plain([
      `const optimizer = ${optimizerCode(state.optimizer, options)};`,
      ...(ensemble?.loss ?? [
        `const lossOf = (output: Tensor, target: Tensor) => ${lossCode(state.loss, info.task, info.classes.length)};`,
      ]),
      "const step = compile((rows: Tensor) => {",
      "  const loss = lossOf(model.forward(x.indexSelect(0, rows)), y.indexSelect(0, rows));",
      "  optimizer.zeroGrad();",
      "  loss.backward();",
      "  optimizer.step();",
      "  return loss;",
      "});",
      "",
      `const sampler = new data.BatchSampler(train.length, { batchSize: ${batch}, shuffle: true, joinSingle: true, seed: ${state.seed} });`,
      ...(state.edits.length > 0
        ? [
            `const edits: [number, string, number, number][] = [${state.edits.map((edit) => `[${edit.step}, ${quoted(edit.parameter)}, ${edit.index}, ${edit.value}]`).join(", ")}];`,
            "const edit = (done: number) => {",
            "  for (const [at, name, index, value] of edits) {",
            "    const parameter = model.namedParameters().find(([path]) => path === name)?.[1];",
            "    if (at !== done || parameter === undefined) continue;",
            "    const values = parameter.dataSync();",
            "    values[index] = value;",
            "    parameter.assign(values);",
            "  }",
            "};",
            "edit(0);",
          ]
        : []),
      `let steps = ${steps};`,
      "while (steps > 0) {",
      "  for (const rows of sampler.batches()) {",
      "    if (steps === 0) break;",
      "    step(tensor(rows));",
      "    steps -= 1;",
      ...(state.edits.length > 0 ? [`    edit(${steps} - steps);`] : []),
      "  }",
      "}",
      "",
      "model.eval();",
      ...(info.trainCount > measuredRows
        ? [
            "// The training loss as the Studio shows it, which is of the first rows.",
            `console.log(await lossOf(model.forward(x.narrow(0, 0, ${measuredRows})), y.narrow(0, 0, ${measuredRows})).item());`,
          ]
        : ["console.log(await lossOf(model.forward(x), y).item());"]),
    ]),
  ];
}
