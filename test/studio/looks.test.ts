// Every surface, light and dark, wide and narrow: no violations in axe. HEBB_PICTURES=1 takes a screenshot of each at a fixed step.
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { axe, violations } from "./axe.ts";
import { drawn, missing, picture, soon, until, useStudio, whenTrue } from "./browser.ts";

const studio = useStudio();
/** Opens the tab with this part, on a narrow page. */
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
  [
    "text",
    "surface=text&text=source:reverse;length:5;width:24;heads:4;batch:16;beside:lstm;step:150",
    (page) => whenTrue(page, "globalThis.texts?.samples.value?.kind === 'answers'"),
  ],
  [
    "text-corpus",
    "surface=text&text=source:names;context:16;width:24;heads:2;layers:1;batch:16;step:60",
    async (page) => {
      await whenTrue(page, "globalThis.texts?.samples.value?.kind === 'texts'");
      for (const summary of await page.locator(".text .as-table summary").all()) await summary.click();
    },
  ],
  [
    "results",
    "surface=results&data=loans&layers=8.relu&step=100",
    (page) => page.locator(".importance li").first().waitFor(),
  ],
  ["results-number", "surface=results&data=curve&loss=mse&layers=8.tanh&step=60"],
  [
    "results-pictures",
    "surface=results&data=digits&layers=c4.relu_12.relu&loss=crossEntropy&count=200&batch=32&step=60",
    (page) => page.getByRole("img", { name: "Feature maps of layer 1" }).waitFor(),
  ],
  [
    "training",
    "surface=training&step=80",
    async (page) => {
      await page.getByRole("img", { name: /The loss around the way/ }).waitFor();
      await page.getByRole("button", { name: "Look for one" }).click();
      await page.getByRole("button", { name: /^Train with/ }).waitFor();
    },
  ],
  ["palette", "step=10", (page) => page.keyboard.press("Control+k")],
];

type Scheme = "light" | "dark";
const contextOf = (width: number, colorScheme: Scheme) => ({
  query: "&play=0",
  context: { colorScheme, viewport: { width, height: width > 800 ? 900 : 844 } },
});

/** The faults of a page, of which it takes a screenshot if HEBB_PICTURES=1 asks for one. axe is already in the page. */
async function faults(page: Page, name: string, width: number, scheme: Scheme): Promise<string[]> {
  await page.emulateMedia({ colorScheme: scheme });
  await page.evaluate(drawn);
  // From the top: a scrolled page hides controls behind the bar, which is not a fault.
  await page.evaluate("scrollTo(0, 0)");
  const found = (await violations(page)).map((text) => `${scheme}: ${text}`);
  const wide = await page.evaluate<number>(
    "document.documentElement.scrollWidth - document.documentElement.clientWidth",
  );
  if (wide > 0) found.push(`${scheme}: the page is ${wide} px too wide`);
  await picture(page, `${name}-${scheme}-${width}`, { fullPage: name !== "palette" });
  return found;
}

describe.skipIf(missing)("looks", () => {
  for (const width of [1400, 390]) {
    for (const [name, fragment, act] of views)
      it(`no violations: ${name}, ${width} px`, async () => {
        const page = await studio.open(fragment, contextOf(width, "light"));
        await page.evaluate(axe);
        await act?.(page);
        expect([...(await faults(page, name, width, "light")), ...(await faults(page, name, width, "dark"))]).toEqual(
          [],
        );
        await page.context().close();
      }, 300_000);

    it(`no violations: lessons, ${width} px`, async () => {
      const page = await studio.open("surface=lessons", contextOf(width, "light"));
      await page.evaluate(axe);
      const found = [
        ...(await faults(page, "lessons", width, "light")),
        ...(await faults(page, "lessons", width, "dark")),
      ];
      const buttons = page.locator(".lesson-list button");
      await expect.poll(() => buttons.count(), soon).toBe(14);
      // Lessons have the same frame: wide ones are tested light, narrow ones dark.
      const scheme = width > 800 ? "light" : "dark";
      for (let lesson = 1; lesson <= 14; lesson++) {
        await buttons.nth(lesson - 1).click();
        await until(page, ({ state }) => state["lesson"] === lesson, `lesson ${lesson}`);
        // Waits until the previous lesson's network is gone.
        await whenTrue(page, "studio.hot.stale === false");
        found.push(...(await faults(page, `lesson-${lesson}`, width, scheme)).map((text) => `${lesson}: ${text}`));
        await page.evaluate("location.hash = 'surface=lessons'");
        await buttons.first().waitFor();
      }
      expect(found).toEqual([]);
      await page.context().close();
    }, 400_000);
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
