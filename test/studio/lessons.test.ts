// Every lesson can be solved, by script, on the page; and what was made can be kept.
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { missing, until, useStudio, whenTrue } from "./browser.ts";

const studio = useStudio();

async function lesson(number: number): Promise<Page> {
  const page = await studio.open("surface=lessons", { query: "&play=0" });
  await page
    .locator(".lesson-list button")
    .nth(number - 1)
    .click();
  await until(page, ({ state }) => state["lesson"] === number, `lesson ${number}`);
  return page;
}

const done = (page: Page, task: number): Promise<unknown> =>
  page.locator(`.tasks li:nth-child(${task})[data-done=true]`).waitFor({ timeout: 50_000 });

async function slide(page: Page, selector: string, value: number): Promise<void> {
  await page.locator(selector).evaluate((element, to) => {
    // The page's own handler sees what a hand would cause.
    Object.assign(element, { value: String(to) });
    element.dispatchEvent(new Event("input", { bubbles: true }));
  }, value);
  await page.waitForTimeout(150);
}

const answer = (page: Page, label: string, value: number): Promise<void> => page.getByLabel(label).fill(String(value));
const fast = (page: Page): Promise<unknown> => page.evaluate("studio.change({ speed: 60 })");
const play = (page: Page): Promise<void> => page.getByRole("button", { name: "Play" }).click();

describe.skipIf(missing)("lessons", () => {
  it("a link that names one opens it as it begins, and nothing learned before counts", async () => {
    const page = await studio.open("surface=lessons&lesson=1", { query: "&play=0" });
    await until(page, ({ state }) => state["data"] === "painted", "the applicants");
    await page.close();
    const learned = await studio.open("step=600", { query: "&play=0" });
    expect((await until(learned, ({ step }) => step === 600, "600 steps")).metric).toBeGreaterThan(0.95);
    await learned.keyboard.press("5");
    await learned.locator(".lesson-list button").first().click();
    await learned.locator(".perceptron, .panel", { hasText: "decided rightly" }).first().waitFor();
    const first = await until(learned, ({ step, metric }) => step === 0 && metric < 0.95, "the first weights");
    await learned.getByText(`${(100 * first.metric).toFixed(1)} % decided rightly`).waitFor();
    expect(await learned.locator(".tasks li[data-done=true]").count()).toBe(0);
    await learned.close();
  });
  it("1: the perceptron, by hand and by Rosenblatt's rule", async () => {
    const page = await lesson(1);
    await slide(page, "[data-parameter='0.weight.0']", 2);
    await slide(page, "[data-parameter='0.weight.1']", -1.6);
    await slide(page, "[data-parameter='0.bias.0']", 0.2);
    await done(page, 1);
    await page.getByRole("button", { name: "Let Rosenblatt's rule learn" }).click();
    await page.getByText(/Mistakes in each pass: .*, 0$/).waitFor();
    await done(page, 2);
    await until(page, ({ metric }) => metric === 1, "all decided rightly");
    await page.close();
  });
  it("2: XOR", async () => {
    const page = await lesson(2);
    await fast(page);
    await play(page);
    await done(page, 1);
    await page.getByRole("button", { name: "Add a layer after the inputs" }).click();
    await until(page, ({ state }) => (state["layers"] as unknown[]).length === 1, "a layer");
    await done(page, 2);
    await page.getByRole("button", { name: "Keep this in the Lab" }).click();
    const kept = await until(page, ({ state }) => state["surface"] === "lab", "the Lab");
    expect(kept.state["data"]).toBe("xor");
    await page.close();
  });
  it("3: activations", async () => {
    const page = await lesson(3);
    await answer(page, "largest slope of sigmoid", 0.25);
    await done(page, 1);
    await fast(page);
    await play(page);
    await done(page, 2);
    await page.getByLabel("activation of layer 1").selectOption("tanh");
    await page.getByLabel("activation of layer 2").selectOption("tanh");
    await done(page, 3);
    await page.close();
  });
  for (const [number, title] of [
    [4, "forward"],
    [5, "backward"],
  ] as const) {
    it(`${number}: ${title} by hand`, async () => {
      const page = await lesson(number);
      await page.getByText("One row through the network").waitFor();
      for (let row = 0; row < 3; row++) {
        const place = page.locator(".answer-row").nth(row);
        await place.locator("input").fill("99");
        expect(await place.locator(".verdict").textContent()).toBe("not yet");
        await place.getByRole("button", { name: "Reveal" }).click();
        const truth = (await place.locator("b").textContent()) ?? "";
        await place.locator("input").fill(truth.replaceAll("−", "-"));
        await done(page, row + 1);
      }
      await page.close();
    });
  }
  it("6: losses", async () => {
    const page = await lesson(6);
    await page.locator("#loss-z").waitFor();
    await whenTrue(page, "!document.querySelector('.widget .formula').textContent.includes('NaN')");
    await slide(page, "#loss-z", -6);
    await done(page, 1);
    await answer(page, "Huber's slope at a distance of 10", 1);
    await done(page, 2);
    await page.getByLabel("loss", { exact: true }).selectOption("bce");
    await fast(page);
    await play(page);
    await done(page, 3);
    await page.close();
  });
  it("7: optimizers", async () => {
    const page = await lesson(7);
    await answer(page, "w′ after plain descent", 0.48);
    await done(page, 1);
    await answer(page, "w′ after Adam", 0.4);
    await done(page, 2);
    await page.getByLabel("optimizer", { exact: true }).selectOption("adam");
    await play(page);
    await done(page, 3);
    await page.close();
  });
  it("8: own data, exported", async () => {
    const page = await lesson(8);
    await page.getByRole("button", { name: "Begin with a drawing" }).click();
    await done(page, 1);
    await fast(page);
    await play(page);
    await done(page, 2);
    await page.getByRole("button", { name: "Write and check the weights" }).click();
    await done(page, 3);
    await page.close();
  });
});
