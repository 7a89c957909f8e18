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
    "train with the ranks that mpirun or srun started: mpi (default: if there are several)",
  ).argParser(name(["mpi"]));

export const zero = (): Option =>
  new Option(
    "--zero <stage>",
    "shard memory over the ranks: 1, the optimizer state; 2, the summed gradients too",
  ).argParser((text) => Number(name(["1", "2"])(text)));

export const quiet = (): Option => new Option("--quiet", "print only warnings and errors").default(false);

/** Options that select the table in a file. */
const tableParts: readonly (readonly [usage: string, text: string, check: (text: string) => unknown])[] = [
  [
    "--sql <statement>",
    "an SQL query whose rows are the data: on a database, or on another file, which is called data in the query",
    asIs,
  ],
  ["--sheet <name>", "the sheet of an Excel file, by its name or number", asIs],
];

export function withTrainOptions(train: Command): void {
  withOptions(train.optionsGroup("Data:"), [
    ["--target <column>", "the column to predict", asIs],
    ["--labels <file>", "label file for IDX images (default: beside it, with MNIST's names)", asIs],
    ...tableParts,
    [
      "--validation <share>",
      "share held out (default: 0.2, down to 0.1 for a long table; 0.1 for a text; 0.01 for a stream)",
      share,
    ],
    ["--folds <k>", "k-fold cross-validation: one run per fold, and the mean", whole(2)],
    ["--test-data <file>", "data for a final test", asIs],
    ["--test-labels <file>", "label file for IDX test data", asIs],
    [
      "--augment <changes>",
      `random changes of the images in every epoch: ${augmentNames.join(",")}`,
      list(augmentNames),
    ],
  ])
    .option(
      "--refit",
      "after measuring, train again including the held-out rows (default: for a table, if there is time)",
    )
    .option("--no-refit", "keep the model that was measured")
    .option("--stream", "stream a CSV table, reading it again in every epoch (default: from 300 MB)")
    .option("--no-stream", "load a table whole, however large");

  withOptions(train.optionsGroup("Columns of a table:"), [
    ["--task <name>", `${taskNames.join(", ")} (default: by the target)`, name(taskNames)],
    ["--row-weights <column>", "a column with the weight of each row", asIs],
    ["--group <column>", "keep rows with the same value on one side of the split, such as those of a customer", asIs],
    ["--time-column <column>", "hold out the last rows by this column of dates or numbers", asIs],
    [
      "--missing-indicator <when>",
      `a feature that marks missing values: ${indicatorNames.join(", ")} (default: auto)`,
      name(indicatorNames),
    ],
    ["--max-categories <n>", "maximum number of features for the values of a column (default: 100)", whole(1)],
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
      new Option("--ignore <columns>", "columns to leave out, separated by commas").argParser(repeated(columnList)),
    )
    .addOption(
      new Option("--categorical <columns>", "columns of categories, even if they are numbers").argParser(
        repeated(columnList),
      ),
    )
    .addOption(new Option("--numeric <columns>", "columns of amounts").argParser(repeated(columnList)))
    .addOption(new Option("--date <columns>", "columns of dates or times").argParser(repeated(columnList)))
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
    ["--hidden <widths>", "sizes of the hidden layers, such as 64,32; none for no hidden layer", widths],
    ["--activation <name>", `${activationNames.join(", ")} (default: relu)`, name(activationNames)],
    ["--dropout <p>", "share of hidden units dropped in training (default: by the data)", share],
  ]);

  withOptions(train.optionsGroup("A pretrained model:"), [
    [
      "--base <model>",
      "start from this model in Hugging Face's layout, from a folder or by its name on the hub: for texts in a table with --target, a folder of images, or a text",
      asIs,
    ],
    ["--lora <rank>", "train low-rank matrices of this rank beside its frozen layers", whole(1)],
  ]).option("--head-only", "train only its head");

  withOptions(train.optionsGroup("Text networks:"), [
    ["--layers <n>", "blocks of a gpt, layers of an lstm (default: 4; 1 for an lstm)", whole(1)],
    ["--width <n>", "width of the embedding and the hidden layers (default: 128)", whole(1)],
    ["--heads <n>", "attention heads (default: 4)", whole(1)],
    ["--context <n>", "tokens the model sees at once (default: 64; 32 for an lstm)", whole(1)],
    ["--tokenizer <name>", `${tokenizerNames.join(", ")} (default: characters)`, name(tokenizerNames)],
    ["--vocabulary <n>", "maximum number of tokens for bpe (default: 1024)", whole(256)],
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
    ["--clip-norm <n>", "maximum global gradient norm (default: none; 1 for a text)", above0],
    ["--clip-value <n>", "maximum absolute value of each gradient element", above0],
    [
      "--ema <decay>",
      "evaluate and keep a moving average of the weights, such as 0.999",
      real((value) => value > 0 && value < 1, "a number between 0 and 1"),
    ],
    [
      "--batch-size <n>",
      "samples per step (default: 32, up to 256 for a long table; 16 windows for a text; 256 for a stream)",
      whole(1),
    ],
    ["--accumulate <n>", "batches whose gradients are accumulated into one update (default: 1)", whole(1)],
    [
      "--preset <name>",
      `how thoroughly to train a table: ${presetNames.join(", ")}; fast trains once, the others choose settings by a few trials on part of the training rows first (default: good; fast if you choose settings yourself)`,
      name(presetNames),
    ],
    [
      "--time <seconds>",
      "seconds for the trials and training of a table together; more time allows more trials",
      above0,
    ],
    ["--epochs <n>", "maximum number of passes over the data (default: by the data)", whole(1)],
    ["--patience <n>", "epochs without improvement before stopping (default: by the data)", whole(1)],
    ["--monitor <figure>", "the metric that decides which epoch is best, such as accuracy (default: loss)", asIs],
    ["--class-weights <how>", "balanced: every class counts the same", name(["balanced", "none"])],
  ]).addOption(
    new Option("--seed <n>", "seeds the split, the initial weights, the row order and dropout")
      .argParser(whole(0))
      .default(0),
  );

  withOptions(train.optionsGroup("The run:"), [
    ["--out <folder>", "the run folder (default: runs/NAME-DATE)", asIs],
    ["--pause-after <n>", "save and stop after n epochs in total; hebb resume continues", whole(1)],
    ["--histograms <n>", "log histograms of weights and gradients every n epochs", whole(1)],
  ])
    .option("--explain-data", "show how each column is read and why, before training")
    .option("--find-lr", "try increasing learning rates for a few steps and plot the loss; no model is trained")
    .option("--no-doctor", "train without the doctor, which looks for problems")
    .option("--no-logs", "write neither epochs.csv nor files for TensorBoard")
    .addOption(distributed())
    .addOption(zero())
    .addOption(quiet())
    .option("--config <file>", "options by name in JSON or YAML; flags override them")
    .option("--save-config <file>", "write the options of this command to such a file, and train");
}
