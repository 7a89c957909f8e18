#!/usr/bin/env node
// The hebb command: reads arguments, calls one command, turns every failure into one clear sentence.
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError, Option } from "commander";
import { backendNames } from "../backends/backend.ts";
import { nearest } from "../graph/nearest.ts";
import { builtInNames, fetchedNames } from "../run/problemNames.ts";
import { autoNames, indicatorNames, parseMissing, taskNames, transformNames } from "../run/tableChoices.ts";
import type { BackendOptions } from "../runtime/index.ts";
import {
  activationNames,
  augmentNames,
  lossNames,
  modelNames,
  optimizerNames,
  scheduleNames,
  tokenizerNames,
} from "../train/names.ts";
import { tellFailure, tellOutputFailure } from "./failure.ts";
import { exitCodeFor, onLastInterrupt } from "./interrupt.ts";
import { err, out } from "./output.ts";

const given = process.argv.slice(2);
/** Known before the arguments are understood: errors in them are reported as JSON too. */
const json = given.slice(0, given.includes("--") ? given.indexOf("--") : undefined).includes("--json");

function whole(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < least)
      throw new InvalidArgumentError(`It must be a whole number of at least ${least}.`);
    return value;
  };
}

function real(check: (value: number) => boolean, what: string): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !Number.isFinite(value) || !check(value))
      throw new InvalidArgumentError(`It must be ${what}.`);
    return value;
  };
}

function widths(text: string): number[] {
  if (text === "" || text === "none") return [];
  const sizes = text.split(",").map(Number);
  if (!sizes.every((size) => Number.isSafeInteger(size) && size >= 1))
    throw new InvalidArgumentError(
      "It must be whole numbers of at least 1 with commas between, such as 64,32, or none.",
    );
  return sizes;
}

/** One of a list of names; a miss lists them and names the nearest. */
function name<T extends string>(names: readonly T[]): (text: string) => T {
  return (text) => {
    const found = names.find((candidate) => candidate === text);
    if (found !== undefined) return found;
    const hint = nearest(text, names);
    throw new InvalidArgumentError(
      `It must be one of ${names.join(", ")}.${hint === undefined ? "" : ` Did you mean "${hint}"?`}`,
    );
  };
}

function port(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 65_535)
    throw new InvalidArgumentError("It must be a whole number up to 65535; 0 takes a free one.");
  return value;
}

/** Several of a list of names, with commas between. */
const list =
  <T extends string>(names: readonly T[]): ((text: string) => T[]) =>
  (text) =>
    text.split(",").map(name(names));

/** An option that may be given more than once. */
const repeated =
  (check: (text: string) => readonly string[]): ((text: string, before: readonly string[] | undefined) => string[]) =>
  (text, before) => [...(before ?? []), ...check(text)];

/** Checked here, so that a slip costs no reading of data. */
function policy(text: string): string[] {
  try {
    parseMissing(text);
  } catch {
    throw new InvalidArgumentError(
      "It must be median, mean, mode, drop or constant:VALUE, with COLUMN= in front for one column.",
    );
  }
  return [text];
}

const backends = ["auto", ...backendNames] as const;
const above0 = real((value) => value > 0, "a number above 0");
const from0 = real((value) => value >= 0, "a number of 0 or more");

/** Options by usage and description, each with the check of its value. */
function withOptions(
  to: Command,
  options: readonly (readonly [usage: string, text: string, check: (text: string) => unknown])[],
): Command {
  for (const [usage, text, check] of options) to.addOption(new Option(usage, text).argParser(check));
  return to;
}

const program = new Command("hebb")
  .description("Deep learning for TypeScript: train, evaluate and use networks from the command line.")
  .version("0.1.0")
  .showSuggestionAfterError(true)
  .showHelpAfterError("(hebb COMMAND --help shows what a command takes)")
  .exitOverride()
  .configureOutput({ writeOut: (text) => out.text(text), writeErr: (text) => err.text(text) })
  .addHelpText(
    "after",
    [
      "\nExamples:",
      "  hebb train loans                                   a built-in problem",
      "  hebb train credit.csv --target credit_risk         a table",
      "  hebb train shakespeare.txt --model gpt             a text",
      "  hebb predict runs/credit-… new.csv --out out.csv   use a run",
      '  hebb generate runs/shakespeare-… --prompt "To be"  write on',
      "  hebb doctor runs/credit-…                          what is wrong with it",
    ].join("\n"),
  );

/** A command with the options all of them share. */
function command(usage: string, description: string, examples: readonly string[]): Command {
  return program
    .command(usage)
    .description(description)
    .option("--json", "print JSON for other programs", false)
    .addOption(new Option("--backend <name>", `where to compute: ${backends.join(", ")}`).argParser(name(backends)))
    .addOption(
      new Option("--threads <n>", "threads of the c and wasm backends (default: one for each processor)").argParser(
        whole(1),
      ),
    )
    .addHelpText("after", `\nExamples:\n${examples.map((example) => `  ${example}`).join("\n")}`);
}

async function useBackend(options: { backend?: BackendOptions["backend"]; threads?: number }): Promise<void> {
  const { backend, threads } = options;
  if (backend === undefined && threads === undefined) return;
  const runtime = await import("../runtime/index.ts");
  runtime.useBackend({ ...(backend === undefined ? {} : { backend }), ...(threads === undefined ? {} : { threads }) });
}

const asIs = (text: string): string => text;
const share = real((value) => value >= 0 && value < 1, "a share from 0 to below 1");

const trainCommand = command(
  "train <data>",
  "Train a network on a table, images, a text, or a built-in problem; writes a run folder.",
  [
    "hebb train german-credit.csv --target credit_risk",
    "hebb train mpg.csv --target mpg --hidden 64,32 --epochs 200",
    "hebb train train-images-idx3-ubyte.gz --labels train-labels-idx1-ubyte.gz --model cnn",
    "hebb train houses.csv --target price --ignore id,url --missing mean --target-transform log",
    "hebb train moons --activation tanh --out runs/moons",
    "hebb train shakespeare.txt --model gpt --layers 4 --width 128 --context 64",
    "hebb train names.txt --model lstm",
    "hebb train iris --folds 5 --class-weights balanced",
    "hebb train credit.csv --target credit_risk --optimizer nesterov --schedule oneCycle --lr 0.05 --clip-norm 1",
  ],
).addHelpText(
  "after",
  `\nBuilt-in problems: ${builtInNames.join(", ")}.\nFetched once: ${fetchedNames.map((each) => `${each}, ${each}-test`).join("; ")}.`,
);

withOptions(trainCommand.optionsGroup("Data:"), [
  ["--target <column>", "the column to predict", asIs],
  ["--labels <file>", "labels of an IDX file of images (default: beside it, by MNIST's names)", asIs],
  ["--validation <share>", "share held out (default: 0.2; 0.1 for a text; 0.01 of a stream)", share],
  ["--folds <k>", "k-fold cross-validation: a run for each fold, and their mean", whole(2)],
  ["--test-data <file>", "data for a final test", asIs],
  ["--test-labels <file>", "labels of IDX test data", asIs],
  ["--augment <changes>", `pictures changed in every epoch: ${augmentNames.join(",")}`, list(augmentNames)],
])
  .option("--stream", "read a CSV table in parts, again in every epoch (default: from 300 MB on)")
  .option("--no-stream", "read a table at once, however large");

withOptions(trainCommand.optionsGroup("Columns of a table:"), [
  ["--task <name>", `${taskNames.join(", ")} (default: by the target)`, name(taskNames)],
  ["--row-weights <column>", "a column with the weight of each row", asIs],
  [
    "--missing-indicator <when>",
    `a feature that says where a value was missing: ${indicatorNames.join(", ")} (default: auto)`,
    name(indicatorNames),
  ],
  ["--max-categories <n>", "most features for the values of a column (default: 100)", whole(1)],
  [
    "--min-category-rows <n>",
    'values in fewer rows share one feature, "other" (default: by the rows, at most 5)',
    whole(1),
  ],
  [
    "--input-transform <when>",
    `logarithm of long-tailed columns: ${autoNames.join(", ")} (default: auto)`,
    name(autoNames),
  ],
  [
    "--target-transform <name>",
    `${transformNames.join(", ")}; log for prices and other long tails (default: none)`,
    name(transformNames),
  ],
  [
    "--date-cycles <when>",
    `sine and cosine of year, week and day of dates: ${autoNames.join(", ")} (default: auto)`,
    name(autoNames),
  ],
])
  .addOption(
    new Option("--ignore <columns>", "columns not to use, with commas between").argParser(
      repeated((text) => text.split(",")),
    ),
  )
  .addOption(
    new Option(
      "--missing <policy>",
      "what replaces missing values: median, mean, mode, drop (the row) or constant:VALUE; with COLUMN= in front for one column; may be repeated (default: median)",
    ).argParser(repeated(policy)),
  );

withOptions(trainCommand.optionsGroup("Network:"), [
  ["--model <name>", `${modelNames.join(", ")} (default: mlp; gpt for a text)`, name(modelNames)],
  ["--hidden <widths>", "widths of the hidden layers, such as 64,32; none for no hidden layer", widths],
  ["--activation <name>", `${activationNames.join(", ")} (default: relu)`, name(activationNames)],
  ["--dropout <p>", "share of hidden units dropped in training (default: by the data)", share],
]);

withOptions(trainCommand.optionsGroup("Networks of texts:"), [
  ["--layers <n>", "blocks of a gpt, layers of an lstm (default: 4; 1 of an lstm)", whole(1)],
  ["--width <n>", "width of the embedding and the hidden layers (default: 128)", whole(1)],
  ["--heads <n>", "attention heads (default: 4)", whole(1)],
  ["--context <n>", "tokens the model sees at once (default: 64; 32 for an lstm)", whole(1)],
  ["--tokenizer <name>", `${tokenizerNames.join(", ")} (default: characters)`, name(tokenizerNames)],
  ["--vocabulary <n>", "tokens that a bpe learns at most (default: 1024)", whole(256)],
]);

withOptions(trainCommand.optionsGroup("Learning:"), [
  ["--loss <name>", `${lossNames.join(", ")} (default: by the target)`, name(lossNames)],
  ["--optimizer <name>", `${optimizerNames.join(", ")} (default: adamw)`, name(optimizerNames)],
  ["--lr <rate>", "learning rate (default: by the data)", above0],
  [
    "--schedule <name>",
    `the learning-rate schedule: ${scheduleNames.join(", ")} (default: by the data)`,
    name(scheduleNames),
  ],
  ["--warmup <n>", "warm-up: updates over which the rate rises (default: 0; 100 for a text)", whole(0)],
  ["--weight-decay <factor>", "weight decay (default: by the data)", from0],
  ["--clip-norm <n>", "limit of the norm of all gradients together (default: none; 1 for a text)", above0],
  ["--clip-value <n>", "limit of each gradient", above0],
  [
    "--ema <decay>",
    "evaluate and keep a moving average of the weights, such as 0.999",
    real((value) => value > 0 && value < 1, "a number between 0 and 1"),
  ],
  ["--batch-size <n>", "samples in a step (default: 32; 16 windows of a text; 256 of a stream)", whole(1)],
  ["--accumulate <n>", "batches whose gradients add up to one update (default: 1)", whole(1)],
  ["--epochs <n>", "passes over the data at most (default: by the data)", whole(1)],
  ["--patience <n>", "epochs without improvement before stopping (default: by the data)", whole(1)],
  ["--monitor <figure>", "the metric that decides which epoch is best, such as accuracy (default: loss)", asIs],
  ["--class-weights <how>", "balanced: every class counts the same", name(["balanced", "none"])],
]).addOption(
  new Option("--seed <n>", "seeds the split, the initial weights, the order and dropout")
    .argParser(whole(0))
    .default(0),
);

withOptions(trainCommand.optionsGroup("The run:"), [
  ["--out <folder>", "the run folder (default: runs/NAME-DATE)", asIs],
  ["--pause-after <n>", "save and stop after n epochs in all; hebb resume continues", whole(1)],
  ["--histograms <n>", "log histograms of weights and gradients every n epochs", whole(1)],
])
  .option("--find-lr", "try growing learning rates for a few steps and plot the loss; no model is trained")
  .option("--no-doctor", "train without the doctor, which looks for problems")
  .option("--no-logs", "write neither epochs.csv nor files for TensorBoard")
  .action(async (data: string, options) => {
    await useBackend(options);
    const { train } = await import("./commands/train.ts");
    process.exitCode = await train(data, options);
  });

withOptions(
  command("tune <data>", "Train many times with options drawn from a space; further options go to every trial.", [
    'hebb tune iris --space lr=1e-4..1e-1:log --space "hidden=16|64|64,32" --trials 12',
    "hebb tune credit.csv --target credit_risk --space dropout=0..0.6 --space weight-decay=1e-4..1e-1:log --metric accuracy",
    "hebb tune digits/ --model cnn --space lr=1e-4..1e-2:log --method halving --trials 27 --epochs 9",
  ]),
  [
    ["--trials <n>", "points of the space (default: 20)", whole(1)],
    ["--parallel <n>", "trials at a time (default: one for each processor)", whole(1)],
    [
      "--method <name>",
      "random: train every trial fully; halving: only the better ones continue (default: random)",
      name(["random", "halving"]),
    ],
    ["--eta <n>", "halving: one trial in n continues, for n times as long (default: 3)", whole(2)],
    ["--epochs <n>", "passes over the data at most (default: by the data)", whole(1)],
    ["--metric <figure>", "the metric to optimise (default: loss)", asIs],
    ["--seed <n>", "seeds the points and every trial (default: 0)", whole(0)],
  ],
)
  .requiredOption(
    "--space <range>",
    "an option of train and its values: lr=1e-4..1e-1:log, width=16..64:whole, dropout=0..0.5, hidden=64|64,32",
    (text: string, before: string[] | undefined) => [...(before ?? []), text],
  )
  .option("--out <folder>", "the folder of all runs (default: runs/tune-DATE)")
  .allowUnknownOption()
  .allowExcessArguments()
  .action(async (data: string, options, self: Command) => {
    const { tune } = await import("./commands/tune.ts");
    const { cpus } = await import("node:os");
    const { backend } = options;
    const common = [...self.args.slice(1), ...(backend === undefined ? [] : ["--backend", backend])];
    const chosen = {
      trials: 20,
      parallel: cpus().length,
      method: "random",
      eta: 3,
      metric: "loss",
      seed: 0,
      ...options,
    };
    process.exitCode = await tune(data, common, chosen, fileURLToPath(import.meta.url));
  });

command("resume <run>", "Continue an interrupted run. The result has the same bits as if it had never stopped.", [
  "hebb resume runs/moons",
])
  .addOption(new Option("--epochs <n>", "a new number of epochs").argParser(whole(1)))
  .addOption(new Option("--pause-after <n>", "save and stop after n epochs in all").argParser(whole(1)))
  .option("--no-doctor", "train without the doctor, which looks for problems")
  .option("--no-logs", "write neither epochs.csv nor files for TensorBoard")
  .action(async (run: string, options) => {
    await useBackend(options);
    const { resume } = await import("./commands/train.ts");
    process.exitCode = await resume(run, options);
  });

command("evaluate <run> <data>", "Measure a trained model on other data.", [
  "hebb evaluate runs/credit test.csv",
  "hebb evaluate runs/mnist test-images.gz --labels test-labels.gz --json",
  "hebb evaluate runs/iris iris.csv --confusion --report",
  "hebb evaluate runs/shakespeare other.txt",
])
  .option("--labels <file>", "labels of an IDX file of images (default: beside it, by MNIST's names)")
  .option("--confusion", "show the confusion matrix", false)
  .option("--report", "precision, recall, F1 and rows of each class", false)
  .action(async (run: string, data: string, options) => {
    await useBackend(options);
    const { evaluate } = await import("./commands/evaluate.ts");
    process.exitCode = await evaluate(run, data, options);
  });

command("predict <run> <data>", "Predict raw rows; the target column may be absent.", [
  "hebb predict runs/credit applications.csv",
  "hebb predict runs/credit applications.csv --out decisions.csv",
])
  .option("--out <file>", "write a CSV file instead of standard output")
  .action(async (run: string, data: string, options) => {
    await useBackend(options);
    const { predict } = await import("./commands/predict.ts");
    process.exitCode = await predict(run, data, options);
  });

withOptions(
  command("generate <run>", "Generate text with a language model.", [
    'hebb generate runs/shakespeare --prompt "ROMEO:" --tokens 400',
    "hebb generate runs/names --temperature 0.8 --top-k 10 --seed 3",
  ]),
  [
    [
      "--temperature <t>",
      "below 1 is safer, above 1 more varied, 0 always picks the most likely token (default: 0.8)",
      from0,
    ],
    ["--top-k <k>", "draw from only the k most likely tokens (default: all)", whole(1)],
    ["--tokens <n>", "how many tokens to write (default: 300)", whole(1)],
    ["--seed <n>", "the same seed writes the same text (default: 0)", whole(0)],
  ],
)
  .option("--prompt <text>", "what to begin with (default: a new line)")
  .action(async (run: string, options) => {
    await useBackend(options);
    const { generate } = await import("./commands/generate.ts");
    process.exitCode = await generate(run, { prompt: "", tokens: 300, temperature: 0.8, seed: 0, ...options });
  });

command("inspect <run>", "Show a run's layers, weights, and the values of one forward pass.", [
  "hebb inspect runs/moons",
]).action(async (run: string, options) => {
  await useBackend(options);
  const { inspect } = await import("./commands/inspect.ts");
  process.exitCode = await inspect(run, options);
});

command("bench", "Measure this machine: matrix products and training steps.", ["hebb bench", "hebb bench --profile"])
  .option("--profile", "show the time of each kernel", false)
  .action(async (options) => {
    await useBackend(options);
    const { bench } = await import("./commands/bench.ts");
    process.exitCode = await bench(options);
  });

command("doctor [run]", "Check this machine's set-up, or look for problems in a run.", [
  "hebb doctor",
  "hebb doctor runs/moons",
]).action(async (run: string | undefined, options) => {
  await useBackend(options);
  const { doctor } = await import("./commands/doctor.ts");
  process.exitCode = await doctor(run, options);
});

command("studio [source]", "Open the page where networks are built, trained, stepped through and compared.", [
  "hebb studio",
  "hebb studio penguins.csv --target species",
  "hebb studio runs/moons",
])
  .option("--target <column>", "the column to predict")
  .addOption(new Option("--port <n>", "the port of 127.0.0.1 (default: a free one)").argParser(port))
  .option("--no-open", "do not ask for a browser")
  .action(async (source: string | undefined, options) => {
    const { studio } = await import("./commands/studio.ts");
    await studio(source, options);
  });

process.on("exit", tellOutputFailure);
for (const event of ["uncaughtException", "unhandledRejection"] as const)
  process.on(event, (error: unknown) => process.exit(tellFailure(error, json)));
if (json)
  onLastInterrupt((signal) => {
    const exitCode = exitCodeFor(signal);
    out.json({ type: "error", message: "interrupted", exitCode });
    process.exit(exitCode);
  });

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = tellFailure(error, json);
}
