// The Text surface in the page: it trains by itself, shows its state, follows the bar and the keys, and a link restores the same numbers.
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { useBackend } from "../../src/index.ts";
import { Looking } from "../../studio/engine/text/look.ts";
import { TextSession } from "../../studio/engine/text/textSession.ts";
import { parseHash } from "../../studio/shared/state.ts";
import { missing, useStudio, whenTrue } from "./browser.ts";

useBackend({ backend: "wasm", threads: 1 });
const studio = useStudio();

/** Waits for a picture with its samples. */
const settled = "globalThis.texts?.hot.picture !== undefined && texts.samples.value !== undefined";
const small = "layers:1;width:16;heads:2;batch:16";

const watchShifts = `(() => {
  globalThis.shifts = [];
  new PerformanceObserver((list) => {
    for (const { value, hadRecentInput, sources } of list.getEntries())
      if (!hadRecentInput) globalThis.shifts.push([value, sources.map(({ node }) => (node?.nodeName ?? "") + "." + (node?.className ?? "")).join(" ")]);
  }).observe({ type: "layout-shift", buffered: true });
})()`;

const stepOf = (page: Page): Promise<number> => page.evaluate<number>("texts.hot.picture.step");

/** The step at which a paused run settles: on a slow machine its last picture comes late. */
async function restingStep(page: Page): Promise<number> {
  for (let before = -1; ; ) {
    const step = await stepOf(page);
    if (step === before) return step;
    before = step;
    await page.waitForTimeout(600);
  }
}

describe.skipIf(missing)("Text", () => {
  it("opens, trains by itself and improves; nothing moves; Space and Rewind control its run", async () => {
    const page = await studio.open("", { query: "&play=0" });
    await page.goto(`${studio.origin()}/?test=1#surface=text&text=source:sort;length:10;${small}`);
    await page.evaluate(watchShifts);
    await whenTrue(page, settled);
    await whenTrue(page, "texts.hot.picture.step > 30");
    const [first, now] = await page.evaluate<[number, number]>(
      "[texts.hot.histories[0][0].train.loss, texts.hot.picture.lanes[0].now.train.loss]",
    );
    expect(now).toBeLessThan(first);
    await page.locator("body").press("Space");
    await whenTrue(page, "!texts.playing.value");
    const rested = await restingStep(page);
    await page.keyboard.press("ArrowRight");
    await whenTrue(page, `texts.hot.picture.step === ${rested + 1}`);
    // The gauges of the bar and the address belong to this run.
    await whenTrue(page, `document.querySelectorAll(".gauges dd")[1].textContent === "${rested + 1}"`);
    await whenTrue(page, `location.hash.includes("step:${rested + 1}")`);
    await page.keyboard.press("r");
    await whenTrue(page, "texts.hot.picture.step === 0");
    const shifts = await page.evaluate<[number, string][]>("globalThis.shifts");
    expect(
      shifts.reduce((sum, [value]) => sum + value, 0),
      JSON.stringify(shifts),
    ).toBeLessThan(0.01);
    await page.close();
  });

  it("a link restores the engine's numbers", async () => {
    const link = `surface=text&text=source:sort;length:4;${small};beside:gru;step:45;prompt:3121%253D11`;
    const page = await studio.open(link, { query: "&play=0" });
    await whenTrue(page, `${settled} && texts.hot.picture.step === 45`);
    const shown = await page.evaluate<{ attention: number[]; logits: number[]; losses: number[] }>(
      "({ attention: [...texts.hot.picture.look.attention], logits: [...texts.hot.picture.look.logits], losses: texts.hot.picture.lanes.map(({ now }) => now.test.loss) })",
    );
    const { text } = parseHash(link);
    const session = new TextSession(text, "");
    session.goTo(45);
    const look = new Looking(session.runs[0].model, session.data).look(text.prompt);
    expect(text.prompt).toBe("3121=11");
    expect(shown.attention).toEqual([...look.attention]);
    expect(shown.logits).toEqual([...look.logits]);
    expect(shown.losses).toEqual(session.runs.map((run) => run.now().test?.loss));
    await page.close();
  });

  it("tokens are chosen by hand, and Back returns to the previous task", async () => {
    const page = await studio.open(`surface=text&text=source:copy;length:3;${small};step:20`, { query: "&play=0" });
    await whenTrue(page, settled);
    await page.getByLabel("The text that is looked at").fill("abc=");
    await whenTrue(page, "texts.hot.picture.look.tokens.length === 4");
    const first = page.locator(".next button").first();
    const taken = await first.textContent();
    await first.click();
    await whenTrue(page, "texts.hot.picture.look.tokens.length === 5");
    expect(await page.getByLabel("The text that is looked at").inputValue()).toBe(`abc=${taken}`);
    await page.getByRole("button", { name: "Draw one" }).click();
    await whenTrue(page, "texts.hot.picture.look.tokens.length === 6");
    // The tokens of the text are one tab stop; arrows move between them.
    await page.locator(".token").last().focus();
    await page.keyboard.press("ArrowLeft");
    expect(await page.evaluate("document.activeElement?.dataset.place")).toBe("4");
    await page.getByRole("button", { name: "Parity" }).click();
    await whenTrue(page, "texts.info.value.tokens.length === 3 && texts.hot.picture.step > 0");
    await page.goBack();
    await whenTrue(page, "texts.info.value.tokens.length === 9");
    await page.close();
  });

  it("learns from the visitor's own text, pasted or as a file, and reports problems with it", async () => {
    const page = await studio.open(`surface=text&text=source:own;context:8;${small}`, { query: "&play=0" });
    await page.getByLabel("A text of your own", { exact: true }).fill("the cat sat on the mat. ".repeat(40));
    await page.getByRole("button", { name: "Learn from it" }).click();
    await whenTrue(page, "texts.hot.picture?.step > 10 && texts.samples.value?.kind === 'texts'");
    await page.setInputFiles("#own-text", {
      name: "numbers.txt",
      mimeType: "text/plain",
      buffer: Buffer.from("one two three four five six seven eight\n".repeat(30)),
    });
    await page.getByText("numbers.txt: 1 200 letters").waitFor();
    await whenTrue(page, "texts.hot.picture?.step > 10 && texts.info.value.tokens.includes('v')");
    await page.setInputFiles("#own-text", { name: "empty.txt", mimeType: "text/plain", buffer: Buffer.from(" \n") });
    await page.getByText("the text is empty").waitFor();
    // On another surface a file without columns counts as a text.
    await page.keyboard.press("1");
    await page.setInputFiles("#own-files", {
      name: "verses.txt",
      mimeType: "text/plain",
      buffer: Buffer.from("roses are red\nviolets are blue\n".repeat(40)),
    });
    await page.getByText("This is a text, not a table.").waitFor();
    await page.getByRole("button", { name: "Learn from it" }).click();
    await page.getByText("verses.txt: 1 240 letters").waitFor();
    await whenTrue(page, "texts.info.value.tokens.includes('v') && texts.hot.picture?.step === 0");
    await page.getByRole("button", { name: "Play" }).click();
    await whenTrue(page, "texts.hot.picture.step > 10");
    await page.close();
  });
});
