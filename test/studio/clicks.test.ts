// Random visitors at six widths, at 100 % and 200 %, light and dark: whatever they do, the page has no faults. HEBB_LONG=1 makes 300 actions each.
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { printHash } from "../../studio/shared/state.ts";
import { axe } from "./axe.ts";
import { missing, useStudio, whenTrue } from "./browser.ts";
import { watchShifts } from "./faults.ts";
import { type Act, perform, Visitor, watchAnswers, wrongWith } from "./walk/clicks.ts";
import { randomState } from "./walk/states.ts";

const studio = useStudio();
const lengthy = process.env["HEBB_LONG"] === "1";
/** Milliseconds for each visitor; in a long walk the upper limit. */
const patience = Number(process.env["HEBB_WALK_SECONDS"] ?? (lengthy ? 1500 : 2)) * 1000;
const most = lengthy ? 300 : 6;
/** Milliseconds for shrinking a failing case. */
const shrinking = 1000 * Number(process.env["HEBB_WALK_SHRINK"] ?? 60);
const firstSeed = Number(process.env["HEBB_WALK_SEED"] ?? 0);

const sizes = [
  [390, 844],
  [600, 900],
  [768, 1024],
  [1024, 768],
  [1400, 900],
  [2560, 1440],
] as const;

interface Walk {
  readonly width: number;
  readonly height: number;
  readonly zoom: number;
  readonly colorScheme: "light" | "dark";
  readonly address: string;
  readonly seed: number;
  readonly acts: readonly Act[];
}

const walks: readonly Walk[] = sizes.flatMap(([width, height], size) =>
  [1, 2].flatMap((zoom) =>
    (["light", "dark"] as const).map((colorScheme, scheme): Walk => {
      const seed = firstSeed + 4 * size + 2 * (zoom - 1) + scheme;
      // Half of them start on the first page, half on a link to a random state.
      const address = seed % 2 === 0 ? "" : printHash({ ...randomState(seed), step: 7 });
      return { width, height, zoom, colorScheme, address, seed, acts: [] };
    }),
  ),
);

async function arrive({ width, height, zoom, colorScheme, address }: Walk, errors: string[]): Promise<Page> {
  const page = await studio.open(address, {
    query: "&play=0",
    errors,
    context: {
      colorScheme,
      deviceScaleFactor: zoom,
      viewport: { width: Math.round(width / zoom), height: Math.round(height / zoom) },
    },
    // Before the first paint, and again after every reload.
    scripts: [axe, watchShifts, watchAnswers],
  });
  page.on("filechooser", () => {});
  return page;
}

/** The first fault that these actions cause, and the number of actions before it. */
async function follow(walk: Walk): Promise<{ readonly wrong: readonly string[]; readonly after: number }> {
  const errors: string[] = [];
  const page = await arrive(walk, errors);
  try {
    let wrong = await wrongWith(page, errors);
    for (const [k, act] of walk.acts.entries()) {
      if (wrong.length > 0) return { wrong, after: k };
      const unusable = await perform(page, act);
      wrong = [...unusable, ...(await wrongWith(page, errors))];
    }
    return { wrong, after: walk.acts.length };
  } finally {
    await page.context().close();
  }
}

/** A fault without its numbers and names: another of its kind is equivalent. */
const kindOf = (wrong: readonly string[]): string => (wrong[0] ?? "").replace(/[\d.]+/g, "").slice(0, 24);

/** The same walk without the actions that do not matter for its fault. */
async function shortest(walk: Walk, wrong: readonly string[]): Promise<Walk> {
  let now = walk;
  const end = Date.now() + shrinking;
  for (let chunk = Math.ceil(walk.acts.length / 2); chunk >= 1; chunk = chunk === 1 ? 0 : Math.ceil(chunk / 2))
    for (let from = 0; from < now.acts.length; ) {
      if (Date.now() > end) return now;
      const less = { ...now, acts: now.acts.filter((_, k) => k < from || k >= from + chunk) };
      const again = await follow(less);
      if (kindOf(again.wrong) === kindOf(wrong)) now = { ...less, acts: less.acts.slice(0, again.after) };
      else from += chunk;
    }
  return now;
}

const asCase = ({ acts, ...walk }: Walk): string =>
  `${JSON.stringify(walk).slice(0, -1)},"acts":[\n${acts.map((act) => `  ${JSON.stringify(act)}`).join(",\n")}\n]}`;

const plain = { zoom: 1, colorScheme: "light", address: "", seed: 0 } as const;
/** Walks that once failed, as they were printed. */
const found: readonly Walk[] = [
  // The dialog of a table moved when its problems were reported.
  {
    ...plain,
    ...{ width: 768, height: 1024 },
    acts: [{ kind: "file", at: "input Choose files of your own", nth: 0, value: "numbers.csv" }],
  },
  // The palette opened over a dialog, and named an action where none matched; long column names were cut off.
  {
    ...plain,
    ...{ width: 600, height: 900 },
    acts: [
      { kind: "file", at: "input Choose files of your own", nth: 0, value: "plants.csv" },
      { kind: "key", value: "Control+k" },
      { kind: "key", value: "Escape" },
      { kind: "key", value: "Control+k" },
      { kind: "type", at: "input Search actions", nth: 0, value: "名前" },
    ],
  },
  // The longest name of a gauge stuck out of the page.
  {
    ...{ width: 768, height: 1024, zoom: 2, colorScheme: "dark", seed: 11, acts: [] },
    address: "data=loans&count=9&test=0&dataSeed=869&layers=4.hardtanh&step=7",
  },
  // Words stuck out of the page.
  {
    ...{ width: 390, height: 844, zoom: 2, colorScheme: "dark", seed: 203 },
    address: "data=words&layers=4.tanh&step=7",
    acts: [{ kind: "click", at: "button Command palette", nth: 0 }],
  },
  // A list without actions had the role of a list.
  {
    ...plain,
    ...{ width: 390, height: 844, colorScheme: "dark" },
    acts: ["Control+k", "q", "x", "q"].map((value) => ({ kind: "key", value })),
  },
  // The button that adds a layer covered the one that removes one.
  { ...plain, ...{ width: 768, height: 1024, zoom: 2 }, acts: [{ kind: "click", at: "button Network", nth: 0 }] },
  // The name of a file was wider than the page.
  {
    ...plain,
    ...{ width: 390, height: 844, zoom: 2, address: "surface=ship" },
    acts: [{ kind: "click", at: "button Write and check", nth: 2 }, { kind: "wait" }],
  },
  // A token with an attention of 100 % was hard to read in the dark scheme.
  {
    ...plain,
    ...{ width: 1024, height: 768, colorScheme: "dark", acts: [{ kind: "wait" }] },
    address: "surface=text&text=source:names;tokens:bpe;prompt:an",
  },
  // A video was started on a page without a drawing.
  {
    ...plain,
    ...{ width: 600, height: 900 },
    acts: [
      { kind: "key", value: "Control+k" },
      { kind: "click", at: "li Record a video of the run", nth: 0 },
      { kind: "click", at: "button confusion", nth: 0 },
      { kind: "wait" },
    ],
  },
];

describe.skipIf(missing)("whatever a visitor does, the page has no faults", () => {
  const pasted = process.env["HEBB_WALK"];
  it("in walks that once failed", async () => {
    for (const walk of pasted === undefined ? found : [JSON.parse(pasted) as Walk])
      expect((await follow(walk)).wrong, asCase(walk)).toEqual([]);
  }, 600_000);
  // Each size at each zoom in one of the schemes, alternating, unless HEBB_LONG=1.
  const usual = walks.filter((_, k) => lengthy || [0, 3].includes(k % 4));
  for (const walk of pasted === undefined ? usual : [])
    it(
      `seed ${walk.seed}: ${walk.width} px, ${100 * walk.zoom} %, ${walk.colorScheme}`,
      async () => {
        const visitor = new Visitor(walk.seed);
        const errors: string[] = [];
        const acts: Act[] = [];
        const page = await arrive(walk, errors);
        const end = Date.now() + patience;
        const faults = new Map<string, { readonly wrong: readonly string[]; readonly until: readonly Act[] }>();
        const note = (wrong: readonly string[]): void => {
          if (wrong.length === 0 || faults.has(kindOf(wrong))) return;
          faults.set(kindOf(wrong), { wrong, until: [...acts] });
          if (lengthy) console.log(`seed ${walk.seed}, after ${acts.length} things: ${wrong.join("\n")}`);
        };
        note(await wrongWith(page, errors));
        while (acts.length < most && Date.now() < end) {
          const act = await visitor.next(page);
          acts.push(act);
          const unusable = await perform(page, act);
          note([...unusable, ...(await wrongWith(page, errors))]);
        }
        // Every request to the worker finishes.
        await whenTrue(page, "!studio.hot.stale || studio.failure.value !== ''");
        await page.context().close();
        if (lengthy) console.log(`seed ${walk.seed}: ${acts.length} things done`);
        const told: string[] = [];
        for (const { wrong, until } of faults.values()) {
          const least = await shortest({ ...walk, acts: until }, wrong);
          const text = `${wrong.join("\n")}\nafter ${until.length} things; the least that does it, for HEBB_WALK:\n${asCase(least)}`;
          told.push(text);
          if (lengthy) console.log(text);
        }
        if (told.length > 0) expect.fail(told.join("\n\n"));
      },
      patience + 1_500_000,
    );
});
