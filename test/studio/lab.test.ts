// The Lab in Chromium: first open, building by keyboard, own data, going back, links, reloads, runs that stop with a reason.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { Session } from "../../studio/engine/session.ts";
import { exportRun } from "../../studio/engine/ship.ts";
import { startState } from "../../studio/shared/state.ts";
import { builder, drawn, memory, missing, soon, until, useStudio, whenTrue } from "./browser.ts";

const studio = useStudio();
const dataFolder = fileURLToPath(new URL("../../../shared/data", import.meta.url));

async function drop(page: Page, files: readonly { name: string; mimeType: string; buffer: Buffer }[]): Promise<void> {
  await page.setInputFiles("#own-files", [...files]);
  await page.waitForSelector("dialog.drop");
}
const csv = (name: string, text: string) => ({ name, mimeType: "text/csv", buffer: Buffer.from(text) });

describe.skipIf(missing)("first open", () => {
  it("loads at most 80 KB of JavaScript before the engine", async () => {
    const { bundleStudio, initialScripts } = await builder();
    const { files, metafile } = await bundleStudio();
    const initial = initialScripts(metafile);
    const bytes = initial.reduce((sum, name) => sum + gzipSync(files.get(name) ?? "").length, 0);
    console.log(`JavaScript at first: ${(bytes / 1024).toFixed(1)} KB gzip in ${initial.length} files`);
    expect(bytes).toBeLessThanOrEqual(80 * 1024);
    expect(initial).not.toContain("worker.js");
  });
  it("repaints tiles of data for another theme, not for every step of the network", async () => {
    const page = await studio.open("", {
      query: "&play=0",
      scripts: [
        `(() => {
          globalThis.cleared = { tiles: 0, others: 0 };
          const { clearRect } = CanvasRenderingContext2D.prototype;
          CanvasRenderingContext2D.prototype.clearRect = function (...box) {
            globalThis.cleared[this.canvas.closest(".tile") === null ? "others" : "tiles"]++;
            clearRect.apply(this, box);
          };
        })()`,
      ],
    });
    const cleared = () => page.evaluate<{ tiles: number; others: number }>("globalThis.cleared");
    await page.evaluate(drawn);
    const tiles = await page.locator(".tile canvas").count();
    expect(tiles).toBeGreaterThan(8);
    const before = await cleared();
    expect(before.tiles).toBeGreaterThanOrEqual(tiles);
    for (let step = 1; step <= 10; step++) {
      await page.evaluate("studio.advance(1)");
      await until(page, (now) => now.step === step, `step ${step}`);
      await page.evaluate(drawn);
    }
    const after = await cleared();
    expect(after.tiles).toBe(before.tiles);
    expect(after.others).toBeGreaterThanOrEqual(before.others + 10);
    await page.emulateMedia({ colorScheme: "dark" });
    await expect.poll(async () => (await cleared()).tiles, soon).toBeGreaterThanOrEqual(before.tiles + tiles);
    await page.close();
  });
  it("learns two moons by itself, and the loss falls", async () => {
    const page = await studio.open();
    const first = await until(page, ({ step }) => step > 0, "a first step");
    expect(first.state["data"]).toBe("moons");
    await expect.poll(() => page.getByRole("button", { name: "Pause" }).count(), soon).toBe(1);
    const later = await until(page, ({ epoch }) => epoch > 25, "epoch 25");
    expect(later.loss).toBeLessThan(0.4);
    expect(later.metric).toBeGreaterThan(0.8);
    await page.close();
  });
  it("shows a network that has learned something", async () => {
    const page = await studio.open();
    await until(page, ({ step }) => step > 0, "a first step");
    await whenTrue(page, "performance.getEntriesByName('first-learned').length > 0");
    const time = await page.evaluate<number>("performance.getEntriesByName('first-learned')[0].startTime");
    // bench/studio.ts measures how long that takes.
    console.log(`first learned frame after ${time.toFixed(0)} ms`);
    await page.close();
  });
  it("shows a trained network without motion under reduced motion", async () => {
    const page = await studio.open("", { context: { reducedMotion: "reduce" } });
    const still = await until(page, ({ step }) => step > 1000, "a finished still");
    expect(still.playing).toBe(false);
    expect(still.metric).toBeGreaterThan(0.9);
    await page.context().close();
  });
  for (const path of ["/isolated/", "/some/folder/"]) {
    it(`works from ${path}`, async () => {
      const page = await studio.open("", { path });
      expect(await page.evaluate("crossOriginIsolated")).toBe(path === "/isolated/");
      await until(page, ({ epoch, loss }) => epoch > 10 && loss < 0.5, "learning");
      await page.close();
    });
  }
});

describe.skipIf(missing)("inspecting", () => {
  it("introduces itself once, on the first visit", async () => {
    const page = await studio.open("", { query: "&play=0&welcome=1" });
    await page.getByText("A neural network is learning here").waitFor();
    await page.getByRole("button", { name: "Learn it in fourteen lessons" }).click();
    await page.getByRole("heading", { name: "Fourteen lessons" }).waitFor();
    await page.keyboard.press("1");
    await page.getByRole("heading", { name: "Network", exact: true }).waitFor();
    await expect.poll(() => page.getByText("A neural network is learning here").count(), soon).toBe(0);
    await page.evaluate("localStorage.clear()");
    await page.close();
  });
  it("a figure has one name and one value in the bar and in the lanes", async () => {
    const figures = (page: Page, list: string) =>
      page.evaluate<string[]>(
        `[...document.querySelector("${list}").children].map(({ children: [name, value] }) => name.textContent.trim() + " " + value.textContent)`,
      );
    for (const [data, rows] of [
      ["data=moons", "test"],
      ["data=curve&loss=mse", "test"],
      ["data=xor&test=0", "train"],
    ] as const) {
      const page = await studio.open(`${data}&surface=compare`, { query: "&play=0" });
      await page.locator(".lane-figures dd").first().waitFor();
      const [bar, lane] = [await figures(page, ".gauges"), await figures(page, ".lane-figures")];
      const both = lane
        .filter((figure) => bar.includes(figure))
        .map((figure) => figure.split(" ").slice(0, 2).join(" "));
      expect(both).toContain("train loss");
      expect(both).toContain(`${rows} ${data.includes("curve") ? "R²" : "accuracy"}`);
      await page.close();
    }
  });
  it("a neuron under the pointer is enlarged", async () => {
    const page = await studio.open("step=300", { query: "&play=0" });
    await page.hover("[data-at='1.2']");
    await page.locator(".map-note", { hasText: "layer 1, neuron 3" }).waitFor();
    await page.hover("h1");
    await page.locator(".map-note").waitFor({ state: "detached" });
    await page.close();
  });
  it("a map of a convolution has weights and a histogram; a convolution can be added", async () => {
    const page = await studio.open("data=digits&layers=c4.relu_8.relu&loss=crossEntropy&count=60&selected=1.1&step=5", {
      query: "&play=0",
    });
    await page.getByRole("heading", { name: "Layer 1, neuron 2" }).waitFor();
    await page.getByLabel("weight of above left").waitFor();
    await whenTrue(page, "studio.hot.snapshot.unit?.values.length > 10");
    await page.getByRole("button", { name: "Add a layer after the inputs" }).click();
    const now = await until(page, ({ state }) => (state["layers"] as unknown[]).length === 3, "another layer");
    expect(now.state["layers"]).toMatchObject([{ kind: "conv" }, { kind: "conv" }, { kind: "dense" }]);
    await page.close();
  });
  it("painting begins with two placeholder points", async () => {
    const page = await studio.open("data=painted&test=0", { query: "&play=0" });
    expect(await page.evaluate("studio.run.value.data.trainCount")).toBe(2);
    await page.locator(".map-box").click({ position: { x: 120, y: 80 } });
    await page.locator(".map-box").click({ position: { x: 180, y: 200 }, modifiers: ["Shift"] });
    await until(page, ({ state }) => (state["points"] as unknown[]).length === 2, "two points of one's own");
    expect((await memory(page))?.failure).toBe("");
    await page.close();
  });
});

describe.skipIf(missing)("a network built by keyboard alone", () => {
  it("adds and changes layers, selects a neuron, plays and steps", async () => {
    const page = await studio.open("", { query: "&play=0" });
    const tabTo = async (name: string): Promise<void> => {
      for (let k = 0; k < 120; k++) {
        await page.keyboard.press("Tab");
        if ((await page.evaluate<string>("document.activeElement?.getAttribute('aria-label') ?? ''")) === name) return;
      }
      throw new Error(`no way to ${name} by Tab`);
    };
    await tabTo("units of layer 1: one more");
    await page.keyboard.press("Enter");
    await until(page, ({ state }) => JSON.stringify(state["layers"]).includes('"units":9'), "a ninth unit");
    await tabTo("Add a layer after layer 2");
    await page.keyboard.press("Enter");
    await until(page, ({ state }) => (state["layers"] as unknown[]).length === 3, "a third layer");
    await page.waitForSelector("[data-at='3.0']");
    await page.focus("[data-at='1.0']");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await until(page, ({ state }) => state["selected"] === "2.1", "the selection");
    await page.getByRole("heading", { name: "Layer 2, neuron 2" }).waitFor();
    await page.keyboard.press("-");
    const smaller = await until(
      page,
      ({ state }) => (state["layers"] as { units: number }[])[1]?.units === 7,
      "one unit less",
    );
    expect(smaller.step).toBe(0);
    await page.evaluate("document.activeElement?.blur()");
    await page.keyboard.press("ArrowRight");
    await until(page, ({ step }) => step === 1, "one step");
    await page.keyboard.press(" ");
    await until(page, ({ step, playing }) => playing && step > 20, "playing");
    await page.keyboard.press(" ");
    await until(page, ({ playing }) => !playing, "a pause");
    await page.keyboard.press("r");
    await until(page, ({ step }) => step === 0, "the rewind");
    await page.keyboard.press("Control+k");
    await page.getByRole("combobox", { name: "Search actions" }).fill("spirals");
    await page.keyboard.press("Enter");
    await until(page, ({ state }) => state["data"] === "spirals", "spirals from the palette");
    await page.close();
  });
});

describe.skipIf(missing)("time", () => {
  it("goes back one step to the same numbers, and rewinds to the same weights", async () => {
    const page = await studio.open("", { query: "&play=0" });
    const start = await until(page, ({ step }) => step === 0, "the start");
    const losses: number[] = [];
    for (let step = 1; step <= 3; step++) {
      await page.getByRole("button", { name: "One step ahead" }).click();
      losses.push((await until(page, (now) => now.step === step, `step ${step}`)).loss);
    }
    await page.getByRole("button", { name: "One step back" }).click();
    expect((await until(page, ({ step }) => step === 2, "step 2 again")).loss).toBe(losses[1]);
    await page.getByRole("button", { name: "Rewind to the same initial weights" }).click();
    expect((await until(page, ({ step }) => step === 0, "step 0 again")).loss).toBe(start.loss);
    await page.close();
  });
  it("a link opens to the same loss at the same step", async () => {
    const page = await studio.open(
      "data=circles&layers=6.relu_4.tanh&optimizer=momentum&lr=0.03&dropout=0.1&seed=11&speed=0",
      { query: "&play=0" },
    );
    await page.evaluate("studio.advance(777)");
    const here = await until(page, ({ step }) => step === 777, "step 777");
    const link = await page.evaluate<string>("studio.linkHere()");
    const other = await studio.open(new URL(link).hash.slice(1));
    const there = await until(other, ({ step }) => step === 777, "step 777 from the link");
    expect(there.loss).toBe(here.loss);
    expect(there.playing).toBe(false);
    await page.close();
    await other.close();
  });
  it("a reload loses nothing", async () => {
    const page = await studio.open("data=spirals&noise=0.1", { query: "&keep=1" });
    await until(page, ({ step }) => step > 60, "some steps");
    await page.evaluate("studio.play(false)");
    await page.waitForTimeout(300);
    const before = await until(page, ({ playing, step, state }) => !playing && state["step"] === step, "a pause");
    const points = await page.evaluate<number>("studio.hot.history.length");
    await page.evaluate("studio.keepNow()");
    await page.reload();
    await whenTrue(page, "globalThis.studio?.hot?.snapshot !== undefined");
    const after = await until(page, ({ step }) => step === before.step, "the same step");
    expect(after.loss).toBe(before.loss);
    expect(after.state["data"]).toBe("spirals");
    expect(await page.evaluate<number>("studio.hot.history.length")).toBe(points);
    await page.evaluate("studio.forgetAll()");
    await page.close();
  });
});

describe.skipIf(missing)("a run that stops with a reason", () => {
  it("says that the loss became NaN, and fixes it with one click", async () => {
    const page = await studio.open("data=curve&loss=mse&optimizer=sgd&lr=10&layers=8.relu_8.relu&init=large&speed=0");
    await until(page, ({ stopped }) => stopped === "nan", "the loss of all numbers");
    await page.locator(".notice", { hasText: "The loss became" }).waitFor();
    await page.locator(".notice.bad button.accent").click();
    const now = await until(page, ({ loss, step }) => Number.isFinite(loss) && step > 2000, "a run with numbers");
    expect(now.state["init"]).toBe("xavier");
    await expect.poll(() => page.locator(".notice.bad").count(), soon).toBe(0);
    await page.close();
  });
  it("stops at a plateau", async () => {
    const page = await studio.open("data=circles&noise=0.1&layers=4.identity&speed=0");
    await until(page, ({ stopped }) => stopped === "plateau", "the plateau");
    await page.locator(".notice", { hasText: "hardly moved" }).waitFor();
    await page.close();
  });
  it("says why a combination is unwise, and runs both", async () => {
    const page = await studio.open("loss=mse", { query: "&play=0" });
    await page.getByText("MSE after sigmoid").waitFor();
    await page.getByRole("button", { name: "Why" }).click();
    await page.getByText("Cross-entropy cancels that factor").waitFor();
    await page.getByRole("button", { name: "Run both" }).click();
    await until(
      page,
      ({ state }) => state["surface"] === "compare" && JSON.stringify(state["lanes"]) === '[{"loss":"bce"}]',
      "two lanes",
    );
    await page.close();
  });
});

describe.skipIf(missing)("own data", () => {
  const table = `name,size,weight,kind\n${Array.from({ length: 120 }, (_, k) => `n${k},${(k % 2) + ((k * 37) % 11) / 20},${3 - (k % 2) + ((k * 53) % 13) / 20},${k % 2 ? "big" : "small"}`).join("\n")}\n`;
  it("a table: preview, types, target; it trains", async () => {
    const page = await studio.open("speed=0", { query: "&play=0" });
    await drop(page, [csv("things.csv", table)]);
    await page.getByText("120 rows, 4 columns").waitFor();
    expect(await page.locator("dialog select").inputValue()).toBe("kind");
    await page.getByRole("button", { name: "Learn from it" }).click();
    await until(page, ({ state }) => state["data"] === "own", "own data");
    await page.getByRole("button", { name: "Play" }).click();
    await until(page, ({ testMetric }) => (testMetric ?? 0) > 0.95, "accuracy");
    await page.close();
  });
  it("a malformed one: the row is named", async () => {
    const page = await studio.open("", { query: "&play=0" });
    await drop(page, [csv("bad.csv", "a,b\n1,2\n3,4,5\n6,7\n")]);
    const alert = page.locator("dialog [role=alert]");
    await alert.waitFor();
    expect(await alert.textContent()).toMatch(/bad\.csv.*line 3/);
    expect((await memory(page))?.state["data"]).toBe("moons");
    await page.close();
  });
  it("the page opens its own weights with the same loss, and refuses others", async () => {
    const session = await Session.open({ ...startState, seed: 5 }, undefined);
    session.advance(400);
    const { name, bytes } = await exportRun(session, "safetensors", undefined);
    const file = { name, mimeType: "", buffer: Buffer.from(bytes) };
    const page = await studio.open("seed=5", { query: "&play=0" });
    await page.setInputFiles("#own-files", file);
    const { loss } = session.record().train;
    const opened = await until(
      page,
      (now) => now.step === 0 && Math.abs(now.loss - loss) < 1e-6,
      "the loss of the file",
    );
    expect(opened.failure).toBe("");
    await page.getByText(`begins with the weights of ${name}`).waitFor();
    await page.evaluate("studio.advance(1)");
    await until(page, ({ step }) => step === 1, "training on");
    await page.close();
    const other = await studio.open("layers=4.tanh", { query: "&play=0" });
    await other.setInputFiles("#own-files", file);
    await other.getByText(`${name} has 6 weights and biases, the network here 4`).waitFor();
    await other.close();
  });
  it("labels are requested for images without them", async () => {
    const page = await studio.open("", { query: "&play=0" });
    await drop(page, [{ name: "train-images-idx3-ubyte", mimeType: "", buffer: Buffer.from([0, 0, 8, 3]) }]);
    await page.getByText("drop the file with their labels together with it").waitFor();
    await page.close();
  });

  const real = existsSync(`${dataFolder}/penguins.csv`);
  if (!real) console.warn("own data: the tests with real tables are skipped, there is no ../shared/data");
  for (const [name, target, floor] of [
    ["penguins.csv", "species", 0.96],
    ["german-credit.csv", "credit_risk", 0.74],
  ] as const) {
    it.skipIf(!real)(`${name} trains to what the command line reaches`, async () => {
      const page = await studio.open("speed=0", { query: "&play=0" });
      await drop(page, [csv(name, readFileSync(`${dataFolder}/${name}`, "utf8"))]);
      await page.locator("dialog select").selectOption(target);
      await page.getByRole("button", { name: "Learn from it" }).click();
      await until(page, ({ state }) => state["data"] === "own", "own data");
      await page.getByRole("button", { name: "Play" }).click();
      let best = 0;
      await until(
        page,
        ({ testMetric, epoch, stopped }) => {
          best = Math.max(best, testMetric ?? 0);
          return best >= floor && (epoch > 30 || stopped !== undefined);
        },
        `${floor} of ${name}`,
      );
      console.log(`${name}: ${(100 * best).toFixed(1)} % of the held-out rows at best`);
      await page.close();
    });
  }
  it.skipIf(!real)(
    "MNIST images train a CNN that reads a drawn figure",
    async () => {
      const page = await studio.open("speed=0", { query: "&play=0" });
      const file = (name: string) => ({
        name,
        mimeType: "application/gzip",
        buffer: readFileSync(`${dataFolder}/mnist/${name}`),
      });
      await drop(page, [file("test5k-images-idx3-ubyte.gz"), file("test5k-labels-idx1-ubyte.gz")]);
      await page.getByRole("button", { name: "Learn from them" }).click();
      await until(page, ({ state }) => state["data"] === "own", "own images");
      await page.getByRole("button", { name: "Play" }).click();
      await until(page, ({ testMetric }) => (testMetric ?? 0) > 0.94, "a CNN that reads", 150);
      await page.evaluate("studio.play(false)");
      await page.keyboard.press("4");
      const pad = page.locator(".pad canvas");
      const box = await pad.boundingBox();
      if (box === null) throw new Error("there is no pad");
      const at = (x: number, y: number): [number, number] => [box.x + x * box.width, box.y + y * box.height];
      await page.mouse.move(...at(0.52, 0.15));
      await page.mouse.down();
      for (const y of [0.3, 0.45, 0.6, 0.75, 0.88]) await page.mouse.move(...at(0.5, y));
      await page.mouse.up();
      await page.locator(".answer b").waitFor();
      expect(await page.locator(".answer b").textContent()).toBe("1");
      await page.close();
    },
    240_000,
  );
});
