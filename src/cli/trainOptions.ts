// The options of hebb train, in groups, with the check of each value; other commands share some of them.
import { type Command, Option } from "commander";
import { presetNames } from "../run/presets.ts";
import { autoNames, indicatorNames, taskNames, transformNames } from "../run/tableChoices.ts";
import {
  activationNames,
  augmentNames,
  lossNames,
  modelNames,
  optimizerNames,
  scheduleNames,
  tokenizerNames,
} from "../train/names.ts";
import {
  above0,
  asIs,
  columnList,
  from0,
  list,
  name,
  policy,
  real,
  repeated,
  share,
  whole,
  widths,
} from "./arguments.ts";

/** Options by usage and description, each with the check of its value. */
export function withOptions(
  to: Command,
  options: readonly (readonly [usage: string, text: string, check: (text: string) => unknown])[],
): Command {
  for (const [usage, text, check] of options) to.addOption(new Option(usage, text).argParser(check));
  return to;
}

export const distributed = (): Option =>
  new Option(
    "--distributed <name>",
    "train by the ranks that mpirun or srun started: mpi (default: where there are several)",
  ).argParser(name(["mpi"]));

export const zero = (): Option =>
  new Option("--zero <stage>", "ranks split memory: 1, the optimizer's state; 2, sums of gradients too").argParser(
    (text) => Number(name(["1", "2"])(text)),
  );

export const quiet = (): Option => new Option("--quiet", "tell warnings and failures alone").default(false);

/** What of a file is the table. */
const tableParts: readonly (readonly [usage: string, text: string, check: (text: string) => unknown])[] = [
  ["--sql <statement>", "the rows that it gives: of a database, or of another file, which is called data in it", asIs],
  ["--sheet <name>", "the sheet of an Excel file, by its name or number", asIs],
];

export function withTrainOptions(train: Command): void {
  withOptions(train.optionsGroup("Data:"), [
    ["--target <column>", "the column to predict", asIs],
    ["--labels <file>", "labels of an IDX file of images (default: beside it, by MNIST's names)", asIs],
    ...tableParts,
    [
      "--validation <share>",
      "share held out (default: 0.2, down to 0.1 of a table of many rows; 0.1 for a text; 0.01 of a stream)",
      share,
    ],
    ["--folds <k>", "k-fold cross-validation: a run for each fold, and their mean", whole(2)],
    ["--test-data <file>", "data for a final test", asIs],
    ["--test-labels <file>", "labels of IDX test data", asIs],
    ["--augment <changes>", `pictures changed in every epoch: ${augmentNames.join(",")}`, list(augmentNames)],
  ])
    .option("--refit", "once measured, train again on the held-out rows too (default: of a table, where there is time)")
    .option("--no-refit", "keep the model that was measured")
    .option("--stream", "read a CSV table in parts, again in every epoch (default: from 300 MB on)")
    .option("--no-stream", "read a table at once, however large");

  withOptions(train.optionsGroup("Columns of a table:"), [
    ["--task <name>", `${taskNames.join(", ")} (default: by the target)`, name(taskNames)],
    ["--row-weights <column>", "a column with the weight of each row", asIs],
    ["--group <column>", "rows of one value are learned from or held out together, such as those of a customer", asIs],
    ["--time-column <column>", "hold out the last rows by this column of days or numbers", asIs],
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
      new Option("--ignore <columns>", "columns not to use, with commas between").argParser(repeated(columnList)),
    )
    .addOption(
      new Option("--categorical <columns>", "columns of names, although they are numbers").argParser(
        repeated(columnList),
      ),
    )
    .addOption(new Option("--numeric <columns>", "columns of amounts").argParser(repeated(columnList)))
    .addOption(new Option("--date <columns>", "columns of days or times").argParser(repeated(columnList)))
    .addOption(
      new Option("--text <columns>", "columns of texts, whose words become features").argParser(repeated(columnList)),
    )
    .addOption(
      new Option(
        "--missing <policy>",
        "what replaces missing values: median, mean, mode, drop (the row) or constant:VALUE; with COLUMN= in front for one column; may be repeated (default: median)",
      ).argParser(repeated(policy)),
    );

  withOptions(train.optionsGroup("Network:"), [
    [
      "--model <name>",
      `${modelNames.join(", ")} (default: tabular for a table from a file, gpt for a text, else mlp)`,
      name(modelNames),
    ],
    ["--hidden <widths>", "widths of the hidden layers, such as 64,32; none for no hidden layer", widths],
    ["--activation <name>", `${activationNames.join(", ")} (default: relu)`, name(activationNames)],
    ["--dropout <p>", "share of hidden units dropped in training (default: by the data)", share],
  ]);

  withOptions(train.optionsGroup("A pretrained model:"), [
    [
      "--base <model>",
      "begin with this model in Hugging Face's layout, from a folder or by its name on the hub: for texts in a table by --target, a folder of pictures, or a text",
      asIs,
    ],
    ["--lora <rank>", "train matrices of this rank beside its frozen layers", whole(1)],
  ]).option("--head-only", "train its head alone");

  withOptions(train.optionsGroup("Networks of texts:"), [
    ["--layers <n>", "blocks of a gpt, layers of an lstm (default: 4; 1 of an lstm)", whole(1)],
    ["--width <n>", "width of the embedding and the hidden layers (default: 128)", whole(1)],
    ["--heads <n>", "attention heads (default: 4)", whole(1)],
    ["--context <n>", "tokens the model sees at once (default: 64; 32 for an lstm)", whole(1)],
    ["--tokenizer <name>", `${tokenizerNames.join(", ")} (default: characters)`, name(tokenizerNames)],
    ["--vocabulary <n>", "tokens that a bpe learns at most (default: 1024)", whole(256)],
  ]);

  withOptions(train.optionsGroup("Learning:"), [
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
    [
      "--batch-size <n>",
      "samples in a step (default: 32, up to 256 of a table of many rows; 16 windows of a text; 256 of a stream)",
      whole(1),
    ],
    ["--accumulate <n>", "batches whose gradients add up to one update (default: 1)", whole(1)],
    [
      "--preset <name>",
      `how thorough, for a table: ${presetNames.join(", ")}; fast trains once, the others choose by a few trials on held-out rows first (default: good; fast where you choose yourself)`,
      name(presetNames),
    ],
    [
      "--time <seconds>",
      "seconds for trials and training of a table together; more trials are made in more time",
      above0,
    ],
    ["--epochs <n>", "passes over the data at most (default: by the data)", whole(1)],
    ["--patience <n>", "epochs without improvement before stopping (default: by the data)", whole(1)],
    ["--monitor <figure>", "the metric that decides which epoch is best, such as accuracy (default: loss)", asIs],
    ["--class-weights <how>", "balanced: every class counts the same", name(["balanced", "none"])],
  ]).addOption(
    new Option("--seed <n>", "seeds the split, the initial weights, the order and dropout")
      .argParser(whole(0))
      .default(0),
  );

  withOptions(train.optionsGroup("The run:"), [
    ["--out <folder>", "the run folder (default: runs/NAME-DATE)", asIs],
    ["--pause-after <n>", "save and stop after n epochs in all; hebb resume continues", whole(1)],
    ["--histograms <n>", "log histograms of weights and gradients every n epochs", whole(1)],
  ])
    .option("--explain-data", "show what each column is taken for and why, before training")
    .option("--find-lr", "try growing learning rates for a few steps and plot the loss; no model is trained")
    .option("--no-doctor", "train without the doctor, which looks for problems")
    .option("--no-logs", "write neither epochs.csv nor files for TensorBoard")
    .addOption(distributed())
    .addOption(zero())
    .addOption(quiet())
    .option("--config <file>", "choices by name in JSON or YAML; flags that are given prevail")
    .option("--save-config <file>", "write the choices of this command into such a file, and train");
}
