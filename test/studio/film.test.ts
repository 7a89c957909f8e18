// A picture and a video of a run, saved as files with the drawing's contents.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { decode } from "fast-png";
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import { missing, pictures, soon, useStudio } from "./browser.ts";

const studio = useStudio();

async function choose(page: Page, title: string): Promise<void> {
  await page.keyboard.press("Control+k");
  await page.getByRole("combobox", { name: "Search actions" }).fill(title);
  await page.keyboard.press("Enter");
}

describe.skipIf(missing)("the drawing is saved", () => {
  it("as a picture at twice the resolution, with both hues of the map", async () => {
    const page = await studio.open("data=circles&layers=4.tanh&step=300", { query: "&play=0" });
    const [file] = await Promise.all([page.waitForEvent("download"), choose(page, "picture of what is drawn")]);
    expect(file.suggestedFilename()).toBe("hebb-studio.png");
    const path = join(pictures, "film.png");
    await file.saveAs(path);
    const { width, height, data, channels } = decode(readFileSync(path));
    expect(width).toBeGreaterThan(1800);
    expect(height).toBeGreaterThan(1000);
    let [blue, orange] = [0, 0];
    for (let k = 0; k < data.length; k += channels) {
      const [r = 0, , b = 0] = data.subarray(k, k + 3);
      if (b - r > 30) blue++;
      if (r - b > 30) orange++;
    }
    const share = 1 / (width * height);
    expect(blue * share).toBeGreaterThan(0.015);
    expect(orange * share).toBeGreaterThan(0.015);
    await page.context().pages()[0]?.bringToFront();
    await page.close();
  });

  it("as a video that the visitor ends, while it trains", async () => {
    const page = await studio.open("data=moons&layers=4.tanh&speed=30", { query: "&play=0" });
    await choose(page, "record a video");
    await page.getByText("is being recorded").waitFor();
    await page.waitForTimeout(500);
    const [file] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "End and save it" }).click(),
    ]);
    expect(file.suggestedFilename()).toBe("hebb-studio.webm");
    const bytes = readFileSync(await file.path());
    // EBML, the container of WebM.
    expect([...bytes.subarray(0, 4)]).toEqual([0x1a, 0x45, 0xdf, 0xa3]);
    expect(bytes.length).toBeGreaterThan(20_000);
    await expect.poll(() => page.getByText("is being recorded").count(), soon).toBe(0);
    await page.close();
  });
});
