// Misspells every option of the rooms around tensors and nn; each is refused. The functions come from the exports, so none is left out.
import { describe, expect, it } from "vitest";
import * as data from "../../src/data/index.ts";
import * as files from "../../src/data/node.ts";
import * as formats from "../../src/formats/index.ts";
import * as folders from "../../src/formats/node.ts";
import * as onnx from "../../src/formats/onnx/index.ts";
import * as onnxFiles from "../../src/formats/onnx/node.ts";
import { HebbError, nn, ones, quantization } from "../../src/index.ts";
import * as models from "../../src/models/index.ts";
import * as modelFiles from "../../src/models/node.ts";
import * as optim from "../../src/optim/index.ts";
import * as run from "../../src/run/index.ts";
import * as testing from "../../src/testing/index.ts";
import * as train from "../../src/train/index.ts";

type AnyFunction = (...args: readonly unknown[]) => unknown;

/** The arguments before the options, and those after them where there are any. */
type Arguments = () => readonly [before: readonly unknown[], after?: readonly unknown[]];

const model = new nn.Linear(2, 2);
const optimizer = (): optim.Optimizer => new optim.SGD(model.parameters(), { lr: 0.1, momentum: 0.9 });
const table = new data.Table([
  { name: "x", cells: [1, 2, 3, 4] },
  { name: "y", cells: ["a", "b", "a", "b"] },
]);
const none: Arguments = () => [[]];
const ofTable: Arguments = () => [[table]];
const bytes: Arguments = () => [[new Uint8Array(8)]];
const path: Arguments = () => [["none.csv"]];
const weights: Arguments = () => [[model.parameters()]];
const ofOptimizer: Arguments = () => [[optimizer()]];
const ofModel: Arguments = () => [[model]];
const preprocessing = data.fitPreprocessing(table, { target: "y" });
const field = { data: new Float32Array(4), shape: [1, 2, 2], dtype: "float32" };
const images = { dtype: "uint8", shape: [2, 1, 1], data: Uint8Array.of(1, 2) };
const labels = { dtype: "int32", shape: [2], data: Int32Array.of(0, 1) };

const tokenizer = await models.TextTokenizer.from(modelFiles.folderFiles("test/golden/models/bert"));
const pretrained = await modelFiles.loadPretrained("test/golden/models/gpt2");

const rows: Readonly<Record<string, Arguments>> = {
  "data.BatchSampler": () => [[4]],
  "data.DataLoader": () => [[data.moons({ count: 4 })]],
  "data.Dataset": none,
  "data.applyPreprocessing": () => [[preprocessing, table]],
  "data.augmentImages": () => [[field], [new data.Random(0)]],
  "data.augmentation": none,
  "data.batchesIn": () => [[4]],
  "data.blobs": none,
  "data.circles": none,
  "data.curve": none,
  "data.decodePicture": bytes,
  "data.explainTable": ofTable,
  "data.fitImagePreprocessing": () => [[images, labels]],
  "data.fitPreprocessing": ofTable,
  "data.gunzip": bytes,
  "data.kFold": () => [[4, 2]],
  "data.loans": none,
  "data.moons": none,
  "data.parseCsv": () => [["a,b\n1,2"]],
  "data.parseIdx": bytes,
  "data.prepareSeries": ofTable,
  "data.prepareTable": ofTable,
  "data.readIdx": bytes,
  "data.readPictureHeader": bytes,
  "data.seriesWindows": () => [[{ values: new Float32Array(8), width: 1 }]],
  "data.spirals": none,
  "data.tableFindings": ofTable,
  "data.trainValidationSplit": () => [[4]],
  "data.usableRows": ofTable,
  "data.windowStarts": () => [[4]],
  "files.download": () => [["http://127.0.0.1/x", "none"]],
  "files.loadCanonical": () => [["mnist", "test"]],
  "files.readCsvFile": () => [["package.json"]],
  "files.readImageFile": path,
  "files.readImageFolder": path,
  "files.readParquetFile": path,
  "files.readTableFile": path,
  "files.fetchFile": () => [["no address"]],
  "files.streamTable": path,
  "train.Doctor": none,
  "train.EarlyStopping": none,
  "train.Saving": none,
  "train.Trainer": ofModel,
  "train.Gpt": none,
  "train.LstmLanguage": none,
  "train.Tabular": none,
  "train.csvLog": () => [[() => {}]],
  "train.findLr": ofModel,
  "train.findLrLater": ofModel,
  "train.fit": ofModel,
  "train.fitStream": ofModel,
  "train.generate": ofModel,
  "train.partialDependence": () => [[data.moons()]],
  "train.permutationImportance": () => [[data.moons()]],
  "train.makeOptimizer": () => [[], [model]],
  "train.makeSchedule": () => [[], [optimizer()]],
  "formats.readNpy": bytes,
  "formats.readNpz": bytes,
  "formats.readSafetensors": bytes,
  "formats.readTorch": bytes,
  "onnx.exportOnnx": () => [[model, { x: { shape: [1, 2] } }]],
  "onnx.importOnnx": bytes,
  "onnxFiles.importOnnxFile": path,
  "onnx.readOnnx": bytes,
  "folders.createRun": path,
  "folders.saveCheckpoint": () => [[{}, {}]],
  "models.embed": () => [[pretrained, tokenizer, ["x"]]],
  "models.addLora": () => [[pretrained]],
  "models.loadPretrainedFiles": () => [[models.filesOf("none", {})]],
  "modelFiles.loadPretrained": path,
  "testing.assertTensorsClose": () => [[ones([1]), ones([1])]],
  ...Object.fromEntries(
    [
      "ASGD",
      "Adafactor",
      "LAMB",
      "Adadelta",
      "Adagrad",
      "Adam",
      "AdamW",
      "Adamax",
      "LBFGS",
      "Lion",
      "Muon",
      "NAdam",
      "RAdam",
      "RMSprop",
      "Rprop",
      "SGD",
    ].map((name) => [`optim.${name}`, weights]),
  ),
  ...Object.fromEntries(
    ["ConstantLR", "CyclicLR", "LinearLR", "OneCycleLR", "PolynomialLR", "ReduceLROnPlateau", "SWALR"].map((name) => [
      `optim.${name}`,
      ofOptimizer,
    ]),
  ),
  "quantization.MovingAverageMinMaxObserver": none,
  "quantization.convert": ofModel,
  "quantization.prepare": ofModel,
  "quantization.quantizeDynamic": ofModel,
  "optim.CosineAnnealingLR": () => [[optimizer(), 10]],
  "optim.CosineAnnealingWarmRestarts": () => [[optimizer(), 10]],
  "optim.EMA": weights,
  "optim.Lookahead": ofOptimizer,
  "optim.SAM": ofOptimizer,
  "optim.LRFinder": none,
  "optim.MultiStepLR": () => [[optimizer(), [1, 2]]],
  "optim.StepLR": () => [[optimizer(), 10]],
  "optim.WarmUp": () => [[optimizer(), 10]],
  "optim.clipGradNorm": () => [[model.parameters(), 1]],
  "optim.findLearningRate": () => [[optimizer(), () => ones([])]],
};

/**
 * Excluded: functions that take values rather than options (descriptions have a test below), those with additional properties (RowStream, samplesOf,
 * updatesIn), and base classes.
 */
const others = new Set([
  "data.applyImagePreprocessing",
  "data.planesOf",
  "train.CourseDoctor",
  "train.DoctorCallback",
  "train.Evaluator",
  "train.buildModel",
  "train.isLanguage",
  "train.RowStream",
  "train.samplesOf",
  "train.updatesIn",
  "formats.writeSafetensors",
  "models.pretrainedFiles",
  "models.adapterFiles",
  "models.Lora",
  "models.trainHeadOnly",
  "models.stopTokens",
  "models.writeText",
  "optim.Optimizer",
  "optim.ParameterGroup",
]);

const rooms = {
  data,
  files,
  train,
  formats,
  folders,
  onnx,
  onnxFiles,
  models,
  modelFiles,
  testing,
  run,
  optim,
  quantization,
};
const isClass = (text: string): boolean => text.startsWith("class");

function parametersOf(text: string): string {
  const [, parameters = ""] =
    (isClass(text) ? /\bconstructor\(([^)]*)\)/ : /^(?:async )?(?:function)?\*?\s*\w*\(([^)]*)\)/).exec(text) ?? [];
  return parameters;
}

const functions = Object.entries(rooms).flatMap(([room, names]) =>
  Object.entries(names)
    .filter((entry): entry is [string, AnyFunction] => typeof entry[1] === "function")
    .map(([name, value]) => [`${room}.${name}`, value] as const),
);

it("has a row for every function that takes options", () => {
  const takesOptions = functions.filter(([, value]) =>
    /\b(options|choice|description)\b|\{/.test(parametersOf(Function.prototype.toString.call(value))),
  );
  expect(takesOptions.map(([name]) => name).filter((name) => !(name in rows || others.has(name)))).toEqual([]);
  expect(Object.keys(rows).filter((name) => !functions.some(([known]) => known === name))).toEqual([]);
});

/** The error that these options cause: thrown, rejected, or raised at the first value of a generator. */
async function refusal(name: string, options: unknown): Promise<Error> {
  const [, value] = functions.find(([known]) => known === name) ?? [];
  const [before, after = []] = rows[name]?.() ?? [[]];
  if (value === undefined) throw new Error(`there is no ${name}`);
  const args = [...before, options, ...after];
  try {
    const made: unknown = await (isClass(Function.prototype.toString.call(value))
      ? Reflect.construct(value, args)
      : value(...args));
    if (typeof made === "object" && made !== null && "next" in made && typeof made.next === "function")
      await made.next();
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
  throw new Error(`${name} accepts ${JSON.stringify(options)}`);
}

describe.each(Object.keys(rows))("%s", (name) => {
  it("refuses an unknown option and lists the known ones", async () => {
    const unknown = await refusal(name, { zzzzzz: 1 });
    expect(unknown).toBeInstanceOf(HebbError);
    expect(unknown.message).toMatch(/there is no option zzzzzz; its options are /);
    const [, list = ""] = /options are ([\w, ]+)/.exec(unknown.message) ?? [];
    for (const option of list.split(", ")) {
      const misspelt = await refusal(name, { [`${option}z`]: 1 });
      expect(misspelt).toBeInstanceOf(HebbError);
      expect(misspelt.message).toContain(`there is no option ${option}z`);
      if (option.length > 3) expect(misspelt.message).toContain(`did you mean ${option}?`);
    }
  });

  it("refuses options that are not an object", async () => {
    for (const value of [0.1, "x", null, true, [0.1]]) {
      const error = await refusal(name, value);
      expect(error, String(value)).toBeInstanceOf(HebbError);
      expect(error.message).toMatch(/options/);
    }
  });
});

const call = (f: unknown, ...args: readonly unknown[]): (() => unknown) => {
  if (typeof f !== "function") throw new Error("a function");
  return () => f(...args);
};

it.each([
  [call(data.gate, "nxor"), 'name "nxor" does not exist; did you mean "xor"?'],
  [call(data.fitPreprocessing, table, { target: "y", missing: "medain" }), 'did you mean "median"?'],
  [call(data.fitPreprocessing, table, { target: "y", task: "clasification" }), 'did you mean "classification"?'],
  [call(data.fitPreprocessing, table, {}), "fitPreprocessing: target must be a string, got undefined"],
  [call(data.applyPreprocessing, preprocessing, table, { targets: "require" }), 'did you mean "required"?'],
  [call(data.parseCsv, "a\n1", { encoding: "utf8" }), 'did you mean "utf-8"?'],
  [call(data.decodeText, new Uint8Array(1), "x", "latin-1"), 'did you mean "latin1"?'],
  [call(data.fitPicture, {}, 1, 1, "stretched"), 'did you mean "stretch"?'],
  [call(data.augmentation, { fill: "edges" }), 'did you mean "edge"?'],
  [call(train.makeActivation, "Relu"), 'did you mean "relu"?'],
  [call(train.makeOptimizer, { optimizer: "adamW", lr: 1, weightDecay: 0 }, model), 'did you mean "adamw"?'],
  [call(train.makeSchedule, { schedule: "cosin" }, optimizer()), 'did you mean "cosine"?'],
  [call(train.augmentBy, ["flipp"]), "augmentBy: names must be a list"],
  [call(train.buildModel, { kind: "mlpp" }), 'did you mean "mlp"?'],
  [call(train.buildModel, { kind: "mlp", hiden: [3] }), "did you mean hidden?"],
  [call(train.findLr, model, { train: data.moons(), optimizer: optimizer(), loss: "msee" }), 'did you mean "mse"?'],
  [call(train.tensorBoardLog, undefined), "tensorBoardLog: the function that writes must be a function"],
  [call(data.Table.fromRows, { a: 1 }), "Table.fromRows: takes a list of objects"],
  [call(formats.writeNpz, null), "writeNpz: takes tensors by name"],
  [call(formats.writeSafetensors, model), "a Linear; give its .stateDict()"],
  [call(formats.writeSafetensors, {}, { step: 3 }), 'metadata values are strings, but "step" is 3'],
])("suggests the closest choice: %#", (wrong, message) => {
  expect(wrong).toThrow(HebbError);
  expect(wrong).toThrow(message);
});
