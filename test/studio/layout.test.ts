// The layout at six widths, at 100 % and 200 %, with few and many classes, short and long names: nothing is too wide, covered, cut off or displaced.
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { layoutNetwork } from "../../studio/page/draw/layout.ts";
import { leastPitch, roomFor } from "../../studio/page/step/geometry.ts";
import { drawn, missing, picture, soon, until, useStudio, whenTrue } from "./browser.ts";
import { faultsOf, watchShifts } from "./faults.ts";
import { settled, watchSettling } from "./settled.ts";

const studio = useStudio();
const widths = [390, 600, 768, 1024, 1400, 2560] as const;
const heights: Readonly<Record<number, number>> = { 390: 844, 600: 900, 768: 1024, 1024: 768, 1400: 900, 2560: 1440 };
const surfaces = ["lab", "step", "compare", "ship", "lessons", "results", "training"] as const;

const long = (k: number): string =>
  `Rhododendron catawbiense grandiflorum, subspecies ${k + 1} of the northern highlands`;
/** A table with `classes` classes in its last column. */
function table(classes: number, name: (k: number) => string, column: (k: number) => string): string {
  const rows = Array.from({ length: 30 * classes }, (_, row) => {
    const label = row % classes;
    const noise = ((row * 7919) % 101) / 100;
    return [label + noise, (label * label) % 7, noise * 3, row % 2 ? "left" : "right", name(label)]
      .map((cell) => `"${cell}"`)
      .join(",");
  });
  return `${[0, 1, 2, 3, 4].map((k) => `"${column(k)}"`).join(",")}\n${rows.join("\n")}\n`;
}
const short = (k: number): string => ["size", "mass", "age", "side", "kind"][k] ?? "";
const wordy = (k: number): string =>
  `measurement number ${k + 1} as it was taken in the field by the second expedition`;
/** The longest at both zooms; the others, each of which is smaller in one respect, at one zoom. */
const tables = [
  ["2 classes, short names", table(2, (k) => `c${k}`, short), "kind", [1]],
  ["2 classes, long names", table(2, long, wordy), wordy(4), [2]],
  ["20 classes, short names", table(20, (k) => `c${k}`, short), "kind", [1]],
  ["20 classes, long names", table(20, long, wordy), wordy(4), [1, 2]],
] as const;

async function parts(page: Page): Promise<readonly string[]> {
  const tabs = page.getByRole("tab");
  return (await tabs.first().isVisible()) ? ["Output", "Network", "Curves", "Data"] : [""];
}

describe.skipIf(missing)("nothing is too wide, covered, cut or too small to touch", () => {
  for (const [title, text, target, zooms] of tables) {
    for (const zoom of zooms) {
      it(`${title}, ${zoom * 100} %`, async () => {
        const all: string[] = [];
        const page = await studio.open("", {
          query: "&play=0",
          context: { deviceScaleFactor: zoom, viewport: { width: 700, height: 500 } },
        });
        await page.evaluate(
          ([text, target]) => {
            const { studio } = globalThis as unknown as {
              studio: { useOwn(own: object, patch: object): void };
            };
            const layers = [6, 5].map((units) => ({ kind: "dense", units, activation: "tanh" }));
            studio.useOwn({ kind: "table", name: "plants.csv", text }, { target, loss: "crossEntropy", layers });
          },
          [text, target] as const,
        );
        await whenTrue(page, "studio.run.value?.data.name === 'plants.csv' && !studio.hot.stale");
        await watchSettling(page);
        await page.evaluate("studio.change({ selected: '1.1' })");
        await page.evaluate("studio.advance(20)");
        await until(page, ({ step }) => step === 20, "step 20");
        for (const surface of surfaces) {
          await page.evaluate(`studio.change({ surface: "${surface}", lesson: 0 })`);
          await settled(page, 100);
          if (surface === "step") await page.locator(".path-stage").waitFor();
          for (const width of widths) {
            await page.setViewportSize({
              width: Math.round(width / zoom),
              height: Math.round((heights[width] ?? 900) / zoom),
            });
            await settled(page, 40);
            for (const part of surface === "lab" ? await parts(page) : [""]) {
              if (part !== "") await page.getByRole("tab", { name: part }).click();
              const found = await faultsOf(page);
              all.push(...found.map((fault) => `${surface} ${part} ${width}: ${fault}`));
              if (title === "20 classes, long names")
                await picture(page, `layout-${surface}${part}-${width}-${zoom * 100}`, { fullPage: zoom === 1 });
            }
          }
        }
        await page.context().close();
        expect([...new Set(all)]).toEqual([]);
      }, 400_000);
    }
  }
  it("Text, with the most heads and several models, and with long tokens", async () => {
    const all: string[] = [];
    for (const run of [
      "source:brackets;length:20;layers:6;width:32;heads:8;batch:4;beside:lstm_gru_rnn;step:1",
      "source:shakespeare;tokens:bpe;vocabulary:1024;layers:1;width:16;heads:2;batch:4;step:1",
    ]) {
      const page = await studio.open(`surface=text&text=${run}`, {
        query: "&play=0",
        context: { viewport: { width: 1400, height: 900 } },
      });
      await whenTrue(page, "globalThis.texts?.samples.value !== undefined");
      await watchSettling(page);
      for (const width of [195, ...widths]) {
        await page.setViewportSize({ width, height: heights[width] ?? 422 });
        await settled(page, 60);
        all.push(...(await faultsOf(page)).map((fault) => `${run} ${width}: ${fault}`));
      }
      await page.context().close();
    }
    expect(all).toEqual([]);
  }, 400_000);
  it("every lesson", async () => {
    const all: string[] = [];
    const page = await studio.open("surface=lessons", {
      query: "&play=0",
      context: { viewport: { width: 700, height: 900 } },
    });
    await watchSettling(page);
    for (let number = 1; number <= 14; number++) {
      await page.evaluate("studio.change({ surface: 'lessons', lesson: 0 })");
      await page
        .locator(".lesson-list button")
        .nth(number - 1)
        .click();
      // The bars appear after a click.
      if (number === 11) await page.getByRole("button", { name: "Measure it now" }).click();
      await settled(page, 100);
      for (const width of [195, 390, 768, 1400]) {
        await page.setViewportSize({ width, height: heights[width] ?? 422 });
        await settled(page, 40);
        all.push(...(await faultsOf(page)).map((fault) => `lesson ${number} ${width}: ${fault}`));
      }
    }
    await page.context().close();
    expect(all).toEqual([]);
  }, 400_000);
});

it("the drawn step has 24 px for each unit without overlap, at any number of layers and units", () => {
  for (let layers = 2; layers <= 8; layers++)
    for (let units = 1; units <= 40; units++) {
      const stages = Array.from({ length: layers }, (_, k) => {
        const own = k % 2 === 0 ? units : Math.ceil(units / 3);
        return { kind: "dense", units: own, shape: [own], path: String(k) } as const;
      });
      const { gap, height } = roomFor(stages);
      const columns = layoutNetwork(stages, gap * layers, height, leastPitch);
      const spots = columns.flatMap((column) => column.spots);
      for (const [k, a] of spots.entries()) {
        const what = `${layers} layers, ${units} units, spot ${k}`;
        expect(a.size, what).toBeGreaterThanOrEqual(24);
        expect(a.y - a.size / 2, what).toBeGreaterThanOrEqual(0);
        expect(a.y + a.size / 2, what).toBeLessThanOrEqual(height);
        const over = spots.slice(k + 1).some((b) => {
          const room = (a.size + b.size) / 2;
          return Math.abs(a.x - b.x) < room && Math.abs(a.y - b.y) < room;
        });
        expect(over, what).toBe(false);
      }
    }
});

describe.skipIf(missing)("nothing moves by itself", () => {
  for (const width of [390, 600, 768, 1024, 1400, 2560]) {
    it(`while it opens, trains, stops and says why, at ${width} px`, async () => {
      const moved: string[] = [];
      for (const [fragment, stop] of [
        ["data=circles&noise=0.1&layers=4.identity&speed=0", "plateau"],
        ["data=curve&loss=mse&optimizer=sgd&lr=10&layers=8.relu_8.relu&init=large&speed=0", "nan"],
        ["data=iris&loss=crossEntropy&layers=8.relu&selected=1.1&speed=60", ""],
      ] as const) {
        const page = await studio.open(fragment, {
          query: "&play=0",
          context: { viewport: { width, height: heights[width] ?? 900 } },
        });
        await page.evaluate(watchShifts);
        await page.evaluate("studio.play(true)");
        if (stop === "") await until(page, ({ epoch }) => epoch > 60, "60 epochs");
        else {
          await until(page, ({ stopped }) => stopped === stop, stop);
          await page.locator(".notices .notice").first().waitFor();
        }
        await page.waitForTimeout(300);
        const shifts = await page.evaluate<[number, string][]>("globalThis.shifts");
        const sum = shifts.reduce((total, [value]) => total + value, 0);
        if (sum >= 0.01) moved.push(`${fragment}: ${sum.toFixed(4)}: ${JSON.stringify(shifts.slice(0, 6))}`);
        await page.context().close();
      }
      expect(moved).toEqual([]);
    }, 400_000);
  }
  it("the head of a layer has its final position before the worker has created the layer", async () => {
    const page = await studio.open("layers=", {
      query: "&play=0",
      context: { viewport: { width: 1400, height: 900 } },
    });
    // An engine that never answers.
    await page.evaluate("studio.client.send = () => {}");
    await page.evaluate('studio.change({ layers: [{ kind: "dense", units: 4, activation: "tanh" }] })');
    await page.evaluate(drawn);
    const box = await page.locator(".layer-heads").boundingBox();
    const head = await page.locator(".layer-head").boundingBox();
    if (box === null || head === null) throw new Error("there is no head");
    expect(Math.abs(head.x + head.width / 2 - box.x - box.width / 2)).toBeLessThan(2);
    expect(await page.locator(".add-layer").count()).toBe(2);
    await page.context().close();
  });
  it("the curves as a table have the same height before the first step as later", async () => {
    for (const [fragment, panel, ahead] of [
      ["", ".panel.curves", "studio.advance(400)"],
      [
        "surface=text&text=source:names;layers:1;width:16;heads:2",
        ".panel.text-curves",
        "texts.textTransport.advance(400)",
      ],
    ] as const) {
      const page = await studio.open(fragment, { query: "&play=0", context: {} });
      const curves = page.locator(panel);
      await curves.getByRole("button", { name: "show as table" }).click();
      const table = curves.locator(".table-scroll");
      await expect.poll(() => table.locator("tbody tr").count(), soon).toBe(1);
      const before = await table.boundingBox();
      await page.evaluate(ahead);
      await expect.poll(() => table.locator("tbody tr").count(), soon).toBeGreaterThan(15);
      expect((await table.boundingBox())?.height, fragment).toBe(before?.height);
      await page.context().close();
    }
  }, 400_000);
  it("lanes do not move while they run, as a chart and as a table, nor when bands over seeds appear", async () => {
    const page = await studio.open("surface=compare&layers=2.tanh&lanes=optimizer:sgd|init:zeros|layers:3.relu", {
      query: "&play=0",
      context: { viewport: { width: 600, height: 900 } },
    });
    const run = page.getByRole("button", { name: "Run all lanes" });
    const seeds = page.getByRole("button", { name: "× 10 seeds" });
    const lanes = page.locator(".lane .lane-figures");
    await expect.poll(() => lanes.count(), soon).toBe(4);
    const top = async (): Promise<number> => (await page.locator(".lanes").boundingBox())?.y ?? Number.NaN;
    await page.locator("select").filter({ hasText: "5000" }).selectOption("200");
    const chart = await top();
    await page.getByRole("button", { name: "show as table" }).first().click();
    const table = await top();
    await run.click();
    await expect.poll(() => lanes.last().textContent(), soon).toContain("200");
    expect(await top()).toBe(table);
    await page.getByRole("button", { name: "show as chart" }).click();
    expect(await top()).toBe(chart);
    await seeds.click();
    await expect.poll(() => page.locator(".lanes-say").innerText(), soon).toMatch(/seed \d+ of 10/);
    expect(await top()).toBe(chart);
    await expect.poll(() => seeds.isEnabled(), soon).toBe(true);
    expect(await top()).toBe(chart);
    await page.context().close();
  }, 400_000);
});
