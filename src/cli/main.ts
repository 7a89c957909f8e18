#!/usr/bin/env node
// The hebb command: reads arguments, calls one command, turns every failure into one clear sentence.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Argument, Command, Option } from "commander";
import { backendNames } from "../backends/backend.ts";
import { version } from "../graph/version.ts";
import { exportNames } from "../run/exportNames.ts";
import { builtInNames, fetchedNames } from "../run/problemNames.ts";
import type { BackendOptions } from "../runtime/index.ts";
import { asIs, classCosts, columnList, from0, inside, name, port, repeated, whole } from "./arguments.ts";
import { completionFor, type ShellName, shellNames } from "./completion.ts";
import { configIn, configText, type FromFile, fromConfigFile } from "./configFile.ts";
import { tellFailure, tellOutputFailure } from "./failure.ts";
import { exitCodeFor, onLastInterrupt } from "./interrupt.ts";
import { err, out } from "./output.ts";
import { endRanks, joinRanks, ofThisRank, waitForTurn } from "./ranks.ts";
import { rowFormats } from "./rowFiles.ts";
import { type RunAction, runActions } from "./runActions.ts";
import { distributed, quiet, withOptions, withTrainOptions, zero } from "./trainOptions.ts";
import { prunerNames, tuneMethods } from "./tune/names.ts";

const given = process.argv.slice(2);
/** Determined before arguments are parsed, so that errors in them are reported as JSON too. */
const json = given.slice(0, given.includes("--") ? given.indexOf("--") : undefined).includes("--json");

const backends = ["auto", ...backendNames] as const;

const program = new Command("hebb")
  .description("Deep learning for TypeScript: train, evaluate and use networks from the command line.")
  .version(version)
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
      "  hebb export runs/credit-… --to torch               its weights in another format",
      "  hebb inspect model.safetensors                     what a file holds",
    ].join("\n"),
  );

/** A command with the options that all commands share. */
function command(usage: string, description: string, examples: readonly string[]): Command {
  return program
    .command(usage)
    .description(description)
    .option("--json", "print JSON for other programs", false)
    .addOption(new Option("--backend <name>", `where to compute: ${backends.join(", ")}`).argParser(name(backends)))
    .addOption(
      new Option("--threads <n>", "threads of the c and wasm backends (default: one per logical CPU)").argParser(
        whole(1),
      ),
    )
    .addHelpText("after", `\nExamples:\n${examples.map((example) => `  ${example}`).join("\n")}`);
}

const costs = (text: string): Option =>
  new Option("--costs <list>", `${text}: the cost of missing a class, such as yes=5,no=1`).argParser(classCosts);
const interval = (text: string): Option => new Option("--interval <share>", text).argParser(inside);

/** Whether the command computes. */
let usesBackend = false;

async function useBackend(options: { backend?: BackendOptions["backend"]; threads?: number }): Promise<void> {
  usesBackend = true;
  const { backend, threads } = options;
  if (backend === undefined && threads === undefined) return;
  const runtime = await import("../runtime/index.ts");
  runtime.useBackend({ ...(backend === undefined ? {} : { backend }), ...(threads === undefined ? {} : { threads }) });
  await runtime.defaultDevice.ready();
}

const trainCommand = command(
  "train [data]",
  "Train a network on a table, images, a text, or a built-in problem; writes a run folder.",
  [
    "hebb train german-credit.csv --target credit_risk",
    "hebb train mpg.csv --target mpg --hidden 64,32 --epochs 200",
    "hebb train 'sales-*.csv' --target sold                          several files of one table",
    "hebb train sales.duckdb --sql 'select * from sales' --target sold",
    "hebb train https://example.org/iris.csv --target species        fetched once",
    "hebb train budget.xlsx --sheet 2024 --target spent",
    "hebb train train-images-idx3-ubyte.gz --labels train-labels-idx1-ubyte.gz --model cnn",
    "hebb train houses.csv --target price --ignore id,url --missing mean --target-transform log",
    "hebb train sales.csv --target sold --categorical zip,store_id --explain-data",
    "hebb train visits.csv --target returned --group patient",
    "hebb train prices.csv --target price --time-column day",
    "hebb train moons --activation tanh --out runs/moons",
    "hebb train --config job.yaml --epochs 40",
    "hebb train shakespeare.txt --model gpt --layers 4 --width 128 --context 64",
    "hebb train names.txt --model lstm",
    "hebb train reviews.csv --target label --base models/distilbert --lora 8",
    "hebb train iris --folds 5 --class-weights balanced",
    "hebb train credit.csv --target credit_risk --optimizer nesterov --schedule oneCycle --lr 0.05 --clip-norm 1",
  ],
).addHelpText(
  "after",
  `\nBuilt-in problems: ${builtInNames.join(", ")}.\nFetched once: ${fetchedNames.map((each) => `${each}, ${each}-test`).join("; ")}.`,
);

withTrainOptions(trainCommand);
trainCommand.action(async (given: string | undefined, { config: _config, saveConfig, ...options }, self: Command) => {
  const world = await joinRanks(options.distributed);
  const data = given ?? fromFile?.data;
  if (data === undefined) return self.error("error: missing required argument 'data'", { exitCode: 2 });
  if (typeof saveConfig === "string" && (world === undefined || world.rank === 0)) {
    const chosen = Object.entries(options).filter(([name]) => self.getOptionValueSource(name) === "cli");
    writeFileSync(saveConfig, await configText(saveConfig, { data, ...Object.fromEntries(chosen) }));
  }
  await useBackend({ ...options, threads: options.threads ?? world?.threads });
  const { train } = await import("./commands/train.ts");
  process.exitCode = await train(data, options, world);
});

withOptions(
  command("tune <data>", "Train many times with options drawn from a space; further options go to every trial.", [
    'hebb tune iris --space lr=1e-4..1e-1:log --space "hidden=16|64|64,32" --trials 12',
    "hebb tune credit.csv --target credit_risk --space dropout=0..0.6 --space weight-decay=1e-4..1e-1:log --metric accuracy",
    "hebb tune iris --space lr=1e-5..1e-1:log --space dropout=0..0.5 --pruner median --trials 30 --epochs 40",
    "hebb tune digits/ --model cnn --space lr=1e-4..1e-2:log --method halving --trials 27 --epochs 9",
  ]),
  [
    ["--trials <n>", "points of the space (default: 20)", whole(1)],
    ["--parallel <n>", "trials at a time (default: one per logical CPU)", whole(1)],
    [
      "--method <name>",
      "tpe: Parzen estimators choose points near good ones; random: uniformly; halving: at random, and only the better ones continue (default: tpe)",
      name(tuneMethods),
    ],
    [
      "--pruner <name>",
      "stop a trial that after 1, n, n² … epochs is worse than the median of earlier trials (median), or not among the best 1/n (asha) (default: none)",
      name(prunerNames),
    ],
    ["--eta <n>", "n of halving and of --pruner: one trial in n continues, for n times as long (default: 3)", whole(2)],
    ["--epochs <n>", "maximum number of passes over the data (default: by the data)", whole(1)],
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
      method: "tpe",
      pruner: "none",
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
  .addOption(new Option("--pause-after <n>", "save and stop after n epochs in total").argParser(whole(1)))
  .option("--no-doctor", "train without the doctor, which looks for problems")
  .option("--no-logs", "write neither epochs.csv nor files for TensorBoard")
  .addOption(distributed())
  .addOption(zero())
  .addOption(quiet())
  .action(async (run: string, options) => {
    const world = await joinRanks(options.distributed);
    await useBackend({ ...options, threads: options.threads ?? world?.threads });
    const { resume } = await import("./commands/train.ts");
    process.exitCode = await resume(run, options, world);
  });

command("evaluate <run> <data>", "Measure a trained model on other data.", [
  "hebb evaluate runs/credit test.csv",
  "hebb evaluate runs/mnist test-images.gz --labels test-labels.gz --json",
  "hebb evaluate runs/iris iris.csv --confusion --report",
  "hebb evaluate runs/fraud test.csv --costs fraud=20",
  "hebb evaluate runs/shakespeare other.txt",
])
  .option("--labels <file>", "label file for IDX images (default: beside it, with MNIST's names)")
  .option("--sql <statement>", "an SQL query on a database or another file; its rows are the data")
  .option("--sheet <name>", "the sheet of an Excel file")
  .option("--confusion", "show the confusion matrix", false)
  .option("--report", "precision, recall, F1 and row count of each class", false)
  .addOption(costs("predict the class with the least expected cost; show the cost per row and the confusion"))
  .action(async (run: string, data: string, options) => {
    await useBackend(options);
    const { evaluate } = await import("./commands/evaluate.ts");
    process.exitCode = await evaluate(run, data, options);
  });

command("predict <run> <data>", "Predict raw rows; the target column may be absent.", [
  "hebb predict runs/credit applications.csv",
  "hebb predict runs/credit applications.csv --out decisions.csv",
  "hebb predict runs/credit applications.csv --keep id,name --out decisions.parquet",
  "hebb predict runs/fraud today.csv --costs fraud=20      missing a fraud costs as much as twenty false alarms",
  "hebb predict runs/houses new.csv --interval 0.9        the price, with a 90 % interval",
  "gunzip -c today.csv.gz | hebb predict runs/credit -   - is standard input",
  "hebb predict model.onnx inputs.npz --out outputs.npz   an ONNX model: named arrays",
])
  .option("--sql <statement>", "an SQL query on a database or another file; its rows are the data")
  .option("--sheet <name>", "the sheet of an Excel file")
  .option(
    "--out <file>",
    "write a file instead of standard output: .csv, .jsonl or .parquet; for an ONNX model, .npz or .safetensors",
  )
  .addOption(
    new Option("--keep <columns>", "columns of the data beside the predictions, such as id,name").argParser(
      repeated(columnList),
    ),
  )
  .addOption(costs("the class that costs least"))
  .addOption(
    interval("add columns lower and upper: an interval that contains the target with this probability, such as 0.9"),
  )
  .addOption(
    new Option("--format <name>", "format of standard output: csv, jsonl (default: csv)").argParser(name(rowFormats)),
  )
  .action(async (run: string, data: string, options) => {
    await useBackend(options);
    const { predict } = await import("./commands/predict.ts");
    process.exitCode = await predict(run, data, options);
  });

withOptions(
  command("explain <run> <data>", "Explain a prediction: what each column of a row adds to the mean prediction.", [
    "hebb explain runs/houses new.csv --row 3",
    "hebb explain runs/credit applications.csv --row 12 --class no",
  ]),
  [
    ["--row <n>", "the row of the data, from 1 (default: 1)", whole(1)],
    ["--class <name>", "the class whose probability is explained (default: the predicted class)", asIs],
    ["--samples <n>", "sampled orders of the columns; more give a more exact result (default: 400)", whole(2)],
    ["--sql <statement>", "an SQL query on a database or another file; its rows are the data", asIs],
    ["--sheet <name>", "the sheet of an Excel file", asIs],
  ],
).action(async (run: string, data: string, options) => {
  await useBackend(options);
  const { explain } = await import("./commands/explain.ts");
  process.exitCode = await explain(run, data, { row: 1, samples: 400, ...options });
});

command("report <run>", "Write one HTML file with charts: curves, errors, calibration, column importance.", [
  "hebb report runs/credit",
  "hebb report runs/credit --out credit.html --open",
  "hebb report runs/credit --json                     the same figures as JSON",
])
  .option("--out <file>", "the HTML file (default: named after the run, in this folder)")
  .option("--open", "show it in a browser", false)
  .action(async (run: string, options) => {
    await useBackend(options);
    const { report } = await import("./commands/report.ts");
    process.exitCode = await report(run, options);
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
  .option("--prompt <text>", "the text to start with (default: a new line)")
  .action(async (run: string, options) => {
    await useBackend(options);
    const { generate } = await import("./commands/generate.ts");
    process.exitCode = await generate(run, { prompt: "", tokens: 300, temperature: 0.8, seed: 0, ...options });
  });

command(
  "inspect <path>",
  "Show a run's layers, weights and one forward pass; or the contents of an array file or a pretrained model.",
  [
    "hebb inspect runs/moons",
    "hebb inspect model.safetensors",
    "hebb inspect models/llama                          a pretrained model in Hugging Face's layout",
    "hebb inspect weights.pt --json",
    "hebb inspect model.onnx --graph                    its inputs, operators and nodes",
  ],
)
  .option("--graph", "show the graph of a file that has one", false)
  .action(async (path: string, options) => {
    await useBackend(options);
    const { inspect } = await import("./commands/inspect.ts");
    process.exitCode = await inspect(path, options);
  });

command(
  "export <from>",
  "Convert a run, or the arrays of a file, to another format; the file is read back and verified.",
  [
    "hebb export runs/moons --to safetensors",
    "hebb export runs/moons --to torch --out moons.pt",
    "hebb export runs/credit --to onnx                  the network with its preprocessing, for any ONNX runtime",
    "hebb export runs/credit --to module                one TypeScript file that predicts and has no dependencies",
    "hebb export weights.pt --to npz",
    "hebb export model.onnx --to safetensors            its initializers",
  ],
)
  .addOption(
    new Option("--to <kind>", `the format: ${exportNames.join(", ")}`)
      .argParser(name(exportNames))
      .makeOptionMandatory(),
  )
  .option("--out <file>", "the file (default: named after the run, in this folder)")
  // The option's earlier name.
  .addOption(new Option("--output <file>").hideHelp())
  .action(async (from: string, { output, out = output, ...options }) => {
    await useBackend(options);
    const { exportCommand } = await import("./commands/export.ts");
    process.exitCode = await exportCommand(from, { ...options, out });
  });

command("import <file>", "Turn a weights file into a run folder.", [
  "hebb import moons.safetensors                      exported by hebb: it carries its description",
  "hebb import weights.pt --like runs/moons           weights of the same network as another run",
])
  .option("--out <folder>", "the run folder (default: runs/NAME-DATE)")
  .option("--like <run>", "a run whose network and preprocessing the weights belong to")
  .action(async (file: string, options) => {
    await useBackend(options);
    const { importCommand } = await import("./commands/export.ts");
    process.exitCode = await importCommand(file, options);
  });

command("serve <run>", "Serve predictions over HTTP until interrupted.", [
  "hebb serve runs/credit",
  "hebb serve runs/credit --host 0.0.0.0 --port 80    for other machines, such as in a container",
  "hebb serve runs/fraud --costs fraud=20             missing a fraud costs as much as twenty false alarms",
  `curl -d '{"age": 41, "income": 2800}' -H 'content-type: application/json' http://127.0.0.1:8080/predict`,
])
  .option("--host <address>", "the address to listen on (default: 127.0.0.1, this machine only)")
  .addOption(new Option("--port <n>", "the port (default: 8080; 0 takes a free one)").argParser(port))
  .addOption(new Option("--max-batch-rows <n>", "rows computed at once (default: 256)").argParser(whole(1)))
  .addOption(
    new Option(
      "--max-waiting-rows <n>",
      "maximum number of queued rows before a 503 response (default: 16384)",
    ).argParser(whole(1)),
  )
  .addOption(
    new Option("--max-request-rows <n>", "maximum number of rows per request (default: 4096)").argParser(whole(1)),
  )
  .addOption(
    new Option("--max-body-bytes <n>", "maximum number of bytes per request (default: 4194304)").argParser(whole(1)),
  )
  .addOption(
    interval("add an interval to numeric predictions that contains the target with this probability, such as 0.9"),
  )
  .addOption(costs("the class that costs least"))
  .action(async (run: string, { backend, threads, ...options }) => {
    await useBackend({ backend, threads });
    const { serve } = await import("./commands/serve.ts");
    process.exitCode = await serve(run, options);
  });

command("bench", "Benchmark this machine: matrix products and training steps.", ["hebb bench", "hebb bench --profile"])
  .option("--profile", "show the time of each kernel", false)
  .action(async (options) => {
    await useBackend(options);
    const { bench } = await import("./commands/bench.ts");
    process.exitCode = await bench(options);
  });

command("doctor [run]", "Check this machine's setup, or look for problems in a run.", [
  "hebb doctor",
  "hebb doctor runs/moons",
]).action(async (run: string | undefined, options) => {
  await useBackend(options);
  const { doctor } = await import("./commands/doctor.ts");
  process.exitCode = await doctor(run, options);
});

command("studio [source]", "Open the Studio, a page to build, train, step through and compare networks.", [
  "hebb studio",
  "hebb studio penguins.csv --target species",
  "hebb studio runs/moons",
  "hebb studio notes.txt",
])
  .option("--target <column>", "the column to predict")
  .addOption(new Option("--port <n>", "the port of 127.0.0.1 (default: a free one)").argParser(port))
  .option("--no-open", "do not open a browser")
  .action(async (source: string | undefined, options) => {
    const { studio } = await import("./commands/studio.ts");
    await studio(source, options);
  });

command("runs", "List the runs below a folder, compare them, find the best one, plot their curves.", [
  "hebb runs",
  "hebb runs list runs/tune-… --metric accuracy      the best first",
  "hebb runs compare runs/a runs/b                   choices and figures that differ",
  'hebb predict "$(hebb runs best --metric rmse)" new.csv',
  "hebb runs plot runs/a runs/b --metric loss",
])
  .addArgument(new Argument("[action]", `${runActions.join(", ")}`).argParser(name(runActions)).default("list", ""))
  .argument("[paths...]", "runs, or folders that hold some (default: runs)")
  .option("--metric <name>", "the metric to sort by, or to plot (default: loss; a list starts with the latest run)")
  .action(async (action: RunAction, paths: string[], options) => {
    const { runs } = await import("./commands/runs.ts");
    process.exitCode = await runs(action, paths, options);
  });

program
  .command("completion")
  .description("Print a completion script for a shell.")
  .addArgument(new Argument("<shell>", shellNames.join(", ")).argParser(name(shellNames)))
  .addHelpText("after", "\nExample:\n  hebb completion fish > ~/.config/fish/completions/hebb.fish")
  .action((shell: ShellName) => out.data(completionFor(shell, program)));

/** The choices in a file, if --config names one. */
let fromFile: FromFile | undefined;

/** Reports a failure and ends the other ranks, if there are any. */
function fail(error: unknown): number {
  waitForTurn();
  const exitCode = tellFailure(ofThisRank(error), json);
  endRanks(exitCode);
  return exitCode;
}

process.on("exit", tellOutputFailure);
for (const event of ["uncaughtException", "unhandledRejection"] as const)
  process.on(event, (error: unknown) => process.exit(fail(error)));
if (json)
  onLastInterrupt((signal) => {
    const exitCode = exitCodeFor(signal);
    out.json({ type: "error", message: "interrupted", exitCode });
    process.exit(exitCode);
  });

try {
  const config = given[0] === "train" ? configIn(given.slice(1)) : undefined;
  if (config !== undefined) fromFile = await fromConfigFile(config);
  await program.parseAsync([...given.slice(0, 1), ...(fromFile?.flags ?? []), ...given.slice(1)], { from: "user" });
} catch (error) {
  process.exitCode = fail(error);
}

// In Node an open GPU keeps the process alive. A server needs it until it is stopped.
if (usesBackend && given[0] !== "serve" && given[0] !== "studio") {
  const runtime = await import("../runtime/index.ts");
  if (runtime.backendInfo().backend === "webgpu") runtime.useBackend({ backend: "reference" });
}
