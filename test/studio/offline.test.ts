// Offline: every surface opens from this browser after the first load; a new version is served at once; failures are reported.
import type { Page } from "playwright-core";
import { afterEach, describe, expect, it } from "vitest";
import { policyOf } from "../../src/cli/localServer.ts";
import { builder, missing, until, useStudio, whenTrue } from "./browser.ts";

const studio = useStudio();
afterEach(() => studio.answers(true));

const stored = (page: Page): Promise<void> => page.getByText("Works offline from now on").waitFor({ timeout: 50_000 });

describe.skipIf(missing)("offline", () => {
  it("every surface opens, and trains, when the server is gone", async () => {
    const page = await studio.open("", { query: "&play=0&offline=1" });
    await stored(page);
    studio.answers(false);
    for (const [surface, sign] of [
      ["lab", "Network"],
      ["step", "Step"],
      ["compare", "Experiments"],
      ["ship", "Take it with you"],
      ["lessons", "Fourteen lessons"],
    ] as const) {
      await page.goto(`${studio.origin()}/?test=1&play=0&again=${surface}#surface=${surface}`);
      await whenTrue(page, "globalThis.studio?.hot?.snapshot !== undefined");
      await page.getByRole("heading", { name: sign }).first().waitFor();
    }
    await page.keyboard.press("1");
    await page.getByRole("button", { name: "Play" }).click();
    await until(page, ({ step }) => step > 20, "training without a server");
    await page.close();
  });
  it("a new version is served as soon as it exists, and stored for the next time", async () => {
    const page = await studio.open("", { query: "&play=0&offline=1" });
    await stored(page);
    const { files } = await (await builder()).bundleStudio();
    const text = (name: string): string => Buffer.from(files.get(name) ?? []).toString();
    studio.replace("index.html", Buffer.from(text("index.html").replace("<title>hebb Studio", "<title>hebb Studio 2")));
    studio.replace("offline.js", Buffer.from(text("offline.js").replace(/"[0-9a-f]{16}"/, '"0123456789abcdef"')));
    await page.reload();
    expect(await page.title()).toBe("hebb Studio 2");
    await whenTrue(page, "caches.keys().then((names) => names.length === 1 && names[0].endsWith(' 0123456789abcdef'))");
    studio.answers(false);
    await page.reload();
    expect(await page.title()).toBe("hebb Studio 2");
    await whenTrue(page, "globalThis.studio?.hot?.snapshot !== undefined");
    await page.close();
  });
  it("reports a part that cannot be loaded", async () => {
    const page = await studio.open("", { query: "&play=0", path: "/elsewhere/" });
    studio.answers(false);
    await page.getByRole("button", { name: "Compare" }).click();
    await page.getByText("This part of the Studio could not be loaded").waitFor();
    studio.answers(true);
    await page.getByRole("button", { name: "Reload the page" }).click();
    await page.getByRole("heading", { name: "Experiments" }).waitFor();
    await page.close();
  });
  it("hebb studio serves the worker under a policy that lets the page register it", async () => {
    const { files } = await (await builder()).bundleStudio();
    expect([...files.keys()]).toContain("offline.js");
    expect(policyOf(files)("index.html")).toContain("worker-src 'self'");
    expect(policyOf(files)("offline.js")).toContain("connect-src 'self'");
  });
});
