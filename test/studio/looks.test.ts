// Every surface, light and dark, wide and narrow: no violations in axe, and a picture of each at a fixed step.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { missing, pictures, until, useStudio } from "./browser.ts";

const studio = useStudio();
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly target: unknown; readonly failureSummary: string }[];
}

async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const found = await page.evaluate<readonly Violation[]>(
    "axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }).then(({ violations }) => violations.map(({ id, nodes }) => ({ id, nodes: nodes.map(({ target, failureSummary }) => ({ target, failureSummary })) })))",
  );
  return found.flatMap(({ id, nodes }) =>
    nodes.slice(0, 3).map(({ target, failureSummary }) => `${id}: ${JSON.stringify(target)} ${failureSummary}`),
  );
}

/** On a narrow page, the tab with this part. */
async function part(page: Page, name: string): Promise<void> {
  const tab = page.getByRole("tab", { name });
  if (await tab.isVisible()) await tab.click();
}

const views: readonly (readonly [name: string, fragment: string, act?: (page: Page) => Promise<unknown>])[] = [
  ["lab", "step=600&selected=1.2"],
  [
    "lab-crowded",
    "data=spirals&layers=32.relu_32.relu_32.relu&count=1200&step=200&loss=mse&init=large",
    async (page) => {
      await part(page, "Network");
      await page.locator("details.code summary").click();
    },
  ],
  ["lab-digits", "data=digits&layers=c6.relu_c8.relu_24.relu&loss=crossEntropy&count=400&batch=32&step=120"],
  [
    "lab-iris",
    "data=iris&layers=8.relu&loss=crossEntropy&step=300",
    async (page) => {
      await part(page, "Curves");
      await page.getByRole("button", { name: "show as table" }).first().click();
    },
  ],
  ["step", "surface=step&step=40"],
  [
    "compare",
    "surface=compare&optimizer=sgd&lanes=optimizer:adam|lr:0.1",
    (page) => page.getByRole("button", { name: "Run all lanes" }).click(),
  ],
  ["ship", "surface=ship&step=100"],
  ["lessons", "surface=lessons"],
  ...Array.from(
    { length: 8 },
    (_, k) =>
      [
        `lesson-${k + 1}`,
        "surface=lessons",
        (page: Page) => page.locator(".lesson-list button").nth(k).click(),
      ] as const,
  ),
  ["palette", "step=10", (page) => page.keyboard.press("Control+k")],
];

describe.skipIf(missing)("looks", () => {
  for (const [scheme, width] of [
    ["light", 1400],
    ["dark", 1400],
    ["light", 390],
    ["dark", 390],
  ] as const) {
    it(`no violations, ${scheme}, ${width} px`, async () => {
      const all: string[] = [];
      // Lessons share their frame: all of them in two of the four.
      const every = (scheme === "light") === (width === 1400);
      for (const [name, fragment, act] of views.filter(([name]) => every || !name.startsWith("lesson-"))) {
        const page = await studio.open(fragment, {
          query: "&play=0",
          context: { colorScheme: scheme, viewport: { width, height: width > 800 ? 900 : 844 } },
        });
        await page.waitForTimeout(250);
        await act?.(page);
        await page.waitForTimeout(450);
        // From the top: what a scrolled page hides beneath the bar is no control too few.
        await page.evaluate("scrollTo(0, 0)");
        all.push(...(await violations(page)).map((text) => `${name}: ${text}`));
        const wide = await page.evaluate<number>(
          "document.documentElement.scrollWidth - document.documentElement.clientWidth",
        );
        if (wide > 0) all.push(`${name}: the page is ${wide} px too wide`);
        await page.screenshot({ path: join(pictures, `${name}-${scheme}-${width}.png`), fullPage: name !== "palette" });
        await page.context().close();
      }
      expect(all).toEqual([]);
    }, 240_000);
  }
  it("at 390 px the four parts are tabs", async () => {
    const page = await studio.open("", { query: "&play=0", context: { viewport: { width: 390, height: 844 } } });
    for (const [tab, heading] of [
      ["Network", "Network"],
      ["Curves", "Curves"],
      ["Data", "Data"],
      ["Output", "Output"],
    ] as const) {
      await page.getByRole("tab", { name: tab }).click();
      await page.getByRole("heading", { name: heading, exact: true }).waitFor();
    }
    await page.getByRole("tab", { name: "Output" }).press("ArrowRight");
    expect(await page.evaluate("document.activeElement?.textContent")).toBe("Network");
    await page.getByRole("button", { name: "Play" }).click();
    await until(page, ({ step }) => step > 5, "steps");
    await page.context().close();
  });
});
