// The Studio inside another page: its panels, its height, a locked experiment, a question before training; and the effects on that page.
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { embedCode, readEmbedding } from "../../studio/shared/embed.ts";
import { axe, violations } from "./axe.ts";
import { missing, picture, soon, useStudio, whenTrue } from "./browser.ts";

const studio = useStudio();

describe("an address", () => {
  it("sets the panels and their order, the lock, and the question", () => {
    expect(readEmbedding("?test=1")).toBeUndefined();
    expect(readEmbedding("?embed")).toEqual({ panels: [], locked: false, question: undefined });
    expect(readEmbedding("?embed=output,nothing,network&lock&ask=Why%3F&answers=a|b&right=2&why=so")).toEqual({
      panels: ["output", "network"],
      locked: true,
      question: { text: "Why?", answers: ["a", "b"], right: 1, why: "so" },
    });
    // A question without a valid answer is ignored.
    expect(readEmbedding("?embed&ask=Why%3F&answers=a|b&right=3")?.question).toBeUndefined();
  });
  it("becomes HTML that shows the same experiment", () => {
    expect(embedCode("https://example.org/studio/#data=xor&seed=4", ["network", "output"])).toContain(
      'src="https://example.org/studio/?embed=network,output#data=xor&amp;seed=4"',
    );
  });
});

/** A third party's page at another origin, with the Studio's files next to it. */
async function around(body: string, width = 1000): Promise<Page> {
  const page = await studio.open("", { query: "&play=0", context: { viewport: { width, height: 900 } } });
  await page.route("http://localhost:8931/**", async (route) => {
    const { pathname } = new URL(route.request().url());
    if (pathname === "/page.html")
      return route.fulfill({
        contentType: "text/html",
        body: `<!doctype html><html lang="en"><title>A page</title>${body}`,
      });
    const name = pathname.split("/").at(-1) ?? "";
    const answer = await route.fetch({ url: `${studio.origin()}/${name}` });
    const contentType = answer.headers()["content-type"] ?? "text/plain";
    return route.fulfill({ contentType, body: await answer.body() });
  });
  await page.goto("http://localhost:8931/page.html");
  return page;
}
const element = '<script type="module" src="studio/embed.js"></script>';

describe.skipIf(missing)("inside a page", () => {
  for (const width of [1000, 390])
    it(`the element shows panels at their full height, at ${width} px`, async () => {
      const page = await around(
        `${element}<hebb-studio state="data=circles&layers=4.tanh&step=200" panels="network,output"></hebb-studio>`,
        width,
      );
      const frame = page.frameLocator("hebb-studio iframe");
      await frame.getByRole("heading", { name: "Network" }).waitFor();
      await frame.getByRole("heading", { name: "Output" }).waitFor();
      await expect.poll(() => frame.getByRole("heading", { name: "Curves" }).count(), soon).toBe(0);
      await frame.locator(".gauges dd", { hasText: "200" }).waitFor();
      const fits = `(() => {
        const frame = document.querySelector("hebb-studio").shadowRoot.querySelector("iframe");
        const { scrollHeight, scrollWidth, clientWidth } = frame.contentDocument.documentElement;
        return frame.clientHeight >= scrollHeight && scrollWidth <= clientWidth;
      })()`;
      await whenTrue(page, fits);
      const inner = page.frames()[1];
      if (inner === undefined) throw new Error("the element has no frame");
      await inner.evaluate(axe);
      expect(await violations(inner)).toEqual([]);
      await picture(page, `embed-${width}`, { fullPage: true });
      // The frame adds no entries to the page's history.
      expect(await page.evaluate("history.length")).toBeLessThanOrEqual(3);
      await page.context().close();
    });

  it("a question is answered before it trains, and the locked experiment stays unchanged", async () => {
    const page = await around(
      `${element}<hebb-studio locked state="data=xor&layers=&speed=60" panels="output,network" ask="Will a line learn XOR?" answers="Yes|No" right="2" why="None separates its classes."></hebb-studio>`,
    );
    const frame = page.frameLocator("hebb-studio iframe");
    const play = frame.getByRole("button", { name: "Play", exact: true });
    await frame.getByRole("radio", { name: "Yes" }).waitFor();
    expect(await play.isDisabled()).toBe(true);
    await expect.poll(() => frame.getByRole("button", { name: "Was I right?" }).count(), soon).toBe(0);
    await expect.poll(() => frame.getByRole("button", { name: "Paint points" }).isVisible(), soon).toBe(false);
    await expect.poll(() => frame.locator(".add-layer").first().isVisible(), soon).toBe(false);
    await frame.getByRole("radio", { name: "Yes" }).check();
    await play.click();
    await frame.getByRole("button", { name: "Was I right?" }).click();
    await frame.getByText("It is “No”. None separates its classes.").waitFor();
    expect(await frame.getByRole("radio", { name: "No" }).isDisabled()).toBe(true);
    // Keys and notices do not change settings either.
    const inner = page.frames()[1];
    const before = await inner?.evaluate("document.querySelector('.whole').href");
    await frame.getByRole("heading", { name: "Output" }).click();
    await page.keyboard.press("Shift+R");
    expect(await inner?.evaluate("document.querySelector('.whole').href")).toBe(before);
    await page.context().close();
  });
});
