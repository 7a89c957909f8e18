// The drawing of a step in Chromium: keys, clicks and the film move through its terms, the address holds the position, and every shown number is the
// trace's.
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { missing, soon, useStudio, whenTrue } from "./browser.ts";

const studio = useStudio();
const termOf = (page: Page): Promise<string> => page.evaluate<string>("studio.state.value.term");
const term = (page: Page, wanted: string): Promise<void> => whenTrue(page, `studio.state.value.term === "${wanted}"`);

describe.skipIf(missing)("the drawing of a step", () => {
  it("moves term by term with the keys, and the address restores the position", async () => {
    const page = await studio.open("surface=step&step=40&term=z1.2.0.0.4&row=3");
    await page.locator(".edge-label").waitFor();
    const label = page.locator(".edge-label");
    expect(await label.getAttribute("data-at")).toBe("w1.2.4");
    // The typeset formula highlights the same term, with layer and unit in its symbols.
    expect(await page.locator(".formula-rows .turn.now").first().textContent()).toBe("w35(2)·a5(1)");
    await page.keyboard.press("ArrowRight");
    await term(page, "z1.2.0.0.5");
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("ArrowLeft");
    await term(page, "z1.2.0.0.3");
    await page.keyboard.press("ArrowDown");
    await term(page, "z1.3.0.0.0");
    await page.keyboard.press(".");
    await term(page, "a1.0.0.0.0");
    await page.keyboard.press(",");
    await term(page, "z1.0.0.0.0");
    await whenTrue(page, "location.hash.includes('term=z1.0.0.0.0')");
    expect(await page.evaluate("studio.hot.snapshot.step")).toBe(40);
    await page.reload();
    await whenTrue(page, "globalThis.studio?.hot?.snapshot !== undefined");
    await page.locator(".drawing").waitFor();
    expect(await termOf(page)).toBe("z1.0.0.0.0");
    await page.close();
  }, 240_000);
  it("a click on a unit or an edge selects its term, forward, backward and in the update", async () => {
    const page = await studio.open("surface=step&step=40");
    await page.locator(".drawing").waitFor();
    const unit = page.locator(".unit[aria-label^='layer 1, neuron 3']");
    await unit.click();
    await term(page, "z0.2.0.0.0");
    await page.evaluate("studio.look({ term: 'd1.0.0.0.0' })");
    await unit.click();
    await term(page, "d0.2.0.0.0");
    // A straight piece of an edge between the lowest units of both layers.
    const at = await page.evaluate<{ x: number; y: number }>(`(() => {
      const box = (name) => document.querySelector(".unit[aria-label^='" + name + "']").getBoundingClientRect();
      const [a, b] = [box("layer 1, neuron 8"), box("layer 2, neuron 8")];
      return { x: a.right + 0.1 * (b.left - a.right), y: a.top + a.height / 2 };
    })()`);
    await page.mouse.click(at.x, at.y);
    await whenTrue(page, "/^g1\\.\\d\\.0\\.7\\.0$/.test(studio.state.value.term)");
    await page.evaluate("studio.look({ term: 'u2.0.0.0.0' })");
    await page.mouse.click(at.x, at.y);
    await whenTrue(page, "/^u1\\.\\d\\.0\\.7\\.0$/.test(studio.state.value.term)");
    await page.close();
  });
  it("plays as a film to the end, and Space stops it", async () => {
    const page = await studio.open("surface=step&step=40&layers=2.tanh&batch=4");
    await page.locator(".drawing").waitFor();
    await page.getByLabel("terms a second").selectOption("20");
    await page.keyboard.press("Space");
    await whenTrue(page, "studio.state.value.term.startsWith('a0')");
    await page.keyboard.press("Space");
    await page.getByRole("button", { name: "Play the step" }).waitFor();
    const stopped = await termOf(page);
    await page.waitForTimeout(300);
    expect(await termOf(page)).toBe(stopped);
    await page.keyboard.press("Space");
    await whenTrue(page, "studio.state.value.term.startsWith('u1')");
    // A film draws each term, which takes longer on a slow machine.
    await page.getByRole("button", { name: "Play the step" }).waitFor({ timeout: 150_000 });
    // The film has not advanced the training.
    expect(await page.evaluate("studio.hot.snapshot.step")).toBe(40);
    await page.close();
  });
  it("does not move under reduced motion", async () => {
    const page = await studio.open("surface=step&step=40&term=z1.2.0.0.4", {
      context: { reducedMotion: "reduce", viewport: { width: 1400, height: 900 } },
    });
    await page.locator(".lit-edges .now").waitFor({ state: "attached" });
    expect(await page.evaluate("document.getAnimations().length")).toBe(0);
    await page.context().close();
  });
  it("shows convolution, pooling, batch norm, dropout and softmax, and each number is the trace's", async () => {
    const page = await studio.open(
      "surface=step&data=digits&layers=c2.relu_6.relu&loss=crossEntropy&count=200&batch=8&step=5&dropout=0.3&batchNorm=1",
    );
    await page.locator(".drawing").waitFor();
    const trace = "studio.client.ask('step', { edits: [] })";
    await page.evaluate(`${trace}.then((trace) => { globalThis.trace = trace; })`);
    for (const [place, near] of [
      ["z0.1.30.0.999", true],
      ["n0.1.30.0.999", false],
      ["a0.1.30.0.999", false],
      ["p0.1.9.0.999", true],
      ["m0.1.9.0.999", false],
      ["z1.2.0.0.999", false],
      ["a2.3.0.0.999", false],
      ["loss.0.0.0.999", false],
      ["d2.3.0.0.999", false],
      ["e0.1.9.0.999", false],
      ["d0.1.30.0.999", false],
      ["h0.1.30.0.999", false],
      ["g0.1.0.4.999", true],
      ["u0.1.0.4.999", false],
    ] as const) {
      await page.evaluate(`studio.look({ term: '${place}' })`);
      await whenTrue(page, `document.querySelector('[aria-current="step"]') !== null`);
      await expect.poll(() => page.locator(".close-up").count(), { ...soon, message: place }).toBe(near ? 1 : 0);
      await expect
        .poll(() => page.locator(".formula-rows math").count(), { ...soon, message: place })
        .toBeGreaterThan(1);
      const result = page.locator(".formula-rows .result b").last();
      await expect.poll(() => result.textContent(), { ...soon, message: place }).not.toBe("…");
      expect(await page.locator(".formula-rows").getByText("NaN").count(), place).toBe(0);
    }
    // The close-up of the pixels and the kernel.
    await page.evaluate("studio.look({ term: 'z0.1.30.0.4' })");
    const kernel = await page.locator(".close-up [data-at^='w0.1.']").allTextContents();
    const own = await page.evaluate<number[]>("[...trace.layers[0].weight.value.values.slice(9, 18)]");
    expect(kernel.map((text) => Number(text.replace("−", "-")))).toEqual(own.map((value) => expect.closeTo(value, 3)));
    await page.close();
  });
});
