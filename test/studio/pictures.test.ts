// Own pictures in Chromium: a folder trains a CNN, a damaged file is named, a pasted picture is classified and added.
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encode } from "fast-png";
import type { Page } from "playwright-core";
import { afterAll, describe, expect, it } from "vitest";
import { ownPictures, pictureSetOf, withPictures } from "../../studio/shared/pictureSet.ts";
import { printProject, readProject } from "../../studio/shared/project.ts";
import { startState } from "../../studio/shared/state.ts";
import { removeFolder } from "../suite/removeFolder.ts";
import { memory, missing, soon, until, useStudio, whenTrue } from "./browser.ts";

const folder = mkdtempSync(join(tmpdir(), "hebb-pictures-"));
afterAll(() => removeFolder(folder));

/** Stripes, horizontal or vertical, red or blue, shifted by `shift`; 24 × 20 pixels. */
function stripes(down: boolean, shift: number): Uint8Array {
  const [width, height] = [24, 20];
  const data = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const on = ((down ? x : y) + shift) % 8 < 4;
      data.set(on ? [200 + (shift % 40), 40, 30] : [20, 30, 180 - ((3 * shift) % 50)], 3 * (y * width + x));
    }
  return encode({ width, height, data, channels: 3, depth: 8 });
}

function makeSet(name: string): string {
  const root = join(folder, name);
  for (const kind of ["across", "down"]) {
    mkdirSync(join(root, kind), { recursive: true });
    for (let k = 0; k < 30; k++) writeFileSync(join(root, kind, `${k}.png`), stripes(kind === "down", k));
  }
  writeFileSync(join(root, "across", ".DS_Store"), "hidden");
  writeFileSync(join(root, "notes.md"), "no picture");
  return root;
}

async function choose(page: Page, root: string): Promise<void> {
  await page.setInputFiles("#own-folder", root);
  await page.waitForSelector("dialog.drop");
}

/** Pastes a file, like a picture from the clipboard. */
const paste = (page: Page, bytes: Uint8Array): Promise<void> =>
  page.evaluate(
    `(() => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([new Uint8Array([${bytes.join()}])], "pasted.png", { type: "image/png" }));
      document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true }));
    })()`,
  );

const studio = useStudio();

describe.skipIf(missing)("a folder of pictures", () => {
  it("trains a CNN; a pasted picture is classified, and added to the set", async () => {
    const page = await studio.open("speed=0", { query: "&play=0" });
    await choose(page, makeSet("stripes"));
    await page.getByText("60 pictures in 2 folders, one for each class").waitFor();
    await page.getByText("1 files that are not pictures are left out").waitFor();
    await page.locator("dialog canvas.thumb").nth(9).waitFor();
    await page.getByLabel("made small to").selectOption("16");
    await page.getByRole("button", { name: "Learn from them" }).click();
    await whenTrue(page, "studio.run.value.data.inputShape.join() === '3,16,16'");
    expect(await page.evaluate("studio.run.value.data.classes.join()")).toBe("across,down");
    await page.getByRole("button", { name: "Play", exact: true }).click();
    await until(page, ({ testMetric }) => (testMetric ?? 0) > 0.95, "a CNN that tells them apart");
    await page.evaluate("studio.play(false)");
    await expect.poll(() => page.locator(".inspector .thumb-button canvas").count(), soon).toBe(8);
    await paste(page, stripes(true, 5));
    await page.locator("dialog .answer b", { hasText: "down" }).waitFor();
    await page.getByLabel("it is of the class").fill("a third");
    await page.getByRole("button", { name: "Add to the set" }).click();
    await whenTrue(page, "studio.run.value.data.classes.join() === 'across,down,a third'");
    expect((await memory(page))?.failure).toBe("");
    await page.close();
  });
  it("names the damaged file, and keeps the previous data", async () => {
    const root = makeSet("damaged");
    writeFileSync(join(root, "down", "29.png"), Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 1, 2, 3]));
    const page = await studio.open("", { query: "&play=0" });
    await choose(page, root);
    await page.getByRole("button", { name: "Learn from them" }).click();
    const alert = page.locator("dialog [role=alert]");
    await alert.waitFor();
    expect(await alert.textContent()).toMatch(/damaged\/down\/29\.png could not be decoded/);
    expect((await memory(page))?.state["data"]).toBe("moons");
    await page.close();
  });
  it("explains how a dense network reads a picture", async () => {
    const page = await studio.open("", { query: "&play=0" });
    await paste(page, stripes(true, 0));
    await page.getByText("a folder that holds a sub-folder of them for each class").waitFor();
    await page.close();
  });
});

describe("a set of pictures", () => {
  const shape = [1, 2, 2];
  const set = { name: "dots", shape, pixels: Uint8Array.from({ length: 8 }, (_, k) => k), labels: Uint8Array.of(0, 1) };
  const own = ownPictures({ ...set, classes: ["a", "b"] });
  it("is restored from its files, with additions", () => {
    const back = pictureSetOf(own);
    if (back === undefined) throw new Error("no set");
    expect({ ...back, pixels: [...back.pixels], labels: [...back.labels] }).toEqual({
      ...set,
      pixels: [...set.pixels],
      labels: [0, 1],
      classes: ["a", "b"],
    });
    const more = withPictures(back, Uint8Array.of(9, 9, 9, 9, 8, 8, 8, 8), "c");
    expect([...more.labels]).toEqual([0, 1, 2, 2]);
    expect(more.classes).toEqual(["a", "b", "c"]);
    expect(more.pixels.length).toBe(16);
  });
  it("is part of a project", () => {
    const random = { key: [1, 2], calls: 3 } as const;
    const text = printProject({ state: startState, own, tensors: new Uint8Array(), random });
    expect(readProject(text).own).toEqual(own);
  });
});
