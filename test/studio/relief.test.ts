// The landscape in three dimensions: its heights are the losses, nearer parts cover farther ones, and keys and dragging rotate it.
import { describe, expect, it } from "vitest";
import { firstView, heightAt, piecesOf, projection, reliefOf, turned } from "../../studio/page/compare/relief.ts";
import type { Landscape } from "../../studio/shared/compare.ts";
import { missing, useStudio } from "./browser.ts";

const side = 5;
const landscape: Landscape = {
  side,
  values: Float32Array.from({ length: side ** 2 }, (_, k) => Math.exp(Math.sin(k) + (k % side))),
  x: [-1, 1],
  y: [-2, 2],
  paths: [Float32Array.from([-0.8, -1.6, 0, 0, 0.8, 1.6])],
  share: 1,
};

describe("the relief", () => {
  const relief = reliefOf(landscape);
  it("has the logarithm of the loss as its height, from 0 to 1, and NaN highest", () => {
    const logs = Array.from(landscape.values, Math.log);
    const [low, high] = [Math.min(...logs), Math.max(...logs)];
    logs.forEach((log, k) => {
      expect(relief[k]).toBeCloseTo((log - low) / (high - low), 6);
      expect(heightAt(relief, side, k % side, Math.floor(k / side))).toBeCloseTo(relief[k] ?? Number.NaN, 6);
    });
    // The value between four points is their mean.
    const four = [6, 7, 11, 12].map((k) => relief[k] ?? Number.NaN);
    expect(heightAt(relief, side, 1.5, 1.5)).toBeCloseTo(four.reduce((a, b) => a + b) / 4, 6);
    const broken = reliefOf({
      ...landscape,
      values: landscape.values.map((value, k) => (k === 3 ? Number.NaN : value)),
    });
    expect(broken[3]).toBe(1);
    expect(Array.from(broken).filter(Number.isNaN)).toEqual([]);
  });
  it("is drawn from back to front: from above it is the map, from the side its heights", () => {
    const above = projection({ turn: 0, tilt: Math.PI / 2 }, 300, 300);
    const [a, b] = [above(-0.5, 0.5, 0), above(-0.5, 0.5, 1)];
    expect([b.x, b.y]).toEqual([expect.closeTo(a.x, 6), expect.closeTo(a.y, 6)]);
    expect(b.far).toBeLessThan(a.far);
    expect(above(0.5, 0, 0).x).toBeGreaterThan(a.x);
    const low = projection({ turn: 0, tilt: 0.12 }, 300, 300);
    expect(low(0, 0, 1).y).toBeLessThan(low(0, 0, 0).y - 100);
    for (const view of [firstView, turned(firstView, { turn: 2 }), turned(firstView, { turn: 4, tilt: 1 })]) {
      const pieces = piecesOf(landscape, relief, view, 300, 200);
      expect(pieces.length).toBe((side - 1) ** 2 + 2);
      expect(pieces.every(({ far }, k) => k === 0 || far <= (pieces[k - 1]?.far ?? 0))).toBe(true);
      for (const { x, y } of pieces.flatMap(({ points }) => points)) {
        expect(x).toBeGreaterThan(0);
        expect(x).toBeLessThan(300);
        expect(y).toBeGreaterThan(0);
        expect(y).toBeLessThan(200);
      }
    }
  });
  it("draws each path on the surface", () => {
    const pieces = piecesOf(landscape, relief, { turn: 0, tilt: Math.PI / 2 }, 300, 300);
    const way = pieces.filter(({ lane }) => lane === 0).flatMap(({ points }) => points);
    // From above it matches the map: the first point near the lower left corner, the last near the upper right.
    const size = Math.min(300 / 1.5, 300 / 1.62);
    const left = way.reduce((a, b) => (a.x < b.x ? a : b));
    expect(left.x).toBeCloseTo(150 - 0.4 * size, 3);
    expect(left.y).toBeCloseTo(150 + 0.4 * size, 3);
  });
  it("returns after a whole turn, and never tips over", () => {
    const round = Array.from({ length: 36 }).reduce<typeof firstView>(
      (view) => turned(view, { turn: Math.PI / 18 }),
      firstView,
    );
    const [a, b] = [projection(firstView, 300, 300)(0.3, 0.2, 0.5), projection(round, 300, 300)(0.3, 0.2, 0.5)];
    expect([b.x, b.y]).toEqual([expect.closeTo(a.x, 6), expect.closeTo(a.y, 6)]);
    expect(turned(firstView, { tilt: 99 }).tilt).toBe(Math.PI / 2);
    expect(turned(firstView, { tilt: -99 }).tilt).toBeGreaterThan(0);
  });
});

const studio = useStudio();

describe.skipIf(missing)("in the page", () => {
  it("keys and dragging rotate it, Home resets it", async () => {
    const page = await studio.open("surface=training&step=60", { query: "&play=0" });
    await page.getByRole("button", { name: "3-D" }).click();
    const box = page.getByRole("group", { name: /three dimensions/ });
    const picture = async (): Promise<string> => {
      await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))");
      return page.evaluate<string>("document.querySelector('.relief canvas').toDataURL()");
    };
    const first = await picture();
    await box.press("ArrowRight");
    const right = await picture();
    expect(right).not.toBe(first);
    await box.press("ArrowUp");
    expect(await picture()).not.toBe(right);
    await box.press("Home");
    expect(await picture()).toBe(first);
    const place = await box.boundingBox();
    if (place === null) throw new Error("there is no relief");
    await page.mouse.move(place.x + 100, place.y + 100);
    await page.mouse.down();
    await page.mouse.move(place.x + 160, place.y + 120, { steps: 4 });
    await page.mouse.up();
    const dragged = await picture();
    expect(dragged).not.toBe(first);
    await page.mouse.move(place.x + 200, place.y + 200);
    expect(await picture()).toBe(dragged);
    await page.close();
  });
});
