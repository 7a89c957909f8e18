// History: Back and Forward step through the states; lessons and presets set the experiment aside; Compare reports what lanes share.
import { describe, expect, it } from "vitest";
import { Lanes } from "../../studio/engine/lanes.ts";
import { comparePresets } from "../../studio/shared/compare.ts";
import { pairings } from "../../studio/shared/pairings.ts";
import { type StudioState, startState } from "../../studio/shared/state.ts";
import { missing, soon, until, useStudio } from "./browser.ts";

const studio = useStudio();

describe.skipIf(missing)("Back and Forward", () => {
  it("step through the states, with one entry for a whole slider movement", async () => {
    const page = await studio.open("", { query: "&play=0" });
    const before = await page.evaluate<number>("history.length");
    await page.evaluate("studio.advance(30)");
    await until(page, ({ step }) => step === 30, "step 30");
    const rate = page.getByLabel("learning rate");
    for (let k = 0; k < 6; k++) await rate.press("ArrowRight");
    const faster = await until(page, ({ state }) => state["lr"] !== 0.01, "another rate");
    await page.getByRole("button", { name: "Circles" }).click();
    await until(page, ({ state }) => state["data"] === "circles", "circles");
    expect((await page.evaluate<number>("history.length")) - before).toBe(2);
    await page.goBack();
    await until(
      page,
      ({ state }) => state["data"] === "moons" && state["lr"] === faster.state["lr"],
      "the moons again",
    );
    await page.goBack();
    await until(page, ({ state, step }) => state["lr"] === 0.01 && step === 30, "the first experiment at its step");
    await page.goForward();
    await until(page, ({ state }) => state["lr"] === faster.state["lr"], "forward again");
    await page.goForward();
    await until(page, ({ state }) => state["data"] === "circles", "circles again");
    await page.locator("h2", { hasText: "Network" }).click();
    await page.keyboard.press("z");
    await until(page, ({ state }) => state["data"] === "moons", "undone by a key");
    await page.close();
  });
  it("return to own data", async () => {
    const page = await studio.open("", { query: "&play=0" });
    const rows = Array.from({ length: 60 }, (_, k) => `${k % 7},${k % 2 ? "yes" : "no"}`).join("\n");
    await page.setInputFiles("#own-files", {
      name: "mine.csv",
      mimeType: "text/csv",
      buffer: Buffer.from(`size,kind\n${rows}\n`),
    });
    await page.getByRole("button", { name: "Learn from it" }).click();
    await until(page, ({ state }) => state["data"] === "own", "own data");
    await page.getByRole("button", { name: "Circles" }).click();
    await until(page, ({ state }) => state["data"] === "circles", "circles");
    await page.goBack();
    await until(page, ({ state, failure }) => state["data"] === "own" && failure === "", "own data again");
    await page.goBack();
    await until(page, ({ state, failure }) => state["data"] === "moons" && failure === "", "the start");
    await page.close();
  });
});

describe.skipIf(missing)("a lesson and a preset", () => {
  it("set the experiment aside, and restore it at its step", async () => {
    const page = await studio.open("data=spirals&layers=7.relu&step=40", { query: "&play=0" });
    const mine = await until(page, ({ step }) => step === 40, "my experiment");
    await page.keyboard.press("5");
    await page.locator(".lesson-list button").nth(1).click();
    await until(page, ({ state }) => state["data"] === "xor", "the lesson");
    await page.getByRole("button", { name: "Lab", exact: true }).click();
    await page.getByText("Your experiment from before lesson 2 is kept.").waitFor();
    await page.getByRole("button", { name: "Back to your experiment" }).click();
    const again = await until(page, ({ state, step }) => state["data"] === "spirals" && step === 40, "mine again");
    expect(again.loss).toBe(mine.loss);
    expect(again.state["layers"]).toEqual(mine.state["layers"]);
    await expect.poll(() => page.getByText("Your experiment from before").count(), soon).toBe(0);

    await page.getByRole("button", { name: "Compare" }).click();
    await page.getByRole("button", { name: "Zero or He initial weights" }).click();
    await page.getByText("Other initial weights: “init zeros”").waitFor();
    await page.getByRole("button", { name: "Back to your experiment" }).click();
    await until(page, ({ state, step }) => state["data"] === "spirals" && step === 40, "mine after a preset");
    await page.getByRole("button", { name: "Four optimizers" }).click();
    await page.getByText(/the same data, the same seed, and the same initial weights\./).waitFor();
    await page.goBack();
    await until(page, ({ state }) => state["data"] === "spirals", "mine by Back");
    await page.close();
  });
});

describe("lanes", () => {
  it("report whether they began with the same weights", async () => {
    const eight = { kind: "dense", units: 8, activation: "relu" } as const;
    const lanes = await Lanes.open(
      {
        state: startState,
        lanes: [{ optimizer: "sgd" }, { layers: [eight, eight] }, { init: "he" }, { layers: [eight] }],
      },
      undefined,
    );
    expect(lanes.numbers().map(({ sameStart }) => sameStart)).toEqual([true, true, true, false, false]);
  });
  it("presets and remedies change one thing", () => {
    for (const { id, lanes } of comparePresets)
      for (const lane of lanes) expect([id, Object.keys(lane).length]).toEqual([id, 1]);
    const layers = Array.from({ length: 5 }, () => ({ kind: "dense", units: 8, activation: "sigmoid" }) as const);
    const odd: StudioState = { ...startState, layers, loss: "mse", init: "large", lr: 1 };
    for (const { id, better } of pairings(odd, "binary")) expect([id, Object.keys(better).length]).toEqual([id, 1]);
  });
});
