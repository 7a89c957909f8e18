// Step, Compare and Ship in Chromium: edits propagate, forks begin alike, exports are read back, compile, and agree.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Page } from "playwright-core";
import { afterAll, describe, expect, it } from "vitest";
import { readSafetensors } from "../../src/formats/index.ts";
import { removeFolder } from "../suite/removeFolder.ts";
import { memory, missing, soon, until, useStudio, whenTrue } from "./browser.ts";

const studio = useStudio();
const folder = mkdtempSync(join(tmpdir(), "hebb-studio-files-"));
const root = fileURLToPath(new URL("../..", import.meta.url));
afterAll(() => removeFolder(folder));

async function exported(page: Page, title: string): Promise<string> {
  const row = page.locator(".export", { has: page.getByRole("heading", { name: title }) });
  await row.getByRole("button", { name: "Write and check" }).click();
  await row.locator(".verified").waitFor();
  const [download] = await Promise.all([page.waitForEvent("download"), row.getByRole("button").click()]);
  const path = join(folder, `${Math.random().toString(36).slice(2)}-${download.suggestedFilename()}`);
  await download.saveAs(path);
  return path;
}

describe.skipIf(missing)("Step", () => {
  it("shows every operation, and propagates an edit", async () => {
    const page = await studio.open("surface=step&step=40");
    await page.getByText("105 of 105 slopes agree with finite differences").waitFor();
    const result = page.locator(".result b").last();
    const at = async (name: string): Promise<string> => {
      await page.locator(".scrubber ol button").getByText(name, { exact: true }).click();
      return (await result.textContent()) ?? "";
    };
    const loss = await at("ŷ");
    const updated = await at("W⁽¹⁾′");
    const forward = await at("z⁽¹⁾");
    await page.getByRole("textbox", { name: "x, number 1" }).fill("2");
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: "Undo 1 edit" }).waitFor();
    expect(await at("z⁽¹⁾")).not.toBe(forward);
    expect(await at("ŷ")).not.toBe(loss);
    expect(await at("W⁽¹⁾′")).not.toBe(updated);
    await page.getByRole("button", { name: "Undo 1 edit" }).click();
    await page.getByText("105 of 105").waitFor();
    expect(await at("W⁽¹⁾′")).toBe(updated);
    await at("∂W⁽¹⁾");
    await page.locator(".tick").waitFor();
    await page.getByRole("button", { name: "Take this step" }).click();
    await until(page, ({ step }) => step === 41, "the step");
    await page.close();
  });
  it("shows the engine's numbers", async () => {
    const page = await studio.open("surface=step&step=40");
    await page.locator(".all-values").waitFor();
    const differences = await page.evaluate<{ worst: number; count: number }>(`(async () => {
      const trace = await studio.client.ask("step", { edits: [] });
      const before = studio.hot.snapshot.layers;
      let worst = 0, count = 0;
      const compare = (a, b) => a.forEach((value, k) => { worst = Math.max(worst, Math.abs(value - b[k]) / Math.max(1, Math.abs(value))); count++; });
      trace.layers.forEach((layer, k) => { compare(layer.weight.value.values, before[k].weight); compare(layer.bias.value.values, before[k].bias); });
      studio.advance(1);
      while (studio.hot.snapshot.step !== 41) await new Promise((done) => setTimeout(done, 20));
      studio.hot.snapshot.layers.forEach((layer, k) => { compare(trace.layers[k].weight.updated.values, layer.weight); compare(trace.layers[k].bias.updated.values, layer.bias); });
      return { worst, count };
    })()`);
    expect(differences.count).toBe(210);
    expect(differences.worst).toBeLessThan(1e-6);
    await page.close();
  });
});

describe.skipIf(missing)("Compare", () => {
  it("forks: equal at step 0, then different; bands, landscape, table", async () => {
    const page = await studio.open("surface=compare&optimizer=sgd&lr=0.1", { query: "&play=0" });
    await page.getByLabel("change").selectOption("optimizer");
    await page.getByLabel("to", { exact: true }).selectOption("adam");
    await page.getByRole("button", { name: "Add this lane" }).click();
    const figures = page.locator(".lane-figures");
    await whenTrue(page, "document.querySelectorAll('.lane-figures').length === 2");
    const losses = async (): Promise<string[]> =>
      Promise.all([0, 1].map(async (lane) => (await figures.nth(lane).locator("dd").first().textContent()) ?? ""));
    const start = await losses();
    expect(start[0]).toBe(start[1]);
    await page.getByLabel("up to step").selectOption("200");
    await page.getByRole("button", { name: "Run all lanes" }).click();
    await whenTrue(
      page,
      "[...document.querySelectorAll('.lane-figures')].every((lane) => lane.textContent.endsWith('200'))",
    );
    const end = await losses();
    expect(end[0]).not.toBe(end[1]);
    await page.getByRole("button", { name: "Landscape" }).click();
    await page.getByRole("heading", { name: "Loss landscape" }).waitFor();
    await page.getByRole("button", { name: "show as table" }).click();
    await expect.poll(() => page.locator(".compare table tbody tr").count(), soon).toBeGreaterThan(5);
    await page.getByRole("button", { name: "show as chart" }).click();
    await page.getByRole("button", { name: "× 10 seeds" }).click();
    await page.getByText("line: median of the seeds").waitFor({ timeout: 60_000 });
    await page.close();
  });
});

describe.skipIf(missing)("Ship", () => {
  it("safetensors, a program and a project, each verified in the page and outside it", async () => {
    const page = await studio.open(
      "data=circles&layers=6.relu_4.tanh&init=he&lr=0.02&decay=0.001&step=150&surface=ship",
    );
    const now = await until(page, ({ step }) => step === 150, "step 150");

    const weights = readSafetensors(readFileSync(await exported(page, "Weights, safetensors")));
    const shown = await page.evaluate<number[][]>("studio.hot.snapshot.layers.map(({ weight }) => [...weight])");
    expect(["0.weight", "2.weight", "4.weight"].map((name) => Array.from(weights.tensors[name]?.data ?? []))).toEqual(
      shown,
    );

    const program = await exported(page, "Program, TypeScript");
    // It compiles against the library's own types, and its last line is the loss.
    const typed = join(folder, "typed.ts");
    writeFileSync(typed, readFileSync(program, "utf8").replace('"hebb"', JSON.stringify(join(root, "src/index.ts"))));
    execFileSync(
      process.execPath,
      [
        join(root, "node_modules/typescript/bin/tsc"),
        "--noEmit",
        "--strict",
        "--skipLibCheck",
        "--target",
        "es2023",
        "--module",
        "esnext",
        "--moduleResolution",
        "bundler",
        "--allowImportingTsExtensions",
        "--types",
        "node",
        "--typeRoots",
        join(root, "node_modules/@types"),
        typed,
      ],
      { cwd: folder },
    );
    const script = join(folder, "train.mjs");
    await build({
      entryPoints: [typed],
      bundle: true,
      platform: "node",
      format: "esm",
      outfile: script,
      logLevel: "error",
      external: ["node:*"],
      absWorkingDir: root,
      nodePaths: [join(root, "node_modules")],
    });
    const printed = Number(execFileSync(process.execPath, [script], { encoding: "utf8" }));
    expect(Math.abs(printed - now.loss)).toBeLessThan(1e-6);

    const project = await exported(page, "Project, JSON");
    const other = await studio.open("", { query: "&play=0" });
    await other.setInputFiles("#own-files", {
      name: "experiment.hebb.json",
      mimeType: "application/json",
      buffer: readFileSync(project),
    });
    const again = await until(other, ({ step, state }) => step === 150 && state["data"] === "circles", "the project");
    expect(again.loss).toBe(now.loss);
    await other.evaluate("studio.advance(5)");
    await page.evaluate("studio.advance(5)");
    const [a, b] = [
      await until(page, ({ step }) => step === 155, "155"),
      await until(other, ({ step }) => step === 155, "155"),
    ];
    expect(b.loss).toBe(a.loss);
    await page.close();
    await other.close();
  });
  it("a damaged project is refused with a message", async () => {
    const page = await studio.open("", { query: "&play=0" });
    await page.setInputFiles("#own-files", {
      name: "cut.json",
      mimeType: "application/json",
      buffer: Buffer.from('{"format":"hebb-stu'),
    });
    await page.getByText("it may have been cut off").waitFor();
    expect((await memory(page))?.state["data"]).toBe("moons");
    await page.close();
  });
  it("applies the model to a case", async () => {
    const page = await studio.open("data=iris&loss=crossEntropy&layers=8.relu&step=600&surface=ship");
    await page.locator(".answer b").waitFor();
    await page.getByLabel("petal_length").fill("1.4");
    await page.getByLabel("petal_width").fill("0.2");
    await page.locator(".answer b", { hasText: "setosa" }).waitFor();
    await page.getByLabel("petal_length").fill("6");
    await page.getByLabel("petal_width").fill("2.3");
    await page.locator(".answer b", { hasText: "virginica" }).waitFor();
    await page.close();
  });
});
