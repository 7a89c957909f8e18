// hebb studio RUN: the page opens with the run's data, weights and curves, and its loss is the run's.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { encode } from "fast-png";
import { type Browser, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
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
  rmSync(folder, { recursive: true, force: true });
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

/** Trains by the command, and says what figures the run ended with. */
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
    const end = train("price-run", ["prices.csv", "--target", "price", "--epochs", "3", "--loss", "smoothL1"]);
    const { page, now } = await opened("price-run");
    expect(now.failure).toBe("");
    expect(now.loss).toBeCloseTo(end.train.loss, 5);
    expect(now.testMetric).toBeCloseTo(end.validation.r2 ?? 0, 4);
    expect(now.state["loss"]).toBe("huber");
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
