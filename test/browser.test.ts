// The library in a real browser, with and without cross-origin isolation: training gives the same bits as in Node.

import { existsSync, mkdtempSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { type BrowserContext, chromium } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Learned } from "./browser/policies.ts";
import { train } from "./browser/training.ts";
import { removeFolder } from "./suite/removeFolder.ts";

const executable = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
const required = process.env["CI"] === "true";
if (executable === undefined && !required)
  console.warn("browser test skipped: no Chromium here (Debian: apt-get install chromium)");

interface Outcome {
  readonly weights: string;
  readonly losses: readonly number[];
  readonly backend: string;
}

/** Headers for special pages. */
const policies = [
  { path: "policy/isolated", policy: undefined },
  { path: "policy/isolated/self", policy: "script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'" },
  { path: "policy/isolated/none", policy: "default-src 'self' 'wasm-unsafe-eval'; worker-src 'none'" },
  { path: "policy/no-wasm", policy: "script-src 'self'" },
] as const;

describe.skipIf(executable === undefined && !required)("in Chromium", () => {
  let server: Server;
  let context: BrowserContext;
  let origin = "";
  const profile = mkdtempSync(join(tmpdir(), "hebb-browser-"));

  beforeAll(async () => {
    const bundle = await build({
      stdin: {
        contents: `import { train } from "./training.ts";
          import { learn } from "./policies.ts";
          const run = location.pathname.includes("policy") ? learn : train;
          try { globalThis.outcome = { ...await run(), isolated: globalThis.crossOriginIsolated }; }
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
      const policy = policies.findLast(({ path }) => request.url?.startsWith(`/${path}/`))?.policy;
      if (policy !== undefined) response.setHeader("Content-Security-Policy", policy);
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
  });

  afterAll(async () => {
    await context?.close();
    server?.close();
    removeFolder(profile);
  });

  async function run<Kind>(path: string): Promise<Kind & { readonly isolated: boolean }> {
    const page = await context.newPage();
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    await page.goto(`${origin}/${path}/`);
    // Polled from outside: polling within the page would evaluate text, which its policy forbids.
    const read = () =>
      page.evaluate("globalThis.outcome") as Promise<
        (Kind & { readonly isolated: boolean; readonly failed?: string }) | undefined
      >;
    const deadline = performance.now() + 30_000;
    let outcome = await read();
    while (outcome === undefined) {
      if (performance.now() > deadline) throw new Error(`${origin}/${path}/ has no outcome\n${errors.join("\n")}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
      outcome = await read();
    }
    await page.close();
    if (outcome.failed !== undefined) throw new Error(outcome.failed);
    return outcome;
  }

  for (const path of ["plain", "isolated"]) {
    it(`trains to the same bits as in Node, ${path === "plain" ? "without" : "with"} cross-origin isolation`, async () => {
      const expected = train();
      const outcome = await run<Outcome>(path);
      expect(outcome.isolated).toBe(path === "isolated");
      expect(outcome.backend).toMatch(/wasm/);
      expect(outcome.losses.at(-1)).toBeLessThan(0.7 * (outcome.losses[0] ?? 0));
      expect(outcome.losses).toEqual(expected.losses);
      expect(outcome.weights).toBe(expected.weights);
    });
  }

  it("a page reports how many threads compute once its workers are up, and before that, that they are not", async () => {
    const { before, after, product, size, isolated } = await run<Learned>("policy/isolated");
    expect(isolated).toBe(true);
    expect(before.description).toMatch(/^wasm, SIMD, 1 thread so far \(1 more start/);
    expect(before.threads).toBe(1);
    expect(after.description).toMatch(/^wasm, SIMD, 2 threads/);
    expect(after.threads).toBe(2);
    expect(product).toBe(size);
  });

  it.each(["policy/isolated/self", "policy/isolated/none"])(
    "a page that may not start workers computes on one thread and says which policy forbids more: %s",
    async (path) => {
      const { after, product, size, isolated } = await run<Learned>(path);
      expect(isolated).toBe(true);
      expect(after.description).toMatch(
        /^wasm, SIMD, 1 thread \(the page's Content-Security-Policy forbids workers .*worker-src/,
      );
      expect(after.threads).toBe(1);
      expect(product).toBe(size);
    },
  );

  it("a page that may not compile WebAssembly computes on the reference backend, and asking for wasm is an error that says so", async () => {
    const { after, product, size, wasm } = await run<Learned>("policy/no-wasm");
    expect(after.backend).toBe("reference");
    expect(after.description).toMatch(
      /not wasm: the page's Content-Security-Policy forbids WebAssembly; script-src 'wasm-unsafe-eval'/,
    );
    expect(product).toBe(size);
    expect(wasm).toMatch(
      /^HebbError: the wasm backend is not available: the page's Content-Security-Policy forbids WebAssembly/,
    );
  });
});
