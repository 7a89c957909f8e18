// The library in a real browser: the same training as in Node, with and without cross-origin isolation, the same bits.

import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type BrowserContext, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { train } from "./browser/training.ts";

const executable = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
const required = process.env["CI"] === "true";
if (executable === undefined && !required)
  console.warn("browser test skipped: no Chromium here (Debian: apt-get install chromium)");

interface Outcome {
  readonly weights: string;
  readonly losses: readonly number[];
  readonly backend: string;
  readonly isolated: boolean;
}

describe.skipIf(executable === undefined && !required)("in Chromium", () => {
  let server: Server;
  let context: BrowserContext;
  let origin = "";
  const profile = mkdtempSync(join(tmpdir(), "hebb-browser-"));

  beforeAll(async () => {
    const bundle = await build({
      stdin: {
        contents: `import { train } from "./training.ts";
          try { globalThis.outcome = { ...train(), isolated: globalThis.crossOriginIsolated }; }
          catch (error) { globalThis.outcome = { failed: String(error?.stack ?? error) }; }`,
        resolveDir: fileURLToPath(new URL("browser", import.meta.url)),
        loader: "ts",
      },
      bundle: true,
      format: "esm",
      platform: "browser",
      target: "es2022",
      external: ["node:*"],
      write: false,
      logLevel: "silent",
    });
    const script = bundle.outputFiles[0]?.text ?? "";
    server = createServer((request, response) => {
      const isolation = { "Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp" };
      response.setHeaders(new Map(Object.entries(request.url?.includes("isolated") ? isolation : {})));
      if (request.url?.endsWith(".js")) response.writeHead(200, { "Content-Type": "text/javascript" }).end(script);
      else
        response
          .writeHead(200, { "Content-Type": "text/html" })
          .end('<!doctype html><title>hebb</title><script type="module" src="train.js"></script>');
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    context = await chromium.launchPersistentContext(profile, {
      executablePath: executable ?? "/usr/bin/chromium",
      headless: true,
      args: [
        "--no-sandbox",
        "--headless",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    });
  }, 120_000);

  afterAll(async () => {
    await context?.close();
    server?.close();
    rmSync(profile, { recursive: true, force: true });
  });

  async function run(path: string): Promise<Outcome> {
    const page = await context.newPage();
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    await page.goto(`${origin}/${path}/`);
    const handle = await page
      .waitForFunction("globalThis.outcome", undefined, { timeout: 30_000 })
      .catch((error: unknown) => {
        throw new Error(`${String(error)}\n${errors.join("\n")}`);
      });
    const outcome = (await handle.jsonValue()) as Outcome & { readonly failed?: string };
    await page.close();
    if (outcome.failed !== undefined) throw new Error(outcome.failed);
    return outcome;
  }

  for (const path of ["plain", "isolated"]) {
    it(`trains to the same bits as in Node, ${path === "plain" ? "without" : "with"} cross-origin isolation`, async () => {
      const expected = train();
      const outcome = await run(path);
      expect(outcome.isolated).toBe(path === "isolated");
      expect(outcome.backend).toMatch(/wasm/);
      expect(outcome.losses.at(-1)).toBeLessThan(0.7 * (outcome.losses[0] ?? 0));
      expect(outcome.losses).toEqual(expected.losses);
      expect(outcome.weights).toBe(expected.weights);
    });
  }
});
