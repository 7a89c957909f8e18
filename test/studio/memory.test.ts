// The memory of a page and its workers stays flat while every surface trains and draws. HEBB_LONG=1 watches for ten minutes instead of half a minute.
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { missing, useStudio, whenTrue } from "./browser.ts";
import { Heaps, type Held } from "./heaps.ts";

const lengthy = process.env["HEBB_LONG"] === "1";
const seconds = Number(process.env["HEBB_MEMORY_SECONDS"] ?? (lengthy ? 600 : 24));
/** The time until a surface has all that it keeps: curves and films are thinned when they are full. */
const filling = lengthy ? seconds / 4 : 8;
const megabyte = 2 ** 20;
/**
 * The allowed growth in megabytes between the first and the last measurements. A leak in every picture exceeds it: in half a minute of thirty
 * pictures a second even ten kilobytes each are 5 MB.
 */
const allowed = 3;

interface Surface {
  readonly name: string;
  readonly hash: string;
  /** A visitor's action there, once a second. */
  readonly turn: (page: Page, count: number) => Promise<void>;
}

/** Nothing to memorise and a rate that is too low: it trains forever. */
const endless = "data=moons&noise=0.3&optimizer=sgd&lr=0.00001";
const keepPlaying = async (page: Page): Promise<void> => {
  await page.evaluate("studio.play(true)");
};
/** Trains, and pauses for the measurement. */
const byTurns = async (page: Page, count: number): Promise<void> => {
  await page.evaluate(`studio.play(${count % 3 !== 0})`);
};
const press = async (page: Page, name: string): Promise<void> => {
  const button = page.getByRole("button", { name, exact: true }).first();
  if (await button.isEnabled()) await button.click();
};

const surfaces: readonly Surface[] = [
  { name: "lab", hash: `${endless}&layers=8.tanh_8.tanh&speed=60`, turn: keepPlaying },
  { name: "step", hash: `surface=step&${endless}&layers=4.tanh`, turn: (page) => press(page, "Take this step") },
  {
    name: "compare",
    hash: `surface=compare&${endless}&layers=4.tanh&lanes=optimizer:adam|lr:0.001`,
    turn: async (page, count) => {
      if (count % 10 === 0) await press(page, "Rewind");
      else if (await page.getByRole("button", { name: "Run all lanes" }).isVisible())
        await press(page, "Run all lanes");
    },
  },
  {
    name: "ship",
    hash: `surface=ship&${endless}&layers=4.tanh`,
    turn: async (page, count) => {
      if (count % 4 === 3) await page.evaluate("studio.advance(1)");
      else await press(page, "Write and check");
    },
  },
  {
    name: "text",
    // It keeps 40 states of a run to go back to. The model is so small that they do not matter.
    hash: "surface=text&text=source:names;layers:1;width:16;heads:2;lr:0.00001",
    turn: async (page) => {
      await page.evaluate("texts.play(true)");
    },
  },
  { name: "results", hash: `surface=results&${endless}&data=loans&layers=8.relu`, turn: byTurns },
  { name: "training", hash: `surface=training&${endless}&layers=8.tanh`, turn: byTurns },
  {
    name: "lessons",
    hash: "surface=lessons&lesson=3",
    turn: async (page, count) => {
      if (count % 5 === 4) await page.evaluate(`studio.change({ lesson: ${1 + (count % 14)} })`);
      else await keepPlaying(page);
    },
  },
];

type Look = ReadonlyMap<string, number>;

/** Megabytes by owner. */
const inMegabytes = (held: readonly Held[]): Look =>
  new Map(
    held.flatMap(({ name, heap, buffers }): [string, number][] => [
      [`${name}, heap`, heap / megabyte],
      [`${name}, buffers`, buffers / megabyte],
    ]),
  );

/** The least of the last measurements minus the least of the first, which excludes temporary memory. */
function growth(looks: readonly Look[], name: string): number {
  const all = looks.map((look) => look.get(name) ?? Number.NaN);
  const part = Math.max(1, Math.floor(all.length / 3));
  return Math.min(...all.slice(-part)) - Math.min(...all.slice(0, part));
}

const studio = useStudio();

/** Measures a page between two times, in seconds, during an activity. */
async function watch(
  page: Page,
  turn: Surface["turn"],
  { from, to }: { readonly from: number; readonly to: number },
): Promise<readonly Look[]> {
  const heaps = await Heaps.of(page);
  const looks: Look[] = [];
  const begun = performance.now();
  const every = (to - from) / 8;
  for (let count = 0; ; count++) {
    const passed = (performance.now() - begun) / 1000;
    if (passed > to) return looks;
    await turn(page, count);
    if (passed > from + every * looks.length) looks.push(inMegabytes(await heaps.held()));
    await page.waitForTimeout(1000);
  }
}

describe.skipIf(missing)("memory of a page and its workers", () => {
  it("detects a page that leaks forty kilobytes ten times a second", async () => {
    const page = await studio.open(`${endless}&layers=8.tanh`, { context: {} });
    await page.evaluate(
      "(() => { const kept = []; setInterval(() => kept.push(Array.from({ length: 5000 }, Math.random)), 100); })()",
    );
    const looks = await watch(page, keepPlaying, { from: 2, to: 16 });
    await page.context().close();
    expect(growth(looks, "page, heap")).toBeGreaterThan(allowed);
  }, 1_000_000);
  it("is flat in every surface", async () => {
    const pages = await Promise.all(
      surfaces.map(async (surface) => ({ surface, page: await studio.open(surface.hash, { context: {} }) })),
    );
    await Promise.all(
      pages.map(({ surface, page }) =>
        whenTrue(page, surface.name === "text" ? "globalThis.texts?.hot.picture !== undefined" : "!studio.hot.stale"),
      ),
    );
    const grown = await Promise.all(
      pages.map(async ({ surface, page }) => {
        const looks = await watch(page, surface.turn, { from: filling, to: seconds });
        const names = [...(looks[0]?.keys() ?? [])];
        console.log(
          names
            .map((name) => `${surface.name}, ${name}: ${looks.map((look) => look.get(name)?.toFixed(1)).join(" ")} MB`)
            .join("\n"),
        );
        await page.context().close();
        return names.map((name) => ({ what: `${surface.name}, ${name}`, by: growth(looks, name) }));
      }),
    );
    const all = grown.flat();
    expect(all.length).toBeGreaterThanOrEqual(4 * surfaces.length);
    expect(all.filter(({ by }) => !(by < allowed))).toEqual([]);
  }, 4_000_000);
});
