// hebb studio RUN: the page opens with the run's data, weights and curves, and its loss is the run's.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { encode } from "fast-png";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { removeFolder } from "../suite/removeFolder.ts";
import { executable, missing, until } from "./browser.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "hebb-studio-run-"));
const command = [join(root, "scripts/run.mjs"), join(root, "src/cli/main.ts")];
const running: ChildProcess[] = [];
let browser: Browser;

beforeAll(async () => {
  browser = await chromium.launch({ executablePath: executable ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
});
afterAll(async () => {
  await browser?.close();
  for (const child of running) child.kill();
  removeFolder(folder);
});

interface Metrics {
  readonly loss: number;
  readonly accuracy?: number;
  readonly r2?: number;
}
interface Ended {
  readonly train: Metrics;
  readonly validation: Metrics;
  readonly epochs: number;
}

/** Trains with the command, and returns the run's final figures. */
function train(name: string, args: readonly string[]): Ended {
  execFileSync(process.execPath, [...command, "train", ...args, "--out", name], { cwd: folder, stdio: "pipe" });
  const events = readFileSync(join(folder, name, "events.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { type: string; metrics: Omit<Ended, "epochs"> });
  const end = events.find(({ type }) => type === "end");
  if (end === undefined) throw new Error(`${name} did not end`);
  return { ...end.metrics, epochs: events.filter(({ type }) => type === "epoch").length };
}

function serve(name: string): Promise<string> {
  const child = spawn(process.execPath, [...command, "studio", name, "--json", "--no-open"], { cwd: folder });
  running.push(child);
  return new Promise((resolve, reject) => {
    let said = "";
    child.stdout.on("data", (part: Buffer) => {
      said += part.toString();
      const [line, ...rest] = said.split("\n");
      if (rest.length > 0) resolve((JSON.parse(line ?? "") as { address: string }).address);
    });
    child.stderr.on("data", (part: Buffer) => reject(new Error(part.toString())));
  });
}

async function opened(name: string) {
  const page = await browser.newPage();
  await page.goto((await serve(name)).replace("?run=", "?test=1&keep=1&run="));
  const now = await until(page, () => true, "the run");
  return { page, now };
}

function pictures(): string {
  for (const kind of ["across", "down"]) {
    mkdirSync(join(folder, "stripes", kind), { recursive: true });
    for (let k = 0; k < 20; k++) {
      const data = Uint8Array.from(
        { length: 3 * 12 * 12 },
        (_, at) => (kind === "down" ? Math.floor(at / 3) % 12 : Math.floor(at / 36)) * 20 + k,
      );
      const bytes = encode({ width: 12, height: 12, data, channels: 3, depth: 8 });
      writeFileSync(join(folder, "stripes", kind, `${k}.png`), bytes);
    }
  }
  return "stripes";
}

describe.skipIf(missing)("hebb studio RUN", () => {
  it("two classes: the loss, the curves, and the way back to the run's weights", async () => {
    const end = train("moons-run", ["moons", "--hidden", "6,4", "--activation", "tanh", "--epochs", "4"]);
    const { page, now } = await opened("moons-run");
    expect(now.playing).toBe(false);
    expect(now.step).toBe(100);
    expect(now.loss).toBeCloseTo(end.train.loss, 5);
    expect(now.metric).toBeCloseTo(end.train.accuracy ?? 0, 6);
    expect(now.testMetric).toBeCloseTo(end.validation.accuracy ?? 0, 6);
    expect(await page.evaluate<number>("studio.hot.history.length")).toBe(end.epochs);
    await page.getByText("as it ended, after 100 steps").waitFor();
    await page.evaluate("studio.advance(30)");
    await until(page, ({ step }) => step === 130, "thirty steps more");
    await page.evaluate("studio.keepNow()");
    await page.reload();
    await until(page, ({ step }) => step === 130, "the same step after a reload");
    await page.evaluate("studio.rewind()");
    const back = await until(page, ({ step }) => step === 100, "the run's weights");
    expect(back.loss).toBe(now.loss);
    await page.close();
  });
  it("a number from a table with gaps and words", async () => {
    const rows = Array.from({ length: 90 }, (_, k) =>
      [k % 7 === 3 ? "" : ((k * 37) % 50) / 10, ["red", "a, b", 'say "so"'][k % 3], ((k * 17) % 23) + k / 10].map(
        (cell) => (/[",]/.test(String(cell)) ? `"${String(cell).replaceAll('"', '""')}"` : cell),
      ),
    );
    writeFileSync(join(folder, "prices.csv"), `size,colour,price\n${rows.map((row) => row.join()).join("\n")}\n`);
    const end = train("price-run", [
      "prices.csv",
      "--target",
      "price",
      "--model",
      "mlp",
      "--epochs",
      "3",
      "--loss",
      "smoothL1",
    ]);
    const { page, now } = await opened("price-run");
    expect(now.failure).toBe("");
    expect(now.loss).toBeCloseTo(end.train.loss, 5);
    expect(now.testMetric).toBeCloseTo(end.validation.r2 ?? 0, 4);
    expect(now.state["loss"]).toBe("huber");
    await page.close();
  });
  it("the default network of a table: an ensemble, for two classes and for a number", async () => {
    const rows = Array.from({ length: 120 }, (_, k) => {
      const [age, colour] = [(k * 37) % 50, ["red", "green", "blue"][k % 3]];
      return [age, colour, k % 3 === 1 || age > 30 ? "yes" : "no", age * (1 + (k % 3)) + ((k * 17) % 5)];
    });
    writeFileSync(join(folder, "people.csv"), `age,colour,buys,spends\n${rows.map((row) => row.join()).join("\n")}\n`);
    for (const [target, figure] of [
      ["buys", "accuracy"],
      ["spends", "r2"],
    ] as const) {
      const name = `people-${target}`;
      // The choices about columns are included.
      const choice = target === "spends" ? ["--target-transform", "log", "--ignore", "buys"] : [];
      const usual = ["people.csv", "--target", target, "--model", "tabular", "--epochs", "6", "--hidden", "12,6"];
      const end = train(name, [...usual, ...choice]);
      const { page, now } = await opened(name);
      expect(now.failure).toBe("");
      expect(now.state["ensemble"]).toMatchObject({ members: 8 });
      const columns = await page.evaluate("studio.run.value.data.groups.map(({ name }) => name).join()");
      expect(columns).toBe(target === "buys" ? "age,colour,spends" : "age,colour");
      expect(now.loss).toBeCloseTo(end.train.loss, 4);
      expect(now.testMetric).toBeCloseTo(end.validation[figure] ?? 0, 4);
      const notes = await page.evaluate<string[]>("studio.run.value.beginning.notes");
      expect(notes.filter((note) => note.includes("split or scaled"))).toEqual([]);
      await page.evaluate("studio.advance(3)");
      await until(page, ({ step, loss }) => step === now.step + 3 && loss !== now.loss, "three steps more");
      // The program of such a network trains from the start to the same loss.
      if (target === "buys") {
        await page.evaluate("studio.change({ seed: 9 })");
        await page.evaluate("studio.advance(7)");
        await until(page, ({ step }) => step === 7, "seven steps of another start");
        const told = await page.evaluate<{ difference: number }>("studio.client.ask('export', 'typescript')");
        expect(told.difference).toBeLessThan(1e-5);
        await page.evaluate("studio.change({ surface: 'step' })");
        await page.getByText(/a step is laid open for one network of layers/).waitFor();
        await page.getByRole("button", { name: "Train one network of these layers" }).click();
        await page.locator(".path-stage").waitFor();
      }
      await page.close();
    }
  });
  it("a text opens on the Text surface", async () => {
    writeFileSync(join(folder, "notes.txt"), "the rain in spain falls mainly in the plain.\n".repeat(60));
    const page = await browser.newPage();
    await page.goto(`${(await serve("notes.txt")).replace("?", "?test=1&play=0&")}`);
    await page.getByText(/notes\.txt: 2.700 letters/).waitFor();
    await page.close();
  });
  it("a CNN over a folder of pictures", async () => {
    const end = train("stripes-run", [pictures(), "--model", "cnn", "--hidden", "8", "--epochs", "2"]);
    const { page, now } = await opened("stripes-run");
    expect(now.failure).toBe("");
    expect(await page.evaluate("studio.run.value.data.classes.join()")).toBe("across,down");
    expect(now.loss).toBeCloseTo(end.train.loss, 5);
    await page.getByText(/continues here without the cosine schedule/).waitFor();
    await page.close();
  });
});
