// Runs every example as a reader would, and checks that the printed figures support its claims.
import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const limit = 60_000;
const executed = new Set<string>();

/** Standard output of an example. The test fails if the example fails or takes longer than a minute. */
function run(name: string, ...args: string[]): Promise<string> {
  executed.add(name);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["scripts/run.mjs", `examples/${name}.ts`, ...args], {
      cwd: root,
      env: { ...process.env, HEBB_QUICK: "1" },
      timeout: limit,
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [out, complaints] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      complaints += text;
    });
    child.on("error", reject);
    child.on("close", (code, signal) => {
      if (code === 0) resolve(out);
      else reject(new Error(`${name} ended with ${code ?? signal}\n${out}\n${complaints}`));
    });
  });
}

/** The numbers captured by the groups of a pattern. */
function figures(out: string, pattern: RegExp): number[] {
  const found = pattern.exec(out);
  if (found === null) throw new Error(`${pattern} is not in:\n${out}`);
  return found
    .slice(1)
    .map((text) => (text.startsWith("more") || text.startsWith("not") ? Number.POSITIVE_INFINITY : Number(text)));
}
const figure = (out: string, pattern: RegExp): number => figures(out, pattern)[0] ?? Number.NaN;

describe("examples", { timeout: limit + 5000 }, () => {
  test("perceptron-loan: a line decides loans, AND and OR; XOR needs a hidden layer", async () => {
    const out = await run("perceptron-loan");
    expect(out).toMatch(/mistakes in each pass over 300: [1-9][\d ]* 0 \(a line was found\)/);
    expect(figure(out, /loans: ([\d.]+) % right on 300 new ones/)).toBeGreaterThan(97);
    const [income, w1, debt, w2, bias, sum] = figures(
      out,
      /income ([\d.]+), debt .*: [\d.]+ × (-?[\d.]+) \+ ([\d.]+) × (-?[\d.]+) \+ (-?[\d.]+) = (-?[\d.]+)/,
    ) as [number, number, number, number, number, number];
    expect(Math.abs(income * w1 + debt * w2 + bias - sum)).toBeLessThan(0.02);
    expect(figure(out, /AND: no mistake after (\d+) passes/)).toBeLessThan(100);
    expect(figure(out, /OR: no mistake after (\d+) passes/)).toBeLessThan(100);
    expect(figure(out, /XOR: never fewer than (\d+) mistakes in 1000 passes/)).toBeGreaterThanOrEqual(1);
    expect(figure(out, /XOR with a hidden layer of 4: ([\d.]+) % right/)).toBe(100);
  });

  test("no-activation: three linear layers are equivalent to one", async () => {
    const out = await run("no-activation");
    expect(figure(out, /without activation: ([\d.]+) % right/)).toBeLessThan(65);
    expect(figure(out, /largest difference between network and line: (\S+)/)).toBeLessThan(1e-5);
    expect(figure(out, /with tanh: ([\d.]+) % right/)).toBeGreaterThan(97);
  });

  test("wrong-loss: squared error is stuck where cross-entropy learns", async () => {
    const out = await run("wrong-loss");
    const small = figure(out, /slope of the squared error +(\S+)/);
    const full = figure(out, /slope of the cross-entropy +([^\s,]+)/);
    // At logit −10: 2·(1 − p)·p·(1 − p) against 1 − p, with p = sigmoid(−10) = 4.54e-5.
    expect(small).toBeCloseTo(9.08e-5, 6);
    expect(full).toBeCloseTo(1, 3);
    const slow = figure(out, /with the squared error +(?:after )?(not|\d+)/);
    const fast = figure(out, /with the cross-entropy +(?:after )?(not|\d+)/);
    expect(fast).toBeLessThan(100);
    expect(slow).toBeGreaterThan(10 * fast);
  });

  test("optimizers-race: momentum and Adam need fewer steps than plain descent, at more rates", async () => {
    const out = await run("optimizers-race");
    const steps = (name: string): [ravine: number, moons: number, rates: number] =>
      figures(out, new RegExp(`^${name} +(more|\\d+)[^)]*\\) +(more|\\d+)[^(]*\\((\\d+) of 9\\)`, "m")) as [
        number,
        number,
        number,
      ];
    const [ravine, moons, rates] = steps("SGD");
    for (const name of ["momentum", "RMSprop", "Adam", "AdamW"]) {
      const [down, across, arrived] = steps(name);
      expect(down, `${name} in the ravine`).toBeLessThan(ravine / 2);
      if (name !== "RMSprop") expect(across, `${name} on the moons`).toBeLessThan(moons);
      expect(arrived, `rates of ${name}`).toBeGreaterThan(rates);
    }
  });

  test("custom-loop: it learns, compiles once for each batch size, and gives the same as fit", async () => {
    const out = await run("custom-loop");
    const first = figure(out, /epoch +1: loss (\S+)/);
    expect(figure(out, /epoch 30: loss (\S+)/)).toBeLessThan(first / 3);
    expect(out).toContain("420 steps, 2 programs compiled");
    expect(figure(out, /the loop: ([\d.]+) %/)).toBeGreaterThan(92);
    expect(figure(out, /fit: ([\d.]+) %/)).toBeGreaterThan(92);
  });

  test("backprop-by-hand: four ways, the same numbers", async () => {
    const out = await run("backprop-by-hand");
    const [count, exact] = figures(out, /(\d+) numbers; hand, inspect and compiled differ by at most (\S+)/);
    expect(count).toBe(15);
    expect(exact).toBeLessThan(1e-14);
    expect(figure(out, /finite differences differ by at most (\S+)/)).toBeLessThan(1e-9);
    // δ₃ = (a₃ − 1)·a₃·(1 − a₃) from the printed a₃.
    const [a3] = figures(out, /^a3 +(\S+)/m) as [number];
    expect(figure(out, /^δ3 +(\S+)/m)).toBeCloseTo((a3 - 1) * a3 * (1 - a3), 8);
  });

  const folder = `${root}../shared/data/mnist`;
  for (const [name, least] of [
    ["mnist-mlp", 78],
    ["mnist-cnn", 78],
  ] as const) {
    test(`${name}: says where to find the digits if they are missing, and exits normally`, async () => {
      expect(await run(name, "no-such-folder")).toMatch(/^skipped: there is no no-such-folder/);
    });
    test.skipIf(!existsSync(folder))(`${name}: reads unseen digits`, async () => {
      const out = await run(name, folder);
      expect(figure(out, /([\d.]+) % of 2000 digits never seen/)).toBeGreaterThan(least);
    });
  }

  test("runs every example", () => {
    const present = readdirSync(`${root}examples`).filter((name) => name.endsWith(".ts"));
    expect([...executed].sort()).toEqual(present.map((name) => name.replace(".ts", "")).sort());
  });
});
