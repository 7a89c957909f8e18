// npm start: serves the Studio on 127.0.0.1 and opens it in the browser; without a browser, a network trains live in the terminal.
import { Random } from "../data/index.ts";
import * as nn from "../nn/index.ts";
import * as optim from "../optim/index.ts";
import { backendInfo } from "../runtime/index.ts";
import { compile, noGrad, seed, type Tensor, tensor } from "../tensor/index.ts";
import { serveLocally } from "./localServer.ts";
import { out } from "./output.ts";
import { plot } from "./report.ts";
import { openBrowser, studioFiles } from "./studioServer.ts";

const applicants = 400;
const width = 58;
const height = 15;
const batchSize = 32;
const stepsPerFrame = 12;
const frames = 70;
/** Without a terminal a few frames are enough. */
const sparse: readonly number[] = [0, 4, 16, frames];

const shades = [" ", "░", "▒", "▓", "█"] as const;
const wait = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

interface Loans {
  /** Income and debt, each scaled to about ±1. */
  readonly inputs: Float32Array;
  readonly approved: Float32Array;
}

/** Applications: a higher income permits more debt, up to a limit. A few decisions are random. */
function loans(): Loans {
  const random = new Random(0, 0x30000001);
  const inputs = new Float32Array(2 * applicants);
  const approved = new Float32Array(applicants);
  for (let row = 0; row < applicants; row++) {
    const [income, debt] = [random.uniform(-1, 1), random.uniform(-1, 1)];
    inputs.set([income, debt], 2 * row);
    approved[row] = debt + random.normal(0, 0.06) < 0.75 * Math.tanh(3 * (income + 0.35)) - 0.1 ? 1 : 0;
  }
  return { inputs, approved };
}

/** One neuron's sum for one application, then its weights found by Rosenblatt's rule. */
function neuron(): string[] {
  const [w1, w2, bias] = [2, -3, 0.2];
  const decide = (income: number, debt: number): string => {
    const sum = income * w1 + debt * w2 + bias;
    return `  income ${income} × ${w1} + debt ${debt} × (${w2}) + bias ${bias} = ${sum.toFixed(2).padStart(5)} → ${sum >= 0 ? "approved" : "declined"}`;
  };
  const lines = ["One neuron: output = step(Σ input × weight + bias)", decide(0.6, 0.4), decide(0.5, 0.9)];
  const random = new Random(0, 0x30000003);
  const rows: [number, number][] = [];
  const decisions: [number][] = [];
  while (rows.length < 60) {
    const row: [number, number] = [random.normal(), random.normal()];
    const score = row[0] - row[1] + 0.3;
    if (Math.abs(score) < 0.1) continue;
    rows.push(row);
    decisions.push([score > 0 ? 1 : 0]);
  }
  const officer = new nn.Perceptron(2);
  const { mistakes } = officer.learn(tensor(rows), tensor(decisions), { epochs: 30 });
  const [learned1 = 0, learned2 = 0] = officer.weight.dataSync();
  return [
    ...lines,
    `  Rosenblatt's rule finds the weights: mistakes in each pass over ${rows.length} loans: ${mistakes.join(", ")}`,
    `  now approved where ${learned1.toFixed(1)} × income + (${learned2.toFixed(1)}) × debt + (${officer.bias.itemSync().toFixed(1)}) ≥ 0`,
  ];
}

/** The network's answer over the whole plane, with its training applications: + approved, · declined. */
function map(probabilities: ArrayLike<number>, { inputs, approved }: Loans): string[] {
  const rows = Array.from({ length: height }, (_, y) =>
    Array.from(
      { length: width },
      (_, x): string => shades[Math.min(4, Math.floor((probabilities[y * width + x] ?? 0) * 5))] ?? " ",
    ),
  );
  for (let row = 0; row < applicants; row += 4) {
    const x = Math.round((((inputs[2 * row] ?? 0) + 1) / 2) * (width - 1));
    const y = Math.round(((1 - (inputs[2 * row + 1] ?? 0)) / 2) * (height - 1));
    const line = rows[y];
    if (line !== undefined) line[x] = approved[row] === 1 ? "+" : "·";
  }
  return rows.map((line) => line.join(""));
}

/** Without a browser: one neuron, then 2 → 8 → 8 → 1 deciding loans, drawn with characters. */
async function learnInTerminal(): Promise<void> {
  const { terminal } = out;
  // Redrawn lines must fit the window, because lines scrolled off cannot be reached again; a small window shows the curve at the end.
  const roomy = !terminal || process.stdout.rows > height + 13;
  const started = performance.now();
  out.line(
    ...neuron(),
    "",
    `One neuron draws one line. A curve takes a network: 2 inputs → 8 → 8 → 1 learns from ${applicants} loans`,
  );

  seed(0);
  const data = loans();
  const x = tensor(data.inputs, { shape: [applicants, 2] });
  const y = tensor(data.approved, { shape: [applicants, 1] });
  const model = new nn.Sequential(
    new nn.Linear(2, 8),
    new nn.Tanh(),
    new nn.Linear(8, 8),
    new nn.Tanh(),
    new nn.Linear(8, 1),
  );
  const optimizer = new optim.Adam(model.parameters(), { lr: 0.01 });
  const step = compile((rows: Tensor) => {
    const loss = nn.functional.bceWithLogits(model.forward(x.indexSelect(0, rows)), y.indexSelect(0, rows));
    optimizer.zeroGrad();
    loss.backward();
    optimizer.step();
    return loss;
  });
  const grid = tensor(
    Float32Array.from({ length: 2 * width * height }, (_, k) => {
      const cell = k >> 1;
      return k % 2 === 0 ? (2 * (cell % width)) / (width - 1) - 1 : 1 - (2 * Math.floor(cell / width)) / (height - 1);
    }),
    { shape: [width * height, 2] },
  );
  const look = compile(() =>
    noGrad(() => {
      const logits = model.forward(x);
      const right = logits.gt(0).eq(y.gt(0.5)).to("float32").mean();
      return { picture: model.forward(grid).sigmoid(), loss: nn.functional.bceWithLogits(logits, y), right };
    }),
  );

  const random = new Random(0, 0x30000002);
  const losses: number[] = [];
  let right = 0;
  const draw = async (frame: number): Promise<string[]> => {
    const seen = look();
    const [picture, loss] = [await seen.picture.data(), await seen.loss.item()];
    right = await seen.right.item();
    losses.push(loss);
    const title = `step ${String(frame * stepsPerFrame).padStart(4)}   loss ${loss.toFixed(3)}   ${(100 * right).toFixed(1)} % right`;
    const lines = map(picture, data).map((line) => `  │${line}│`);
    const curve =
      frame > 0 && (roomy || frame === frames)
        ? [...plot([losses], ["loss"], { height: 5, width, unit: "pictures" }), ""]
        : [];
    return [title, "  debt ↑   dark: approved   + approved, · declined in the data", ...lines, "  income →", ...curve];
  };

  let drawn = 0;
  if (terminal) {
    out.cursor(false);
    process.once("SIGINT", () => process.exit(130));
    process.once("exit", () => out.cursor(true));
  }
  for (let frame = 0; frame <= frames; frame++) {
    const lines = await draw(frame);
    if (terminal || sparse.includes(frame)) {
      out.frame(lines, drawn);
      if (terminal) {
        drawn = lines.length;
        await wait(45);
      }
    }
    for (let count = 0; count < stepsPerFrame && frame < frames; count++) {
      await step(tensor(Int32Array.from({ length: batchSize }, () => random.integer(applicants)))).data();
    }
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  out.text(`
Learned in ${seconds} s, ${(100 * right).toFixed(1)} % right, on ${backendInfo().description}

What next:
  npm run hebb -- studio                                        the same, live, in a browser
  npm run hebb -- train loans --out runs/loans                  decide loans from seven columns
  npm run hebb -- train moons                                   another built-in problem
  npm run hebb -- train YOUR.csv --target COLUMN --out runs/my  your own table
  npm run hebb -- predict runs/my MORE.csv                      decide new rows
  npm run hebb -- --help                                        everything else
`);
}

if (process.env["CI"] === "true") {
  // Not a terminal: prints everything once, and ends.
  await learnInTerminal();
} else {
  const { address } = await serveLocally(await studioFiles());
  out.line(`hebb Studio: ${address}`);
  if (openBrowser(address)) out.line("It is open in your browser. Ctrl-C stops it.");
  else {
    out.line("Open it in a browser, on this machine. Meanwhile, here:", "");
    await learnInTerminal();
    out.line("", `The Studio runs at ${address} until Ctrl-C.`);
  }
}
